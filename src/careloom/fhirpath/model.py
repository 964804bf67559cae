"""What an engine must know about the data: which elements a type has and what they are.

http://hl7.org/fhirpath/N1/#models
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Child:
    """An element of a type: its JSON names, each with the type found there."""

    name: str
    types: Mapping[str, str]
    """Type by JSON name; a choice (value[x]) has one name for each of its types."""
    is_list: bool


class Model(Protocol):
    """The types of one data model, FHIR R4 for example."""

    namespace: str

    def child(self, type_name: str, name: str) -> Child | None:
        """The element of a type by its FHIRPath name (`value`, not `valueString`)."""

    def children(self, type_name: str) -> Mapping[str, str]:
        """Every element's type by its JSON name, in the order of the definition."""

    def is_type(self, name: str) -> bool:
        """Whether there is such a type."""

    def parent(self, type_name: str) -> str | None:
        """The type that this one specialises."""

    def is_resource(self, type_name: str) -> bool:
        """Whether the actual type stands in the data, as with contained resources."""

    def system_type(self, type_name: str) -> str | None:
        """The System type that values of this one convert to: String, Date, Quantity …"""
