"""Patch: a change of the current version, as JSON Patch or FHIRPath Patch, also by criteria.

http://hl7.org/fhir/R4/http.html#patch
"""

from __future__ import annotations

from typing import Any

from careloom.errors import Gone, InvalidInput, NotFound
from careloom.fhir.conditions import compile_condition, find_one
from careloom.fhir.context import Current, FhirContext, Stored
from careloom.fhir.interactions import read
from careloom.fhir.interactions.update import check_if_match
from careloom.fhir.patching.fhirpath_patch import apply_changes, read_changes
from careloom.fhir.patching.form import Patch
from careloom.fhir.patching.json_patch import apply_json_patch, check_json_patch
from careloom.fhir.permitted import replacing
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.references import make_local
from careloom.fhir.resource import now, parse, stamp
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject, Scope


async def plan_patch(
    context: FhirContext,
    scope: Scope,
    type: str,
    id: str | None,
    patch: Patch,
    *,
    if_match: int | None = None,
    criteria: str | None = None,
) -> Planned:
    """Apply a patch (a list is JSON Patch, an object FHIRPath Patch) or a function to the version
    that is current now, validate and seal the result.

    A plan that went stale may be made again unless `if_match` names the version. Raises NotFound or
    Gone, InvalidInput for what is no patch, PatchFailed for one that does not fit, InvalidResource.
    """
    context.require_type(type)
    planned = Planned(pinned=if_match is not None)
    if criteria is not None:
        id = await _by_criteria(context, scope, planned, type, criteria)
    stored = await _stored(context, scope, type, str(id), is_match=criteria is not None)
    check_if_match(Current(stored.version, False, stored.updated_at), if_match)
    patched = patched_resource(context, parse(stored.body), patch)
    make_local(patched, context.base)
    found = Current(stored.version, False, stored.updated_at)
    patched = await replacing(context, scope, "fhir:patch", patched, stored.id, found)
    require_valid(patched)
    moment = max(now(), stored.updated_at)
    version = stored.version + 1
    stamped = stamp(patched, stored.id, version, moment)
    await add_put(context, scope, planned, stamped, version=version, method="PUT", moment=moment)
    return planned


async def _stored(
    context: FhirContext, scope: Scope, type: str, id: str, *, is_match: bool
) -> Stored:
    try:
        return await read.read(context, scope, type, id)
    except Gone:
        if not is_match:
            raise
        # It was deleted after it was found.
        raise NotFound(f"The criteria match no {type}") from None


def patched_resource(context: FhirContext, resource: JsonObject, patch: Patch) -> JsonObject:
    """The resource as the patch leaves it, not validated yet; raises InvalidInput, PatchFailed."""
    patched: Any
    if callable(patch):
        patched = patch(resource)
    elif isinstance(patch, list):
        patched = apply_json_patch(resource, check_json_patch(patch))
    else:
        changes = read_changes(patch, resource["resourceType"])
        patched = apply_changes(context.definitions, resource, changes)
    for name in ("resourceType", "id"):
        if not isinstance(patched, dict) or patched.get(name) != resource[name]:
            raise InvalidInput(
                f"A patch must not change {name}",
                code="invalid_patch",
                path=f"{resource['resourceType']}.{name}",
            )
    kept: JsonObject = patched
    return kept


async def _by_criteria(
    context: FhirContext, scope: Scope, planned: Planned, type: str, criteria: str
) -> str:
    condition = compile_condition(context, scope, type, criteria)
    match = await find_one(context, scope, condition)
    if match is None:
        raise NotFound(f"The criteria match no {type}")
    planned.effect.add("fhir.check", locks=condition.locks, matches=[condition.match([match])])
    return match
