"""How often a step's effects on the outside were asked for on purpose.

A step hands `call.key` to its peers so that they deduplicate. A retried run keeps the key of the
step that failed, whose call may have arrived, and has new keys where the work is to be done again.
"""

from __future__ import annotations

from careloom.types import JsonObject


def generation(actor: JsonObject, path: str) -> int:
    """The last part of the key of a step, from the run's actor."""
    again: JsonObject | None = actor.get("again")
    if again is None:
        return 0
    return int(again["same"].get(path, again["generation"]))


def next_generation(actor: JsonObject, same: list[str]) -> JsonObject:
    """The actor of a run that takes another's place; the steps in `same` keep their keys, also
    when they kept them before."""
    last = int((actor.get("again") or {}).get("generation", 0))
    kept = {path: generation(actor, path) for path in same}
    return {**actor, "again": {"generation": last + 1, "same": kept}}
