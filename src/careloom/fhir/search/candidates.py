"""Nodes as SQL: tests on a candidate, and the ids to which an index leads.

The shape is fixed instead of left to the planner: one node, the likely most selective, drives; each
candidate is then looked up by key. A new tenant has no statistics of its own, and without them
every join of two index tables looks free and may become a loop over both. Subqueries end in OFFSET
0 where PostgreSQL would turn them into such joins. `e` is one row: tenant, store and the values.
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

import re
from typing import NamedTuple

from careloom.fhir.search.nodes import (
    SEEK,
    AllOf,
    AnyOf,
    Identity,
    Inside,
    Leaf,
    Link,
    Node,
    Not,
    Present,
    Reverse,
    Updated,
    drives,
    rank,
)

TABLES = {
    "s": "idx_string",
    "t": "idx_token",
    "r": "idx_reference",
    "d": "idx_date",
    "q": "idx_quantity",
    "c": "idx_composite",
}
KEYS = {
    "s": '(k->>1) COLLATE "C" AS norm, (k->>2)::int AS seq, k->>3 AS value, k->>4 AS full_norm',
    "t": '(k->>1) COLLATE "C" AS code, k->>2 AS system',
    "r": '(k->>1) COLLATE "C" AS target',
    "d": "(k->>1)::timestamptz AS lo, (k->>2)::timestamptz AS hi",
    "q": "(k->>1)::int AS seq, (k->>2)::float8 AS lo, (k->>3)::float8 AS hi,"
    " k->>4 AS system, k->>5 AS code, k->>6 AS unit",
    "c": '(k->>1)::int AS seq, (k->>2) COLLATE "C" AS a, (k->>3) COLLATE "C" AS b,'
    " (k->>4)::float8 AS lo, (k->>5)::float8 AS hi,"
    " k->>6 AS a_system, k->>7 AS b_system, k->>8 AS b_code, k->>9 AS b_unit",
    "x": "k->>1 AS text",
}
"""Columns of the index rows that a resource keeps in `keys`."""
LIVE = "method <> 'DELETE'"


class Row(NamedTuple):
    """A candidate: the expression of its id, and of its row in `resource` if it is at hand."""

    id: str
    resource: str | None
    type: str

    def has(self) -> bool:
        """Whether the row of `resource` is at hand."""
        return self.resource is not None


class Candidates:
    """Writes the SQL of nodes; every subquery gets an alias of its own."""

    def __init__(self) -> None:
        self._made = 0

    def alias(self) -> str:
        """A name that no other subquery has."""
        self._made += 1
        return f"x{self._made}"

    def test(self, node: Node, row: Row) -> str:
        """Whether a candidate meets a node."""
        match node:
            case Leaf():
                return self._leaf(node, row)
            case Identity(values=values):
                return f"{row.id} IN ({', '.join(values)})"
            case Not(node=inner):
                return f"({self.test(inner, row)}) IS NOT TRUE"
            case AllOf(nodes=nodes):
                return self._joined(" AND ", nodes, row, "true")
            case AnyOf(nodes=nodes):
                return self._joined(" OR ", nodes, row, "false")
            case Inside():
                return self._inside(node, row)
        if row.resource is None:
            return self._looked_up(node, row)
        match node:
            case Updated(condition=condition):
                return re.sub(r"\br\.updated_at", f"{row.resource}.updated_at", condition)
            case Present():
                return self._present(node, row)
            case Link():
                return self._link(node, row)
        assert isinstance(node, Reverse)
        return self._reverse(node, row)

    def tests(self, nodes: tuple[Node, ...], row: Row) -> str:
        """All nodes, the cheap ones first; empty when there are none."""
        ordered = sorted(nodes, key=_cost)
        return " AND ".join(self.test(node, row) for node in ordered)

    def ids(self, nodes: tuple[Node, ...], resource_type: str, *, after: str = "") -> str:
        """The ids (rid) that meet all nodes, some of them perhaps twice."""
        driver = best(nodes)
        if driver is None:
            alias = self.alias()
            row = Row(f"{alias}.rid", alias, resource_type)
            conditions = [place(alias, resource_type), f"{alias}.{LIVE}"]
            conditions += [self.tests(nodes, row)] if nodes else []
            return f"SELECT {alias}.rid FROM resource {alias} WHERE {' AND '.join(conditions)}"
        rest = tuple(node for node in nodes if node is not driver)
        arms = self.arms(driver, resource_type)
        if not rest:
            return " UNION ALL ".join(arms)
        alias = self.alias()
        found = f"(SELECT DISTINCT u.rid FROM ({' UNION ALL '.join(arms)}) u OFFSET 0) {alias}"
        if all(map(by_index_alone, rest)):
            tests = self.tests(rest, Row(f"{alias}.rid", None, resource_type))
            return f"SELECT {alias}.rid FROM {found} WHERE {tests}"
        inner = self.alias()
        tests = self.tests(rest, Row(f"{inner}.rid", inner, resource_type))
        return (
            f"SELECT {alias}.rid FROM {found} CROSS JOIN LATERAL (SELECT {inner}.* FROM resource"
            f" {inner} WHERE {place(inner, resource_type)} AND {inner}.rid = {alias}.rid OFFSET 0)"
            f" {inner} WHERE {inner}.{LIVE} AND {tests}"
        )

    def arms(self, node: Node, resource_type: str) -> list[str]:
        """The ids under a node, one statement for each way that leads there."""
        match node:
            case Leaf():
                return [f"SELECT i.rid {rows(node)} AND {c}" for c in node.conditions]
            case Identity(values=values):
                listed = ", ".join(values)
                return [f"SELECT unnest(ARRAY[{listed}]::text[]) AS rid"]
            case Inside():
                return [self._members(node)]
            case AllOf(nodes=nodes):
                return [self.ids(nodes, resource_type)]
            case AnyOf(nodes=nodes):
                return [arm for inner in nodes for arm in self.arms(inner, resource_type)]
            case Link():
                return [self._referring(node)]
            case Reverse():
                return [self._referred(node)]
        raise AssertionError(f"{type(node).__name__} leads to no candidates")

    def _joined(self, word: str, nodes: tuple[Node, ...], row: Row, none: str) -> str:
        return f"({word.join(self.test(node, row) for node in nodes)})" if nodes else none

    def _leaf(self, leaf: Leaf, row: Row) -> str:
        if leaf.way == SEEK:
            found = " OR ".join(
                f"EXISTS (SELECT {rows(leaf)} AND {c} AND i.rid = {row.id} OFFSET 0)"
                for c in leaf.conditions
            )
            return f"({found})"
        if row.resource is None:
            return self._looked_up(leaf, row)
        return (
            f"EXISTS (SELECT {own_rows(leaf.kind, leaf.param, row.resource)}"
            f" WHERE {' OR '.join(leaf.conditions)})"
        )

    def _looked_up(self, node: Node, row: Row) -> str:
        alias = self.alias()
        inner = Row(f"{alias}.rid", alias, row.type)
        return (
            f"EXISTS (SELECT FROM resource {alias} WHERE {place(alias, row.type)}"
            f" AND {alias}.rid = {row.id} AND {alias}.{LIVE} AND {self.test(node, inner)} OFFSET 0)"
        )

    def _present(self, node: Present, row: Row) -> str:
        return (
            f"EXISTS (SELECT FROM jsonb_array_elements({row.resource}.keys->'{node.kind}') k"
            f" WHERE k->>0 = '{node.param}')"
        )

    def _inside(self, node: Inside, row: Row) -> str:
        return f"EXISTS ({self._members(node)} AND i.rid = {row.id} OFFSET 0)"

    def _members(self, node: Inside) -> str:
        params = ", ".join(f"'{param}'" for param in node.params)
        return (
            "SELECT i.rid FROM idx_reference i WHERE i.tenant = e.tenant AND i.store = e.store"
            f" AND i.param IN ({params}) AND i.target IN ({', '.join(node.targets)})"
        )

    def _link(self, node: Link, row: Row) -> str:
        """The candidate's own references, each looked up."""
        alias = self.alias()
        start = f"{node.target}/"
        return (
            f"EXISTS (SELECT FROM (SELECT substr(k->>1, {len(start) + 1}) AS rid"
            f" FROM jsonb_array_elements({row.resource}.keys->'r') k"
            f" WHERE k->>0 = '{node.param}' AND k->>1 ^@ '{start}' OFFSET 0) {alias}"
            f" WHERE {self.hop(node.nodes, Row(f'{alias}.rid', None, node.target))})"
        )

    def _reverse(self, node: Reverse, row: Row) -> str:
        """The resources that refer to the candidate, each tested."""
        alias = self.alias()
        tests = self.hop(node.nodes, Row(f"{alias}.rid", None, node.source))
        return (
            f"EXISTS (SELECT FROM (SELECT i.rid FROM idx_reference i WHERE i.tenant = e.tenant"
            f" AND i.store = e.store AND i.param = '{node.param}'"
            f" AND i.target = '{node.own}/' || {row.id} OFFSET 0) {alias} WHERE {tests})"
        )

    def hop(self, nodes: tuple[Node, ...], row: Row) -> str:
        """All nodes of a resource that only its id names; it must be there."""
        if nodes and all(map(by_index_alone, nodes)):
            return self.tests(nodes, row)
        return self._looked_up(AllOf(nodes), row)

    def _referring(self, node: Link) -> str:
        alias = self.alias()
        inner = self.ids(node.nodes, node.target)
        return (
            f"SELECT l.rid FROM (SELECT DISTINCT u.rid FROM ({inner}) u OFFSET 0) {alias}"
            " CROSS JOIN LATERAL (SELECT i.rid FROM idx_reference i WHERE i.tenant = e.tenant"
            f" AND i.store = e.store AND i.param = '{node.param}'"
            f" AND i.target = '{node.target}/' || {alias}.rid OFFSET 0) l"
        )

    def _referred(self, node: Reverse) -> str:
        alias, source = self.alias(), self.alias()
        inner = self.ids(node.nodes, node.source)
        start = f"{node.own}/"
        return (
            f"SELECT substr(k->>1, {len(start) + 1}) AS rid"
            f" FROM (SELECT DISTINCT u.rid FROM ({inner}) u OFFSET 0) {alias}"
            f" CROSS JOIN LATERAL (SELECT {source}.keys FROM resource {source}"
            f" WHERE {place(source, node.source)} AND {source}.rid = {alias}.rid OFFSET 0) {source}"
            f" CROSS JOIN LATERAL jsonb_array_elements({source}.keys->'r') k"
            f" WHERE k->>0 = '{node.param}' AND k->>1 ^@ '{start}'"
        )


