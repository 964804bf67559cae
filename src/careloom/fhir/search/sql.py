"""A search query as one SQL statement: $1 tenant, $2 store, $3 all other values as text[].

Only leakproof comparisons touch indexed columns, so that row-level security keeps the index.
Nothing from a request is ever part of the statement's text.
"""

# ruff: noqa: S608 - statements are made of fixed pieces; values travel beside them

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from careloom.errors import InvalidInput
from careloom.fhir.references import parse_literal
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.search.extract import KIND, reference_key
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import (
    PREFIXES,
    Criterion,
    SearchQuery,
    SortKey,
    split_bars,
    unescape,
)
from careloom.fhir.search.values import (
    NORM_LENGTH,
    compact,
    fold,
    lower_text,
    parse_number,
    parse_span,
    upper_text,
)

LOCK_BUCKETS = 4096
TABLES = {
    "s": "idx_string",
    "t": "idx_token",
    "r": "idx_reference",
    "d": "idx_date",
    "q": "idx_quantity",
}
_SORT_COLUMN = {"string": 1, "token": 1, "uri": 1, "reference": 1, "date": 1}
_AFTER_ALL = "\U0010ffff"


@dataclass(slots=True)
class Statement:
    """SQL text made from fixed pieces, and its values."""

    sql: str = ""
    args: list[str] = field(default_factory=list)


