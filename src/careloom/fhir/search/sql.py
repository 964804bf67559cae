"""A search as one statement, prepared once for each shape: $1 tenant, $2 store, $3 the values.

The statement enters the tenant itself, so that it is one round trip and its plan is kept: the row
`e` comes first, and every condition takes tenant and values from it. Row-level security is
evaluated behind it; a plan that looked before would see no rows at all.
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import lru_cache

from careloom.fhir.restriction import EVERYTHING, Access
from careloom.fhir.search.candidates import (
    LIVE,
    TABLES,
    Candidates,
    Row,
    best,
    by_index_alone,
    own_rows,
    place,
    rows,
)
from careloom.fhir.search.compiler import NodeCompiler
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.nodes import (
    AnyOf,
    Leaf,
    Node,
    Not,
    Order,
    Present,
    Updated,
    drives,
)
from careloom.fhir.search.query import Criterion, SearchQuery, split_bars

LOCK_BUCKETS = 4096
SOME = 1000
"""From so many candidates on, going through an order and testing each is tried instead."""
SOME_LINKED = 200
"""The same where each candidate is found through another resource."""
ENTER = (
    "(SELECT set_config('app.tenant', $1, true) AS tenant, $2::text AS store, $3::text[] AS v"
    " OFFSET 0) e"
)
_WALKS = {"s": ("norm",), "t": ("code",), "r": ("target",), "d": ("hi", "lo"), "q": ("hi", "lo")}
_TIES = {"s": ("seq",), "t": ("system",), "r": (), "d": (), "q": ("seq",), "c": ("seq",)}
"""Columns by which two rows of one resource differ that have the same place in the walk."""
_AFTER_ALL = "\U0010ffff"
BY_TIME = "version > 0"
"""Always true; the index by time is partial on it, so that no look-up by id mistakes it for its."""


@dataclass(slots=True)
class Statement:
    """SQL text made from fixed pieces, and its values."""

    sql: str = ""
    args: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Way:
    """How a page is found: from a driving node's candidates, or along the rows of an index."""

    driver: Node | None = None
    walk: Leaf | Order | None = None
    """A range to go through in index order, or the first key of the order."""
    missing: bool = False
    """The end of a walk: the resources that have no value of its parameter."""


class SqlBuilder:
    """Builds the statements of one query."""

    def __init__(
        self,
        query: SearchQuery,
        index: SearchIndex,
        access: Access = EVERYTHING,
        *,
        pairs: bool = False,
        stale: bool = False,
        inside: tuple[str, str] | None = None,
    ) -> None:
        """`pairs`: the rows of frequent pairs are complete; `stale`: those of composites are not;
        `inside` is the compartment that is searched: type and id."""
        self.type = query.resource_type
        self._compiler = NodeCompiler(index, access, pairs=pairs, stale=stale)
        nodes = self._compiler.nodes(self.type, query.criteria)
        if inside is not None:
            nodes = (self._compiler.asked_inside(self.type, inside), *nodes)
        self.nodes = nodes
        self.order = tuple(self._compiler.order(key) for key in query.sort)
        if not self.order and not any(map(drives, nodes)) and any(map(_is_of_time, nodes)):
            self.order = (Order("u", "_lastUpdated", descending=False, single=True),)

    @property
    def args(self) -> list[str]:
        """The values."""
        return self._compiler.args

    def matches(self) -> Statement:
        """The ids that meet the criteria."""
        return Statement(_matches(self.type, self.nodes), self.args)

    def count(self) -> Statement:
        """How many resources meet the criteria."""
        return Statement(_count(self.type, self.nodes), self.args)

    def estimates(self, nodes: tuple[Node, ...]) -> Statement:
        """For each driving node how many candidates it has, one more than `most` at most."""
        return Statement(_estimates(self.type, nodes), self.args)

    def page(self, way: Way, limit: int, after: list[str] | None, *, keys: bool) -> Statement:
        """One page; `after` has the order's values and the id of the row before it."""
        values = [self._compiler.place(value) for value in after or ()]
        args = list(self.args)
        del self.args[len(args) - len(values) :]
        sql = _page(self.type, self.nodes, self.order, way, limit, tuple(values), keys)
        return Statement(sql, args)


def _is_of_time(node: Node) -> bool:
    return isinstance(node, Updated) or (
        isinstance(node, AnyOf) and node.nodes != () and all(map(_is_of_time, node.nodes))
    )


@lru_cache(maxsize=2048)
def _matches(resource_type: str, nodes: tuple[Node, ...]) -> str:
    source = _source(Candidates(), resource_type, nodes, best(nodes), "")
    return f"SELECT m.rid FROM {ENTER} CROSS JOIN LATERAL (SELECT r.rid FROM {source} OFFSET 0) m"


