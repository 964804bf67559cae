"""Pages of one type's matches: which way they are found, and where a page begins.

http://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.context import FhirContext
from careloom.fhir.search.nodes import Leaf, Node, Order, drives, narrow
from careloom.fhir.search.prepared import Prepared
from careloom.fhir.search.sql import Statement, Way
from careloom.fhir.search.ways import counted_way
from careloom.types import JsonObject, Scope


@dataclass(frozen=True, slots=True)
class Match:
    """One row of a page: the resource with its sealed body, and its place in the order."""

    type: str
    row: Any
    way: Way

    @property
    def key(self) -> tuple[str, str]:
        """Type and id."""
        return self.type, self.row["rid"]


async def select(
    context: FhirContext, scope: Scope, statement: Statement, *, quick: bool = False
) -> list[Any]:
    """The rows of one statement: Statements.rows."""
    return await context.searches.rows(scope, statement, quick=quick)


class Pager:
    """The matches of one type."""

    def __init__(self, context: FhirContext, scope: Scope, prepared: Prepared) -> None:
        self.type = prepared.query.resource_type
        self._context = context
        self._scope = scope
        self._refs = bool(prepared.query.includes)
        self._builder = prepared.builder
        self._way = prepared.way
        self._after: list[str] | None = None
        self.start: JsonObject | None = None
        """Where this page began; None for the first."""

    def resume(self, content: JsonObject) -> None:
        """Go on behind the row that a cursor describes."""
        self.start = content
        self._way = self._way_of(content["way"])
        self._after = content["after"]

    def position(self, match: Match) -> JsonObject:
        """What a cursor keeps of the last row that was shown."""
        after = match.row.get("place") or [match.row["rid"]]
        return {"way": self._number(match.way), "after": after}

    async def page(self, limit: int) -> list[Match]:
        """The next matches."""
        if self._way is None:
            self._way = await self._choose()
        way, after = self._way, self._after
        found = await self._rows(way, limit, after)
        if way.walk is not None and not isinstance(way.walk, Leaf) and not way.missing:
            short = limit - len(found)
            if short:
                found += await self._rows(replace(way, missing=True), short, None)
        return found

    async def total(self) -> int:
        """How many resources match."""
        rows = await select(self._context, self._scope, self._builder.count())
        return int(rows[0]["n"])

    async def _rows(self, way: Way, limit: int, after: list[str] | None) -> list[Match]:
        statement = self._builder.page(way, limit, after, keys=self._refs)
        quick = way.driver is not None and narrow(way.driver)
        rows = await select(self._context, self._scope, statement, quick=quick)
        return [Match(self.type, row, way) for row in rows]

    async def _choose(self) -> Way:
        nodes, order = self._builder.nodes, self._builder.order
        driving = tuple(node for node in nodes if drives(node))
        rows = await select(self._context, self._scope, self._builder.estimates(driving))
        return counted_way(nodes, order, rows[0]["n"])

    def _number(self, way: Way) -> list[int]:
        """A way as numbers: driver, walked node (-2: the order's first key), end of a walk."""
        walk = -1 if way.walk is None else -2
        if isinstance(way.walk, Leaf):
            walk = _place(self._builder.nodes, way.walk)
        driver = -1 if way.driver is None else _place(self._builder.nodes, way.driver)
        return [driver, walk, int(way.missing)]

    def _way_of(self, numbers: list[int]) -> Way:
        driver, walk, missing = numbers
        nodes, order = self._builder.nodes, self._builder.order
        if max(driver, walk) >= len(nodes) or (walk == -2 and not order):
            raise InvalidInput(
                "This page link was made for another credential",
                code="invalid_page",
                fix="repeat the search and follow its next link",
            )
        walked: Leaf | Order | None = order[0] if walk == -2 else None
        if walk >= 0:
            leaf = nodes[walk]
            walked = leaf if isinstance(leaf, Leaf) else None
        return Way(nodes[driver] if driver >= 0 else None, walked, bool(missing))


def _place(nodes: tuple[Node, ...], node: Node) -> int:
    return next(n for n, one in enumerate(nodes) if one is node)
