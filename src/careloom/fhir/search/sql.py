"""A search query as one SQL statement: $1 tenant, $2 store, $3 all other values as text[].

The shape is fixed instead of left to the planner: one criterion, the likely most selective, drives;
each candidate is then looked up by key. A new tenant has no statistics of its own, and without
them every join of two index tables looks free and may become a loop over both. Subqueries end in
OFFSET 0 where PostgreSQL would turn them into such joins.
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

from careloom.errors import InvalidInput
from careloom.fhir.restriction import FULL, Restriction, compartment_sql
from careloom.fhir.search.conditions import (
    READ,
    SCAN,
    IndexConditions,
    Tested,
    date_bounds,
    split_prefix,
)
from careloom.fhir.search.extract import KIND
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.query import (
    PREFIXED,
    Criterion,
    SearchQuery,
    SortKey,
    split_bars,
    unescape,
)

LOCK_BUCKETS = 4096
TABLES = {
    "s": "idx_string",
    "t": "idx_token",
    "r": "idx_reference",
    "d": "idx_date",
    "q": "idx_quantity",
}
_KEYS = {
    "d": "(e->>1)::timestamptz AS lo, (e->>2)::timestamptz AS hi",
    "q": "(e->>2)::float8 AS lo, (e->>3)::float8 AS hi,"
    " e->>4 AS system, e->>5 AS code, e->>6 AS unit",
}
"""Columns of the index rows that a resource keeps in `keys`."""
_SORT_COLUMN = {"string": 1, "token": 1, "uri": 1, "reference": 1, "date": 1}
_AFTER_ALL = "\U0010ffff"
_COARSE = frozenset({"code", "boolean"})
"""Element types of tokens with few values, such as status, gender and active."""


@dataclass(slots=True)
class Statement:
    """SQL text made from fixed pieces, and its values."""

    sql: str = ""
    args: list[str] = field(default_factory=list)


class SqlBuilder:
    """Builds one statement of one query."""

    def __init__(
        self, query: SearchQuery, index: SearchIndex, restriction: Restriction = FULL
    ) -> None:
        """`restriction` is what the caller may find of the type: see `restricted`."""
        self._query = query
        self._index = index
        self._restriction = restriction
        self._conditions = IndexConditions(index)
        self._driver = min(
            (c for c in query.criteria if _rank(c) < _NO_DRIVER), key=_rank, default=None
        )
        self._id = "r.rid" if self._driver is None else "d.rid"

    def matches(self) -> Statement:
        """The ids that meet the criteria."""
        return self._statement(f"SELECT {self._id} AS rid FROM {self._source('')}")

    def count(self) -> Statement:
        """How many resources meet the criteria."""
        return self._statement(f"SELECT count(*) FROM {self._source('')}")

    def page(self, limit: int, after: list[str] | None, *, keys: bool) -> Statement:
        """One page in sort order; `after` has the sort values and id of the row before it."""
        sort = [self._sort_expression(key) for key in self._query.sort]
        orders = [(e, k.descending) for e, k in zip(sort, self._query.sort, strict=True)]
        orders.append((self._id, False))
        behind = "" if after is None else self._after(orders, after)
        source = self._source(behind if sort == [] else "")
        if behind and sort:
            source += f" AND {behind}"
        order = ", ".join(f"{e} {'DESC' if down else 'ASC'}" for e, down in orders)
        values = ", ".join(f"({e})::text" for e in sort)
        columns = (
            "r.rtype, r.rid, r.version, r.updated_at, r.body,"
            f" {'r.keys' if keys else 'NULL::jsonb'}, ARRAY[{values}]::text[]"
        )
        return self._statement(f"SELECT {columns} FROM {source} ORDER BY {order} LIMIT {limit:d}")

    def _statement(self, sql: str) -> Statement:
        return Statement(sql, self._conditions.args)

    def _source(self, behind: str) -> str:
        """FROM and WHERE: the driver's ids in order, each with its resource, then the rest."""
        place = (
            "r.tenant = $1 AND r.store = $2"
            f" AND r.rtype = {self._conditions.arg(self._query.resource_type)}"
        )
        rest = [self._criterion(c) for c in self._query.criteria if not self._drives(c)]
        rest += self._compartment()
        if self._driver is None:
            named = [c.parameter.code for c in self._query.criteria]
            named += [key.parameter.code for key in self._query.sort]
            if "_lastUpdated" in named:
                place += f" AND {BY_TIME}"
            parts = [place, LIVE, *rest, *([behind] if behind else [])]
            return f"resource r WHERE {' AND '.join(parts)}"
        ids = self._driving(self._driver)
        if behind:
            ids = f"SELECT d.rid FROM ({ids}) d WHERE {behind}"
        return (
            f"({ids} ORDER BY 1) d CROSS JOIN LATERAL (SELECT r.* FROM resource r"
            f" WHERE {place} AND r.rid = d.rid OFFSET 0) r"
            f" WHERE {' AND '.join([LIVE, *rest])}"
        )

    def _compartment(self) -> list[str]:
        """That the resource belongs to a patient of the caller, where it has only some."""
        patients = self._restriction.compartment
        if patients is None:
            return []
        kind, arg = self._query.resource_type, self._conditions.arg
        return [compartment_sql(self._index, kind, patients, self._id, arg)]

    def _driving(self, criterion: Criterion) -> str:
        if criterion.parameter.code == "_id":
            ids = ", ".join(self._conditions.arg(unescape(v)) for v in criterion.values)
            return f"SELECT DISTINCT u.rid FROM unnest(ARRAY[{ids}]::text[]) u(rid)"
        tested = self._conditions.of(criterion)
        for other in self._query.criteria:
            if other is not criterion and self._drives(other):
                more = " OR ".join(self._conditions.of(other).conditions)
                both = tuple(f"{condition} AND ({more})" for condition in tested.conditions)
                tested = replace(tested, conditions=both)
        return f"SELECT DISTINCT u.rid FROM ({self._ids(tested)}) u"

    def _drives(self, criterion: Criterion) -> bool:
        """The driver, and the other end of its range: they meet in the same index row."""
        driver = self._driver
        return criterion is driver or (
            driver is not None
            and driver.parameter is criterion.parameter
            and driver.parameter.single
            and driver.parameter.type in PREFIXED
            and not criterion.modifier
        )

    def _ids(self, tested: Tested) -> str:
        """The ids under each condition; a list in one condition would not always lead the index."""
        rows = self._rows(tested)
        return " UNION ALL ".join(f"SELECT i.rid {rows} AND {c}" for c in tested.conditions)

    def _rows(self, tested: Tested) -> str:
        return (
            f"FROM {TABLES[tested.kind]} i WHERE i.tenant = $1 AND i.store = $2"
            f" AND i.param = {self._conditions.arg(tested.param)}"
        )

    def _criterion(self, criterion: Criterion) -> str:
        parameter = criterion.parameter
        if parameter.code == "_id":
            return self._identity(criterion)
        if criterion.modifier == "missing":
            return self._missing(criterion)
        if parameter.code == "_lastUpdated":
            values = [self._last_updated(value) for value in criterion.values]
            return f"({' OR '.join(values)})"
        tested = self._conditions.of(criterion)
        if tested.way == READ:
            return (
                f"EXISTS (SELECT FROM (SELECT {_KEYS[tested.kind]}"
                f" FROM jsonb_array_elements(r.keys->'{tested.kind}') e"
                f" WHERE e->>0 = {self._conditions.arg(tested.param)}) i"
                f" WHERE {' OR '.join(tested.conditions)})"
            )
        if tested.way == SCAN:
            # A range of values is gone through once and kept, not once for each candidate.
            right = "IS NOT TRUE" if criterion.modifier == "not" else "IS TRUE"
            return f"(({self._id} IN ({self._ids(tested)})) {right})"
        rows = self._rows(tested)
        found = " OR ".join(
            f"EXISTS (SELECT {rows} AND {condition} AND i.rid = {self._id} OFFSET 0)"
            for condition in tested.conditions
        )
        return f"NOT ({found})" if criterion.modifier == "not" else f"({found})"

    def _identity(self, criterion: Criterion) -> str:
        if criterion.modifier == "missing":
            return "false" if _boolean(criterion) else "true"
        ids = ", ".join(self._conditions.arg(unescape(value)) for value in criterion.values)
        return f"{self._id} {'NOT IN' if criterion.modifier == 'not' else 'IN'} ({ids})"

    def _missing(self, criterion: Criterion) -> str:
        missing = _boolean(criterion)
        if criterion.parameter.code == "_lastUpdated":
            return "false" if missing else "true"
        kind = KIND[criterion.parameter.type]
        found = (
            f"EXISTS (SELECT FROM jsonb_array_elements(r.keys->'{kind}') e"
            f" WHERE e->>0 = {self._conditions.arg(criterion.parameter.key)})"
        )
        return f"NOT {found}" if missing else found

    def _last_updated(self, value: str) -> str:
        prefix, text = split_prefix(value)
        low, high = date_bounds("_lastUpdated", prefix, text)
        lo = self._conditions.arg(low, "::timestamptz")
        hi = self._conditions.arg(high, "::timestamptz")
        return _INSTANT_CONDITIONS[prefix].format(lo=lo, hi=hi, at="r.updated_at")

    def _sort_expression(self, key: SortKey) -> str:
        parameter = key.parameter
        if parameter.code == "_id":
            return "r.rid"
        if parameter.code == "_lastUpdated":
            return "r.updated_at"
        kind, pick = KIND[parameter.type], "max" if key.descending else "min"
        if kind == "q":
            column, last = "(e->>2)::float8", "'-infinity'" if key.descending else "'NaN'"
            value = f"{pick}({column})"
        else:
            column, last = f"e->>{_SORT_COLUMN[parameter.type]}", "''"
            value = f'{pick}(({column}) COLLATE "C")'
            if not key.descending:
                last = self._conditions.arg(_AFTER_ALL)
        return (
            f"coalesce((SELECT {value} FROM jsonb_array_elements(r.keys->'{kind}') e"
            f" WHERE e->>0 = {self._conditions.arg(parameter.key)}), {last})"
        )

    def _after(self, orders: list[tuple[str, bool]], after: list[str]) -> str:
        """Rows behind the cursor: greater in the first order that differs."""
        options, equal = [], ""
        for (expression, descending), value in zip(orders, after, strict=True):
            cast = "::timestamptz" if expression == "r.updated_at" else ""
            if "float8" in expression:
                cast = "::float8"
            bound = self._conditions.arg(value, cast)
            options.append(f"({equal}{expression} {'<' if descending else '>'} {bound})")
            equal += f"{expression} = {bound} AND "
        return f"({' OR '.join(options)})"


