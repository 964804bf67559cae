"""Search: resources that meet criteria, as a searchset Bundle.

http://hl7.org/fhir/R4/http.html#search, http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.bundle import outcome_entry, url
from careloom.fhir.context import FhirContext
from careloom.fhir.cursor import PAGE_PARAMETER, open_cursor, seal_cursor
from careloom.fhir.issue import Issue
from careloom.fhir.resource import parse, seal_place, serialize
from careloom.fhir.restriction import shown
from careloom.fhir.search.compiler import PERMISSION
from careloom.fhir.search.fresh import is_stale
from careloom.fhir.search.including import included
from careloom.fhir.search.pager import Match, Pager
from careloom.fhir.search.prepared import prepare
from careloom.fhir.search.query import Pairs, SearchQuery
from careloom.fhir.search.searchset import entry, searchset
from careloom.fhir.search.subset import subset, wants_subset
from careloom.types import JsonObject, Scope

TYPE_PARAMETER = "_type"
_SORTED_BY = ("_id", "_lastUpdated")


@dataclass(slots=True)
class _Asked:
    """One search: where, what of each type, and where its page begins."""

    path: str
    pairs: Pairs
    named: str = ""
    """The types of _type, as they are in the links."""
    used: Pairs = field(default_factory=list)
    link: str = ""
    """`used` as in a URL."""
    queries: list[SearchQuery] = field(default_factory=list)
    pagers: list[Pager] = field(default_factory=list)
    token: str | None = None
    total: int | None = None
    issues: list[Issue] = field(default_factory=list)

    @property
    def query(self) -> SearchQuery:
        """What holds for all types: result parameters."""
        return self.queries[0]


async def search(
    context: FhirContext,
    scope: Scope,
    resource_type: str,
    pairs: Pairs,
    *,
    base: str,
    strict: bool = False,
) -> bytes:
    """The searchset Bundle of one type as JSON bytes.

    What is seen is what `context.access` grants: an include, chain or _has through a type that it
    does not is refused. Raises InvalidInput for what cannot be answered rightly, TooCostly for what
    would take too long.
    """
    context.require_type(resource_type)
    asked = _Asked(resource_type, _made_local(context, resource_type, pairs, base))
    return await _answer(context, scope, asked, (resource_type,), base, strict)


def _made_local(context: FhirContext, resource_type: str, pairs: Pairs, base: str) -> Pairs:
    """Values of references that name this store's own address are asked for as relative ones."""
    own = f"{base}/"
    if not base or not any(own in value for _, value in pairs):
        return pairs
    known = context.index.parameters(resource_type)

    def value_of(name: str, value: str) -> str:
        parameter = known.get(name.partition(":")[0])
        is_reference = parameter is not None and parameter.type == "reference"
        return value.replace(own, "") if is_reference else value

    return [(name, value_of(name, value)) for name, value in pairs]


async def search_system(
    context: FhirContext, scope: Scope, pairs: Pairs, *, base: str, strict: bool = False
) -> bytes:
    """The same over several types: those of _type, else all that may be searched."""
    named, rest = _types(context, pairs)
    types = named
    if not types:
        types = tuple(
            type
            for type in context.definitions.resource_types
            if context.access(type, PERMISSION).allowed
        )
    if not types:
        context.access.require("Patient", PERMISSION)
    return await _answer(context, scope, _Asked("", rest, ",".join(named)), types, base, strict)


