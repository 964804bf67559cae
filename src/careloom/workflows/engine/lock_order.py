"""What a batch of units locks beside the rows of its own runs, so that it is locked in one order.

Two workers that write one another's rows would else wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from careloom.types import JsonObject
from careloom.workflows.engine.batch import Unit

_OF_OTHER_RUNS = frozenset({"run.rollback", "run.abandon", "step.abandon"})


def locks_of(units: Iterable[Unit]) -> tuple[list[str], list[str]] | None:
    """Advisory locks by name, and the runs whose units may write rows of other runs (the last
    arguments of sql/control.sql's engine_flush_locked); None when its own rows are all."""
    names, others, shared = [], [], 0
    for unit in units:
        fields = unit.fields
        if "ops" not in fields and "fin" not in fields and "lock" not in fields:
            continue
        ops = fields.get("ops", ())
        if "lock" in fields:
            names.append(fields["lock"])
        if _writes_others(fields, ops):
            others.append(fields["r"])
        shared += any(map(_locks_resources, ops))
    return (names, others) if names or others or shared > 1 else None


def _writes_others(fields: JsonObject, ops: Iterable[JsonObject]) -> bool:
    """Its end frees the next in a queue, wakes who waits for it, or stops whom it waits for."""
    state = fields.get("fin", {}).get("state")
    return (
        (state is not None and (state != "succeeded" or fields.get("followed", False)))
        or any(op["op"] in _OF_OTHER_RUNS for op in ops)
        or any(op["op"] == "run.start" and "gate" in op["run"] for op in ops)
    )


def _locks_resources(op: JsonObject) -> bool:
    if op["op"] == "fhir.put":
        return "none_exist" in op or op["expect"] > 0
    return op["op"] in ("fhir.check", "fhir.delete")