class SqlBuilder:
    """Builds the statements of one query."""

    def __init__(self, query: SearchQuery, index: SearchIndex) -> None:
        self._query = query
        self._index = index
        self._args: list[str] = []

    def matches(self) -> Statement:
        """The ids that meet the criteria."""
        return self._statement(f"SELECT r.rid FROM resource r WHERE {self._where()}")

    def count(self) -> Statement:
        """How many resources meet the criteria."""
        return self._statement(f"SELECT count(*) FROM resource r WHERE {self._where()}")

    def page(self, limit: int, after: list[str] | None, *, keys: bool) -> Statement:
        """One page in sort order; `after` has the sort values and id of the row before it."""
        where = self._where()
        sort = [self._sort_expression(key) for key in self._query.sort]
        orders = [(e, k.descending) for e, k in zip(sort, self._query.sort, strict=True)]
        orders.append(("r.rid", False))
        if after is not None:
            where += f" AND {self._after(orders, after)}"
        order = ", ".join(f"{e} {'DESC' if down else 'ASC'}" for e, down in orders)
        values = ", ".join(f"({e})::text" for e in sort)
        columns = (
            "r.rtype, r.rid, r.version, r.updated_at, r.body,"
            f" {'r.keys' if keys else 'NULL::jsonb'}, ARRAY[{values}]::text[]"
        )
        return self._statement(
            f"SELECT {columns} FROM resource r WHERE {where} ORDER BY {order} LIMIT {limit:d}"
        )

    def _statement(self, sql: str) -> Statement:
        return Statement(sql, self._args)

    def _arg(self, value: str, cast: str = "") -> str:
        self._args.append(value)
        return f"($3)[{len(self._args)}]{cast}"

    def _where(self) -> str:
        parts = [
            "r.tenant = $1 AND r.store = $2",
            f"r.rtype = {self._arg(self._query.resource_type)}",
            "r.method <> 'DELETE'",
        ]
        parts += [self._criterion(criterion) for criterion in self._query.criteria]
        return " AND ".join(parts)

    def _criterion(self, criterion: Criterion) -> str:
        parameter = criterion.parameter
        if parameter.code == "_id":
            return self._id(criterion)
        if criterion.modifier == "missing":
            return self._missing(criterion)
        if parameter.code == "_lastUpdated":
            values = [self._last_updated(value) for value in criterion.values]
            return f"({' OR '.join(values)})"
        key, kind = parameter.key, KIND[parameter.type]
        if criterion.modifier == "identifier":
            key, kind = f"{key}:identifier", "t"
        conditions = [self._value(criterion, value) for value in criterion.values]
        exists = (
            f"EXISTS (SELECT FROM {TABLES[kind]} i WHERE i.tenant = $1 AND i.store = $2"
            f" AND i.param = {self._arg(key)} AND i.rid = r.rid AND ({' OR '.join(conditions)}))"
        )
        return f"NOT {exists}" if criterion.modifier == "not" else exists

    def _id(self, criterion: Criterion) -> str:
        if criterion.modifier == "missing":
            return "false" if _boolean(criterion) else "true"
        ids = ", ".join(self._arg(unescape(value)) for value in criterion.values)
        return f"r.rid {'NOT IN' if criterion.modifier == 'not' else 'IN'} ({ids})"

    def _missing(self, criterion: Criterion) -> str:
        missing = _boolean(criterion)
        if criterion.parameter.code == "_lastUpdated":
            return "false" if missing else "true"
        kind = KIND[criterion.parameter.type]
        found = (
            f"EXISTS (SELECT FROM jsonb_array_elements(r.keys->'{kind}') e"
            f" WHERE e->>0 = {self._arg(criterion.parameter.key)})"
        )
        return f"NOT {found}" if missing else found

    def _value(self, criterion: Criterion, value: str) -> str:
        if criterion.modifier == "identifier":
            return self._token(criterion, value)
        return _BY_TYPE[criterion.parameter.type](self, criterion, value)

    def _token(self, criterion: Criterion, value: str) -> str:
        parts = split_bars(value)
        if len(parts) == 1:
            return f"i.code = {self._arg(compact(parts[0]))}"
        system, code = parts[0], "|".join(parts[1:])
        if not code:
            return f"i.system = {self._arg(compact(system))}"
        place = f"i.system = {self._arg(compact(system))}" if system else "i.system = ''"
        return f"(i.code = {self._arg(compact(code))} AND {place})"

    def _uri(self, criterion: Criterion, value: str) -> str:
        return f"i.code = {self._arg(compact(unescape(value)))}"

    def _string(self, criterion: Criterion, value: str) -> str:
        text = unescape(value)
        norm = fold(text)
        if criterion.modifier == "exact":
            start = self._arg(norm[:NORM_LENGTH])
            return f"(i.norm = {start} AND i.value = {self._arg(text)})"
        if criterion.modifier == "contains":
            return f"position({self._arg(norm)} IN coalesce(i.full_norm, i.norm)) > 0"
        if len(norm) <= NORM_LENGTH:
            return f"i.norm ^@ {self._arg(norm)}"
        start = self._arg(norm[:NORM_LENGTH])
        return f"(i.norm = {start} AND i.full_norm ^@ {self._arg(norm)})"

    def _reference(self, criterion: Criterion, value: str) -> str:
        targets = reference_targets(
            criterion.parameter, criterion.modifier, unescape(value), self._index
        )
        return f"i.target IN ({', '.join(self._arg(target) for target in targets)})"

    def _date(self, criterion: Criterion, value: str) -> str:
        prefix, text = split_prefix(value)
        low, high = _date_bounds(criterion.parameter.code, prefix, text)
        lo, hi = self._arg(low, "::timestamptz"), self._arg(high, "::timestamptz")
        return _DATE_CONDITIONS[prefix].format(lo=lo, hi=hi)

    def _last_updated(self, value: str) -> str:
        prefix, text = split_prefix(value)
        low, high = _date_bounds("_lastUpdated", prefix, text)
        lo, hi = self._arg(low, "::timestamptz"), self._arg(high, "::timestamptz")
        return _INSTANT_CONDITIONS[prefix].format(lo=lo, hi=hi, at="r.updated_at")

    def _quantity(self, criterion: Criterion, value: str) -> str:
        parts = split_bars(value)
        prefix, text = split_prefix(parts[0])
        numbers = parse_number(text)
        if numbers is None or len(parts) not in (1, 2, 3):
            raise InvalidInput(
                f"{criterion.parameter.code}: this is not a number with a unit",
                path=criterion.parameter.code,
                fix="write [prefix]number, or [prefix]number|system|code",
            )
        condition = self._number_condition(prefix, *numbers)
        system, code = (*parts[1:], "", "")[:2]
        if system:
            condition += f" AND i.system = {self._arg(system)}"
        if code:
            unit = self._arg(code)
            condition += f" AND (i.code = {unit}" + ("" if system else f" OR i.unit = {unit}") + ")"
        return f"({condition})"

    def _number(self, criterion: Criterion, value: str) -> str:
        prefix, text = split_prefix(value)
        numbers = parse_number(text)
        if numbers is None:
            raise InvalidInput(
                f"{criterion.parameter.code}: this is not a number", path=criterion.parameter.code
            )
        return f"({self._number_condition(prefix, *numbers)})"

    def _number_condition(self, prefix: str, value: float, low: float, high: float) -> str:
        if prefix == "ap":
            margin = abs(value) * 0.1
            low, high = value - margin, value + margin
        at, lo, hi = (self._arg(repr(number), "::float8") for number in (value, low, high))
        return _NUMBER_CONDITIONS[prefix].format(v=at, lo=lo, hi=hi)

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
                last = self._arg(_AFTER_ALL)
        return (
            f"coalesce((SELECT {value} FROM jsonb_array_elements(r.keys->'{kind}') e"
            f" WHERE e->>0 = {self._arg(parameter.key)}), {last})"
        )

    def _after(self, orders: list[tuple[str, bool]], after: list[str]) -> str:
        """Rows behind the cursor: greater in the first order that differs."""
        options, equal = [], ""
        for (expression, descending), value in zip(orders, after, strict=True):
            cast = "::timestamptz" if expression == "r.updated_at" else ""
            if "float8" in expression:
                cast = "::float8"
            bound = self._arg(value, cast)
            options.append(f"({equal}{expression} {'<' if descending else '>'} {bound})")
            equal += f"{expression} = {bound} AND "
        return f"({' OR '.join(options)})"


