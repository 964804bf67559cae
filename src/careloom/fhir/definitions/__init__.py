"""The R4 definitions as compiled by tools/compile_fhir_definitions.py, decoded lazily per type.

http://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import orjson

LATER = ("SubscriptionStatus",)
"""Resource types of R4B, which the source of the definitions carries too."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type; a choice (value[x]) is one element with several types."""

    name: str
    types: tuple[str, ...]
    min: int
    is_list: bool
    is_choice: bool
    targets: tuple[str, ...]
    """Resource types that a Reference may point at; empty means any."""
    binding: int | None
    """Index of the code list of a required binding."""

    def key(self, kind: str) -> str:
        """The JSON name of the element when it has this type, for example valueQuantity."""
        return self.name + kind[0].upper() + kind[1:] if self.is_choice else self.name


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """A search parameter of one type, as the specification states it."""

    base: str
    code: str
    type: str
    expression: str
    targets: tuple[str, ...]
    url: str


class Definitions:
    """Types, code lists, search parameters and compartments of one FHIR version."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.version: str = content["fhirVersion"]
        self.patterns: dict[str, str] = content["patterns"]
        self.code_lists: list[dict[str, list[str]]] = content["codes"]
        self.compartment: dict[str, list[str]] = content["compartment"]
        self._kinds: dict[str, str] = content["kinds"]
        self._bases: dict[str, str] = content["bases"]
        self._types: dict[str, list[dict[str, Any]]] = content["types"]
        others = orjson.loads(
            (files("careloom.fhir.definitions") / "compartments.json").read_bytes()
        )
        self.compartments: dict[str, dict[str, list[str]]] = {"Patient": self.compartment, **others}
        """By the type that a compartment is of: the reference parameters of each type in it.
        http://hl7.org/fhir/R4/compartmentdefinition.html"""
        self._elements: dict[str, dict[str, Element]] = {}
        self._search: dict[str, list[dict[str, Any]]] = {}
        for entry in content["search"]:
            self._search.setdefault(entry["base"], []).append(entry)
        self.resource_types = tuple(
            sorted(
                name
                for name, kind in self._kinds.items()
                if kind == "resource" and name not in LATER
            )
        )
        self._resources = frozenset(self.resource_types)
        self._domain = frozenset(
            name for name in self.resource_types if "text" in self.elements(name)
        )

    def is_resource(self, name: str) -> bool:
        """Whether this is a concrete resource type."""
        return name in self._resources

    def is_type(self, name: str) -> bool:
        """Whether this is a type, abstract ones and nested elements (Patient.contact) included."""
        return name in self._kinds or name in self._types

    def base(self, name: str) -> str | None:
        """The type that a type specialises: code is a string, Patient a DomainResource.

        A nested element is a BackboneElement in a resource, else an Element; Element and Resource
        specialise nothing.
        """
        if "." in name and name in self._types:
            return "BackboneElement" if "modifierExtension" in self.elements(name) else "Element"
        return self._bases.get(name) or None

    def is_primitive(self, name: str) -> bool:
        """Whether this is a primitive type."""
        return self._kinds.get(name) == "primitive-type"

    def elements(self, name: str) -> dict[str, Element]:
        """Elements by name of a type or nested element, inherited ones included."""
        found = self._elements.get(name)
        if found is None:
            found = {entry["n"]: _element(entry) for entry in self._types.get(name, [])}
            self._elements[name] = found
        return found

    def element(self, name: str, path: str) -> Element | None:
        """The element at a dotted path below a type: element("Observation", "component.code")."""
        current, found = name, None
        for part in path.split("."):
            found = self.elements(current).get(part) or self._choice(current, part)
            if found is None:
                return None
            current = found.types[0]
        return found

    def _choice(self, name: str, key: str) -> Element | None:
        for element in self.elements(name).values():
            if element.is_choice:
                for kind in element.types:
                    if element.key(kind) == key:
                        return _narrowed(element, kind)
        return None

    def search_parameters(self, resource_type: str) -> list[ParameterDefinition]:
        """The parameters of a type with those of Resource and DomainResource."""
        bases = ["Resource", resource_type]
        if resource_type in self._domain:
            bases.insert(1, "DomainResource")
        return [
            ParameterDefinition(
                base=base,
                code=entry["code"],
                type=entry["type"],
                expression=entry["expression"],
                targets=tuple(entry.get("target", ())),
                url=entry["url"],
            )
            for base in bases
            for entry in self._search.get(base, [])
        ]


def _element(entry: dict[str, Any]) -> Element:
    return Element(
        name=entry["n"],
        types=tuple(entry["t"]),
        min=entry.get("m", 0),
        is_list="l" in entry,
        is_choice="c" in entry,
        targets=tuple(entry.get("r", ())),
        binding=entry.get("b"),
    )


def _narrowed(element: Element, kind: str) -> Element:
    return Element(
        name=element.key(kind),
        types=(kind,),
        min=0,
        is_list=element.is_list,
        is_choice=False,
        targets=element.targets if kind == "Reference" else (),
        binding=element.binding,
    )


@cache
def load_definitions() -> Definitions:
    """The R4 definitions; decoded once per process (about 25 ms)."""
    packed = (files("careloom.fhir.definitions") / "r4.json.xz").read_bytes()
    return Definitions(orjson.loads(lzma.decompress(packed)))
