"""What is tried with the FHIR store at length, each part once on a database of its own: the model,
the race of conditional creates, public data there and back, requests drawn by chance.

python benchmarks/fhir_model.py [--parts model,race,synthea,fuzz] [--operations N] [--rounds N]
                                [--cases N] [--seed N] [--record]

--record adds what was found to benchmarks/records/fhir_model.json, piece by piece; short forms of
all parts are among the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import report
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fhir
from tests.conftest import create_database
from tests.integration.api.every_operation import furnished
from tests.integration.conftest import House, opened
from tests.integration.fhir.model.walk import Walk
from tests.integration.fhir.race import race
from tests.integration.fhir.synthea import files, there_and_back
from tests.integration.fuzz.fuzz import fuzz, sender, with_places, wrong_envelope, wrong_outcome
from tests.integration.fuzz.statement import document

from careloom.api.app import build_app
from careloom.store.postgres_server import EmbeddedServer

RECORD = report.ROOT / "benchmarks" / "records" / "fhir_model.json"
PAGE = report.ROOT / "docs" / "reference" / "fhir-evidence.md"
LOCK = report.ROOT / "build" / "fhir_model.lock"
BEGIN, END = "<!-- record -->", "<!-- end of record -->"
TOLD = {
    "model": ("operations", "transaction", "batch"),
    "synthea": ("bundles", "resources"),
    "fuzz": ("cases_platform", "cases_capability_statement"),
    "race": ("rounds", "created", "told_of_it"),
}
ROUNDS, CASES = 100, 500
"""Rounds and cases after which the record is written."""
WALKS, STEPS = 8, 150
Row = dict[str, Any]


@contextmanager
def database() -> Iterator[str]:
    """A new database on an embedded PostgreSQL in memory, or on the one of DATABASE_URL."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield uvloop.run(create_database(given))
        return
    memory = Path("/dev/shm")
    root = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=root, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        server = uvloop.run(EmbeddedServer.attach(Path(folder)))
        try:
            yield uvloop.run(create_database(server.dsn))
        finally:
            uvloop.run(server.detach())


def raced(options: argparse.Namespace) -> Iterator[Row]:
    """64 clients race each round's conditional create, over two server processes."""
    with ExitStack() as stack:
        dsn = stack.enter_context(database())
        done = 0
        server = stack.enter_context(fhir.careloom(dsn, 2))
        while done < options.rounds:
            rounds = min(ROUNDS, options.rounds - done)
            name = f"s{options.seed}-{done}"
            asked = race(server.base, str(server.key), clients=64, rounds=rounds, name=name)
            found = uvloop.run(asked)
            done += found.rounds
            yield {
                "rounds": found.rounds,
                "created": found.statuses[201],
                "told_of_it": found.statuses[200],
                "faults": found.faults,
            }


async def _walked(house: House, seed: str) -> tuple[Counter[str], list[str]]:
    """Walks beside each other, each in a tenant of its own."""
    walks = []
    async with AsyncExitStack() as stack:
        for number in range(WALKS):
            desk = await house.desk("engineer")
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(house.app),
                base_url="http://careloom.test/fhir/",
                headers={"Authorization": f"Bearer {desk.key}"},
            )
            walks.append(Walk(await stack.enter_async_context(client), f"{seed}-{number}"))
        await asyncio.gather(*(walk.steps(STEPS) for walk in walks))
    counted: Counter[str] = Counter()
    for walk in walks:
        counted += walk.counted
    return counted, [fault for walk in walks for fault in walk.divergences]


def modelled(options: argparse.Namespace) -> Iterator[Row]:
    """Operations drawn by chance, against a store in memory."""
    done = number = 0
    with house() as run:
        while done < options.operations:
            counted, faults = run(_walked, f"{options.seed}-{number}")
            number, done = number + 1, done + counted["operations"]
            yield {**dict(sorted(counted.items())), "faults": faults}


async def _loaded(house: House, folder: Path) -> Row:
    desk = await house.desk("engineer")
    first, patients = files(folder)
    loaded, faults = 0, []
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(house.app),
        base_url="http://careloom.test/fhir/",
        headers={"Authorization": f"Bearer {desk.key}"},
        timeout=600,
    ) as client:
        for path in [*first, *patients]:
            count, found = await there_and_back(client, path)
            loaded, faults = loaded + count, faults + found
        total = (await client.get("?_summary=count")).json()["total"]
    if total != loaded:
        faults.append(f"{total} of {loaded} resources are there")
    return {"bundles": 2 + len(patients), "resources": loaded, "faults": faults}


