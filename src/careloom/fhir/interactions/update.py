"""Update: the next version of a resource, by id or by criteria; also update as create.

http://hl7.org/fhir/R4/http.html#update, http://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from careloom.errors import InvalidInput, PreconditionFailed
from careloom.fhir.conditions import compile_condition, find_one
from careloom.fhir.context import Current, FhirContext, current
from careloom.fhir.permitted import replacing
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.resource import ID_PATTERN, new_id, now, stamp
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject, Scope


async def plan_update(
    context: FhirContext,
    scope: Scope,
    resource: JsonObject,
    *,
    if_match: int | None = None,
    criteria: str | None = None,
    must_exist: bool = False,
    must_be_new: bool = False,
) -> Planned:
    """Validate and seal an update of the version that is current now.

    `if_match` is the version that the client saw; without it a plan that went stale may be made
    again. Raises PreconditionFailed when the version is another, when nothing is there that
    `must_exist`, or something that `must_be_new`.
    """
    require_valid(resource)
    planned = Planned(pinned=if_match is not None)
    if criteria is None:
        resource_id = resource.get("id")
    else:
        resource_id = await _by_criteria(context, scope, planned, resource, criteria)
    if not isinstance(resource_id, str) or not ID_PATTERN.match(resource_id):
        raise InvalidInput(
            "An update needs the id of the resource",
            code="id_missing",
            path=f"{resource['resourceType']}.id",
            fix="put the id into the resource and the URL, or create it instead",
        )
    found = await current(context, scope, resource["resourceType"], resource_id)
    resource = await replacing(context, scope, "fhir:update", resource, resource_id, found)
    check_if_match(found, if_match)
    check_presence(found, must_exist=must_exist, must_be_new=must_be_new)
    moment = now() if found.updated_at is None else max(now(), found.updated_at)
    version = found.version + 1
    stamped = stamp(resource, resource_id, version, moment)
    await add_put(context, scope, planned, stamped, version=version, method="PUT", moment=moment)
    return planned


def check_if_match(found: Current, if_match: int | None) -> None:
    """Raise PreconditionFailed unless the current version is the one that the client saw."""
    if if_match is not None and (found.version != if_match or found.deleted or not found.version):
        raise PreconditionFailed(
            "The resource has another version now",
            code="stale",
            fix="read it again, apply the change to what you read, and send its ETag as If-Match",
            details={"current": found.version},
        )


def check_presence(found: Current, *, must_exist: bool, must_be_new: bool) -> None:
    """Raise PreconditionFailed when If-Match: * finds nothing, or If-None-Match: * something."""
    exists = found.version > 0 and not found.deleted
    if must_exist and not exists:
        raise PreconditionFailed("There is nothing to update", code="absent", path="If-Match")
    if must_be_new and exists:
        raise PreconditionFailed("It exists already", code="exists", path="If-None-Match")


async def _by_criteria(
    context: FhirContext, scope: Scope, planned: Planned, resource: JsonObject, criteria: str
) -> str:
    condition = compile_condition(context, scope, resource["resourceType"], criteria)
    match = await find_one(context, scope, condition)
    given = resource.get("id")
    if match is not None and given is not None and given != match:
        raise InvalidInput(
            "The criteria match another resource than the id in the body",
            code="id_mismatch",
            path=f"{resource['resourceType']}.id",
        )
    expect = [] if match is None else [match]
    planned.effect.add("fhir.check", locks=condition.locks, matches=[condition.match(expect)])
    return match or given or new_id()
