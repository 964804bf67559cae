"""Search among contained resources: _contained=true and both, with _containedType.

http://hl7.org/fhir/R4/search.html#contained. An index row says which types a resource contains;
those resources are opened and what they contain is compared, some thousands a page at the most.
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from careloom.errors import InvalidInput, Unavailable
from careloom.fhir.bundle import outcome_entry, url
from careloom.fhir.context import FhirContext
from careloom.fhir.cursor import open_cursor, seal_cursor
from careloom.fhir.interactions.search import cursor_place, search
from careloom.fhir.issue import Issue
from careloom.fhir.resource import parse, seal_place, serialize
from careloom.fhir.restriction import require_parameter, shown
from careloom.fhir.search.compiler import PERMISSION
from careloom.fhir.search.index import CONTAINED
from careloom.fhir.search.match import alone, meets_all
from careloom.fhir.search.pager import select
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import Criterion, Pairs, QueryReader, SearchQuery
from careloom.fhir.search.searchset import entry, searchset
from careloom.fhir.search.sql import ENTER, SqlBuilder, Statement, Way
from careloom.fhir.search.subset import subset, wants_subset
from careloom.types import JsonObject, Scope

PAGE = "_within"
"""The parameter of the link to the next contained matches."""
ASKED, KIND = "_contained", "_containedType"
MOST_OPENED = 2000
"""Resources that one page opens."""
AT_ONCE = 100
_SEPARATOR = "\x1f"
_HOLDING = (
    f"SELECT p.param FROM {ENTER} CROSS JOIN LATERAL (SELECT u.param"
    " FROM unnest(string_to_array((e.v)[1], chr(31))) u(param) WHERE EXISTS (SELECT"
    " FROM idx_token i WHERE i.tenant = e.tenant AND i.store = e.store AND i.param = u.param"
    " AND i.code = (e.v)[2] OFFSET 0) OFFSET 0) p"
)


def asks_contained(pairs: Pairs) -> bool:
    """Whether contained resources are searched."""
    return any(name == PAGE or (name == ASKED and value != "false") for name, value in pairs)


@dataclass(slots=True)
class _Asked:
    """A search among what resources contain, and how far its page has come."""

    context: FhirContext
    scope: Scope
    query: SearchQuery
    criteria: list[Criterion]
    base: str
    place: tuple[str, str] = ("", "")
    """Type and id of the last resource that was opened."""
    entries: list[bytes] = field(default_factory=list)
    opened: int = 0
    issues: list[Issue] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether the page ends here, before everything was looked at."""
        return len(self.entries) >= self.query.count or self.opened >= MOST_OPENED


async def search_contained(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    pairs: Pairs,
    *,
    base: str,
    strict: bool,
) -> bytes:
    """A page of contained matches; behind the last, with `both`, those of the search itself.

    The caller must be allowed to search both the type and those that contain it. Raises
    InvalidInput for what only the index of whole resources answers.
    """
    context.require_type(resource_type)
    token = next((value for name, value in pairs if name == PAGE), None)
    start = ("", "")
    if token is not None:
        where = cursor_place(context, f"{resource_type}#")
        content = await open_cursor(context, scope, where, token)
        pairs, strict = [(name, value) for name, value in content["query"]], False
        start = (content["place"][0], content["place"][1])
    asked = _read(context, scope, resource_type, pairs, base, strict)
    asked.place = start
    await _require_fresh(context, scope)
    is_done = await _go_through(asked)
    if is_done and asked.query.contained == "both" and not asked.entries and token is None:
        return await _others(asked, strict)
    links = await _links(asked, token, is_done)
    total = len(asked.entries) if _is_all(asked, token, is_done) else None
    issues = [*asked.query.warnings, *asked.issues]
    if issues:
        asked.entries.append(serialize(outcome_entry(issues)))
    return searchset(asked.entries, links, total)


def _is_all(asked: _Asked, token: str | None, is_done: bool) -> bool:
    return is_done and token is None and asked.query.contained == "true"


def _read(
    context: FhirContext, scope: Scope, resource_type: str, pairs: Pairs, base: str, strict: bool
) -> _Asked:
    query = QueryReader(context.index, resource_type, strict=strict).read(pairs)
    restriction = context.access.require(resource_type, PERMISSION)
    refused = {
        "_sort": query.sort,
        "_include": query.includes,
        "_revinclude": query.revincludes,
        "_total": query.total in ("accurate", "estimate"),
        "_summary": query.summary == "count",
        "_count": query.count == 0,
    }
    criteria = [alone(node) for node in query.criteria]
    for criterion in criteria:
        code = criterion.parameter.code
        refused[code] = code == "_lastUpdated"
        require_parameter(context.definitions, restriction, resource_type, code)
    for name, is_asked in refused.items():
        if is_asked:
            raise InvalidInput(
                f"{name} is not served together with _contained",
                code="not_with_contained",
                path=name,
                fix="leave one of them out",
            )
    return _Asked(context, scope, query, criteria, base)


