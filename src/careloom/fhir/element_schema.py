"""What stands in a resource, as JSON Schema: names and JSON types of elements, along one path.

http://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Iterator

from careloom.fhir.definitions import Element, load_definitions
from careloom.types import JsonObject

_JSON = {
    "boolean": "boolean",
    "decimal": "number",
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), "integer"),
}
"""Other primitives are texts."""
_DEEPEST = 32


def element_schema(resource_type: str, path: tuple[str, ...]) -> JsonObject | None:
    """The schema of a resource type, complete for what the path reads and no further; None when R4
    has no such type."""
    if not load_definitions().is_resource(resource_type):
        return None
    return _object(resource_type, path[:_DEEPEST])


def _object(kind: str, path: tuple[str, ...]) -> JsonObject:
    definitions = load_definitions()
    properties: JsonObject = {"resourceType": {}} if definitions.is_resource(kind) else {}
    for element in definitions.elements(kind).values():
        properties |= _properties(element, path)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _properties(element: Element, path: tuple[str, ...]) -> Iterator[tuple[str, JsonObject]]:
    """Each name that the element has in JSON; `value` finds what value[x] is, as in FHIRPath."""
    if element.is_choice:
        yield element.name, {}
    for kind in element.types:
        name = element.key(kind)
        primitive = load_definitions().is_primitive(kind)
        if primitive:
            yield f"_{name}", {}
        asked = bool(path) and path[0] == name
        schema = {"type": _JSON.get(kind, "string")} if primitive else _complex(kind, path, asked)
        yield name, {"type": "array", "items": schema} if element.is_list else schema


def _complex(kind: str, path: tuple[str, ...], asked: bool) -> JsonObject:
    if kind == "Resource":
        return {}  # any resource
    return _object(kind, path[1:]) if asked else {"type": "object"}