async def search_compartment(
    context: FhirContext,
    scope: Scope,
    compartment: tuple[str, str],
    resource_type: str,
    pairs: Pairs,
    *,
    base: str,
    strict: bool = False,
) -> bytes:
    """What belongs to a resource: GET Patient/123/Observation, or Encounter/7/* for all types.

    http://hl7.org/fhir/R4/http.html#vsearch, http://hl7.org/fhir/R4/compartmentdefinition.html
    """
    kind, id = compartment
    inside = context.definitions.compartments.get(kind)
    if inside is None:
        raise NotFound(
            "This resource type has no compartment",
            code="unknown_compartment",
            fix=f"compartments are of {', '.join(sorted(context.definitions.compartments))};"
            " search the type by a reference parameter instead",
        )
    named, rest = _types(context, pairs)
    members = (kind, *sorted(inside.keys() - {kind}))
    if resource_type:
        context.require_type(resource_type)
        types: tuple[str, ...] = (resource_type,)
    else:
        types = tuple(
            type
            for type in members
            if (not named or type in named) and context.access(type, PERMISSION).allowed
        )
    asked = _Asked(f"{kind}/{id}/{resource_type or '*'}", rest, ",".join(named))
    if not types:
        context.access.require(kind, PERMISSION)
    return await _answer(context, scope, asked, types, base, strict, inside=compartment)


def _types(context: FhirContext, pairs: Pairs) -> tuple[tuple[str, ...], Pairs]:
    named = [
        type for name, value in pairs if name == TYPE_PARAMETER for type in value.split(",") if type
    ]
    for type in named:
        context.require_type(type)
    return tuple(dict.fromkeys(named)), [pair for pair in pairs if pair[0] != TYPE_PARAMETER]


async def _answer(
    context: FhirContext,
    scope: Scope,
    asked: _Asked,
    types: tuple[str, ...],
    base: str,
    strict: bool,
    *,
    inside: tuple[str, str] | None = None,
) -> bytes:
    await _read(context, scope, asked, types, strict, inside)
    query, issues = asked.query, [*asked.query.warnings]
    matches: list[Match] = []
    more = False
    if query.count and query.summary != "count":
        matches, more = await _page(asked)
        if asked.token is None and not more:
            asked.total = len(matches)
    asks_total = query.summary == "count" or not query.count or query.total in _COUNTED
    if asked.total is None and asks_total:
        asked.total = sum([await pager.total() for pager in asked.pagers])
    others: list[Match] = []
    if query.includes or query.revincludes:
        others = await included(context, scope, query, matches, issues)
    entries = await _entries(context, scope, asked, matches, base, "match")
    if others:
        entries += await _entries(context, scope, asked, others, base, "include")
    issues += asked.issues
    if issues:
        entries.append(serialize(outcome_entry(issues)))
    links = await _links(context, scope, asked, matches if more else [], base)
    return searchset(entries, links, asked.total)


_COUNTED = ("accurate", "estimate")


async def _read(
    context: FhirContext,
    scope: Scope,
    asked: _Asked,
    types: tuple[str, ...],
    strict: bool,
    inside: tuple[str, str] | None,
) -> None:
    """Read the query for each type; a page link carries the query and its place in it."""
    asked.token = next((value for name, value in asked.pairs if name == PAGE_PARAMETER), None)
    pairs, places = asked.pairs, None
    if asked.token is not None:
        place = cursor_place(context, asked.path)
        content = await open_cursor(context, scope, place, asked.token)
        pairs, places = [(p[0], p[1]) for p in content["query"]], content["places"]
        asked.total, asked.named, strict = content["total"], content["named"], False
        types = tuple(content["places"])
    stale = await is_stale(context, scope)
    for type in types:
        prepared = await prepare(
            context, scope, type, pairs, strict=strict, stale=stale, inside=inside
        )
        if inside is not None and prepared.query.contained != "false":
            raise InvalidInput(
                "_contained is not for the search of a compartment", path="_contained"
            )
        if len(types) > 1 or not asked.path:
            _check_common(prepared.query)
        pager = Pager(context, scope, prepared)
        if places is not None and places[type] is not None:
            pager.resume(places[type])
        asked.queries.append(prepared.query)
        asked.pagers.append(pager)
        if not asked.link:
            asked.link = prepared.used
            if asked.named:
                asked.link = "&".join(filter(None, (f"_type={asked.named}", prepared.used)))
            asked.used = prepared.query.used


