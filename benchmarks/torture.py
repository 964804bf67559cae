"""Kills by the hundred: workers at every call and in mid-call, replies cut, connections ended, the
whole server and PostgreSQL. Counts what was lost, doubled or stranded.

python benchmarks/torture.py [--rounds N] [--server-kills N] [--storms N] [--seed N]

DATABASE_URL names the PostgreSQL to use for the workers' part (default: an embedded one).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import report

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.acceptance.kill.behind_proxy import cut_replies, end_connections
from tests.acceptance.kill.cases import KINDS, REVIEW, Clinic, Kind
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.receiver import Receiver
from tests.acceptance.kill.served import ServedHome
from tests.acceptance.kill.sweep import MODES, Boundary, Survived, Sweep, Undisturbed
from tests.conftest import create_database

from careloom.bootstrap import open_services
from careloom.settings import Settings
from careloom.store.postgres_server import EmbeddedServer

FLIGHT_S = 0.008
"""A call takes a few milliseconds; a kill in mid-call comes within this time."""


class Torture:
    """Runs the parts and gathers one row for each."""

    def __init__(
        self, options: argparse.Namespace, dsn: str, home: Path, clinic: Clinic, forks: list[Forks]
    ) -> None:
        self._options = options
        self._dsn = dsn
        self._home = home
        self._clinic = clinic
        self._forks, self._other = forks
        self.rows: list[dict[str, Any]] = []
        self.faults: list[str] = []

    async def run(self) -> None:
        expected = {}
        for kind in KINDS:
            expected[kind.name] = await Sweep(self._clinic, self._forks, kind).undisturbed()
        for number in range(self._options.rounds):
            seed = self._options.seed + number
            for kind in KINDS:
                await self._kills(kind, expected[kind.name], seed)
        for kind in KINDS:
            await self._cuts(kind, expected[kind.name])
        await self._pauses(KINDS[1], expected[KINDS[1].name])
        for number in range(self._options.storms):
            await self._storm(expected, self._options.seed + number)

    async def _kills(self, kind: Kind, expected: Undisturbed, seed: int) -> None:
        sweep, chance = Sweep(self._clinic, self._forks, kind), random.Random(f"{seed}{kind.name}")
        for decided in (False, True) if kind is REVIEW else (False,):
            for mode in MODES:
                found = [
                    await sweep.kill(
                        mode, boundary, expected, delay=chance.uniform(0, FLIGHT_S), decided=decided
                    )
                    for boundary in expected.boundaries(decided=decided)
                ]
                name = f"{kind.name}{', decided' if decided else ''}: worker killed {mode} a call"
                self._row(name, sum(one.killed for one in found), found, seed)

    async def _cuts(self, kind: Kind, expected: Undisturbed) -> None:
        async with _proxy(self._dsn) as proxy:
            sweep = Sweep(self._clinic, self._forks, kind)
            flushes = (expected.calls + expected.calls_after).count("engine_flush")
            every = {*expected.boundaries(), *expected.boundaries(decided=True)}
            every |= {Boundary("engine_flush", n) for n in range(1, flushes + 1)}
            boundaries = sorted(every, key=lambda one: (one.call, one.at))
            found = await cut_replies(self._clinic, proxy, self._home, sweep, expected, boundaries)
        kills = sum(one.killed for one in found)
        self._row(f"{kind.name}: reply cut", kills, found, self._options.seed)

    async def _pauses(self, kind: Kind, expected: Undisturbed) -> None:
        sweep = Sweep(self._clinic, self._forks, kind, lease_s=1)
        commits = expected.boundaries("engine_flush")
        found = [await sweep.pause(self._other, one, expected) for one in commits]
        name = f"{kind.name}: worker paused past its lease"
        self._row(name, len(found), found, self._options.seed)

    async def _storm(self, expected: dict[str, Undisturbed], seed: int) -> None:
        cases = [
            (
                await self._clinic.prepared(kind),
                Sweep(self._clinic, self._forks, kind),
                expected[kind.name],
            )
            for kind in KINDS
            for _ in range(5)
        ]
        async with _proxy(self._dsn) as proxy:
            count, found = await end_connections(
                self._clinic, proxy, self._home, cases, random.Random(seed)
            )
        self._row(f"{len(cases)} runs: connections ended by the server", count, found, seed)

    def _row(self, case: str, kills: int, found: list[Survived], seed: int) -> None:
        times = [one.resume_ms for one in found if one.resume_ms is not None]
        row = {
            "system": "careloom",
            "case": case,
            "kills": kills,
            "lost": sum(len(one.lost) for one in found),
            "doubled": sum(len(one.doubled) for one in found),
            "stranded": sum(len(one.stranded) for one in found),
            "wrong": sum(len(one.wrong) for one in found),
            "sent_twice": sum(one.duplicates for one in found),
            "resume_p50_ms": round(report.percentile(times, 0.5)) if times else None,
            "resume_p99_ms": round(report.percentile(times, 0.99)) if times else None,
            "seed": seed,
        }
        self.rows.append(row)
        self.faults += [fault for one in found for fault in one.faults]
        print({name: value for name, value in row.items() if name != "system"}, flush=True)


@asynccontextmanager
async def _proxy(dsn: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(dsn)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def servers(options: argparse.Namespace, receiver: Receiver, torture: Torture) -> None:
    """kill -9 of the server and of its PostgreSQL while letters are uploaded."""
    with tempfile.TemporaryDirectory(prefix="careloom-torture-") as folder:
        served = ServedHome(Path(folder) / "home", receiver)
        try:
            await served.prepare()
            await served.storm(options.server_kills, random.Random(options.seed))
            faults = await served.verdict()
            await served.stop()
        finally:
            await served.close()
    tally = served.tally
    torture.faults += faults
    row = {
        "system": "careloom",
        "case": f"server killed {tally.server_kills} times, PostgreSQL {tally.postmaster_kills}; "
        f"{len(tally.acknowledged)} uploads acknowledged, {tally.unanswered} not",
        "kills": tally.server_kills + tally.postmaster_kills,
        "lost": sum(fault.startswith("lost") for fault in faults),
        "doubled": sum(fault.startswith("doubled") for fault in faults),
        "stranded": sum(fault.startswith(("stranded", "run ")) for fault in faults),
        "wrong": len(faults),
        "sent_twice": receiver.of("served").duplicates,
        "resume_p50_ms": round(report.percentile(tally.restart_ms, 0.5)),
        "resume_p99_ms": round(report.percentile(tally.restart_ms, 0.99)),
        "seed": options.seed,
    }
    torture.rows.append(row)
    print(row, flush=True)


async def measure(options: argparse.Namespace) -> int:
    began = time.monotonic()
    home = Path(tempfile.mkdtemp(prefix="careloom-torture-"))
    given = Settings.from_environment().database_url
    embedded = None if given else await EmbeddedServer.attach(home / "server")
    dsn = await create_database(given or (embedded.dsn if embedded else ""))
    receiver = Receiver()
    await receiver.start()
    settings = Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": dsn})
    async with open_services(settings, work=False, listen=False) as services:
        clinic = Clinic(services, receiver)
        await clinic.open()
        forks = [Forks(dsn, home), Forks(dsn, home)]
        for one in forks:
            await one.start()
        torture = Torture(options, dsn, home, clinic, forks)
        try:
            if options.rounds or options.storms:
                await torture.run()
            if options.server_kills:
                await servers(options, receiver, torture)
        finally:
            for one in forks:
                await one.stop()
            await clinic.close()
    await receiver.stop()
    if embedded is not None:
        await embedded.detach()
    conditions = {
        "rounds": options.rounds,
        "storms": options.storms,
        "server_kills": options.server_kills,
        "postgresql": "given" if given else "embedded",
        "lease_s": 2,
        "seconds": round(time.monotonic() - began),
        "resume": "from the kill to the end of the run, or to the server's first answer",
    }
    report.write("torture", conditions, torture.rows)
    for fault in torture.faults:
        print(fault)
    return 1 if torture.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="sweeps over all calls and modes")
    parser.add_argument("--storms", type=int, default=3, help="rounds of ended connections")
    parser.add_argument("--server-kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    logging.disable(logging.ERROR)
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
