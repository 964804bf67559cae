"""Search: resources of a type that meet criteria, as a searchset Bundle.

http://hl7.org/fhir/R4/http.html#search, http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from careloom.errors import CareloomError, Forbidden
from careloom.fhir.bundle import bundle, outcome_entry, resource_entry, url
from careloom.fhir.conditions import restricted
from careloom.fhir.context import FhirContext, Stored
from careloom.fhir.cursor import PAGE_PARAMETER, open_cursor, seal_cursor
from careloom.fhir.issue import Issue
from careloom.fhir.restriction import Restriction
from careloom.fhir.search.query import Include, Pairs, QueryReader, SearchQuery
from careloom.fhir.search.sql import SqlBuilder, Statement
from careloom.types import JsonObject, Scope

MOST_INCLUDED = 1000
MayRead = Callable[[str], bool]
# One more than MOST_INCLUDED, so that a cut is noticed.
_SOURCES = (
    "SELECT DISTINCT i.rid FROM idx_reference i WHERE i.tenant = $1 AND i.store = $2"
    " AND i.param = ($3)[1] AND i.target = ANY (($3)[2:]) LIMIT 1001"
)


def everything(resource_type: str) -> bool:
    """For callers that were authorised before."""
    return True


@dataclass(slots=True)
class _Page:
    """One page being put together."""

    matches: list[Any] = field(default_factory=list)
    has_more: bool = False
    total: int | None = None
    included: list[Stored] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


async def search(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    pairs: Pairs,
    *,
    base: str,
    strict: bool = False,
    may_read: MayRead = everything,
) -> bytes:
    """The searchset Bundle as JSON bytes.

    `may_read` says which types the principal may see: an include that names another is refused,
    an open one leaves those out. Raises InvalidInput for what cannot be answered rightly.
    """
    context.require_type(resource_type)
    after: list[str] | None = None
    token = next((value for name, value in pairs if name == PAGE_PARAMETER), None)
    if token is not None:
        content = await open_cursor(context, scope, resource_type, token)
        pairs, after, strict = [(p[0], p[1]) for p in content["query"]], content["after"], False
    query = QueryReader(context.index, resource_type, strict=strict).read(pairs)
    _authorise(query, may_read)
    restriction = restricted(context, query)
    page = await _page(context, scope, query, after, restriction)
    await _include(context, scope, query, page, may_read)
    bodies = await _open(context, scope, page.matches, page.issues)
    links = [("self", url(base, resource_type, query.used))]
    if page.has_more:
        cursor = {"query": query.used, "after": _after(page.matches[-1])}
        text = await seal_cursor(context, scope, resource_type, cursor)
        links.append(("next", url(base, resource_type, [(PAGE_PARAMETER, text)])))
    entries = [resource_entry(base, stored, "match") for stored in bodies]
    entries += [resource_entry(base, stored, "include") for stored in page.included]
    issues = query.warnings + page.issues
    if issues:
        entries.append(outcome_entry(issues))
    return bundle("searchset", entries, links=links, total=page.total)


def _authorise(query: SearchQuery, may_read: MayRead) -> None:
    for include in query.includes + query.revincludes:
        for name in (include.source, include.target):
            if name and not may_read(name):
                raise Forbidden(
                    f"An include names {name}, which this credential may not read",
                    path="_include" if include in query.includes else "_revinclude",
                )


async def _page(
    context: FhirContext,
    scope: Scope,
    query: SearchQuery,
    after: list[str] | None,
    restriction: Restriction,
) -> _Page:
    page = _Page()
    if query.count and not query.summary_count:
        statement = SqlBuilder(query, context.index, restriction).page(
            query.count + 1, after, keys=bool(query.includes)
        )
        rows = await _rows(context, scope, "fhir_search", statement)
        page.has_more = len(rows) > query.count
        page.matches = rows[: query.count]
        if after is None and not page.has_more:
            page.total = len(rows)
            return page
    if query.summary_count or not query.count or query.total in ("accurate", "estimate"):
        statement = SqlBuilder(query, context.index, restriction).count()
        page.total = await context.db.call(
            "fhir_count", scope.tenant, scope.store, statement.sql, statement.args
        )
    return page


async def _rows(
    context: FhirContext, scope: Scope, function: str, statement: Statement
) -> list[Any]:
    return await context.db.rows(function, scope.tenant, scope.store, statement.sql, statement.args)


def _after(row: Any) -> list[str]:
    return [*row["sort"], row["rid"]]


async def _include(
    context: FhirContext, scope: Scope, query: SearchQuery, page: _Page, may_read: MayRead
) -> None:
    matched = {(row["rtype"], row["rid"]) for row in page.matches}
    wanted: dict[tuple[str, str], None] = {}
    for include in query.includes:
        for row in page.matches:
            wanted.update(dict.fromkeys(_targets(include, row["keys"])))
    for include in query.revincludes:
        wanted.update(dict.fromkeys(await _sources(context, scope, include, matched)))
    places = [p for p in wanted if p not in matched and may_read(p[0])]
    places = [p for p in places if context.definitions.is_resource(p[0])]
    places = [p for p in places if context.access(p[0], "fhir:search").allowed]
    if len(places) > MOST_INCLUDED:
        text = f"Only the first {MOST_INCLUDED} included resources are here; ask for smaller pages"
        page.issues.append(Issue("warning", "incomplete", "", text))
        del places[MOST_INCLUDED:]
    if places:
        rows = await context.db.rows(
            "fhir_read_many",
            scope.tenant,
            scope.store,
            [place[0] for place in places],
            [place[1] for place in places],
        )
        live = [row for row in rows if row["body"] is not None]
        page.included = await _open(context, scope, live, page.issues)


def _targets(include: Include, keys: JsonObject | None) -> list[tuple[str, str]]:
    found = []
    for row in (keys or {}).get("r", ()):
        name, _, id = row[1].partition("/")
        if row[0] == include.parameter.key and id and include.target in ("", name):
            found.append((name, id))
    return found


async def _sources(
    context: FhirContext, scope: Scope, include: Include, matched: set[tuple[str, str]]
) -> list[tuple[str, str]]:
    targets = [f"{name}/{id}" for name, id in sorted(matched) if include.target in ("", name)]
    if not targets:
        return []
    rows = await _rows(
        context, scope, "fhir_find", Statement(_SOURCES, [include.parameter.key, *targets])
    )
    return [(include.source, row["rid"]) for row in rows]


async def _open(
    context: FhirContext, scope: Scope, rows: list[Any], issues: list[Issue]
) -> list[Stored]:
    """The bodies; a resource whose key was destroyed is left out, and the Bundle says so."""
    opened = []
    for row in rows:
        place = (row["rtype"], row["rid"], row["version"])
        try:
            body = await context.open(scope, *place, row["body"])
        except CareloomError as error:
            if error.code != "erased":
                raise
            issues.append(Issue("warning", "incomplete", "", f"{row['rtype']}: one was erased"))
            continue
        seen = context.gate("fhir:search", Stored(*place, row["updated_at"], body))
        if seen is not None:
            opened.append(seen)
    return opened