def carried(options: argparse.Namespace) -> Iterator[Row]:
    """All Synthea Bundles in, each resource out again."""
    with house() as run:
        yield run(_loaded, Path(os.environ["CARELOOM_TEST_DATA"]) / "synthea-r4")


async def _fuzzed(house: House, seed: int) -> Row:
    desk = await house.desk()
    send = sender(desk.client, asyncio.get_running_loop())
    places = await furnished(desk)
    platform = with_places(build_app(None).openapi(), places)
    stated = document((await desk.get("/fhir/metadata")).json(), seed)
    base, found = "http://careloom.test", []
    for asked, root, is_wrong in (
        (platform, base, wrong_envelope),
        (stated, f"{base}/fhir", wrong_outcome),
    ):
        found.append(
            await asyncio.to_thread(
                fuzz, asked, root, send, cases=CASES, chance=seed, is_wrong=is_wrong
            )
        )
    statuses: Counter[str] = Counter()
    for one in found:
        statuses += Counter({f"status {code}": count for code, count in one.statuses.items()})
    return {
        "cases_platform": found[0].cases,
        "cases_capability_statement": found[1].cases,
        **dict(sorted(statuses.items())),
        "faults": [fault for one in found for fault in one.faults],
    }


def fuzzed(options: argparse.Namespace) -> Iterator[Row]:
    """Requests that Schemathesis draws from both documents, seed after seed."""
    warnings.simplefilter("ignore")
    done, seed = 0, options.seed
    while done < options.cases:
        with house() as run:
            row = run(_fuzzed, seed)
        seed, done = seed + 1, done + row["cases_platform"] + row["cases_capability_statement"]
        yield row


PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "model": modelled,
    "synthea": carried,
    "fuzz": fuzzed,
    "race": raced,
}


@contextmanager
def house() -> Iterator[Callable[..., Any]]:
    """A house in this process; what it gives carries out a coroutine in it."""
    with database() as dsn, tempfile.TemporaryDirectory() as home, asyncio.Runner() as runner:
        Path(home).chmod(0o711)
        env = {**os.environ, "CARELOOM_HOME": home, "DATABASE_URL": dsn}
        opening = opened(env)
        built = runner.run(opening.__aenter__())
        try:
            yield lambda work, *given: runner.run(work(built, *given))
        finally:
            runner.run(opening.__aexit__(None, None, None))


def keep(part: str, seed: int, row: Row) -> None:
    """Add what was found to the record: totals, and one line for each commit and seed. Parts may
    run beside each other."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
        entry = record.setdefault(part, {"totals": {}, "faults": [], "runs": []})
        entry["faults"] += row.pop("faults")
        totals = Counter(entry["totals"])
        totals.update(row)
        entry["totals"] = dict(sorted(totals.items()))
        day = datetime.now(UTC).strftime("%Y-%m-%d")
        line = {"date": day, "commit": report.commit(), "seed": seed}
        if line not in entry["runs"]:
            entry["runs"].append(line)
        text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        beside = RECORD.with_suffix(".new")
        beside.write_text(text, "utf-8")
        beside.replace(RECORD)
        tell(record)


def tell(record: Row) -> None:
    """The record's table in the reference."""
    lines = ["| Part | Counted | Faults | Seeds | Commits |", "|---|---|---|---|---|"]
    for part in (name for name in PARTS if name in record):
        entry = record[part]
        counted = ", ".join(
            f"{name.replace('_', ' ')} {entry['totals'][name]:,}"
            for name in TOLD[part]
            if name in entry["totals"]
        )
        seeds = ", ".join(str(seed) for seed in sorted({run["seed"] for run in entry["runs"]}))
        commits = ", ".join(f"`{c}`" for c in sorted({run["commit"] for run in entry["runs"]}))
        lines.append(f"| `{part}` | {counted} | {len(entry['faults'])} | {seeds} | {commits} |")
    text = PAGE.read_text("utf-8")
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    table = "\n".join(lines)
    PAGE.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--operations", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    faults = 0
    for part in options.parts.split(","):
        began = time.monotonic()
        for row in PARTS[part](options):
            row["seconds"] = round(time.monotonic() - began)
            began, faults = time.monotonic(), faults + len(row["faults"])
            print(part, json.dumps(row, ensure_ascii=False), flush=True)
            if options.record:
                keep(part, options.seed, row)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
