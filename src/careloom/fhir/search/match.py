"""Whether one resource meets a search, without asking the database.

For a version that is no longer the newest, which no index table knows. The answers are those of
the search itself: same reader, same index values, same comparisons (conditions.py, sql.py).
http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.search.conditions import (
    date_bounds,
    reference_targets,
    split_prefix,
    token_parts,
)
from careloom.fhir.search.extract import KIND
from careloom.fhir.search.index import IndexRows, SearchIndex
from careloom.fhir.search.query import Criterion, Pairs, QueryReader, split_bars, unescape
from careloom.fhir.search.values import (
    FIRST,
    LAST,
    NORM_LENGTH,
    compact,
    fold,
    parse_number,
)
from careloom.types import JsonObject

Row = list[Any]
Moment = tuple[int, datetime | None]
"""A time that may be before or after all others."""


def matches(index: SearchIndex, resource: JsonObject, pairs: Pairs) -> bool:
    """Whether the resource, as it is given, meets every criterion.

    Raises InvalidInput on what is unknown or wrong, and on parameters that are no criterion.
    """
    query = QueryReader(index, resource["resourceType"], strict=True).read(pairs)
    if len(query.criteria) != len(pairs):
        raise InvalidInput(
            "Only criteria say whether a resource matches; _sort, _count, _include and the like"
            " do not",
            code="not_a_criterion",
            fix="leave name=value criteria alone",
        )
    rows = index.rows(resource)
    return all(_meets(index, resource, rows, criterion) for criterion in query.criteria)


def _meets(index: SearchIndex, resource: JsonObject, rows: IndexRows, criterion: Criterion) -> bool:
    parameter, modifier = criterion.parameter, criterion.modifier
    if modifier == "missing":
        return _missing(criterion) is not _present(resource, rows, criterion)
    if parameter.code == "_id":
        found = resource["id"] in {unescape(value) for value in criterion.values}
        return found is not (modifier == "not")
    if parameter.code == "_lastUpdated":
        return any(_last_updated(resource, value) for value in criterion.values)
    kind, key, test = KIND[parameter.type], parameter.key, _TESTS[parameter.type]
    if modifier == "identifier":
        kind, key, test = "t", f"{parameter.key}:identifier", _token
    tests = [test(index, criterion, value) for value in criterion.values]
    own = [row for row in rows.get(kind, ()) if row[0] == key]
    found = any(one(row) for row in own for one in tests)
    return found is not (modifier == "not")


def _missing(criterion: Criterion) -> bool:
    if criterion.values not in (("true",), ("false",)):
        code = criterion.parameter.code
        raise InvalidInput(f"{code}:missing is true or false", path=code)
    return criterion.values == ("true",)


def _present(resource: JsonObject, rows: IndexRows, criterion: Criterion) -> bool:
    parameter = criterion.parameter
    if parameter.code in ("_id", "_lastUpdated"):
        return True
    return any(row[0] == parameter.key for row in rows.get(KIND[parameter.type], ()))


Test = Callable[[Row], bool]


def _token(_index: SearchIndex, _criterion: Criterion, value: str) -> Test:
    system, code = token_parts(value)
    if code is None:
        return lambda row: row[2] == (system or "")
    if system is None:
        return lambda row: row[1] == code
    return lambda row: row[1] == code and row[2] == system


def _uri(_index: SearchIndex, _criterion: Criterion, value: str) -> Test:
    wanted = compact(unescape(value))
    return lambda row: row[1] == wanted


def _string(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    text = unescape(value)
    norm = fold(text)
    start = norm[:NORM_LENGTH]
    if criterion.modifier == "exact":
        return lambda row: row[1] == start and row[3] == text
    if criterion.modifier == "contains":
        return lambda row: norm in (row[1] if row[4] is None else row[4])
    if len(norm) <= NORM_LENGTH:
        return lambda row: row[1].startswith(norm)
    return lambda row: row[1] == start and row[4] is not None and row[4].startswith(norm)


def _reference(index: SearchIndex, criterion: Criterion, value: str) -> Test:
    wanted = set(reference_targets(criterion.parameter, criterion.modifier, unescape(value), index))
    return lambda row: row[1] in wanted


def _date(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    prefix, text = split_prefix(value)
    low, high = date_bounds(criterion.parameter.code, prefix, text)
    compare = _DATES[prefix]
    at, to = _moment(low), _moment(high)
    return lambda row: compare(_moment(row[1]), _moment(row[2]), at, to)


def _quantity(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    code = criterion.parameter.code
    parts = split_bars(value)
    if len(parts) > 3:
        raise InvalidInput(
            f"{code}: this is not a number with a unit",
            path=code,
            fix="write [prefix]number, or [prefix]number|system|code",
        )
    in_range = _numbers(code, parts[0])
    system, unit = (*parts[1:], "", "")[:2]

    def test(row: Row) -> bool:
        if not in_range(row) or (system and row[4] != system):
            return False
        return not unit or row[5] == unit or (not system and row[6] == unit)

    return test


def _number(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    return _numbers(criterion.parameter.code, value)


def _numbers(code: str, value: str) -> Test:
    prefix, text = split_prefix(value)
    numbers = parse_number(text)
    if numbers is None:
        raise InvalidInput(f"{code}: this is not a number", path=code)
    at, low, high = numbers
    if prefix == "ap":
        margin = abs(at) * 0.1
        low, high = at - margin, at + margin
    compare = _NUMBERS[prefix]
    return lambda row: compare(float(row[2]), float(row[3]), at, low, high)


def _last_updated(resource: JsonObject, value: str) -> bool:
    prefix, text = split_prefix(value)
    low, high = date_bounds("_lastUpdated", prefix, text)
    at = _moment(resource["meta"]["lastUpdated"].replace("Z", "+00:00"))
    return _INSTANTS[prefix](at, _moment(low), _moment(high))


def _moment(text: str) -> Moment:
    if text == FIRST:
        return (-1, None)
    if text == LAST:
        return (1, None)
    return (0, datetime.fromisoformat(text))


_TESTS: dict[str, Callable[[SearchIndex, Criterion, str], Test]] = {
    "token": _token,
    "uri": _uri,
    "string": _string,
    "reference": _reference,
    "date": _date,
    "quantity": _quantity,
    "number": _number,
}
# Half-open spans, as in conditions.py; http://hl7.org/fhir/R4/search.html#prefix
_DATES: dict[str, Callable[[Any, Any, Any, Any], bool]] = {
    "eq": lambda lo, hi, low, high: low < hi <= high and lo >= low,
    "ne": lambda lo, hi, low, high: lo < low or hi > high,
    "gt": lambda lo, hi, low, high: hi > high,
    "lt": lambda lo, hi, low, high: lo < low,
    "ge": lambda lo, hi, low, high: hi > low and (hi > high or lo >= low),
    "le": lambda lo, hi, low, high: lo < low or hi <= high,
    "sa": lambda lo, hi, low, high: hi > high and lo >= high,
    "eb": lambda lo, hi, low, high: hi <= low,
    "ap": lambda lo, hi, low, high: hi > low and lo < high,
}
_NUMBERS: dict[str, Callable[[float, float, float, float, float], bool]] = {
    "eq": lambda lo, hi, v, low, high: low <= hi < high and lo >= low,
    "ne": lambda lo, hi, v, low, high: not (lo >= low and hi < high),
    "gt": lambda lo, hi, v, low, high: hi > v,
    "lt": lambda lo, hi, v, low, high: lo < v,
    "ge": lambda lo, hi, v, low, high: hi >= v,
    "le": lambda lo, hi, v, low, high: lo <= v,
    "sa": lambda lo, hi, v, low, high: lo > v,
    "eb": lambda lo, hi, v, low, high: hi < v,
    "ap": lambda lo, hi, v, low, high: hi >= low and lo <= high,
}
_INSTANTS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "eq": lambda at, low, high: low <= at < high,
    "ne": lambda at, low, high: at < low or at >= high,
    "gt": lambda at, low, high: at >= high,
    "lt": lambda at, low, high: at < low,
    "ge": lambda at, low, high: at >= low,
    "le": lambda at, low, high: at < high,
    "sa": lambda at, low, high: at >= high,
    "eb": lambda at, low, high: at < low,
    "ap": lambda at, low, high: low <= at < high,
}
