"""Parts of resources: _summary and _elements.

http://hl7.org/fhir/R4/search.html#summary
"""

from __future__ import annotations

from collections.abc import Iterable

from careloom.fhir.definitions import Definitions
from careloom.fhir.resource import parse, serialize
from careloom.fhir.restriction import SUBSETTED
from careloom.fhir.search.query import SearchQuery
from careloom.fhir.search.supplement import summary_elements
from careloom.types import Json, JsonObject

_ALWAYS = ("resourceType", "id", "meta")


def subset(definitions: Definitions, query: SearchQuery, body: bytes) -> bytes:
    """The body with what the query asks to see, tagged SUBSETTED."""
    resource: JsonObject = parse(body)
    kind = resource["resourceType"]
    if query.elements:
        required = [e.name for e in definitions.elements(kind).values() if e.min > 0]
        kept = _only(resource, (*_ALWAYS, *required, *query.elements))
    elif query.summary == "data":
        kept = {key: value for key, value in resource.items() if key not in ("text", "_text")}
    elif query.summary == "text":
        required = [e.name for e in definitions.elements(kind).values() if e.min > 0]
        kept = _only(resource, (*_ALWAYS, "text", *required))
    else:
        kept = _summarised(resource, kind)
    meta: JsonObject = dict(kept.get("meta") or {})
    tags = [tag for tag in meta.get("tag", ()) if tag.get("code") != SUBSETTED["code"]]
    kept["meta"] = {**meta, "tag": [*tags, SUBSETTED]}
    return serialize(kept)


def wants_subset(query: SearchQuery) -> bool:
    """Whether the query asks for less than whole resources."""
    return bool(query.elements) or query.summary in ("true", "text", "data")


def _only(element: JsonObject, names: Iterable[str]) -> JsonObject:
    listed = tuple(names)
    return {key: value for key, value in element.items() if _is_one(key, listed)}


def _is_one(key: str, names: tuple[str, ...]) -> bool:
    """Whether a key is one of the elements, also as a choice (deceased for deceasedBoolean)."""
    name = key.removeprefix("_")
    return name in names or any(
        name.startswith(one) and name[len(one) : len(one) + 1].isupper() for one in names
    )


def _summarised(element: JsonObject, place: str) -> JsonObject:
    listed = summary_elements(place)
    if listed is None:
        return element
    names = tuple(name.removesuffix("[x]") for name in listed)
    always = ("resourceType", "extension") if "." in place else ("resourceType",)
    kept = _only(element, (*always, *names))
    return {key: _inner(value, f"{place}.{key}") for key, value in kept.items()}


def _inner(value: Json, place: str) -> Json:
    """Nested elements keep what their own list shows; values of data types stay whole."""
    if summary_elements(place) is None:
        return value
    if isinstance(value, list):
        return [_summarised(v, place) if isinstance(v, dict) else v for v in value]
    return _summarised(value, place) if isinstance(value, dict) else value