LIVE = "r.method <> 'DELETE'"
BY_TIME = "r.version > 0"
"""Always true; the index by time is partial on it, so that no look-up by id mistakes it for its."""
_NO_DRIVER = 99


def _rank(criterion: Criterion) -> int:
    """How few resources a criterion is likely to leave; the lowest drives the search."""
    parameter, modifier = criterion.parameter, criterion.modifier
    if parameter.code == "_lastUpdated" or modifier in ("not", "missing"):
        return _NO_DRIVER
    if parameter.code == "_id":
        return 0
    if modifier == "contains" or any(value.endswith("|") for value in criterion.values):
        return 8
    if parameter.type == "token" and all(a.type in _COARSE for a in parameter.accessors):
        return 7
    if parameter.type == "token":
        return 1 if parameter.code == "identifier" else 4
    if parameter.type in ("date", "quantity", "number"):
        bounded = all(split_prefix(value)[0] in ("eq", "ap") for value in criterion.values)
        return 5 if bounded else 6
    return 2 if parameter.type == "reference" else 3


# Stored instants are points; searched ones are half-open spans.
_INSTANT_CONDITIONS = {
    "eq": "({at} >= {lo} AND {at} < {hi})",
    "ne": "({at} < {lo} OR {at} >= {hi})",
    "gt": "{at} >= {hi}",
    "lt": "{at} < {lo}",
    "ge": "{at} >= {lo}",
    "le": "{at} < {hi}",
    "sa": "{at} >= {hi}",
    "eb": "{at} < {lo}",
    "ap": "({at} >= {lo} AND {at} < {hi})",
}


def _boolean(criterion: Criterion) -> bool:
    if criterion.values not in (("true",), ("false",)):
        code = criterion.parameter.code
        raise InvalidInput(f"{code}:missing is true or false", path=code)
    return criterion.values == ("true",)


def lock_buckets(tenant: str, store: str, query: SearchQuery) -> list[int]:
    """The advisory locks that serialise conditional writes with these criteria.

    By identifier where one is asked for, else by type.
    """
    values = [
        split_bars(value)[-1]
        for criterion in query.criteria
        if criterion.parameter.code == "identifier" and not criterion.modifier
        for value in criterion.values
    ]
    places = [f"{tenant}|{store}|{query.resource_type}|{value}" for value in values or [""]]
    return sorted({zlib.crc32(place.encode()) % LOCK_BUCKETS for place in places})
