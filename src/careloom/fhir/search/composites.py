"""Composite values, places and frequent pairs as conditions on rows of idx_composite.

http://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

import itertools
import math
import re
from typing import NamedTuple

from careloom.errors import InvalidInput
from careloom.fhir.search.conditions import (
    DATE_CONDITIONS,
    MOST_BRANCHES,
    Place,
    date_bounds,
    number_condition,
    quantity_condition,
    reference_targets,
    split_prefix,
    string_condition,
    token_parts,
)
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.nodes import READ, Leaf
from careloom.fhir.search.pairs import PAIRS, UNDATED, pair_key, seconds
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.query import Criterion, split_bars, split_parts, unescape
from careloom.fhir.search.values import NORM_LENGTH, after_prefix, fold, parse_number

_RANGES = ("quantity", "number", "date")
EARTH_KM = 6371.0088
_PER_UNIT = {"km": 1.0, "m": 0.001, "mi": 1.609344, "[mi_us]": 1.609347, "[mi_i]": 1.609344}
_DEGREE_KM = 111.0
_NEAR_KM = 5.0


def split_value(parameter: SearchParameter, value: str) -> tuple[str, ...]:
    """The parts of one composite value; raises InvalidInput unless there are as many as asked."""
    assert parameter.composite is not None
    parts, wanted = split_parts(value), parameter.composite.parts
    if len(parts) != len(wanted) or not all(parts):
        form = "$".join(part.type for part in wanted)
        raise InvalidInput(
            f"{parameter.code}: this is not a value of {len(wanted)} parts",
            path=parameter.code,
            fix=f"write {form}, for example 8480-6$gt140",
        )
    return parts


def composite_leaf(criterion: Criterion, index: SearchIndex, place: Place) -> Leaf | None:
    """The pairs in elements that repeat; None for a composite on the resource itself alone."""
    parameter = criterion.parameter
    assert parameter.composite is not None
    if not parameter.composite.places:
        return None
    conditions = [
        _pair_condition(parameter, split_value(parameter, value), index, place)
        for value in criterion.values
    ]
    in_order = len(conditions) == 1 and parameter.composite.parts[1].type in _RANGES
    walk = ("hi", "lo") if in_order and "i.a = " in conditions[0] else ()
    joined = tuple(conditions)
    if len(conditions) > MOST_BRANCHES:
        joined = (f"({' OR '.join(conditions)})",)
    return Leaf("c", parameter.key, joined, READ, 4, walk)


def _pair_condition(
    parameter: SearchParameter, values: tuple[str, ...], index: SearchIndex, place: Place
) -> str:
    assert parameter.composite is not None
    parts = parameter.composite.parts
    made = [_side(parameter, parts[0].type, values[0], "a", index, place)]
    made.append(_side(parameter, parts[1].type, values[1], "b", index, place))
    if parts[1].type in _RANGES:
        made.insert(1, "i.b = ''")
    if len(parts) > 2:
        third = number_condition(parameter.code, values[2], place)
        made.append(re.sub(r"\bi\.(?:lo|hi)\b", "i.b_unit::float8", third))
    return f"({' AND '.join(made)})"


def _side(
    parameter: SearchParameter, kind: str, value: str, side: str, index: SearchIndex, place: Place
) -> str:
    """The condition of one part; the first one stands in column a, the second in b or a range."""
    if kind == "token":
        system, code = token_parts(value)
        made = [] if code is None else [f"i.{side} = {place(code)}"]
        if system is not None:
            made.append(f"i.{side}_system = {place(system)}")
        return " AND ".join(made)
    if kind == "quantity":
        return quantity_condition(parameter.code, value, place, ("b_system", "b_code", "b_unit"))
    if kind == "number":
        return number_condition(parameter.code, value, place)
    if kind == "date":
        return _time(parameter.code, value, place)
    if kind == "string":
        return string_condition("", unescape(value), place).replace("i.norm", f"i.{side}")
    targets = reference_targets(parameter, "", unescape(value), index)
    listed = place("\x1f".join(targets))
    return f"i.{side} = ANY (string_to_array({listed}, chr(31)))"


def _time(code: str, value: str, place: Place) -> str:
    prefix, text = split_prefix(value)
    low, high = date_bounds(code, prefix, text)
    lo, hi = (f"{place(seconds(bound))}::float8" for bound in (low, high))
    return DATE_CONDITIONS[prefix].format(lo=lo, hi=hi)


class Near(NamedTuple):
    """A place and a distance."""

    latitude: float
    longitude: float
    km: float


def near_value(criterion: Criterion, value: str) -> Near:
    """latitude|longitude|distance|unit: http://hl7.org/fhir/R4/location.html#near"""
    parts = split_bars(value)
    numbers = [parse_number(part) for part in parts[:3] if part]
    unit = (parts[3] if len(parts) > 3 else "") or "km"
    right = 2 <= len(numbers) <= 3 and None not in numbers and unit in _PER_UNIT
    if not right or len(parts) > 4:
        raise InvalidInput(
            f"{criterion.parameter.code}: this is not a place",
            path=criterion.parameter.code,
            fix="write latitude|longitude|distance|unit; units: km, m, [mi_us]",
        )
    latitude, longitude, *rest = (number[0] for number in numbers if number is not None)
    km = rest[0] * _PER_UNIT[unit] if rest else _NEAR_KM
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180 and km >= 0):
        raise InvalidInput(
            "near: the place is not on Earth", path="near", fix="latitude first, then longitude"
        )
    return Near(latitude, longitude, km)


