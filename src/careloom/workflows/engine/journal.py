"""A run as a worker holds it in memory, advanced only after the database replied."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from careloom.types import JsonObject

if TYPE_CHECKING:
    from careloom.workflows.engine.facts import Facts

CANCEL, ROLL_BACK, PAUSE = 1, 2, 4
"""What somebody asked of a run: the bits of `live.ctl`."""
Key = tuple[str, str]
"""(path, iteration) of a journal row."""


class Lost(Exception):
    """The run is no longer this worker's: another holds it, or the database did not answer."""


class Unborn(Lost):
    """The run's birth was refused, and nothing was written of it."""


@dataclass(slots=True)
class StepRecord:
    """One journal row, opened."""

    path: str
    iteration: str
    seq: int
    attempt: int
    outcome: str
    """succeeded, failed, skipped, degraded, cancelled, or opened for a parallel or foreach."""
    output: JsonObject = field(default_factory=dict)
    error: JsonObject | None = None
    branch: str | None = None
    effect: list[JsonObject] | None = None
    input: JsonObject | None = None

    @property
    def key(self) -> Key:
        return self.path, self.iteration


@dataclass(slots=True)
class WaitRecord:
    """A step that waits, or whose wait has ended."""

    path: str
    iteration: str
    resume: JsonObject | None
    """What the wait gave; None while it is not over."""
    until: datetime | None = None
    """When it ends by itself."""
    resolved: bool = False
    """Something came for it; its time alone does not resolve it."""


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
    control: int = 0
    """CANCEL, ROLL_BACK and PAUSE, as far as they were asked for."""
    crashes: int = 0
    steps: dict[Key, StepRecord] = field(default_factory=dict)
    attempts: dict[Key, int] = field(default_factory=dict)
    retry_at: dict[Key, datetime] = field(default_factory=dict)
    """When a step that failed is tried again."""
    waits: dict[Key, WaitRecord] = field(default_factory=dict)
    skew: timedelta = timedelta()
    """How far the database's clock is ahead of this machine's, when they disagree by much: what a
    run waits for is told by the database's."""
    next_seq: int = 0
    """The number of the next journal row: larger than any, so that what follows stands behind."""
    facts: Facts | None = field(default=None, compare=False, repr=False)
    """Set and read by facts_of (facts.py)."""
    environment: str | None = field(default=None, compare=False, repr=False)
    """The tenant's, once a step of the run has asked."""
    bear: Callable[[], Awaitable[None]] | None = field(default=None, compare=False, repr=False)
    """While the run is not born yet: commits its birth. Whatever waits does that first."""


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
