"""Search values as SQL conditions on rows of the index tables (alias i).

Only leakproof comparisons touch indexed columns, so that row-level security keeps the index.
Nothing from a request is ever part of the statement's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from careloom.errors import InvalidInput
from careloom.fhir.references import parse_literal
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.search.extract import KIND, reference_key
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import PREFIXES, Criterion, split_bars, unescape
from careloom.fhir.search.values import (
    NORM_LENGTH,
    compact,
    fold,
    lower_text,
    parse_number,
    parse_span,
    upper_text,
)

SEEK, READ, SCAN = "seek", "read", "scan"
MOST_BRANCHES = 24
"""Values of one criterion that get a branch of their own in the statement."""


@dataclass(frozen=True, slots=True)
class Tested:
    """One criterion on one index table."""

    kind: str
    """Letter of the table."""
    param: str
    conditions: tuple[str, ...]
    """One of them must hold; each leads the index by itself."""
    way: str
    """How a candidate is tested: SEEK when the index leads to its rows by value and id, READ from
    the candidate's own `keys` (dates and numbers), SCAN by going through a range of values."""


class IndexConditions:
    """Turns criteria into conditions; values go to `args`, of which $3 is made."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        self.args: list[str] = []

    def arg(self, value: str, cast: str = "") -> str:
        """A place for a value."""
        self.args.append(value)
        return f"($3)[{len(self.args)}]{cast}"

    def of(self, criterion: Criterion) -> Tested:
        """The conditions of a criterion that is answered by an index table."""
        parameter = criterion.parameter
        kind, param, test = KIND[parameter.type], parameter.key, _BY_TYPE[parameter.type]
        if criterion.modifier == "identifier":
            kind, param, test = "t", f"{parameter.key}:identifier", _BY_TYPE["token"]
        conditions = [c for value in criterion.values for c in test(self, criterion, value)]
        if len(conditions) > MOST_BRANCHES:
            conditions = [f"({' OR '.join(conditions)})"]
        return Tested(kind, param, tuple(conditions), _way(criterion))

    def _token(self, criterion: Criterion, value: str) -> list[str]:
        system, code = token_parts(value)
        if code is None:
            return [f"i.system = {self.arg(system or '')}"]
        condition = f"i.code = {self.arg(code)}"
        return [condition if system is None else f"{condition} AND i.system = {self.arg(system)}"]

    def _uri(self, criterion: Criterion, value: str) -> list[str]:
        return [f"i.code = {self.arg(compact(unescape(value)))}"]

    def _string(self, criterion: Criterion, value: str) -> list[str]:
        text = unescape(value)
        norm = fold(text)
        if criterion.modifier == "exact":
            start = self.arg(norm[:NORM_LENGTH])
            return [f"i.norm = {start} AND i.value = {self.arg(text)}"]
        if criterion.modifier == "contains":
            return [f"position({self.arg(norm)} IN coalesce(i.full_norm, i.norm)) > 0"]
        if len(norm) <= NORM_LENGTH:
            return [f"i.norm ^@ {self.arg(norm)}"]
        start = self.arg(norm[:NORM_LENGTH])
        return [f"i.norm = {start} AND i.full_norm ^@ {self.arg(norm)}"]

    def _reference(self, criterion: Criterion, value: str) -> list[str]:
        targets = reference_targets(
            criterion.parameter, criterion.modifier, unescape(value), self._index
        )
        return [f"i.target = {self.arg(target)}" for target in targets]

    def _date(self, criterion: Criterion, value: str) -> list[str]:
        prefix, text = split_prefix(value)
        low, high = date_bounds(criterion.parameter.code, prefix, text)
        lo, hi = self.arg(low, "::timestamptz"), self.arg(high, "::timestamptz")
        return [_DATE_CONDITIONS[prefix].format(lo=lo, hi=hi)]

    def _quantity(self, criterion: Criterion, value: str) -> list[str]:
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
            condition += f" AND i.system = {self.arg(system)}"
        if code:
            unit = self.arg(code)
            condition += f" AND (i.code = {unit}" + ("" if system else f" OR i.unit = {unit}") + ")"
        return [f"({condition})"]

    def _number(self, criterion: Criterion, value: str) -> list[str]:
        prefix, text = split_prefix(value)
        numbers = parse_number(text)
        if numbers is None:
            raise InvalidInput(
                f"{criterion.parameter.code}: this is not a number", path=criterion.parameter.code
            )
        return [f"({self._number_condition(prefix, *numbers)})"]

    def _number_condition(self, prefix: str, value: float, low: float, high: float) -> str:
        if prefix == "ap":
            margin = abs(value) * 0.1
            low, high = value - margin, value + margin
        at, lo, hi = (self.arg(repr(number), "::float8") for number in (value, low, high))
        return _NUMBER_CONDITIONS[prefix].format(v=at, lo=lo, hi=hi)


def token_parts(value: str) -> tuple[str | None, str | None]:
    """System and code of a token; None where any will do."""
    parts = split_bars(value)
    if len(parts) == 1:
        return None, compact(parts[0])
    code = "|".join(parts[1:])
    return compact(parts[0]), compact(code) if code else None


def _way(criterion: Criterion) -> str:
    kind = criterion.parameter.type
    if kind == "string":
        return SEEK if criterion.modifier == "exact" else SCAN
    if kind == "token" or criterion.modifier == "identifier":
        return SCAN if any(token_parts(v)[1] is None for v in criterion.values) else SEEK
    return SEEK if kind in ("reference", "uri") else READ


_BY_TYPE: dict[str, Callable[[IndexConditions, Criterion, str], list[str]]] = {
    "token": IndexConditions._token,
    "uri": IndexConditions._uri,
    "string": IndexConditions._string,
    "reference": IndexConditions._reference,
    "date": IndexConditions._date,
    "quantity": IndexConditions._quantity,
    "number": IndexConditions._number,
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


def date_bounds(code: str, prefix: str, text: str) -> tuple[str, str]:
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
        return [f"{name}/{value}" for name in types]
    return [compact(value)]