def near_leaf(criterion: Criterion, place: Place) -> Leaf:
    """Places within a distance: a band of latitudes from the index, then the great circle."""
    conditions = []
    for value in criterion.values:
        latitude, longitude, km = near_value(criterion, value)
        margin = km / _DEGREE_KM * 1.01 + 1e-9
        south, north = (f"{place(repr(latitude + d))}::float8" for d in (-margin, margin))
        at = f"radians({place(repr(latitude))}::float8)"
        along = f"radians(i.lo - {place(repr(longitude))}::float8)"
        square = (
            f"sin((radians(i.hi) - {at}) / 2) ^ 2"
            f" + cos({at}) * cos(radians(i.hi)) * sin({along} / 2) ^ 2"
        )
        distance = f"{2 * EARTH_KM} * asin(sqrt(least(1, {square})))"
        band = f"i.a = '' AND i.b = '' AND i.hi >= {south} AND i.hi <= {north}"
        conditions.append(f"({band} AND {distance} <= {place(repr(km))}::float8)")
    return Leaf("c", criterion.parameter.key, tuple(conditions), READ, 5)


def distance_km(one: Near, latitude: float, longitude: float) -> float:
    """The great circle between two places."""
    at, to = math.radians(one.latitude), math.radians(latitude)
    along = math.radians(longitude - one.longitude)
    square = math.sin((to - at) / 2) ** 2
    square += math.cos(at) * math.cos(to) * math.sin(along / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, square)))


def paired(
    resource_type: str, criteria: list[Criterion], index: SearchIndex, place: Place
) -> tuple[Leaf, list[Criterion]] | None:
    """A leaf on the rows of a frequent pair, and the criteria that it answers."""
    if resource_type not in PAIRS:
        return None
    plain = [c for c in criteria if not c.modifier or c.modifier == "Patient"]
    dates = [c for c in plain if c.parameter.code == PAIRS[resource_type][2]]
    found = _family(plain, place) if resource_type == "Patient" else _patient(plain, index, place)
    if found is None or (not dates and len(found[1]) < 2):
        return None
    starts, used, rank = found
    spans = [_any_time(criterion, place) for criterion in dates]
    rest = "".join(f" AND {span}" for span in spans)
    rest += f" AND i.b_unit <> '{UNDATED}'" if spans else ""
    conditions = tuple(f"({start}{rest})" for start in starts)
    if len(conditions) > MOST_BRANCHES:
        return None
    bounded = any(split_prefix(v)[0] in ("eq", "ap") for c in dates for v in c.values)
    rank = 2 if rank == 3 and bounded else rank
    return Leaf("c", pair_key(resource_type), conditions, READ, rank), [*used, *dates]


def _any_time(criterion: Criterion, place: Place) -> str:
    spans = [_time(criterion.parameter.code, value, place) for value in criterion.values]
    return f"({' OR '.join(spans)})"


Start = tuple[list[str], list[Criterion], int]


def _family(criteria: list[Criterion], place: Place) -> Start | None:
    for criterion in criteria:
        if criterion.parameter.code == "family":
            norms = [fold(unescape(value)) for value in criterion.values]
            if all(norm and len(norm) <= NORM_LENGTH for norm in norms):
                starts = [f"i.a >= {place(n)} AND i.a < {place(after_prefix(n))}" for n in norms]
                return starts, [criterion], 3
    return None


def _patient(criteria: list[Criterion], index: SearchIndex, place: Place) -> Start | None:
    for criterion in criteria:
        if criterion.parameter.code not in ("patient", "subject"):
            continue
        targets = [
            target
            for value in criterion.values
            for target in reference_targets(
                criterion.parameter, criterion.modifier, unescape(value), index
            )
        ]
        if not all(target.startswith("Patient/") for target in targets):
            continue
        used, starts = [criterion], [f"i.a = {place(target)}" for target in targets]
        codes = next((c for c in criteria if _is_code(c)), None)
        if codes is not None:
            used.append(codes)
            coded = [_coded(value, place) for value in codes.values]
            starts = [f"{a} AND {b}" for a, b in itertools.product(starts, coded)]
        return starts, used, 1
    return None


def _is_code(criterion: Criterion) -> bool:
    whole = all(token_parts(value)[1] is not None for value in criterion.values)
    return criterion.parameter.code == "code" and not criterion.modifier and whole


def _coded(value: str, place: Place) -> str:
    system, code = token_parts(value)
    condition = f"i.b = {place(code or '')}"
    return condition if system is None else f"{condition} AND i.b_system = {place(system)}"
