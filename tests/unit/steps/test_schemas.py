"""What every step type's schema states, and that the reference repeats it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from careloom.ai.workers import SHIPPED
from careloom.steps.schema import load_schema

ROOT = Path(__file__).resolve().parents[3]
STEPS = ROOT / "src" / "careloom" / "steps"
SCHEMAS = sorted(STEPS.glob("*/*schema.json"))


def _type_of(path: Path) -> str:
    kind = path.name.removesuffix("schema.json").removesuffix(".")
    return kind or path.parent.name


def _schema(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return schema


@pytest.mark.parametrize("path", SCHEMAS, ids=map(_type_of, SCHEMAS))
def test_a_schema_states_replay_undo_and_egress(path: Path) -> None:
    schema = _schema(path)
    assert schema["replay"] in ("run", "reuse")
    assert schema["undo"] in (True, False, "none-needed")
    assert isinstance(schema["undo"], bool | str)
    assert isinstance(schema["egress"], bool)
    assert schema["egress"] is False or schema["replay"] == "reuse", "a replay must not call"


def test_the_reference_repeats_replay_undo_and_egress() -> None:
    page = (ROOT / "docs" / "reference" / "steps.md").read_text("utf-8")
    section = page.partition("## Replay, undo, leaving the house")[2].partition("\n## ")[0]
    stated = {}
    for row in re.findall(r"^\| (`.+) \|$", section, re.M):
        types, replay, undo, outside = row.split(" | ")
        for name in re.findall(r"`(\w+)`", types):
            stated[name] = (replay, undo, outside != "no")
    real = {}
    for path in SCHEMAS:
        schema = _schema(path)
        undo = schema["undo"]
        word = undo if isinstance(undo, str) else str(undo).lower()
        real[_type_of(path)] = (schema["replay"], word, schema["egress"])
    assert stated == real


def test_the_shipped_workers_stand_in_the_schema_with_what_they_read() -> None:
    worker = load_schema("worker")["input"]["properties"]["worker"]
    assert worker["examples"] == [shipped.name for shipped in SHIPPED]
    for shipped in SHIPPED:
        assert f"{shipped.name} reads input.{shipped.reads}" in worker["description"]
