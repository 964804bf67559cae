"""The engine against an interpreter that knows no database: workflows drawn by chance, every
divergence counted.

python benchmarks/model.py [--steps N] [--seed N]
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import report
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.acceptance.model.generator import workflow
from tests.acceptance.model.test_engine_against_model import run_batch, with_probe

from careloom.bootstrap import open_services
from careloom.settings import Settings

BATCH = 24


@contextmanager
def probes() -> Iterator[None]:
    patched = with_probe()
    next(patched)
    yield
    next(patched, None)


async def compare(options: argparse.Namespace, home: str) -> tuple[Counter[str], list[str]]:
    """Batch after batch until as many steps were run as were asked for."""
    counted: Counter[str] = Counter()
    faults: list[str] = []
    settings = Settings.from_environment({**os.environ, "CARELOOM_HOME": home})
    chance = random.Random(options.seed)
    async with open_services(settings, listen=False) as services:
        while counted["steps"] < options.steps:
            batch = [workflow(chance, 6) for _ in range(BATCH)]
            found, wrong = await run_batch(services, batch)
            faults += wrong
            for one in found:
                counted[one.state] += 1
                counted["steps"] += len(one.rows)
                counted["writes"] += sum(one.writes.values())
    return counted, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    began = time.monotonic()
    with probes(), tempfile.TemporaryDirectory(prefix="careloom-model-") as home:
        Path(home).chmod(0o711)
        counted, faults = uvloop.run(compare(options, home))
    row = {
        "system": "careloom",
        "case": "engine against interpreter",
        **counted,
        "divergences": len(faults),
        "seed": options.seed,
        "seconds": round(time.monotonic() - began),
    }
    report.write("model", {"batch": BATCH}, [row])
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