def place(alias: str, resource_type: str) -> str:
    """The key of a resource but for its id."""
    start = f"{alias}.tenant = e.tenant AND {alias}.store = e.store"
    return f"{start} AND {alias}.rtype = '{resource_type}'"


def rows(leaf: Leaf) -> str:
    """The index rows of a leaf's parameter."""
    return (
        f"FROM {TABLES[leaf.kind]} i WHERE i.tenant = e.tenant AND i.store = e.store"
        f" AND i.param = '{leaf.param}'"
    )


def own_rows(kind: str, param: str, resource: str) -> str:
    """The same rows of one resource, from its own keys."""
    return (
        f"FROM (SELECT {KEYS[kind]} FROM jsonb_array_elements({resource}.keys->'{kind}') k"
        f" WHERE k->>0 = '{param}') i"
    )


def best(nodes: tuple[Node, ...]) -> Node | None:
    """The node that drives."""
    return min((node for node in nodes if drives(node)), key=rank, default=None)


def by_index_alone(node: Node) -> bool:
    """Whether a test needs no row of `resource`."""
    match node:
        case Leaf(way=way):
            return way == SEEK
        case Identity() | Inside():
            return True
        case AllOf(nodes=nodes) | AnyOf(nodes=nodes):
            return all(map(by_index_alone, nodes))
    return False


def _cost(node: Node) -> int:
    match node:
        case Identity() | Updated():
            return 0
        case Leaf(way=way):
            return 1 if way == SEEK else 2
        case Link() | Reverse():
            return 4
    return 3
