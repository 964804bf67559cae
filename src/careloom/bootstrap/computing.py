"""Builds what computes: decision tables, pipelines, and the session that steps read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from careloom.errors import Unavailable
from careloom.pipelines.service import Pipelines
from careloom.rules.tables import DecisionTables
from careloom.steps.pipeline.definition import read_pipeline
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCatalog

_Read = Callable[[Scope, str], Awaitable[JsonObject]]


@dataclass(slots=True)
class Sessions:
    """The session of a run. Steps are built before the runs they belong to, so it is told later
    who can read one."""

    read: _Read | None = field(default=None)

    async def __call__(self, scope: Scope, run_id: str) -> JsonObject:
        if self.read is None:
            raise Unavailable("The house is still being built", fix="try again")
        return await self.read(scope, run_id)


@dataclass(frozen=True, slots=True)
class Computing:
    """What the computing steps and their addresses share."""

    tables: DecisionTables
    pipelines: Pipelines
    sessions: Sessions


def build_computing(db: Database, keyring: Keyring) -> Computing:
    """The services; `sessions.read` is set once there are runs."""
    return Computing(DecisionTables(db), Pipelines(db, keyring, read_pipeline), Sessions())


def step_findings(
    catalog: StepCatalog,
) -> Callable[[Scope, str, JsonObject], Awaitable[list[JsonObject]]]:
    """What step types themselves find in their parameters before a workflow is deployed."""

    async def find(scope: Scope, kind: str, params: JsonObject) -> list[JsonObject]:
        verify = getattr(catalog.get(kind), "verify", None)
        found: list[JsonObject] = [] if verify is None else await verify(scope, params)
        return found

    return find
