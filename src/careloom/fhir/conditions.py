"""Conditional writes: criteria that name a resource by search instead of by id.

http://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from careloom.errors import InvalidInput, PreconditionFailed
from careloom.fhir.context import FhirContext
from careloom.fhir.search.query import QueryReader
from careloom.fhir.search.sql import SqlBuilder, lock_buckets
from careloom.types import JsonObject, Scope

LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Condition:
    """Compiled criteria."""

    type: str
    sql: str
    args: list[str]
    locks: list[int]

    def none_exist(self) -> JsonObject:
        """As fhir.put takes them."""
        return {"sql": self.sql, "args": self.args, "locks": self.locks}

    def match(self, expect: list[str]) -> JsonObject:
        """As fhir.check takes them."""
        return {"type": self.type, "sql": self.sql, "args": self.args, "expect": expect}


def compile_condition(
    context: FhirContext, scope: Scope, resource_type: str, criteria: str
) -> Condition:
    """Criteria such as `identifier=system|value`; what is unknown in them is an error."""
    context.require_type(resource_type)
    text = criteria.removeprefix("?")
    if len(text) > LONGEST:
        raise InvalidInput(f"The criteria are longer than {LONGEST} characters")
    pairs = parse_qsl(text, keep_blank_values=True)
    query = QueryReader(context.index, resource_type, strict=True).read(pairs)
    if not query.criteria:
        raise PreconditionFailed(
            "The criteria select nothing in particular",
            code="criteria_missing",
            fix="name at least one search parameter, for example identifier=system|value",
        )
    if len(query.used) != len(query.criteria):
        raise InvalidInput("Criteria take search parameters only, no _sort, _count or _include")
    statement = SqlBuilder(query, context.index, context.access).matches()
    locks = lock_buckets(scope.tenant, scope.store, query)
    return Condition(resource_type, statement.sql, statement.args, locks)


async def find_one(context: FhirContext, scope: Scope, condition: Condition) -> str | None:
    """The id of the one match, None for none; raises PreconditionFailed for several."""
    found = await find_matches(context, scope, condition, most=2)
    if len(found) > 1:
        raise several(condition)
    return found[0] if found else None


async def find_matches(
    context: FhirContext, scope: Scope, condition: Condition, *, most: int = 3
) -> list[str]:
    """The ids of up to `most` matches, in order."""
    rows: list[Any] = await context.db.rows(
        "fhir_find", scope.tenant, scope.store, f"{condition.sql} LIMIT {most}", condition.args
    )
    return sorted(str(row["rid"]) for row in rows)


def several(condition: Condition) -> PreconditionFailed:
    """The error for criteria that match more than one resource."""
    return PreconditionFailed(
        f"The criteria match more than one {condition.type}",
        code="multiple_matches",
        fix="add parameters until one is left",
    )
