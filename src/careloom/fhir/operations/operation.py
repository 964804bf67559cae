"""What an operation declares: its name, where it may be called, its parameters, and its code.

http://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from careloom.fhir.request import Answer, Caller
from careloom.fhir.resource import serialize
from careloom.fhir.store import FhirStore
from careloom.types import JsonObject


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input: `type` is a FHIR type such as code, uri, boolean, Coding, or Resource, or `parts`
    for one that is made of parts."""

    name: str
    type: str
    required: bool = False
    repeats: bool = False


@dataclass(slots=True)
class Call:
    """One call of an operation, its input read by the declaration."""

    fhir: FhirStore
    caller: Caller
    type: str
    """The resource type in the URL; empty for the whole store."""
    id: str | None
    version: str | None
    given: dict[str, list[Any]]
    """The values by parameter: JSON values, and objects for complex types and resources."""
    ignored: list[str] = field(default_factory=list)
    """Parameters that the operation does not take, sent without handling=strict."""

    def one(self, name: str) -> Any:
        """The value of a parameter that is given at most once; None when it is absent."""
        values = self.given.get(name)
        return values[0] if values else None

    def many(self, name: str) -> list[Any]:
        """The values of a parameter."""
        return self.given.get(name, [])


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: `catalog.py` lists them all."""

    name: str
    """Without the $."""
    definition: str
    """The canonical URL of its OperationDefinition."""
    levels: frozenset[str]
    """Where it may be called: system, type, instance."""
    run: Callable[[Call], Awaitable[Answer]]
    parameters: tuple[Parameter, ...] = ()
    types: tuple[str, ...] = ()
    """The resource types that have it; empty for all."""
    body: str = ""
    """The parameter that a resource sent by itself, without Parameters, stands for."""
    affects_state: bool = False
    """Then it is POST only and needs the permission to write."""

    def serves(self, level: str, type: str) -> bool:
        """Whether it may be called there."""
        return level in self.levels and (level == "system" or not self.types or type in self.types)


def resource_answer(resource: JsonObject) -> Answer:
    """A resource as what the operation returns."""
    return Answer(200, serialize(resource))
