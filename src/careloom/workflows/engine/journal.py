"""A run as a worker holds it in memory, advanced only after the database replied."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from careloom.types import JsonObject


@dataclass(slots=True)
class StepRecord:
    """One journal row, opened."""

    path: str
    iteration: str
    seq: int
    attempt: int
    outcome: str
    """succeeded, failed or skipped."""
    output: JsonObject = field(default_factory=dict)
    error: JsonObject | None = None
    branch: str | None = None
    effect: list[JsonObject] | None = None


@dataclass(slots=True)
class WaitRecord:
    """A step that waits, or whose wait has ended."""

    path: str
    iteration: str
    resume: JsonObject | None
    """What the wait gave; None while it is not over."""
    until: datetime | None = None
    """When it ends by itself."""


@dataclass(slots=True)
class RunState:
    """Everything a worker knows of a run that it holds."""

    tenant: str
    store: str
    run_id: uuid.UUID
    fence: int
    wakes: int
    workflow_id: str
    version: int
    def_hash: str
    origin_run: uuid.UUID
    source: str
    actor: JsonObject
    patient: str | None
    trigger: JsonObject
    created_at: datetime
    cancelled: bool = False
    crashes: int = 0
    steps: dict[tuple[str, str], StepRecord] = field(default_factory=dict)
    attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    waits: dict[tuple[str, str], WaitRecord] = field(default_factory=dict)

    @property
    def next_seq(self) -> int:
        return len(self.steps)

    def record(self, path: str, iteration: str = "") -> StepRecord | None:
        return self.steps.get((path, iteration))


def settle_output(output: JsonObject, effect: list[JsonObject] | None) -> JsonObject:
    """The output as it became true: a conditional create that met an existing resource names that
    one, whose id only the transaction knew, and not the one that was planned."""
    for result in effect or ():
        if result.get("outcome") == "matched" and "reference" in output:
            planned = output.get("id")
            kept = {k: v for k, v in output.items() if not _is_resource(v, planned)}
            reference = f"{result['type']}/{result['id']}"
            return {**kept, "id": result["id"], "reference": reference}
    return output


def _is_resource(value: Any, planned: Any) -> bool:
    """The planned resource, which was never written, under any name."""
    return isinstance(value, dict) and "resourceType" in value and value.get("id") == planned
