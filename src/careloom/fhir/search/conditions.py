"""Search values as conditions on rows of the index tables (alias i), and their values.

Only leakproof comparisons touch indexed columns, so that row-level security keeps the index.
Nothing from a request is ever part of the statement's text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from careloom.errors import InvalidInput
from careloom.fhir.references import parse_literal
from careloom.fhir.resource import ID_PATTERN
from careloom.fhir.search.extract import OF_TYPE, TEXT, reference_key
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.nodes import READ, SEEK, AllOf, AnyOf, Leaf, Node
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import PREFIXES, Criterion, split_bars, unescape
from careloom.fhir.search.values import (
    NORM_LENGTH,
    after_prefix,
    compact,
    fold,
    lower_text,
    parse_number,
    parse_span,
    upper_text,
)

MOST_BRANCHES = 24
"""Values of one criterion that get a branch of their own in the statement."""
Place = Callable[[str], str]
"""Keeps a value and answers the text that stands for it."""
_SEPARATOR = "\x1f"
_RANGE = 5
_OPEN_RANGE = 6
_COARSE_RANK = 7
_EVERYTHING = 8
_COARSE = frozenset({"code", "boolean"})
"""Element types of tokens with few values, such as status, gender and active."""


def of_criterion(criterion: Criterion, index: SearchIndex, place: Place) -> Node:
    """The node of a criterion that index tables answer."""
    parameter, modifier = criterion.parameter, criterion.modifier
    if modifier == "identifier":
        leaf = _tokens(f"{parameter.key}:identifier", criterion.values, place, rank=1)
    elif parameter.type == "token":
        return _token_node(criterion, place)
    elif parameter.type == "uri":
        leaf = _uris(criterion, place)
    elif parameter.type == "string":
        leaf = _strings(criterion, place)
    elif parameter.type == "reference":
        leaf = _references(criterion, index, place)
    elif parameter.type == "date":
        leaf = _dates(criterion, place)
    else:
        leaf = _numbers(criterion, place)
    return leaf


def _joined(conditions: list[str]) -> tuple[str, ...]:
    if len(conditions) > MOST_BRANCHES:
        return (f"({' OR '.join(conditions)})",)
    return tuple(conditions)


def _token_node(criterion: Criterion, place: Place) -> Node:
    parameter, modifier = criterion.parameter, criterion.modifier
    if modifier == "text":
        folded = [place(fold(unescape(value))) for value in criterion.values]
        texts = [f"position({text} IN i.text) > 0" for text in folded]
        return Leaf("x", parameter.key + TEXT, tuple(texts), READ, rank=99)
    if modifier == "of-type":
        return AnyOf(tuple(_of_type(parameter, value, place) for value in criterion.values))
    if criterion.codes is not None:
        return _coded(parameter, criterion.codes, place)
    return _tokens(parameter.key, criterion.values, place, _token_rank(parameter))


def _token_rank(parameter: SearchParameter) -> int:
    if parameter.accessors and all(a.type in _COARSE for a in parameter.accessors):
        return _COARSE_RANK
    return 1 if parameter.code == "identifier" else 4


def _tokens(key: str, values: tuple[str, ...], place: Place, rank: int) -> Leaf:
    conditions, way = [], SEEK
    for value in values:
        system, code = token_parts(value)
        if code is None:
            conditions.append(f"i.system = {place(system or '')}")
            way, rank = READ, _EVERYTHING
        elif system is None:
            conditions.append(f"i.code = {place(code)}")
        else:
            conditions.append(f"i.code = {place(code)} AND i.system = {place(system)}")
    return Leaf("t", key, _joined(conditions), way, rank)


def _of_type(parameter: SearchParameter, value: str, place: Place) -> Node:
    """system|code|value: the identifier by its value, then its type from the resource's keys."""
    parts = split_bars(value)
    if len(parts) != 3 or not all(parts):
        raise InvalidInput(
            f"{parameter.code}:of-type takes system|code|value",
            path=parameter.code,
            fix="write the system and code of Identifier.type, then the value",
        )
    found = Leaf("t", parameter.key, (f"i.code = {place(compact(parts[2]))}",), SEEK, 1)
    typed = (f"i.text = {place('|'.join(parts))}",)
    return AllOf((found, Leaf("x", parameter.key + OF_TYPE, typed, READ, rank=99)))