async def _require_fresh(context: FhirContext, scope: Scope) -> None:
    if await context.db.call("fhir_contained_stale", scope.tenant, scope.store):
        raise Unavailable(
            "_contained: the store's search index is not complete yet",
            code="reindex_needed",
            fix="run `careloom reindex` once after the upgrade",
        )


async def _go_through(asked: _Asked) -> bool:
    """Fill the page; False when there may be more behind it."""
    for kind in await _holders(asked):
        if kind < asked.place[0]:
            continue
        after = asked.place[1] if kind == asked.place[0] else ""
        while True:
            rows = await _containers(asked, kind, after)
            await _look(asked, kind, rows)
            if asked.is_full:
                return False
            if len(rows) < AT_ONCE:
                break
            after = rows[-1]["rid"]
    return True


async def _holders(asked: _Asked) -> list[str]:
    """The types that contain such resources here, and that the caller may search unmasked."""
    context = asked.context
    seen = [
        type
        for type in context.definitions.resource_types
        if (restriction := context.access(type, PERMISSION)).allowed and not restriction.hidden
    ]
    params = _SEPARATOR.join(f"{type}.{CONTAINED}" for type in seen)
    statement = Statement(_HOLDING, [params, asked.query.resource_type])
    rows = await select(context, asked.scope, statement)
    return sorted(row["param"].partition(".")[0] for row in rows)


async def _containers(asked: _Asked, kind: str, after: str) -> list[Any]:
    """The next resources of a type that contain what is looked for, in the order of their ids."""
    parameter = SearchParameter(kind, CONTAINED, "token", (), "", (), single=False)
    criterion = Criterion(parameter, "", (asked.query.resource_type,))
    query = SearchQuery(kind, [criterion])
    builder = SqlBuilder(query, asked.context.index, asked.context.access)
    way = Way(driver=builder.nodes[-1])
    page = builder.page(way, AT_ONCE, [after] if after else None, keys=False)
    return await select(asked.context, asked.scope, page)


async def _look(asked: _Asked, kind: str, rows: list[Any]) -> None:
    """Put what matches in some resources on the page, up to where it is full."""
    context, scope = asked.context, asked.scope
    sealed = [
        (row["body"], seal_place(scope.store, kind, row["rid"], row["version"])) for row in rows
    ]
    bodies = await context.keyring.open_many(scope.tenant, sealed)
    for row, body in zip(rows, bodies, strict=True):
        asked.opened += 1
        asked.place = (kind, row["rid"])
        if body is None:
            asked.issues.append(Issue("warning", "incomplete", "", f"{kind}: one was erased"))
        else:
            _add(asked, f"{asked.base}/{kind}/{row['rid']}", body)
        if asked.is_full:
            return


def _add(asked: _Asked, full_url: str, body: bytes) -> None:
    index, query = asked.context.index, asked.query
    holder = parse(body)
    found = [
        one
        for one in holder.get("contained", ())
        if one["resourceType"] == query.resource_type and meets_all(index, one, asked.criteria)
    ]
    if not found:
        return
    if query.contained_type == "container":
        asked.entries.append(entry(full_url, _part(asked, body), "match"))
        return
    restriction = asked.context.access(query.resource_type, PERMISSION)
    for one in found:
        alone_bytes = serialize(shown(restriction, one))
        asked.entries.append(entry(f"{full_url}#{one['id']}", _part(asked, alone_bytes), "match"))


def _part(asked: _Asked, body: bytes) -> bytes:
    if wants_subset(asked.query):
        return subset(asked.context.definitions, asked.query, body)
    return body


async def _links(asked: _Asked, token: str | None, is_done: bool) -> list[tuple[str, str]]:
    path = asked.query.resource_type
    first = f"{asked.base}/{path}?{urlencode(asked.query.used)}"
    links = [("self", first)]
    if token is not None:
        links = [("self", url(asked.base, path, [(PAGE, token)])), ("first", first)]
    if not is_done:
        content = {"query": asked.query.used, "place": list(asked.place)}
        where = cursor_place(asked.context, f"{path}#")
        sealed = await seal_cursor(asked.context, asked.scope, where, content)
        links.append(("next", url(asked.base, path, [(PAGE, sealed)])))
    elif asked.query.contained == "both":
        links.append(("next", url(asked.base, path, _plain(asked.query.used))))
    return links


def _plain(pairs: Pairs) -> Pairs:
    return [pair for pair in pairs if pair[0] not in (ASKED, KIND)]


async def _others(asked: _Asked, strict: bool) -> bytes:
    """No resource contains a match: the search itself, under the link that was asked."""
    query = asked.query
    pairs = _plain(query.used)
    body = await search(
        asked.context, asked.scope, query.resource_type, pairs, base=asked.base, strict=strict
    )
    found: JsonObject = orjson.loads(body)
    own = f"{asked.base}/{query.resource_type}?{urlencode(query.used)}"
    links = [(one["relation"], one["url"]) for one in found["link"]]
    rest = [(relation, own if relation == "self" else link) for relation, link in links]
    entries = [serialize(one) for one in parse(body).get("entry", ())]
    if query.warnings:
        entries.append(serialize(outcome_entry(query.warnings)))
    return searchset(entries, rest, found.get("total"))
