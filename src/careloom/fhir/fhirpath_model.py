"""FHIR's types as FHIRPath sees them. http://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from careloom.fhir.definitions import Definitions, Element, load_definitions
from careloom.fhir.references import parse_literal
from careloom.fhirpath import Child
from careloom.fhirpath.evaluation import Hooks

_SYSTEM_TYPES = {
    "boolean": "Boolean",
    "integer": "Integer",
    "positiveInt": "Integer",
    "unsignedInt": "Integer",
    "decimal": "Decimal",
    "date": "Date",
    "dateTime": "DateTime",
    "instant": "DateTime",
    "time": "Time",
    **dict.fromkeys(("Quantity", "Age", "Count", "Distance", "Duration"), "Quantity"),
}
_PARENTS = {
    **dict.fromkeys(("code", "id", "markdown"), "string"),
    **dict.fromkeys(("url", "canonical", "oid", "uuid"), "uri"),
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
    **dict.fromkeys(("Age", "Count", "Distance", "Duration"), "Quantity"),
    "BackboneElement": "Element",
    "Resource": None,
    "DomainResource": "Resource",
    "Element": None,
}
_BACKBONE = frozenset(("Dosage", "Timing", "ElementDefinition"))
"""Types of R4 that specialise BackboneElement, with those that have modifier extensions."""


class FhirModel:
    """The FHIRPath model of one FHIR version."""

    namespace = "FHIR"

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._children: dict[str, dict[str, Child]] = {}
        self._by_key: dict[str, dict[str, str]] = {}
        self._parents: dict[str, str | None] = dict(_PARENTS)

    def child(self, type_name: str, name: str) -> Child | None:
        """The element of a type by its FHIRPath name."""
        return self._of(type_name).get(name)

    def _of(self, type_name: str) -> dict[str, Child]:
        found = self._children.get(type_name)
        if found is None:
            elements = self._definitions.elements(type_name)
            found = {name: _child(element) for name, element in elements.items()}
            self._children[type_name] = found
        return found

    def children(self, type_name: str) -> Mapping[str, str]:
        """Every element's type by its JSON name."""
        found = self._by_key.get(type_name)
        if found is None:
            found = {
                key: kind
                for child in self._of(type_name).values()
                for key, kind in child.types.items()
            }
            self._by_key[type_name] = found
        return found

    def is_type(self, name: str) -> bool:
        """Whether there is such a type."""
        return bool(self._definitions.elements(name)) or name in _PARENTS

    def is_resource(self, type_name: str) -> bool:
        """Whether the actual type stands in the data."""
        return type_name in ("Resource", "DomainResource") or self._definitions.is_resource(
            type_name
        )

    def parent(self, type_name: str) -> str | None:
        """The type that this one specialises."""
        if type_name not in self._parents:
            self._parents[type_name] = self._find_parent(type_name)
        return self._parents[type_name]

    def _find_parent(self, type_name: str) -> str | None:
        elements = self._definitions.elements(type_name)
        if self._definitions.is_resource(type_name):
            return "DomainResource" if "text" in elements else "Resource"
        if not elements:
            return None
        if type_name in _BACKBONE or "modifierExtension" in elements:
            return "BackboneElement"
        return "Element"

    def system_type(self, type_name: str) -> str | None:
        """The System type that values of this one convert to."""
        found = _SYSTEM_TYPES.get(type_name)
        if found is not None:
            return found
        return "String" if self._definitions.is_primitive(type_name) else None


def _child(element: Element) -> Child:
    types = {element.key(kind): kind for kind in element.types}
    return Child(element.name, types, element.is_list)


@cache
def r4_model() -> FhirModel:
    """The model of R4; one per process."""
    return FhirModel(load_definitions())


def stub(address: str, item: Any) -> dict[str, str] | None:
    """A resource of the type that a literal reference names, enough for `resolve() is Patient`."""
    literal = parse_literal(address)
    if literal is None:
        return None
    return {"resourceType": literal.type, "id": literal.id}


def literal_type(address: str) -> str | None:
    """The type of resource that a literal reference names."""
    literal = parse_literal(address)
    return None if literal is None else literal.type


TYPE_ONLY = Hooks(resolve=stub, resolve_type=literal_type)
"""For search parameters: references resolve to their type, without a read."""
