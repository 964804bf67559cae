"""Kills by the thousand: workers at every call and in mid-call, at random moments, paused past
their lease; replies cut, connections ended, the network away, clocks that jump, a full disk, the
whole server and PostgreSQL. Counts what was lost, doubled, left stranded or wrong, and adds it to
benchmarks/records/torture.json.

python benchmarks/torture.py [--parts storm,shapes,…] [--kills N] [--seed N] [--from N] [--forks N]

DATABASE_URL names the PostgreSQL to use for the workers' parts (default: an embedded one).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import report
import torture_record as record

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torture_faults as faults
import torture_flagships as flagships
import torture_shapes as shapes
from tests.acceptance.kill.tally import FAULTS, Tally
from torture_place import Place, place

Part = Callable[[Place, argparse.Namespace, shapes.Tell], Awaitable[None]]
PARTS: dict[str, Part] = {
    "storm": shapes.storm,
    "shapes": shapes.shapes,
    "pauses": shapes.pauses,
    "flagships": flagships.flagships,
    "replies": flagships.replies,
    "connections": flagships.connections,
    "servers": flagships.servers,
    "network": faults.network,
    "clock": faults.clock,
    "disk": faults.disk,
}


class Teller:
    """Prints and keeps what each chapter of a part has found."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._began = time.monotonic()
        self.rows: list[dict[str, Any]] = []
        self.faults: list[str] = []

    def __call__(self, part: str, tally: Tally, conditions: dict[str, Any]) -> None:
        seconds, self._began = time.monotonic() - self._began, time.monotonic()
        times = tally.resume_ms
        counts: dict[str, Any] = {
            "kills": tally.kills,
            "holding": tally.holding,
            "runs": tally.runs,
            **{kind: len(tally.faults[kind]) for kind in FAULTS},
            "given_up": tally.given_up,
            "sent_twice": tally.sent_twice,
            "resume_p50_ms": round(report.percentile(times, 0.5)) if times else None,
            "resume_p99_ms": round(report.percentile(times, 0.99)) if times else None,
            "resumes": len(times),
            "seconds": round(seconds),
            "load": round(os.getloadavg()[0], 1),
            **conditions,
        }
        self.rows.append({"part": part, **counts})
        self.faults += [f"{part}: {fault}" for fault in tally.all_faults]
        print({"part": part, **counts}, flush=True)
        for fault in tally.all_faults:
            print(fault, flush=True)
        if self._keep:
            record.add(part, counts, tally.all_faults)


async def torture(options: argparse.Namespace) -> int:
    teller = Teller(keep=not options.unrecorded)
    async with place(options.forks) as here:
        for part in options.parts.split(","):
            await PARTS[part](here, options, teller)
    report.write("torture", {"seed": options.seed, "forks": options.forks}, teller.rows)
    print(f"\nSo far, in {record.RECORD.relative_to(report.ROOT)}:")
    report.table(record.shown())
    return 1 if teller.faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="which, of: " + ", ".join(PARTS))
    parser.add_argument("--kills", type=int, default=100, help="of each part, at most")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument(
        "--from",
        dest="first",
        type=int,
        default=record.place("shapes"),
        help="the shape with which the part `shapes` goes on (default: where it stopped)",
    )
    parser.add_argument(
        "--modes",
        choices=("all", "one"),
        default="all",
        help="kill at each boundary before, during and after the call, or in one of these",
    )
    parser.add_argument("--forks", type=int, default=4, help="workers at once, at least 2")
    parser.add_argument("--unrecorded", action="store_true", help="leave the record as it is")
    logging.disable(logging.ERROR)
    return asyncio.run(torture(parser.parse_args()))


if __name__ == "__main__":
    raise SystemExit(main())
