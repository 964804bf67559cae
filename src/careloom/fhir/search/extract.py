"""Index values of a resource: what each search parameter finds in it, as rows of the index tables.

The row shapes are those of store/migrations/0003_fhir.sql. http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.references import parse_literal
from careloom.fhir.search.expression import Accessor
from careloom.fhir.search.parameters import SearchParameter
from careloom.fhir.search.values import (
    NORM_LENGTH,
    Span,
    compact,
    fold,
    lower_text,
    parse_span,
    upper_text,
)
from careloom.types import JsonObject

Row = tuple[Any, ...]
TEXT, OF_TYPE = ":text", ":of-type"
"""What follows the parameter's key in rows that only the resource's own `keys` hold (letter x)."""
Rows = Iterator[Row]
Convert = Callable[[Any], Rows]
KIND = {
    "string": "s",
    "token": "t",
    "uri": "t",
    "reference": "r",
    "date": "d",
    "quantity": "q",
    "number": "q",
    "composite": "c",
    "special": "c",
}
"""Index table of each parameter type served, by the letter used in resource.keys."""
_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("text", "line", "city", "district", "state", "postalCode", "country")
_CURRENCY = "urn:iso:std:iso:4217"


@dataclass(slots=True)
class Extractor:
    """One accessor of one parameter with the converter for its type."""

    param: str
    kind: str
    accessor: Accessor
    convert: Convert
    texts: Convert | None = None
    """What :text and :of-type look at, with the end of the parameter's key."""
    root: str | None = field(init=False)
    """The element of the resource that the accessor begins with; without it there is no value."""

    def __post_init__(self) -> None:
        first = self.accessor.steps[0] if self.accessor.steps else None
        self.root = first if isinstance(first, str) else None


def extractors(
    definitions: Definitions, parameter: SearchParameter, bases: tuple[str, ...] = ()
) -> list[Extractor]:
    """The extractors of a parameter; types that its kind cannot index are left out.

    `bases` are the store's own base URLs: a reference below one of them is a local one.
    """
    made = []
    for accessor in parameter.accessors:
        convert = converter(definitions, parameter.type, accessor, bases)
        if convert is not None:
            texts = _TEXTS.get(accessor.type) if parameter.type == "token" else None
            made.append(Extractor(parameter.key, KIND[parameter.type], accessor, convert, texts))
            if parameter.type == "reference" and accessor.type == "Reference":
                key = parameter.key + ":identifier"
                made.append(Extractor(key, "t", accessor, _logical_reference))
    return made


def index_rows(made: list[Extractor], resource: JsonObject) -> dict[str, list[list[Any]]]:
    """The index rows of a resource by table letter, each row once."""
    found: dict[str, dict[Row, None]] = {}
    for extractor in made:
        if extractor.root is not None and extractor.root not in resource:
            continue
        for value in extractor.accessor.values(resource):
            for row in extractor.convert(value):
                found.setdefault(extractor.kind, {})[(extractor.param, *row)] = None
            if extractor.texts is not None:
                for end, text in extractor.texts(value):
                    found.setdefault("x", {})[(extractor.param + end, text)] = None
    return {kind: _shape(kind, rows) for kind, rows in found.items()}


def _shape(kind: str, rows: dict[Row, None]) -> list[list[Any]]:
    if kind == "s":
        return [[r[0], r[1], n, *r[2:]] for n, r in enumerate(rows)]
    if kind == "q":
        return [[r[0], n, *r[1:]] for n, r in enumerate(rows)]
    return [list(row) for row in rows]


def converter(
    definitions: Definitions, kind: str, accessor: Accessor, bases: tuple[str, ...] = ()
) -> Convert | None:
    """The function from a value of the accessor's type to rows of the parameter's table."""
    if kind == "token" and accessor.type in _CODE_TYPES:
        return _code(definitions, accessor.binding)
    if kind == "reference" and accessor.type == "Reference":
        return _reference(bases)
    return CONVERTERS[kind].get(accessor.type)