def _check_common(query: SearchQuery) -> None:
    """Several types have only the order of ids and times in common."""
    if query.includes or query.revincludes:
        raise InvalidInput("_include and _revinclude need the search of one type", path="_include")
    if query.contained != "false":
        raise InvalidInput("_contained needs the search of one type", path="_contained")
    if any(key.parameter.code not in _SORTED_BY for key in query.sort):
        raise InvalidInput(
            "Several types are sorted by _lastUpdated or _id only",
            path="_sort",
            fix="search one type, or sort by _lastUpdated",
        )


async def _page(asked: _Asked) -> tuple[list[Match], bool]:
    """The matches of a page, and whether there are more behind it."""
    count = asked.query.count
    if len(asked.pagers) == 1:
        found = await asked.pagers[0].page(count + 1)
        return found[:count], len(found) > count
    found = []
    for pager in asked.pagers:
        found += await pager.page(count + 1)
        if not asked.query.sort and len(found) > count:
            break
    for key in reversed(asked.query.sort):
        by_id = key.parameter.code == "_id"
        found.sort(
            key=lambda m: m.row["rid"] if by_id else m.row["updated_at"],
            reverse=key.descending,
        )
    return found[:count], len(found) > count


def cursor_place(context: FhirContext, path: str) -> str:
    """What a page link is bound to: the place, and what the caller may see."""
    return f"{path}|{zlib.crc32(repr(context.access.grants).encode())}"


async def _links(
    context: FhirContext,
    scope: Scope,
    asked: _Asked,
    shown_before: list[Match],
    base: str,
) -> list[tuple[str, str]]:
    first = f"{base}/{asked.path}"
    if asked.link:
        first += f"?{asked.link}"
    links = [("self", first)]
    if asked.token is not None:
        links = [("self", url(base, asked.path, [(PAGE_PARAMETER, asked.token)])), ("first", first)]
    if shown_before:
        content = {
            "query": asked.used,
            "places": _places(asked, shown_before),
            "total": asked.total,
            "named": asked.named,
        }
        place = cursor_place(context, asked.path)
        token = await seal_cursor(context, scope, place, content)
        links.append(("next", url(base, asked.path, [(PAGE_PARAMETER, token)])))
    return links


def _places(asked: _Asked, matches: list[Match]) -> JsonObject:
    """Where each type goes on; types that were passed are left out."""
    last = {match.type: match for match in matches}
    places: JsonObject = {}
    passed = not asked.query.sort and len(asked.pagers) > 1
    ahead = not passed
    for pager in asked.pagers:
        match = last.get(pager.type)
        if match is not None and pager.type == matches[-1].type:
            ahead = True
        if ahead:
            places[pager.type] = pager.start if match is None else pager.position(match)
    return places


async def _entries(
    context: FhirContext,
    scope: Scope,
    asked: _Asked,
    matches: list[Match],
    base: str,
    mode: str,
) -> list[bytes]:
    """The entries; a resource whose key was destroyed is left out, and the Bundle says so."""
    sealed = [
        (m.row["body"], seal_place(scope.store, m.type, m.row["rid"], m.row["version"]))
        for m in matches
    ]
    entries = []
    partly = wants_subset(asked.query)
    hiding = {type: context.access(type, PERMISSION) for type in {m.type for m in matches}}
    for match, body in zip(
        matches, await context.keyring.open_many(scope.tenant, sealed), strict=True
    ):
        if body is None:
            asked.issues.append(Issue("warning", "incomplete", "", f"{match.type}: one was erased"))
            continue
        restriction = hiding[match.type]
        if restriction.hidden:
            body = serialize(shown(restriction, parse(body)))
        if partly:
            body = subset(context.definitions, asked.query, body)
        entries.append(entry(f"{base}/{match.type}/{match.row['rid']}", body, mode))
    return entries
