"""What stands at a place of a resource: an object, a primitive, a list, or nothing."""

from __future__ import annotations

from typing import Literal

from careloom.fhir.definitions import load_definitions

Kind = Literal["object", "primitive", "list"]


def element_kind(resource_type: str, path: tuple[str, ...]) -> Kind | None:
    """The kind of the element at a path of a resource type; None when R4 has no such element."""
    definitions = load_definitions()
    if not definitions.is_resource(resource_type):
        return None
    element = definitions.element(resource_type, ".".join(path))
    if element is None:
        return None
    if element.is_list:
        return "list"
    return "primitive" if definitions.is_primitive(element.types[0]) else "object"
