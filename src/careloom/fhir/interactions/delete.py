"""Delete: a deletion becomes the current version; earlier versions stay readable.

http://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from typing import Any

from careloom.fhir.conditions import compile_condition, find_one
from careloom.fhir.context import FhirContext, absent
from careloom.fhir.planned import Planned
from careloom.fhir.resource import ID_PATTERN, instant, now
from careloom.types import Scope


async def plan_delete(
    context: FhirContext,
    scope: Scope,
    type: str,
    id: str,
    *,
    if_match: int | None = None,
) -> Planned:
    """Plan a deletion; what is not there is no error."""
    context.require_type(type)
    if not ID_PATTERN.match(id):
        raise absent(type, id)
    planned = Planned(pinned=if_match is not None)
    extra: dict[str, Any] = {} if if_match is None else {"expect": if_match}
    planned.effect.add("fhir.delete", type=type, id=id, at=instant(now()), **extra)
    return planned


async def plan_conditional_delete(
    context: FhirContext, scope: Scope, type: str, criteria: str
) -> Planned:
    """Plan the deletion of the one resource that the criteria match; none is no error."""
    condition = compile_condition(context, scope, type, criteria)
    match = await find_one(context, scope, condition)
    planned = Planned()
    if match is not None:
        planned.effect.add("fhir.check", locks=condition.locks, matches=[condition.match([match])])
        planned.effect.add("fhir.delete", type=type, id=match, at=instant(now()))
    return planned
