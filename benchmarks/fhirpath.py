"""Every search-parameter expression of R4 over Synthea's resources, beside fhirpathpy.

python benchmarks/fhirpath.py [--resources N] [--repeats N]

Both compile an expression once and evaluate it on each resource, in turn in one process. Only
expressions on which both give the same results count, so that nobody is fast by leaving something
out; the others are named.
"""

from __future__ import annotations

import argparse
import bz2
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import report

from careloom.fhir.definitions import load_definitions
from careloom.fhir.fhirpath_model import TYPE_ONLY, r4_model
from careloom.fhirpath import compile

PEER = report.ROOT / "build" / "peers" / "fhirpathpy"
Evaluate = Callable[[Any], list[Any]]


def peer_compiler() -> Callable[[str], Evaluate] | None:
    """fhirpathpy's compile, installed beside the benchmark; None where it cannot be."""
    if not PEER.exists():
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--target", str(PEER), "fhirpathpy"]
        )
        if done.returncode:
            return None
    sys.path.append(str(PEER))
    import fhirpathpy
    from fhirpathpy.models import models

    return lambda text: fhirpathpy.compile(text, model=models["r4"])  # type: ignore[no-any-return]


def resources(folder: Path, most: int) -> dict[str, list[Any]]:
    """A sample of each type, the same in each run."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.json.bz2")):
        for entry in json.loads(bz2.decompress(path.read_bytes()))["entry"]:
            found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    chance = random.Random(4)
    return {
        kind: chance.sample(items, min(most, len(items))) for kind, items in sorted(found.items())
    }


def measured(evaluate: Evaluate, items: list[Any], repeats: int) -> float:
    """The median of the repeats: microseconds for each evaluation."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        for item in items:
            evaluate(item)
        times.append((time.perf_counter() - began) / len(items) * 1e6)
    return statistics.median(times)


def same(left: list[Any], right: list[Any]) -> bool:
    """Whether both found the same, whatever the order."""

    def text(item: Any) -> str:
        return json.dumps(item, sort_keys=True, default=float)

    return sorted(map(text, left)) == sorted(map(text, right))


def compared(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """One row for each expression and type."""
    rows: list[dict[str, Any]] = []
    peer = peer_compiler()
    for kind, items in resources(folder, options.resources).items():
        for text in expressions(kind):
            expression = compile(text, r4_model(), type=kind, as_filters=True)

            def own(item: Any, expression: Any = expression) -> list[Any]:
                return expression(item, hooks=TYPE_ONLY)  # type: ignore[no-any-return]

            row: dict[str, Any] = {"type": kind, "expression": text}
            row["careloom_us"] = measured(own, items, options.repeats)
            other = compiled_by(peer, text, items, row)
            if other is not None:
                row["fhirpathpy_us"] = measured(other, items, options.repeats)
                row["times"] = row["fhirpathpy_us"] / row["careloom_us"]
                row["differ"] = sum(not same(own(item), other(item)) for item in items)
            rows.append(row)
    return rows


def expressions(kind: str) -> list[str]:
    """The distinct expressions of the type's search parameters."""
    parameters = load_definitions().search_parameters(kind)
    return sorted({each.expression for each in parameters if each.expression})


def compiled_by(
    peer: Callable[[str], Evaluate] | None, text: str, items: list[Any], row: dict[str, Any]
) -> Evaluate | None:
    """The peer's form of the expression; None where it fails on it."""
    if peer is None:
        return None
    try:
        evaluate = peer(text)
        for item in items:
            evaluate(item)
    except Exception as error:
        row["refused"] = type(error).__name__
        return None
    return evaluate


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the report: all expressions, then by type."""
    both = [row for row in rows if row.get("differ") == 0]
    kinds = ["all", *sorted({row["type"] for row in rows})]
    found = []
    for kind in kinds:
        chosen = [row for row in both if kind in ("all", row["type"])]
        if not chosen:
            continue
        own = [row["careloom_us"] for row in chosen]
        other = [row["fhirpathpy_us"] for row in chosen]
        for system, times in (("careloom", own), ("fhirpathpy", other)):
            row = {
                "system": system,
                "case": kind,
                "concurrency": 1,
                "expressions": len(times),
                "per_second": round(len(times) / sum(times) * 1e6),
                "p50_ms": round(report.percentile(times, 0.5) / 1000, 5),
                "p99_ms": round(report.percentile(times, 0.99) / 1000, 5),
            }
            if system == "careloom":
                row["times_in_total"] = round(sum(other) / sum(own), 1)
                row["times_median"] = round(statistics.median(r["times"] for r in chosen), 1)
                row["times_least"] = round(min(r["times"] for r in chosen), 1)
            found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resources", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slowest", type=int, default=0)
    options = parser.parse_args()
    data = os.environ.get("CARELOOM_TEST_DATA")
    if not data:
        sys.exit("CARELOOM_TEST_DATA is not set: it names the folder with synthea-r4.")
    rows = compared(options, Path(data) / "synthea-r4")
    if not any("times" in row for row in rows):
        sys.exit("fhirpathpy could not be installed; nothing was compared.")
    conditions = {
        "resources_of_a_type": options.resources,
        "repeats": options.repeats,
        "expressions_by_type": len(rows),
        "fhirpathpy_refuses": sorted({row["expression"] for row in rows if "refused" in row}),
        "fhirpathpy_differs": sorted({row["expression"] for row in rows if row.get("differ")}),
    }
    report.write("fhirpath", conditions, summary(rows))
    print(json.dumps(conditions))
    ranked = sorted((row for row in rows if "times" in row), key=lambda row: float(row["times"]))
    for row in ranked[: options.slowest]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
