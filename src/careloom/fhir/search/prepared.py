"""Searches read and compiled, kept while they are asked again: the same text means the same.

What depends on the moment (the prefix ap of a date) or on a terminology is compiled each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from careloom.fhir.context import FhirContext
from careloom.fhir.search.compiler import check_includes
from careloom.fhir.search.query import Chain, Has, Node, Pairs, QueryReader, SearchQuery
from careloom.fhir.search.resolve import OwnTerminology, asks_terminology, resolve
from careloom.fhir.search.sql import SqlBuilder, Way
from careloom.fhir.search.ways import plain_way
from careloom.types import Scope

MOST_KEPT = 2048
MOST_PAIRS, LONGEST_VALUE = 12, 200
"""Beyond these a search is not kept."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One search of one type; nothing in it is changed by answering it."""

    query: SearchQuery
    builder: SqlBuilder
    way: Way | None
    """How its pages are found, where that needs no counting."""
    used: str
    """The parameters that were understood, as in a URL."""


async def prepare(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    pairs: Pairs,
    *,
    strict: bool,
    stale: bool,
    inside: tuple[str, str] | None,
) -> Prepared:
    """The search; raises InvalidInput for what is wrong in it and Forbidden for what is hidden."""
    kept = context.index.prepared
    key = (resource_type, tuple(pairs), strict, stale, inside, context.access.grants)
    found = kept.get(key)
    if isinstance(found, Prepared):
        return found
    query = QueryReader(context.index, resource_type, strict=strict).read(pairs)
    check_includes(context.index, context.access, query)
    asks = any(map(asks_terminology, query.criteria))
    if asks:
        await resolve(OwnTerminology(context.conformance, context.access), scope, query)
    builder = SqlBuilder(
        query, context.index, context.access, pairs=not stale, stale=stale, inside=inside
    )
    made = Prepared(query, builder, plain_way(builder.nodes, builder.order), urlencode(query.used))
    small = len(pairs) <= MOST_PAIRS and all(len(value) <= LONGEST_VALUE for _, value in pairs)
    if small and not asks and not any(map(_is_of_the_moment, query.criteria)):
        if len(kept) >= MOST_KEPT:
            kept.pop(next(iter(kept)))
        kept[key] = made
    return made


def _is_of_the_moment(node: Node) -> bool:
    match node:
        case Chain(targets=targets):
            return any(_is_of_the_moment(inner) for _, inner in targets)
        case Has(inner=inner):
            return _is_of_the_moment(inner)
    return any("ap" in value[:2] or "$ap" in value for value in node.values)