def _code(definitions: Definitions, binding: int | None) -> Convert:
    systems: dict[str, str] = {}
    if binding is not None:
        for system, codes in definitions.code_lists[binding].items():
            systems.update(dict.fromkeys(codes, system))

    def convert(value: Any) -> Rows:
        text = compact(value)
        yield text, systems.get(value, "")

    return convert


def _token(system: Any, code: Any) -> Rows:
    if isinstance(code, str):
        yield compact(code), compact(system) if isinstance(system, str) else ""
    elif isinstance(system, str):
        yield "", compact(system)


def _coding(value: JsonObject) -> Rows:
    return _token(value.get("system"), value.get("code"))


def _concept(value: JsonObject) -> Rows:
    for coding in value.get("coding", ()):
        yield from _coding(coding)


def _identifier(value: JsonObject) -> Rows:
    return _token(value.get("system"), value.get("value"))


def _contact_point(value: JsonObject) -> Rows:
    return _token(None, value.get("value"))


def _boolean(value: Any) -> Rows:
    yield "true" if value else "false", ""


def _logical_reference(value: JsonObject) -> Rows:
    identifier = value.get("identifier")
    return _identifier(identifier) if isinstance(identifier, dict) else iter(())


def _concept_texts(value: JsonObject) -> Rows:
    for text in (value.get("text"), *(c.get("display") for c in value.get("coding", ()))):
        if text:
            yield TEXT, fold(text)


def _coding_texts(value: JsonObject) -> Rows:
    if value.get("display"):
        yield TEXT, fold(value["display"])


def _identifier_texts(value: JsonObject) -> Rows:
    kind = value.get("type")
    if kind:
        if kind.get("text"):
            yield TEXT, fold(kind["text"])
        for coding in kind.get("coding", ()):
            parts = (coding.get("system", ""), coding.get("code", ""), value.get("value", ""))
            yield OF_TYPE, "|".join(parts)


_TEXTS: dict[str, Convert] = {
    "CodeableConcept": _concept_texts,
    "Coding": _coding_texts,
    "Identifier": _identifier_texts,
}


def _string(value: Any) -> Rows:
    norm = fold(value)
    cut = norm[:NORM_LENGTH]
    yield cut, value, None if cut == norm else norm


def _parts(names: tuple[str, ...]) -> Convert:
    def convert(value: JsonObject) -> Rows:
        for name in names:
            part = value.get(name)
            for text in part if isinstance(part, list) else (part,):
                if isinstance(text, str):
                    yield from _string(text)

    return convert


def _uri(value: Any) -> Rows:
    yield compact(value), ""


def _canonical_uri(value: Any) -> Rows:
    yield compact(value), ""
    if "|" in value:
        yield compact(value.split("|")[0]), ""


def _reference(bases: tuple[str, ...]) -> Convert:
    def convert(value: JsonObject) -> Rows:
        text = value.get("reference")
        if isinstance(text, str) and not text.startswith("#"):
            yield (reference_key(text, bases),)

    return convert


def reference_key(text: str, bases: tuple[str, ...]) -> str:
    """The index form of a reference: Type/id inside the store, else as written."""
    literal = parse_literal(text)
    if literal is None:
        return compact(text)
    key = f"{literal.type}/{literal.id}"
    inside = literal.base is None or literal.base in bases
    return key if inside else compact(f"{literal.base}/{key}")


def _canonical_reference(value: Any) -> Rows:
    for row in _canonical_uri(value):
        yield (row[0],)


def _inline(value: JsonObject) -> Rows:
    if "id" in value:
        yield (f"{value['resourceType']}/{value['id']}",)


def _date(value: Any) -> Rows:
    span = parse_span(value)
    if span is not None:
        yield lower_text(span[0]), upper_text(span[1])


def _limits(period: JsonObject) -> Iterator[Span]:
    start, end = period.get("start"), period.get("end")
    if start is not None or end is not None:
        first, last = parse_span(start) if start else None, parse_span(end) if end else None
        yield first[0] if first else None, last[1] if last else None


