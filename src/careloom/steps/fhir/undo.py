"""Undoing what a fhir step wrote: each resource goes back to what it was before, as a new version.

A resource that somebody changed since is left alone, and the rollback says so: an undo must not
take a later change away.
"""

from __future__ import annotations

from typing import Any

from careloom.errors import Gone, NotFound
from careloom.fhir.planned import Planned
from careloom.fhir.store import FhirStore
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCall, StepError

_WRITTEN = ("created", "updated", "deleted")


async def undoing(store: FhirStore, call: StepCall, results: list[JsonObject]) -> Effect | None:
    """The effect that takes back these results of a step, the last first; None for nothing."""
    effect = Effect()
    for result in reversed(results):
        if result.get("outcome") in _WRITTEN:
            call.require("fhir:write", result["type"])
            own = (call.done or {}).get("written", {})
            planned = await _one(store, call.scope, result, own)
            if planned is not None:
                effect.extend(planned.effect)
    return effect or None


async def _one(
    store: FhirStore, scope: Scope, result: JsonObject, own: JsonObject
) -> Planned | None:
    type_, id_, version = result["type"], result["id"], int(result["version"])
    now, is_deleted = await _current(store, scope, type_, id_)
    # What the run itself wrote after the step has been undone before it.
    if not {*range(version + 1, now + 1)} <= {*own.get(f"{type_}/{id_}", ())} or now < version:
        raise StepError(
            f"{type_}/{id_} was changed after the step wrote it, so it is not undone",
            code="changed_since",
            details={"reference": f"{type_}/{id_}", "written": version, "current": now},
        )
    earlier = await _earlier(store, scope, type_, id_, version - 1)
    if earlier is not None:
        return await store.plan_update(scope, earlier)
    return None if is_deleted else await store.plan_delete(scope, type_, id_, if_match=now)


async def _current(store: FhirStore, scope: Scope, type_: str, id_: str) -> tuple[int, bool]:
    """The version now, and whether it is a deletion; 0 when there is nothing."""
    try:
        found = await store.read(scope, type_, id_)
    except Gone as gone:
        return int(gone.details["version"]), True
    except NotFound:
        return 0, True
    return int(found["meta"]["versionId"]), False


async def _earlier(
    store: FhirStore, scope: Scope, type_: str, id_: str, version: int
) -> Any | None:
    """The resource of an earlier version; None when there was none, or a deletion."""
    if version < 1:
        return None
    try:
        return await store.vread(scope, type_, id_, str(version))
    except (Gone, NotFound):
        return None