@lru_cache(maxsize=512)
def _count(resource_type: str, nodes: tuple[Node, ...]) -> str:
    driver = best(nodes)
    if driver is not None and len(nodes) == 1:
        arms = " UNION ALL ".join(Candidates().arms(driver, resource_type))
        if isinstance(driver, Leaf):
            inner = f"SELECT count(DISTINCT u.rid) AS n FROM ({arms}) u"
            return f"SELECT m.n FROM {ENTER} CROSS JOIN LATERAL ({inner} OFFSET 0) m"
    inner = f"SELECT count(*) AS n FROM {_source(Candidates(), resource_type, nodes, driver, '')}"
    return f"SELECT m.n FROM {ENTER} CROSS JOIN LATERAL ({inner} OFFSET 0) m"


def most(node: Node) -> int:
    """How many candidates of a node are few."""
    return SOME if isinstance(node, Leaf) else SOME_LINKED


@lru_cache(maxsize=512)
def _estimates(resource_type: str, nodes: tuple[Node, ...]) -> str:
    counts = []
    for node in nodes:
        arms = " UNION ALL ".join(Candidates().arms(node, resource_type))
        counts.append(f"(SELECT count(*) FROM (SELECT FROM ({arms}) a LIMIT {most(node) + 1}) n)")
    inner = f"SELECT ARRAY[{', '.join(counts)}]::bigint[] AS n OFFSET 0"
    return f"SELECT m.n FROM {ENTER} CROSS JOIN LATERAL ({inner}) m"


@lru_cache(maxsize=4096)
def _page(
    resource_type: str,
    nodes: tuple[Node, ...],
    order: tuple[Order, ...],
    way: Way,
    limit: int,
    after: tuple[str, ...],
    keys: bool,
) -> str:
    candidates = Candidates()
    if way.walk is not None and not way.missing:
        inner = _walked(candidates, resource_type, nodes, order, way.walk, after)
    else:
        inner = _gathered(candidates, resource_type, nodes, order, way, after)
    source, orders = inner
    ordering = ", ".join(f"{e} {'DESC' if down else 'ASC'}" for e, down, _ in orders)
    columns = "r.rid, r.version, r.body" + (", r.keys->'r' AS refs" if keys else "")
    if any(key.kind == "u" for key in order):
        columns += ", r.updated_at"
    if len(orders) > 1:
        columns += f", ARRAY[{', '.join(f'({e})::text' for e, _, _ in orders)}]::text[] AS place"
    page = f"SELECT {columns} FROM {source} ORDER BY {ordering} LIMIT {limit:d}"
    return f"SELECT p.* FROM {ENTER} CROSS JOIN LATERAL ({page}) p"


Ordered = tuple[str, bool, str]
"""An expression, whether it descends, and the type of its values."""


def _gathered(
    candidates: Candidates,
    resource_type: str,
    nodes: tuple[Node, ...],
    order: tuple[Order, ...],
    way: Way,
    after: tuple[str, ...],
) -> tuple[str, list[Ordered]]:
    """The candidates of the driver, in order of the keys and their id."""
    keys = order
    if way.missing:
        assert isinstance(way.walk, Order)
        nodes = (*nodes, Not(Present(way.walk.kind, way.walk.param)))
        keys = order[1:]
    by_id = "d.rid" if way.driver is not None else "r.rid"
    orders = [_ordered(key) for key in keys if key.kind]
    orders.append((by_id, bool(order) and order[-1].descending, ""))
    behind = _behind(orders, after)
    early = behind if len(orders) == 1 else ""
    source = _source(candidates, resource_type, nodes, way.driver, early)
    if behind and not early:
        source += f" AND {behind}"
    if way.driver is None and orders[0][0] == "r.updated_at":
        source += f" AND r.{BY_TIME}"
    return source, orders


def _source(
    candidates: Candidates,
    resource_type: str,
    nodes: tuple[Node, ...],
    driver: Node | None,
    behind: str,
) -> str:
    """FROM and WHERE: the driver's ids in order, each with its resource, then the rest."""
    rest = tuple(node for node in nodes if node is not driver)
    tests = candidates.tests(rest, Row("r.rid", "r", resource_type))
    conditions = [f"r.{LIVE}", *([tests] if tests else [])]
    if driver is None:
        conditions = [place("r", resource_type), *conditions, *([behind] if behind else [])]
        return f"resource r WHERE {' AND '.join(conditions)}"
    ids = " UNION ALL ".join(candidates.arms(driver, resource_type))
    where = f" WHERE {behind.replace('d.rid', 'u.rid')}" if behind else ""
    return (
        f"(SELECT DISTINCT u.rid FROM ({ids}) u{where} ORDER BY 1) d"
        f" CROSS JOIN LATERAL (SELECT r.* FROM resource r WHERE {place('r', resource_type)}"
        f" AND r.rid = d.rid OFFSET 0) r WHERE {' AND '.join(conditions)}"
    )