def _coded(parameter: SearchParameter, codes: tuple[tuple[str, str], ...], place: Place) -> Node:
    """One of the codes that a terminology service named."""
    if not codes:
        return AnyOf(())
    listed = [(compact(code), compact(system)) for system, code in codes]
    if len(listed) <= MOST_BRANCHES:
        each = [f"i.code = {place(c)} AND i.system = {place(s)}" for c, s in listed]
        return Leaf("t", parameter.key, tuple(each), SEEK, 4)
    alone = place(_SEPARATOR.join(sorted({code for code, _ in listed})))
    pairs = place(_SEPARATOR.join(f"{system}|{code}" for code, system in listed))
    condition = (
        f"i.code = ANY (string_to_array({alone}, chr(31))) AND i.system || '|' || i.code"
        f" IN (SELECT unnest(string_to_array({outside(pairs)}, chr(31))))"
    )
    return Leaf("t", parameter.key, (condition,), READ, 4)


def outside(place: str) -> str:
    """A value as the statement's own parameter, so that a list is hashed once, not per row."""
    return place.replace("e.v", "$3", 1)


def _uris(criterion: Criterion, place: Place) -> Leaf:
    conditions, way = [], SEEK
    for value in criterion.values:
        url = unescape(value)
        if criterion.modifier == "below":
            start = url.rstrip("/") + "/"
            inside = f"i.code >= {place(start)} AND i.code < {place(after_prefix(start))}"
            conditions += [f"i.code = {place(compact(url))}", inside]
            way = READ
        elif criterion.modifier == "above":
            conditions += [f"i.code = {place(compact(above))}" for above in paths_above(url)]
        else:
            conditions.append(f"i.code = {place(compact(url))}")
    return Leaf("t", criterion.parameter.key, _joined(conditions), way, 2 if way == SEEK else 3)


def paths_above(url: str) -> list[str]:
    """The URL and all above it: http://a/b/c, http://a/b, http://a."""
    found = [url]
    while url.count("/") > 2 or (":" not in url and "/" in url):
        url = url.rpartition("/")[0]
        found.append(url)
    return found


def _strings(criterion: Criterion, place: Place) -> Leaf:
    key, modifier = criterion.parameter.key, criterion.modifier
    conditions = [string_condition(modifier, unescape(v), place) for v in criterion.values]
    if modifier == "exact":
        return Leaf("s", key, _joined(conditions), SEEK, 2)
    if modifier == "contains":
        return Leaf("s", key, _joined(conditions), READ, _EVERYTHING)
    walk = ("norm",) if len(conditions) == 1 else ()
    return Leaf("s", key, _joined(conditions), READ, 3, walk)


def string_condition(modifier: str, text: str, place: Place) -> str:
    """A string value on columns norm, full_norm and value."""
    norm = fold(text)
    if modifier == "exact":
        return f"i.norm = {place(norm[:NORM_LENGTH])} AND i.value = {place(text)}"
    if modifier == "contains":
        return f"position({place(norm)} IN coalesce(i.full_norm, i.norm)) > 0"
    if len(norm) <= NORM_LENGTH:
        return f"i.norm >= {place(norm)} AND i.norm < {place(after_prefix(norm))}"
    return f"i.norm = {place(norm[:NORM_LENGTH])} AND i.full_norm ^@ {place(norm)}"


def _references(criterion: Criterion, index: SearchIndex, place: Place) -> Leaf:
    targets = [
        target
        for value in criterion.values
        for target in reference_targets(
            criterion.parameter, criterion.modifier, unescape(value), index
        )
    ]
    conditions = [f"i.target = {place(target)}" for target in targets[:MOST_BRANCHES]]
    if len(targets) > MOST_BRANCHES:
        listed = place(_SEPARATOR.join(targets))
        conditions = [f"i.target = ANY (string_to_array({listed}, chr(31)))"]
    return Leaf("r", criterion.parameter.key, _joined(conditions), SEEK, 2)


