"""Index rows of values that must meet: composite parameters, places, and frequent pairs.

A row is [param, seq, a, b, lo, hi, a_system, b_system, b_code, b_unit]:
store/migrations/0020_fhir_search.sql. http://hl7.org/fhir/R4/search.html#composite
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.search.expression import Accessor
from careloom.fhir.search.extract import Convert, converter, number_text
from careloom.fhir.search.parameters import Part, SearchParameter
from careloom.fhir.search.values import FIRST, LAST
from careloom.types import JsonObject

Row = list[Any]
Rows = dict[str, list[list[Any]]]
PAIRS = {
    "Observation": ("patient", "code", "date"),
    "Patient": ("family", "", "birthdate"),
}
"""Parameters that one row answers together: a, b and a range of time. The second may be absent."""
UNDATED = "-"
"""In b_unit: the resource has no such date, and no range finds it."""
NO_CODE = ""


def pair_key(resource_type: str) -> str:
    """The `param` of the rows of a type's frequent pair."""
    return f"{resource_type}.{'$'.join(code for code in PAIRS[resource_type] if code)}"


def seconds(text: str) -> str:
    """An instant of the date index as seconds since 1970, in PostgreSQL's spelling of float8."""
    if text in (FIRST, LAST):
        return text
    return repr(datetime.fromisoformat(text).timestamp())


def pair_rows(resource_type: str, rows: Rows) -> list[Row]:
    """The rows of a type's frequent pair, from the index rows of its single parameters."""
    first, second, when = (f"{resource_type}.{code}" for code in PAIRS[resource_type])
    kind = "r" if resource_type == "Observation" else "s"
    firsts = {row[1]: None for row in rows.get(kind, ()) if row[0] == first}
    if not firsts:
        return []
    seconds_of = [(row[1], row[2]) for row in rows.get("t", ()) if row[0] == second]
    spans = [(seconds(row[1]), seconds(row[2]), "") for row in rows.get("d", ()) if row[0] == when]
    key = pair_key(resource_type)
    return [
        [key, 0, a, b, lo, hi, "", system, "", dated]
        for a, (b, system), (lo, hi, dated) in itertools.product(
            firsts, seconds_of or [(NO_CODE, "")], spans or [("0.0", "0.0", UNDATED)]
        )
    ]


@dataclass(slots=True)
class PairExtractor:
    """Finds the pairs of one composite parameter."""

    param: str
    places: tuple[Accessor, ...]
    parts: list[tuple[Part, list[tuple[Accessor, Convert]]]]

    def rows(self, resource: JsonObject) -> Iterator[Row]:
        """The rows, numbered later."""
        for place in self.places:
            for element in place.values(resource):
                found = [
                    [
                        _cell(part.type, row)
                        for accessor, convert in readers
                        for value in accessor.values(resource if part.from_resource else element)
                        for row in convert(value)
                    ]
                    for part, readers in self.parts
                ]
                for cells in itertools.product(*found):
                    yield _row(self.param, cells)


def composite_extractor(
    definitions: Definitions, parameter: SearchParameter, bases: tuple[str, ...]
) -> PairExtractor | None:
    """The extractor of a composite; None when its pairs are those of the resource itself."""
    composite = parameter.composite
    if composite is None or not composite.places:
        return None
    parts = []
    for part in composite.parts:
        made = ((a, converter(definitions, part.type, a, bases)) for a in part.accessors)
        parts.append((part, [(a, convert) for a, convert in made if convert is not None]))
    return PairExtractor(parameter.key, composite.places, parts)


Cell = dict[str, str]


def _cell(kind: str, row: tuple[Any, ...]) -> Cell:
    """One part's value by the names of its columns."""
    if kind == "token":
        return {"value": row[0], "system": row[1]}
    if kind in ("reference", "uri", "string"):
        return {"value": row[0]}
    if kind == "date":
        return {"lo": seconds(row[0]), "hi": seconds(row[1])}
    return {"lo": row[0], "hi": row[1], "system": row[2], "code": row[3], "unit": row[4]}


def _row(param: str, cells: tuple[Cell, ...]) -> Row:
    a, b = cells[0], cells[1]
    third = cells[2]["lo"] if len(cells) > 2 else b.get("unit", "")
    lo, hi = b.get("lo", "0.0"), b.get("hi", "0.0")
    systems = (a.get("system", ""), b.get("system", ""))
    return [param, 0, a["value"], b.get("value", ""), lo, hi, *systems, b.get("code", ""), third]


def position_rows(key: str, resource: JsonObject) -> list[Row]:
    """The row of a Location's place: lo is its longitude, hi its latitude."""
    place = resource.get("position")
    if not isinstance(place, dict) or "latitude" not in place or "longitude" not in place:
        return []
    lo, hi = number_text(float(place["longitude"])), number_text(float(place["latitude"]))
    return [[key, 0, "", "", lo, hi, "", "", "", ""]]
