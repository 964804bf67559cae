"""Create: a new resource with an id of the server's, also conditional on If-None-Exist.

http://hl7.org/fhir/R4/http.html#create
"""

from __future__ import annotations

from typing import Any

from careloom.fhir.conditions import compile_condition
from careloom.fhir.context import FhirContext
from careloom.fhir.permitted import creating
from careloom.fhir.planned import Planned, add_put
from careloom.fhir.resource import new_id, now, stamp
from careloom.fhir.validation import require_valid
from careloom.types import JsonObject, Scope


async def plan_create(
    context: FhirContext,
    scope: Scope,
    resource: JsonObject,
    *,
    if_none_exist: str | None = None,
    id: str | None = None,
) -> Planned:
    """Validate and seal a create; `id` is for callers that must know it beforehand.

    With `if_none_exist` the search happens inside the write's transaction, under its lock.
    """
    require_valid(resource)
    planned = Planned()
    extra: dict[str, Any] = {}
    if if_none_exist is not None:
        condition = compile_condition(context, scope, resource["resourceType"], if_none_exist)
        extra["none_exist"] = condition.none_exist()
    moment = now()
    stamped = creating(context, stamp(resource, id or new_id(), 1, moment))
    await add_put(
        context,
        scope,
        planned,
        stamped,
        version=1,
        method="POST",
        moment=moment,
        is_unknown=id is None and if_none_exist is None,
        **extra,
    )
    return planned
