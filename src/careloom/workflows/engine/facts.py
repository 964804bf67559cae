"""What stays the same for as long as a worker holds a run, worked out once."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.types import JsonObject, Scope
from careloom.workflows.engine.journal import RunState
from careloom.workflows.grants import Grants, run_grants


@dataclass(frozen=True, slots=True)
class Facts:
    """A run's names in their several forms, and for whom it acts."""

    scope: Scope
    run_id: str
    """With hyphens, as rows have it."""
    name: str
    """The public name."""
    origin: str
    """The origin run, in hexadecimal digits."""
    grants: Grants
    actor: JsonObject
    """What audit rows say of the run as an actor; a row adds its step."""


def facts_of(run: RunState) -> Facts:
    """The facts of a run, kept with it."""
    facts = run.facts
    if facts is None:
        actor: JsonObject = {
            "principal": run.actor.get("principal"),
            "kind": "run",
            "run_id": str(run.run_id),
        }
        if "chain" in run.actor:
            actor["chain"] = run.actor["chain"]
        facts = run.facts = Facts(
            scope=Scope(run.tenant, run.store),
            run_id=actor["run_id"],
            name=f"run_{run.run_id.hex}",
            origin=run.origin_run.hex,
            grants=run_grants(run.actor),
            actor=actor,
        )
    return facts
