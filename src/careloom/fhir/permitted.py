"""What a write by a caller may do: checked on the content before and after it.

What is outside the caller's compartments is not there for it: it is neither changed nor betrayed
by another status. http://hl7.org/fhir/R4/security.html#6.1.0.3
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from careloom.errors import Forbidden, Gone, NotFound
from careloom.fhir.audited.rows import NEWEST, Wanted, find
from careloom.fhir.context import Current, FhirContext, Stored, absent
from careloom.fhir.interactions.read import read
from careloom.fhir.resource import parse
from careloom.fhir.restriction import EVERYTHING, Restriction, in_compartment, keep_hidden
from careloom.types import JsonObject, Scope

_TRAIL = ("AuditEvent", "Provenance")
"""The types of which the server makes resources of its audit trail, under the ids of its rows."""


def creating(context: FhirContext, resource: JsonObject) -> JsonObject:
    """The stamped resource as it may be created; raises Forbidden."""
    restriction = context.access.require(resource["resourceType"], "fhir:create")
    if restriction.is_full:
        return resource
    _require_inside(context, restriction, resource)
    return keep_hidden(restriction, resource, None)


async def replacing(
    context: FhirContext,
    scope: Scope,
    permission: str,
    resource: JsonObject,
    resource_id: str,
    found: Current,
) -> JsonObject:
    """What an update (fhir:update) or a patch (fhir:patch) stores in place of what was found.

    Raises Forbidden, or NotFound for what the caller cannot see.
    """
    type = resource["resourceType"]
    restriction = context.access.require(type, permission)
    is_new = not found.version or found.deleted
    if is_new and type in _TRAIL:
        await _require_not_in_trail(context, scope, type, resource_id)
    if is_new:
        making = context.access.require(type, "fhir:create")
        if making.is_full and restriction.is_full:
            return resource
    elif restriction.is_full:
        return resource
    stored = None if is_new else await _stored(context, scope, restriction, type, resource_id)
    if stored is None and (not is_new or restriction.compartment is not None):
        raise absent(type, resource_id)
    if is_new:
        restriction = _both(restriction, making)
    if stored is not None:
        _require_own(context, restriction, parse(stored.body))
    named = {**resource, "id": resource_id}
    _require_inside(context, restriction, named)
    return keep_hidden(restriction, named, None if stored is None else parse(stored.body))


async def deletable(context: FhirContext, scope: Scope, type: str, id: str) -> int | None:
    """The version that the caller may delete, 0 for whichever there is, None for nothing."""
    restriction = context.access.require(type, "fhir:delete")
    if restriction.compartment is None:
        return 0
    stored = await _stored(context, scope, restriction, type, id)
    if stored is None:
        return None
    _require_own(context, restriction, parse(stored.body))
    return stored.version


async def _stored(
    context: FhirContext, scope: Scope, restriction: Restriction, type: str, id: str
) -> Stored | None:
    """The whole current version, when it lies inside the restriction."""
    try:
        stored = await read(replace(context, access=EVERYTHING), scope, type, id)
    except (NotFound, Gone):
        return None
    inside = in_compartment(context.index, restriction.compartment, parse(stored.body))
    return stored if inside else None


def _both(one: Restriction, other: Restriction) -> Restriction:
    compartment = one.compartment if other.compartment is None else other.compartment
    if one.compartment is not None and other.compartment is not None:
        compartment = tuple(id for id in one.compartment if id in other.compartment)
    return Restriction(True, compartment, one.hidden | other.hidden)


def _require_inside(context: FhirContext, restriction: Restriction, resource: JsonObject) -> None:
    if in_compartment(context.index, restriction.compartment, resource):
        _require_own(context, restriction, resource)
        return
    raise Forbidden(
        f"This {resource['resourceType']} would belong to none of the patients of this credential",
        code="outside_compartment",
        path=resource["resourceType"],
        fix="refer to a patient that the credential is for",
    )


def _require_own(context: FhirContext, restriction: Restriction, resource: JsonObject) -> None:
    """Raise Forbidden for what is first of all another patient's: who is named in it, as its
    performer for example, may see it and not write into that patient's record."""
    type, id = resource["resourceType"], resource.get("id", "")
    owner = context.index.patient(type, id, context.index.rows(resource))
    if restriction.compartment is None or owner in restriction.compartment:
        return
    raise Forbidden(
        f"This {type} belongs to another patient than those of this credential",
        code="outside_compartment",
        path=type,
        fix="write resources whose subject is a patient that the credential is for",
    )


async def _require_not_in_trail(context: FhirContext, scope: Scope, type: str, id: str) -> None:
    """Raise Forbidden for the id of an audit row: what is stored there would pose as the row."""
    try:
        row_id = UUID(id)
    except ValueError:
        return
    before = UUID(int=min(row_id.int + 1, NEWEST.int))
    if (await find(context, scope, Wanted({"id": str(row_id)}), before, 1)).rows:
        raise Forbidden(
            f"This id is one of the audit trail, whose {type} resources nobody writes",
            code="audit_trail",
            path=f"{type}.id",
            fix="choose another id",
        )