def _period(value: JsonObject) -> Rows:
    for start, end in _limits(value):
        yield lower_text(start), upper_text(end)


def _timing(value: JsonObject) -> Rows:
    """The outer limits only: http://hl7.org/fhir/R4/search.html#date"""
    spans: list[Span] = [s for s in map(parse_span, value.get("event", ())) if s is not None]
    bounds = value.get("repeat", {}).get("boundsPeriod")
    if isinstance(bounds, dict):
        spans.extend(_limits(bounds))
    if spans:
        starts = [start for start, _ in spans if start is not None]
        ends = [end for _, end in spans if end is not None]
        yield (
            lower_text(min(starts) if len(starts) == len(spans) else None),
            upper_text(max(ends) if len(ends) == len(spans) else None),
        )


def _quantity(value: JsonObject) -> Rows:
    number = value.get("value")
    if isinstance(number, (int, float)):
        low = high = float(number)
        comparator = value.get("comparator")
        if comparator in ("<", "<="):
            low = -math.inf
        elif comparator in (">", ">="):
            high = math.inf
        yield _bounds(low, high, value)


def _bounds(low: float, high: float, unit: JsonObject) -> Row:
    return (
        number_text(low),
        number_text(high),
        unit.get("system", ""),
        unit.get("code", ""),
        unit.get("unit", ""),
    )


def number_text(value: float) -> str:
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    return repr(value)


def _money(value: JsonObject) -> Rows:
    number = value.get("value")
    if isinstance(number, (int, float)):
        currency = value.get("currency", "")
        unit = {"system": _CURRENCY if currency else "", "code": currency}
        yield _bounds(float(number), float(number), unit)


def _range(value: JsonObject) -> Rows:
    low, high = value.get("low", {}), value.get("high", {})
    if "value" in low or "value" in high:
        yield _bounds(
            float(low.get("value", -math.inf)), float(high.get("value", math.inf)), low or high
        )


def _sampled(value: JsonObject) -> Rows:
    origin = value.get("origin", {})
    if "value" not in origin:
        return
    offset, factor = float(origin["value"]), float(value.get("factor", 1))
    low = value.get("lowerLimit")
    high = value.get("upperLimit")
    points = []
    for word in value.get("data", "").split():
        limit = {"L": low, "U": high}.get(word)
        if limit is not None:
            points.append(float(limit))
        elif word not in ("E", "L", "U"):
            points.append(float(word) * factor + offset)
    if points:
        yield _bounds(min(points), max(points), origin)


def _number(value: Any) -> Rows:
    yield _bounds(float(value), float(value), {})


_CODE_TYPES = frozenset({"code", "string", "id", "uri", "canonical", "url", "oid", "uuid"})
CONVERTERS: dict[str, dict[str, Convert]] = {
    "token": {
        "Coding": _coding,
        "CodeableConcept": _concept,
        "Identifier": _identifier,
        "ContactPoint": _contact_point,
        "boolean": _boolean,
    },
    "string": {
        "string": _string,
        "markdown": _string,
        "HumanName": _parts(_NAME_PARTS),
        "Address": _parts(_ADDRESS_PARTS),
    },
    "uri": {
        "uri": _uri,
        "url": _uri,
        "oid": _uri,
        "uuid": _uri,
        "canonical": _canonical_uri,
    },
    "reference": {
        "canonical": _canonical_reference,
        "uri": _canonical_reference,
        "Resource": _inline,
    },
    "date": {
        "date": _date,
        "dateTime": _date,
        "instant": _date,
        "Period": _period,
        "Timing": _timing,
    },
    "quantity": {
        "Quantity": _quantity,
        "Age": _quantity,
        "Count": _quantity,
        "Distance": _quantity,
        "Duration": _quantity,
        "Money": _money,
        "Range": _range,
        "SampledData": _sampled,
    },
    "number": {
        "decimal": _number,
        "integer": _number,
        "positiveInt": _number,
        "unsignedInt": _number,
        "Range": _range,
    },
}
"""Converters by parameter type and FHIR type."""
