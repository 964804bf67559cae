"""What is tried with the FHIR store at length, each part once on a database of its own: the model,
the race of conditional creates, public data there and back, requests drawn by chance.

python benchmarks/fhir_model.py [--parts model,race,synthea,fuzz] [--operations N] [--rounds N]
                                [--cases N] [--seed N] [--record]

--record keeps what was found in benchmarks/records/fhir_model.json; short forms of all parts are
among the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import report
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import fhir
from tests.conftest import create_database
from tests.integration.fhir.race import race

from careloom.store.postgres_server import EmbeddedServer

RECORD = report.ROOT / "benchmarks" / "records" / "fhir_model.json"
CLIENTS = 64
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


def raced(options: argparse.Namespace) -> Row:
    """64 clients race each round's conditional create, over two server processes."""
    with ExitStack() as stack:
        server = stack.enter_context(fhir.careloom(stack.enter_context(database()), 2))
        found = uvloop.run(
            race(
                server.base,
                str(server.key),
                clients=CLIENTS,
                rounds=options.rounds,
                name=f"s{options.seed}",
            )
        )
    return {
        "rounds": found.rounds,
        "clients": CLIENTS,
        "processes": 2,
        "created": found.statuses[201],
        "told_of_it": found.statuses[200],
        "faults": found.faults,
    }


PARTS: dict[str, Callable[[argparse.Namespace], Row]] = {
    "race": raced,
}


def keep(part: str, row: Row) -> None:
    """The newest run of each part stands in the record."""
    record = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    date = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    record[part] = {"date": date, "commit": report.commit(), **row}
    RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--operations", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    failed = False
    for part in options.parts.split(","):
        began = time.monotonic()
        row = PARTS[part](options)
        row |= {"seed": options.seed, "seconds": round(time.monotonic() - began)}
        failed = failed or bool(row["faults"])
        print(part, json.dumps(row, ensure_ascii=False)[:6000], flush=True)
        if options.record:
            keep(part, row)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