def _dates(criterion: Criterion, place: Place) -> Leaf:
    conditions, bounded = [], True
    for value in criterion.values:
        prefix, text = split_prefix(value)
        low, high = date_bounds(criterion.parameter.code, prefix, text)
        lo, hi = f"{place(low)}::timestamptz", f"{place(high)}::timestamptz"
        conditions.append(DATE_CONDITIONS[prefix].format(lo=lo, hi=hi))
        bounded = bounded and prefix in ("eq", "ap")
    walk = ("hi", "lo") if len(conditions) == 1 else ()
    rank = _RANGE if bounded else _OPEN_RANGE
    parameter = criterion.parameter
    return Leaf("d", parameter.key, _joined(conditions), READ, rank, walk, parameter.single)


def _numbers(criterion: Criterion, place: Place) -> Leaf:
    parameter = criterion.parameter
    made = quantity_condition if parameter.type == "quantity" else number_condition
    conditions = [made(parameter.code, value, place) for value in criterion.values]
    walk = ("hi", "lo") if len(conditions) == 1 else ()
    bounded = all(split_prefix(value)[0] in ("eq", "ap") for value in criterion.values)
    rank = _RANGE if bounded else _OPEN_RANGE
    return Leaf("q", parameter.key, _joined(conditions), READ, rank, walk, parameter.single)


def quantity_condition(
    code: str, value: str, place: Place, columns: tuple[str, str, str] = ("system", "code", "unit")
) -> str:
    """A quantity on columns lo, hi and those of its unit."""
    parts = split_bars(value)
    if len(parts) not in (1, 2, 3):
        raise InvalidInput(
            f"{code}: this is not a number with a unit",
            path=code,
            fix="write [prefix]number, or [prefix]number|system|code",
        )
    condition = number_condition(code, parts[0], place)
    system, unit = (*parts[1:], "", "")[:2]
    if system:
        condition += f" AND i.{columns[0]} = {place(system)}"
    if unit:
        named = place(unit)
        either = "" if system else f" OR i.{columns[2]} = {named}"
        condition += f" AND (i.{columns[1]} = {named}{either})"
    return f"({condition})"


def number_condition(code: str, value: str, place: Place) -> str:
    """A number on columns lo and hi."""
    prefix, text = split_prefix(value)
    numbers = parse_number(text)
    if numbers is None:
        raise InvalidInput(
            f"{code}: this is not a number",
            path=code,
            fix="write [prefix]number, for example ge5.4",
        )
    at, low, high = numbers
    if prefix == "ap":
        margin = abs(at) * 0.1
        low, high = at - margin, at + margin
    wanted = NUMBER_CONDITIONS[prefix]
    values = {"v": at, "lo": low, "hi": high}
    used = {
        name: f"{place(repr(n))}::float8" for name, n in values.items() if f"{{{name}}}" in wanted
    }
    return f"({wanted.format(**used)})"


def token_parts(value: str) -> tuple[str | None, str | None]:
    """System and code of a token; None where any will do."""
    parts = split_bars(value)
    if len(parts) == 1:
        return None, compact(parts[0])
    code = "|".join(parts[1:])
    return compact(parts[0]), compact(code) if code else None


# Stored and searched spans are half-open; http://hl7.org/fhir/R4/search.html#prefix
DATE_CONDITIONS = {
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
NUMBER_CONDITIONS = {
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
# Stored instants are points; searched ones are half-open spans.
INSTANT_CONDITIONS = {
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
_PREFIX = re.compile(rf"({'|'.join(PREFIXES)})(?=[-\d.])")


def split_prefix(value: str) -> tuple[str, str]:
    """Prefix (eq when there is none) and the rest."""
    match = _PREFIX.match(value)
    return (match[1], value[2:]) if match else ("eq", value)


def date_bounds(code: str, prefix: str, text: str) -> tuple[str, str]:
    """Start and end of the span that a date value means, as PostgreSQL reads them."""
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
