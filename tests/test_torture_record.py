"""The page about the torture tells what the record tells; the record adds up."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import torture_record as record  # noqa: E402


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of this test alone."""
    monkeypatch.setattr(record, "RECORD", tmp_path / "records" / "torture.json")
    monkeypatch.setattr(record, "LOCK", tmp_path / "lock")
    return tmp_path / "records" / "torture.json"


def test_the_page_shows_the_record() -> None:
    text = record.PAGE.read_text("utf-8")
    shown = text.split(record.BEGIN, 1)[1].split(record.END, 1)[0].strip()
    assert shown == record.table(), "run python benchmarks/torture_record.py"


def test_totals_are_the_sums_of_what_was_recorded() -> None:
    for name, part in record.load()["parts"].items():
        for column in record.COUNTED:
            total = sum(one.get(column, 0) for one in part["runs_recorded"])
            assert part[column] == total, f"{name}: {column}"


def test_every_recorded_run_names_its_seed_and_its_commit() -> None:
    every = [one for part in record.load()["parts"].values() for one in part["runs_recorded"]]
    assert every
    assert all(re.fullmatch("[0-9a-f]{7,}", one["commit"]) for one in every)
    assert all(isinstance(one["seed"], int) and one["date"] for one in every)


def test_what_is_found_is_added(kept: Path) -> None:
    found: dict[str, Any] = {"kills": 10, "runs": 4, "lost": 0, "seed": 1, "next": 7}
    record.add("shapes", found, [])
    record.add("shapes", {**found, "lost": 1, "next": 9}, ["lost: a note"])
    assert (record.totals()["kills"], record.totals()["lost"]) == (20, 1)
    assert record.place("shapes") == 9
    assert json.loads(kept.read_text("utf-8"))["faults"][0].endswith("shapes: lost: a note")
    assert record.shown()[-1]["bound_95"] == "1 faults in 20 kills"


def test_the_bound_is_three_by_n() -> None:
    assert record.bound(6000, 0) == "below 0.0005 for each kill"
    assert record.bound(0, 0) == "nothing was killed"
