"""Whether one resource meets a search, without asking the database.

For a version that is no longer the newest, which no index table knows. The answers are those of
the search itself: same reader, same index values, same comparisons (conditions.py, composites.py).
http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.search.compiler import is_true
from careloom.fhir.search.composites import distance_km, near_value, split_value
from careloom.fhir.search.conditions import (
    date_bounds,
    paths_above,
    reference_targets,
    split_prefix,
    token_parts,
)
from careloom.fhir.search.extract import KIND, OF_TYPE, TEXT
from careloom.fhir.search.index import IndexRows, SearchIndex
from careloom.fhir.search.pairs import seconds
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import (
    Criterion,
    Node,
    Pairs,
    QueryReader,
    split_bars,
    unescape,
)
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
    return meets_all(index, resource, [alone(node) for node in query.criteria])


def meets_all(index: SearchIndex, resource: JsonObject, criteria: list[Criterion]) -> bool:
    """Whether the resource, which may be a contained one, meets all of these."""
    rows = index.rows(resource)
    return all(_meets(index, resource, rows, criterion) for criterion in criteria)


def alone(node: Node) -> Criterion:
    """A criterion that the resource alone answers; raises InvalidInput for another."""
    if isinstance(node, Criterion) and not node.asks_terminology:
        return node
    raise InvalidInput(
        "Chains, _has and questions to a terminology need the store; one resource does not answer",
        code="not_a_criterion",
        fix="compare values of the resource itself",
    )


def _meets(index: SearchIndex, resource: JsonObject, rows: IndexRows, criterion: Criterion) -> bool:
    parameter, modifier = criterion.parameter, criterion.modifier
    if modifier == "missing":
        return is_true(criterion) is not _present(rows, criterion)
    if parameter.code == "_id":
        found = resource["id"] in {unescape(value) for value in criterion.values}
    elif parameter.code == "_lastUpdated":
        found = any(_last_updated(resource, value) for value in criterion.values)
    elif parameter.type == "composite":
        found = any(_composite(index, resource, rows, criterion, v) for v in criterion.values)
    else:
        tests = [_test_of(parameter, modifier)(index, criterion, v) for v in criterion.values]
        found = any(test(row) for row in _own(rows, parameter, modifier) for test in tests)
        if modifier == "of-type":
            found = found and _has_typed(rows, criterion)
    return found is not (modifier == "not")


def _own(rows: IndexRows, parameter: SearchParameter, modifier: str) -> list[Row]:
    """The resource's rows at which a criterion looks."""
    kind, key = KIND[parameter.type], parameter.key
    if modifier == "identifier":
        kind, key = "t", f"{parameter.key}:identifier"
    elif modifier == "text":
        kind, key = "x", parameter.key + TEXT
    elif modifier == "of-type":
        kind, key = "x", parameter.key + OF_TYPE
    return [row for row in rows.get(kind, ()) if row[0] == key]


def _has_typed(rows: IndexRows, criterion: Criterion) -> bool:
    """One of the identifiers has the value that :of-type names last."""
    wanted = {compact(split_bars(value)[-1]) for value in criterion.values}
    key = criterion.parameter.key
    return any(row[0] == key and row[1] in wanted for row in rows.get("t", ()))


def _present(rows: IndexRows, criterion: Criterion) -> bool:
    parameter = criterion.parameter
    if parameter.code in ("_id", "_lastUpdated"):
        return True
    if any(row[0] == parameter.key for row in rows.get(KIND[parameter.type], ())):
        return True
    return parameter.type == "reference" and bool(_own(rows, parameter, "identifier"))


Test = Callable[[Row], bool]


def _token(_index: SearchIndex, _criterion: Criterion, value: str) -> Test:
    system, code = token_parts(value)
    if code is None:
        return lambda row: row[2] == (system or "")
    if system is None:
        return lambda row: row[1] == code
    return lambda row: row[1] == code and row[2] == system


def _uri(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    url = unescape(value)
    if criterion.modifier == "below":
        start = url.rstrip("/") + "/"
        return lambda row: row[1] == compact(url) or row[1].startswith(start)
    if criterion.modifier == "above":
        wanted = {compact(above) for above in paths_above(url)}
        return lambda row: row[1] in wanted
    return lambda row: row[1] == compact(url)


def _text(_index: SearchIndex, _criterion: Criterion, value: str) -> Test:
    wanted = fold(unescape(value))
    return lambda row: wanted in row[1]


def _of_type(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    parts = split_bars(value)
    if len(parts) != 3 or not all(parts):
        code = criterion.parameter.code
        raise InvalidInput(f"{code}:of-type takes system|code|value", path=code)
    return lambda row: row[1] == "|".join(parts)


def _near(_index: SearchIndex, criterion: Criterion, value: str) -> Test:
    place = near_value(criterion, value)
    return lambda row: distance_km(place, float(row[5]), float(row[4])) <= place.km


def _composite(
    index: SearchIndex, resource: JsonObject, rows: IndexRows, criterion: Criterion, value: str
) -> bool:
    """The pair in one element, or on the resource itself."""
    parameter = criterion.parameter
    assert parameter.composite is not None
    values = split_value(parameter, value)
    if parameter.composite.whole:
        known = index.parameters(parameter.resource_type)
        parts = zip(parameter.composite.whole, values, strict=True)
        whole = [Criterion(known[code], "", (part,)) for code, part in parts]
        if all(_meets(index, resource, rows, one) for one in whole):
            return True
    kinds = [part.type for part in parameter.composite.parts]
    sides = [
        _side(index, criterion, kind, part, number)
        for number, (kind, part) in enumerate(zip(kinds, values, strict=True))
    ]
    own = [row for row in rows.get("c", ()) if row[0] == parameter.key]
    return any(all(test(row) for test in sides) for row in own)


def _side(index: SearchIndex, criterion: Criterion, kind: str, value: str, number: int) -> Test:
    """One part of a composite: its cells are put where a row of its own type has them."""
    test: Test
    if kind == "date":
        prefix, text = split_prefix(value)
        bounds = date_bounds(criterion.parameter.code, prefix, text)
        low, high = (float(seconds(bound)) for bound in bounds)
        return lambda row: _DATES[prefix](float(row[4]), float(row[5]), low, high)
    if kind in ("quantity", "number"):
        test = _TESTS[kind](index, criterion, value)
        if number == 2:
            return lambda row: test(["", 0, row[9], row[9]])
        return lambda row: test(["", 0, row[4], row[5], row[7], row[8], row[9]])
    side = 2 + number
    if kind == "reference":
        wanted = set(reference_targets(criterion.parameter, "", unescape(value), index))
        return lambda row: row[side] in wanted
    test = _TESTS[kind](index, criterion, value)
    return lambda row: test(["", row[side], row[6 + number], "", None])


def _test_of(parameter: SearchParameter, modifier: str) -> Callable[..., Test]:
    if modifier == "identifier":
        return _token
    return _BY_MODIFIER.get(modifier) or _TESTS[parameter.type]


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
    "special": _near,
}
_BY_MODIFIER: dict[str, Callable[[SearchIndex, Criterion, str], Test]] = {
    "text": _text,
    "of-type": _of_type,
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