_BY_TYPE: dict[str, Callable[[SqlBuilder, Criterion, str], str]] = {
    "token": SqlBuilder._token,
    "uri": SqlBuilder._uri,
    "string": SqlBuilder._string,
    "reference": SqlBuilder._reference,
    "date": SqlBuilder._date,
    "quantity": SqlBuilder._quantity,
    "number": SqlBuilder._number,
}
# Stored and searched spans are half-open; http://hl7.org/fhir/R4/search.html#prefix
_DATE_CONDITIONS = {
    "eq": "(i.hi > {lo} AND i.hi <= {hi} AND i.lo >= {lo})",
    "ne": "(i.lo < {lo} OR i.hi > {hi})",
    "gt": "i.hi > {hi}",
    "lt": "i.lo < {lo}",
    "ge": "(i.hi > {lo} AND (i.hi > {hi} OR i.lo >= {lo}))",
    "le": "(i.lo < {lo} OR i.hi <= {hi})",
    "sa": "(i.hi > {hi} AND i.lo >= {hi})",
    "eb": "i.hi <= {lo}",
    "ap": "(i.hi > {lo} AND i.lo < {hi})",
}
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
_NUMBER_CONDITIONS = {
    "eq": "i.hi >= {lo} AND i.hi < {hi} AND i.lo >= {lo}",
    "ne": "NOT (i.lo >= {lo} AND i.hi < {hi})",
    "gt": "i.hi > {v}",
    "lt": "i.lo < {v}",
    "ge": "i.hi >= {v}",
    "le": "i.lo <= {v}",
    "sa": "i.lo > {v}",
    "eb": "i.hi < {v}",
    "ap": "i.hi >= {lo} AND i.lo <= {hi}",
}
_PREFIX = re.compile(rf"({'|'.join(PREFIXES)})(?=[-\d.])")


def split_prefix(value: str) -> tuple[str, str]:
    """Prefix (eq when there is none) and the rest."""
    match = _PREFIX.match(value)
    return (match[1], value[2:]) if match else ("eq", value)


def _date_bounds(code: str, prefix: str, text: str) -> tuple[str, str]:
    span = parse_span(text.replace(" ", "+"))
    if span is None:
        raise InvalidInput(
            f"{code}: this is not a date",
            path=code,
            fix="write [prefix]YYYY[-MM[-DD[Thh:mm[:ss][+zz:zz]]]]",
        )
    low, high = span
    if prefix == "ap" and low is not None:
        margin = abs(datetime.now(UTC) - low) * 0.1
        low = max(low - margin, datetime.min.replace(tzinfo=UTC) + timedelta(days=1))
        high = None if high is None else high + margin
    return lower_text(low), upper_text(high)


def _boolean(criterion: Criterion) -> bool:
    if criterion.values not in (("true",), ("false",)):
        code = criterion.parameter.code
        raise InvalidInput(f"{code}:missing is true or false", path=code)
    return criterion.values == ("true",)


def reference_targets(
    parameter: SearchParameter, modifier: str, value: str, index: SearchIndex
) -> list[str]:
    """The index values that a reference value of a query can mean."""
    if modifier:
        value = f"{modifier}/{value}" if "/" not in value else value
    if parse_literal(value) is not None:
        return [reference_key(value, index.bases)]
    if ID_PATTERN.match(value):
        types = parameter.targets
        if not types or "Resource" in types:
            types = index.definitions.resource_types
        return [*(f"{name}/{value}" for name in types), value]
    return [compact(value)]


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
