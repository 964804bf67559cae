"""How often a step's effects on the outside were asked for on purpose.

A step hands `call.key` to its peers so that they deduplicate. A retried run keeps the key of the
step that failed, whose call may have arrived, and has new keys where the work is to be done again.
"""

from __future__ import annotations

from careloom.types import JsonObject


def generation(actor: JsonObject, path: str) -> int:
    """The last part of the key of a step, from the run's actor."""
    again: JsonObject | None = actor.get("again")
    if again is None or path in again["same"]:
        return 0 if again is None else int(again["before"])
    return int(again["generation"])


def next_generation(actor: JsonObject, same: list[str]) -> JsonObject:
    """The actor of a run that takes another's place; the steps in `same` keep their keys."""
    before = int((actor.get("again") or {}).get("generation", 0))
    return {**actor, "again": {"generation": before + 1, "before": before, "same": same}}
