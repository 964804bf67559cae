"""Resources that matches refer to (_include), or that refer to them (_revinclude).

http://hl7.org/fhir/R4/search.html#include
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

from collections.abc import Iterable

from careloom.fhir.context import FhirContext
from careloom.fhir.issue import Issue
from careloom.fhir.restriction import hides
from careloom.fhir.search.candidates import LIVE, Candidates, Row, place
from careloom.fhir.search.compiler import PERMISSION, NodeCompiler
from careloom.fhir.search.pager import Match, select
from careloom.fhir.search.query import Include, SearchQuery
from careloom.fhir.search.sql import ENTER, Statement, Way
from careloom.types import Scope

MOST_INCLUDED = 1000
MOST_ROUNDS = 10
_SEPARATOR = "\x1f"
# One more than MOST_INCLUDED, so that a cut is noticed.
_SOURCES = (
    f"SELECT s.rid FROM {ENTER} CROSS JOIN LATERAL (SELECT DISTINCT i.rid"
    " FROM unnest(string_to_array((e.v)[1], chr(31))) p(param)"
    " CROSS JOIN unnest(string_to_array((e.v)[2], chr(31))) t(target)"
    " CROSS JOIN LATERAL (SELECT i.rid FROM idx_reference i WHERE i.tenant = e.tenant"
    " AND i.store = e.store AND i.param = p.param AND i.target = t.target OFFSET 0) i"
    f" ORDER BY 1 LIMIT {MOST_INCLUDED + 1}) s"
)
_WAY = Way()
Key = tuple[str, str]


async def included(
    context: FhirContext,
    scope: Scope,
    query: SearchQuery,
    matches: list[Match],
    issues: list[Issue],
) -> list[Match]:
    """What the includes of a query add to a page, each resource once and no match again."""
    seen = {match.key for match in matches}
    found: list[Match] = []
    wave = matches
    for number in range(MOST_ROUNDS):
        asked = [i for i in query.includes if i.iterate or not number]
        back = [i for i in query.revincludes if i.iterate or not number]
        wanted = dict.fromkeys(key for i in asked for m in wave for key in _targets(context, i, m))
        for include in back:
            wanted.update(dict.fromkeys(await _sources(context, scope, include, wave)))
        new = [key for key in wanted if key not in seen]
        if len(found) + len(new) > MOST_INCLUDED:
            text = f"Only the first {MOST_INCLUDED} included resources are here"
            issues.append(Issue("warning", "incomplete", "", text, "ask for smaller pages"))
            del new[MOST_INCLUDED - len(found) :]
        seen.update(new)
        wave = await _read(context, scope, new)
        found += wave
        if not wave or len(found) >= MOST_INCLUDED:
            break
    return found


def _targets(context: FhirContext, include: Include, match: Match) -> Iterable[Key]:
    if match.type != include.source:
        return
    keys = _parameters(context, include)
    for row in match.row["refs"] or ():
        type, _, id = row[1].partition("/")
        if row[0] in keys and id and include.target in ("", type):
            yield type, id


def _parameters(context: FhirContext, include: Include) -> list[str]:
    if include.parameter is not None:
        return [include.parameter.key]
    restriction = context.access(include.source, PERMISSION)
    return [
        parameter.key
        for parameter in context.index.parameters(include.source).values()
        if parameter.type == "reference"
        and not hides(context.definitions, restriction, include.source, parameter.code)
    ]


async def _sources(
    context: FhirContext, scope: Scope, include: Include, wave: list[Match]
) -> list[Key]:
    keys = sorted(match.key for match in wave if include.target in ("", match.type))
    if not keys:
        return []
    targets = _SEPARATOR.join(f"{type}/{id}" for type, id in keys)
    params = _SEPARATOR.join(_parameters(context, include))
    rows = await select(context, scope, Statement(_SOURCES, [params, targets]))
    return [(include.source, row["rid"]) for row in rows]


async def _read(context: FhirContext, scope: Scope, keys: list[Key]) -> list[Match]:
    """The resources that the caller may see of these, in their order."""
    by_type: dict[str, list[str]] = {}
    for type, id in keys:
        if context.definitions.is_resource(type) and context.access(type, PERMISSION).allowed:
            by_type.setdefault(type, []).append(id)
    found: dict[Key, Match] = {}
    for type, ids in by_type.items():
        for row in await select(context, scope, _reading(context, type, ids)):
            found[type, row["rid"]] = Match(type, row, _WAY)
    return [found[key] for key in keys if key in found]


def _reading(context: FhirContext, type: str, ids: list[str]) -> Statement:
    compiler = NodeCompiler(context.index, context.access)
    compiler.place(_SEPARATOR.join(ids))
    tests = Candidates().tests(compiler.nodes(type, ()), Row("r.rid", "r", type))
    sql = (
        f"SELECT f.* FROM {ENTER} CROSS JOIN LATERAL (SELECT r.rid, r.version,"
        " r.body, r.keys->'r' AS refs FROM unnest(string_to_array((e.v)[1], chr(31))) u(rid)"
        f" CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE {place('r', type)}"
        f" AND r.rid = u.rid OFFSET 0) r WHERE r.{LIVE}{' AND ' + tests if tests else ''}) f"
    )
    return Statement(sql, compiler.args)
