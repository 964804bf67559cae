"""Delete: a deletion becomes the current version; earlier versions stay readable.

http://hl7.org/fhir/R4/http.html#delete
"""

from __future__ import annotations

from typing import Any

from careloom.errors import PreconditionFailed
from careloom.fhir.conditions import Condition, compile_condition, find_matches, find_one
from careloom.fhir.context import FhirContext, absent
from careloom.fhir.permitted import deletable
from careloom.fhir.planned import Planned
from careloom.fhir.resource import ID_PATTERN, instant, now
from careloom.types import Scope

MOST_DELETED = 1000
"""Resources that one conditional delete takes, where a store allows many."""


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
    seen = await deletable(context, scope, type, id)
    if seen is None:
        return planned
    expect = if_match or seen
    extra: dict[str, Any] = {"expect": expect} if expect else {}
    planned.effect.add("fhir.delete", type=type, id=id, at=instant(now()), **extra)
    return planned


async def plan_conditional_delete(
    context: FhirContext,
    scope: Scope,
    type: str,
    criteria: str,
    *,
    if_match: int | None = None,
    many: bool = False,
) -> Planned:
    """Plan the deletion of the one resource that the criteria match; none is no error.

    With `many` all that match are deleted, at most MOST_DELETED; else several are refused.
    """
    condition = compile_condition(context, scope, type, criteria)
    if many and if_match is None:
        return await _plan_many(context, scope, condition)
    match = await find_one(context, scope, condition)
    planned = Planned(pinned=if_match is not None)
    extra: dict[str, Any] = {} if if_match is None else {"expect": if_match}
    if match is not None and await deletable(context, scope, type, match) is not None:
        planned.effect.add("fhir.check", locks=condition.locks, matches=[condition.match([match])])
        planned.effect.add("fhir.delete", type=type, id=match, at=instant(now()), **extra)
    return planned


async def _plan_many(context: FhirContext, scope: Scope, condition: Condition) -> Planned:
    """Each is deleted in the version that matched; another version makes the plan stale."""
    matches = await find_matches(context, scope, condition, most=MOST_DELETED + 1)
    if len(matches) > MOST_DELETED:
        raise PreconditionFailed(
            f"The criteria match more than {MOST_DELETED} resources",
            code="multiple_matches",
            fix="add parameters, and delete in several requests",
        )
    rows = await context.db.rows(
        "fhir_versions", scope.tenant, scope.store, [condition.type] * len(matches), matches
    )
    versions = {row["rid"]: row["version"] for row in rows}
    still = await find_matches(context, scope, condition, most=MOST_DELETED + 1)
    planned = Planned()
    for match in sorted(set(matches) & set(still)):
        if await deletable(context, scope, condition.type, match) is None:
            continue
        planned.effect.add(
            "fhir.delete", type=condition.type, id=match, at=instant(now()), expect=versions[match]
        )
    return planned
