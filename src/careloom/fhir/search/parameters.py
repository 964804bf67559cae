"""The search parameters that are served, by resource type.

Composite and special parameters, phonetic, _text, _content and _query are not served.
http://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from dataclasses import dataclass

from careloom.fhir.definitions import Definitions, ParameterDefinition
from careloom.fhir.search.expression import Accessor, compile_expression

SERVED_TYPES = ("string", "token", "uri", "reference", "date", "quantity", "number")
NOT_SERVED = ("phonetic",)
"""A plain prefix would not be a phonetic match, so it is refused rather than answered wrongly."""
STORED_ELSEWHERE = ("_id", "_lastUpdated")
"""Columns of the resource table, without index rows of their own."""


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """One parameter of one resource type, ready to extract and to search by."""

    resource_type: str
    code: str
    type: str
    targets: tuple[str, ...]
    url: str
    accessors: tuple[Accessor, ...]
    single: bool
    """Whether a resource has at most one value: one element, which does not repeat."""

    @property
    def key(self) -> str:
        """The `param` of its index rows."""
        return f"{self.resource_type}.{self.code}"


def is_served(definition: ParameterDefinition) -> bool:
    """Whether this parameter is compiled and listed in the CapabilityStatement."""
    return (
        definition.type in SERVED_TYPES
        and definition.expression != ""
        and definition.code not in NOT_SERVED
    )


def compile_parameters(definitions: Definitions, resource_type: str) -> dict[str, SearchParameter]:
    """The parameters of a type by code."""
    found: dict[str, SearchParameter] = {}
    for definition in definitions.search_parameters(resource_type):
        if is_served(definition):
            found[definition.code] = _compile(definitions, resource_type, definition)
    return found


def _compile(
    definitions: Definitions, resource_type: str, definition: ParameterDefinition
) -> SearchParameter:
    accessors = compile_expression(definitions, resource_type, definition.expression)
    narrowed = {accessor.target for accessor in accessors if accessor.target}
    targets = definition.targets
    if narrowed and all(accessor.target for accessor in accessors):
        targets = tuple(target for target in targets if target in narrowed)
    return SearchParameter(
        resource_type=resource_type,
        code=definition.code,
        type=definition.type,
        targets=targets,
        url=definition.url,
        accessors=tuple(accessors),
        single=" | " not in definition.expression and not any(a.many for a in accessors),
    )