def _walked(
    candidates: Candidates,
    resource_type: str,
    nodes: tuple[Node, ...],
    order: tuple[Order, ...],
    walk: Leaf | Order,
    after: tuple[str, ...],
) -> tuple[str, list[Ordered]]:
    """The resources along the rows of an index, each at its first row there."""
    rest = tuple(node for node in nodes if node is not walk)
    down = bool(order) and order[0].descending
    if isinstance(walk, Leaf):
        columns, condition = walk.walk, walk.conditions[0]
        leaf = walk
    else:
        columns, condition = _WALKS[walk.kind], ""
        leaf = Leaf(walk.kind, walk.param, ())
    casts = {"d": "timestamptz", "q": "float8", "c": "float8"}
    orders: list[Ordered] = [(f"i.{columns[0]}", down, casts.get(leaf.kind, "text"))]
    later = [_ordered(key) for key in order[1:] if key.kind]
    if later:
        orders += later
    else:
        orders += [(f"i.{c}", down, orders[0][2]) for c in columns[1:]]
    orders.append(("i.rid", orders[-1][1], ""))
    conditions = [condition] if condition else []
    if after:
        bound = f"{after[0]}::{orders[0][2]}"
        conditions += [f"{orders[0][0]} {'<=' if down else '>='} {bound}", _behind(orders, after)]
    if not walk.single:
        conditions.append(_first(leaf, (*columns, *_TIES[leaf.kind]), condition, down))
    # What indexes tell alone is asked before the resource is fetched.
    alone = tuple(node for node in rest if by_index_alone(node))
    early = candidates.tests(alone, Row("w.id", None, resource_type))
    rest = tuple(node for node in rest if node not in alone)
    tests = candidates.tests(rest, Row("r.rid", "r", resource_type))
    conditions += [f"r.{LIVE}", *([tests] if tests else [])]
    return (
        f"{TABLES[leaf.kind]} i CROSS JOIN LATERAL (SELECT w.id"
        " FROM (SELECT i.rid AS id OFFSET 0) w"
        f" WHERE {early or 'true'} OFFSET 0) w CROSS JOIN LATERAL (SELECT r.* FROM resource r"
        f" WHERE {place('r', resource_type)} AND r.rid = w.id OFFSET 0) r"
        f" {rows(leaf).partition(' i ')[2]} AND {' AND '.join(conditions)}"
    ), orders


def _first(leaf: Leaf, columns: tuple[str, ...], condition: str, down: bool) -> str:
    """No other row of the resource comes before this one in the walk."""
    own = own_rows(leaf.kind, leaf.param, "r")
    earlier = ", ".join(f"i.{c}" for c in columns)
    here = earlier.replace("i.", "w.")
    # Inside, i is a row of the resource's own keys; w, a copy of the outer i.
    copied = ", ".join(f"i.{c}" for c in columns)
    more = f"{condition} AND " if condition else ""
    return (
        f"NOT EXISTS (SELECT FROM (SELECT {copied} OFFSET 0) w CROSS JOIN LATERAL (SELECT {own}"
        f" WHERE {more}({earlier}) {'>' if down else '<'} ({here}) OFFSET 0) o)"
    )


def _ordered(key: Order) -> Ordered:
    """What a key of the order looks at, from the resource's own row; missing values come last."""
    if key.kind == "u":
        return "r.updated_at", key.descending, "timestamptz"
    pick = "max" if key.descending else "min"
    own = f"jsonb_array_elements(r.keys->'{key.kind}') k WHERE k->>0 = '{key.param}'"
    if key.kind == "q":
        last = "'-infinity'" if key.descending else "'NaN'"
        found = f"coalesce((SELECT {pick}((k->>3)::float8) FROM {own}), {last})"
        return found, key.descending, "float8"
    if key.kind == "d":
        last = "'-infinity'" if key.descending else "'infinity'"
        found = f"coalesce((SELECT {pick}((k->>2)::timestamptz) FROM {own}), {last})"
        return found, key.descending, "timestamptz"
    last = "''" if key.descending else f"'{_AFTER_ALL}'"
    found = f'coalesce((SELECT {pick}((k->>1) COLLATE "C") FROM {own}), {last})'
    return found, key.descending, "text"


def _behind(orders: list[Ordered], after: tuple[str, ...]) -> str:
    """Rows behind the cursor: greater in the first order that differs."""
    if not after:
        return ""
    options, equal = [], ""
    for (expression, descending, cast), value in zip(orders, after, strict=True):
        bound = f"{value}::{cast}" if cast else value
        options.append(f"({equal}{expression} {'<' if descending else '>'} {bound})")
        equal += f"{expression} = {bound} AND "
    return f"({' OR '.join(options)})"


def lock_buckets(tenant: str, store: str, query: SearchQuery) -> list[int]:
    """The advisory locks that serialise conditional writes with these criteria.

    By identifier where one is asked for, else by type.
    """
    values = [
        split_bars(value)[-1]
        for criterion in query.criteria
        if isinstance(criterion, Criterion)
        and criterion.parameter.code == "identifier"
        and not criterion.modifier
        for value in criterion.values
    ]
    places = [f"{tenant}|{store}|{query.resource_type}|{value}" for value in values or [""]]
    return sorted({zlib.crc32(place.encode()) % LOCK_BUCKETS for place in places})
