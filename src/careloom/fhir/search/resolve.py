"""What :in, :not-in, :above and :below mean, asked of the store's terminology before a search.

http://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from dataclasses import replace

from careloom.errors import InvalidInput, NotFound
from careloom.fhir.conformance import Conformance
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.restriction import Access
from careloom.fhir.search.query import (
    Chain,
    Criterion,
    Has,
    Node,
    SearchQuery,
    split_bars,
    unescape,
)
from careloom.fhir.search.terminology import MOST_CODES, Code, Terminology
from careloom.fhir.terminology.service import Terminology as StoreTerminology
from careloom.fhir.terminology.value_set import Members
from careloom.types import JsonObject, Scope


class OwnTerminology:
    """The value sets and code systems that the store holds and that R4 defines."""

    def __init__(self, conformance: Conformance, access: Access) -> None:
        self._conformance = conformance
        self._access = access

    def _may_use(self, resource: JsonObject | None) -> bool:
        """Whether the caller may go by it: the specification's own are for everybody, those that
        are stored here only for who may read them whole; else the matches would tell their codes.
        """
        if resource is None or "id" not in resource:
            return resource is not None
        return self._access(resource["resourceType"], "fhir:get").is_full

    async def expand(self, scope: Scope, url: str) -> list[Code]:
        """The codes of a value set; raises NotFound or InvalidInput."""
        members = await self._members(scope, url)
        if members is None:
            raise NotFound(
                "The value set of the search is not known here",
                code="unknown_value_set",
                fix="load it as a ValueSet, or name the codes",
            )
        if members.missing:
            raise InvalidInput(
                "The value set of the search names a code system that is not loaded",
                code="value_set_incomplete",
                fix=f"load {', '.join(sorted(members.missing))}",
            )
        return list(members.entries)

    async def _members(self, scope: Scope, url: str) -> Members | None:
        """By canonical URL, or by the literal reference ValueSet/[id] into the store."""
        terminology = StoreTerminology(self._conformance, scope)
        kind, _, id = url.partition("/")
        if kind == "ValueSet" and ID_PATTERN.match(id):
            value_set = await self._conformance.by_id(scope, kind, id)
            if value_set is None or not self._may_use(value_set):
                return None
            return await terminology.compose(value_set)
        if not self._may_use(await terminology.resource("ValueSet", url)):
            return None
        return await terminology.members(url)

    async def below(self, scope: Scope, system: str, code: str) -> list[Code]:
        """The code and all that it subsumes."""
        return await self._reach(scope, system, code, down=True)

    async def above(self, scope: Scope, system: str, code: str) -> list[Code]:
        """The code and all that subsume it."""
        return await self._reach(scope, system, code, down=False)

    async def _reach(self, scope: Scope, system: str, code: str, *, down: bool) -> list[Code]:
        terminology = StoreTerminology(self._conformance, scope)
        known = await terminology.code_system(system)
        if known is None or not self._may_use(await terminology.resource("CodeSystem", system)):
            raise NotFound(
                "The code system of the search is not loaded here",
                code="unknown_code_system",
                fix="load it as a CodeSystem, or name the codes",
            )
        others = known.descendants(code) if down else known.ancestors(code)
        return [(system, other) for other in sorted({code, *others})]


async def resolve(terminology: Terminology, scope: Scope, query: SearchQuery) -> None:
    """Put the codes into every criterion of the query that asks for them."""
    query.criteria = [await _node(terminology, scope, node) for node in query.criteria]


async def _node(terminology: Terminology, scope: Scope, node: Node) -> Node:
    if isinstance(node, Chain):
        targets = [(kind, await _node(terminology, scope, inner)) for kind, inner in node.targets]
        return replace(node, targets=tuple(targets))
    if isinstance(node, Has):
        return replace(node, inner=await _node(terminology, scope, node.inner))
    if not node.asks_terminology:
        return node
    codes: dict[Code, None] = {}
    for value in node.values:
        codes.update(dict.fromkeys(await _codes(terminology, scope, node, value)))
    if len(codes) > MOST_CODES:
        raise InvalidInput(
            f"{node.parameter.code}:{node.modifier} means more than {MOST_CODES} codes",
            code="too_costly",
            path=node.parameter.code,
            fix="name a smaller value set",
        )
    return replace(node, codes=tuple(codes))


async def _codes(terminology: Terminology, scope: Scope, node: Criterion, value: str) -> list[Code]:
    if node.modifier in ("in", "not-in"):
        return await terminology.expand(scope, unescape(value))
    parts = split_bars(value)
    if len(parts) != 2 or not all(parts):
        raise InvalidInput(
            f"{node.parameter.code}:{node.modifier} takes system|code", path=node.parameter.code
        )
    ask = terminology.below if node.modifier == "below" else terminology.above
    return await ask(scope, parts[0], parts[1])


def asks_terminology(node: Node) -> bool:
    """Whether a terminology service must be asked first."""
    match node:
        case Chain(targets=targets):
            return any(asks_terminology(inner) for _, inner in targets)
        case Has(inner=inner):
            return asks_terminology(inner)
    return node.asks_terminology
