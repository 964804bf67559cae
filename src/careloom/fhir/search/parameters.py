"""The search parameters that are served, by resource type: all of R4's but _text, _content, _query.

http://hl7.org/fhir/R4/searchparameter-registry.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from careloom.fhir.definitions import Definitions, ParameterDefinition
from careloom.fhir.search.expression import Accessor, compile_expression
from careloom.fhir.search.supplement import CompositeDefinition, composite_definition

SIMPLE_TYPES = ("string", "token", "uri", "reference", "date", "quantity", "number")
SERVED_TYPES = (*SIMPLE_TYPES, "composite", "special")
STORED_ELSEWHERE = ("_id", "_lastUpdated")
"""Columns of the resource table, without index rows of their own."""
NOT_SERVED = ("_text", "_content", "_query", "_filter")
"""Named by the specification and refused by name: bodies are sealed, so there is no text index."""
_ROOT = "%resource."
_OF_RESOURCE = {
    "code": "code",
    "value.as(CodeableConcept)": "value-concept",
    "value.as(Quantity)": "value-quantity",
    "value.as(string)": "value-string",
    "value.as(dateTime) | value.as(Period)": "value-date",
}
"""Parts of composites on the resource itself, by the parameter that has the same values."""


@dataclass(frozen=True, slots=True)
class Part:
    """One value of a composite: its type, and where it is found below the element or resource."""

    type: str
    accessors: tuple[Accessor, ...]
    from_resource: bool


@dataclass(frozen=True, slots=True)
class Composite:
    """Values that must meet in one element."""

    places: tuple[Accessor, ...]
    """Elements that repeat, whose pairs have index rows."""
    parts: tuple[Part, ...]
    whole: tuple[str, ...]
    """Codes of the parameters that together mean the pair on the resource itself, if it counts."""


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
    composite: Composite | None = None
    same_as: str | None = None
    """Another parameter of the type that finds the same values: its rows serve both."""

    @property
    def key(self) -> str:
        """The `param` of its index rows."""
        return f"{self.resource_type}.{self.same_as or self.code}"


def is_served(definition: ParameterDefinition) -> bool:
    """Whether this parameter is compiled and listed in the CapabilityStatement."""
    if definition.type == "composite":
        return composite_definition(definition.base, definition.code) is not None
    return definition.type in SERVED_TYPES and definition.expression != ""


def compile_parameters(definitions: Definitions, resource_type: str) -> dict[str, SearchParameter]:
    """The parameters of a type by code."""
    found: dict[str, SearchParameter] = {}
    for definition in definitions.search_parameters(resource_type):
        if is_served(definition):
            made = _compile(definitions, resource_type, definition)
            twin = next((p for p in found.values() if _are_twins(p, made)), None)
            found[made.code] = made if twin is None else replace(made, same_as=twin.code)
    return found


def _are_twins(one: SearchParameter, other: SearchParameter) -> bool:
    """Whether two strings, such as name and phonetic, are the same values of the same elements."""
    return one.type == other.type == "string" and one.accessors == other.accessors


def _compile(
    definitions: Definitions, resource_type: str, definition: ParameterDefinition
) -> SearchParameter:
    if definition.type == "composite":
        described = composite_definition(resource_type, definition.code)
        assert described is not None
        return SearchParameter(
            resource_type,
            definition.code,
            "composite",
            (),
            definition.url,
            (),
            single=False,
            composite=_composite(definitions, resource_type, described),
        )
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


def _composite(
    definitions: Definitions, resource_type: str, described: CompositeDefinition
) -> Composite:
    nested = [place for place in described.places if place != resource_type]
    places = [p for place in nested for p in compile_expression(definitions, resource_type, place)]
    whole: tuple[str, ...] = ()
    if resource_type in described.places:
        whole = tuple(_OF_RESOURCE[expression] for _, expression in described.parts)
    base = places[0].type if places else resource_type
    parts = [_part(definitions, resource_type, base, *part) for part in described.parts]
    return Composite(tuple(places), tuple(parts), whole)


def _part(
    definitions: Definitions, resource_type: str, base: str, kind: str, expression: str
) -> Part:
    from_resource = expression.startswith(_ROOT)
    if from_resource:
        base, expression = resource_type, expression.removeprefix(_ROOT)
    rooted = " | ".join(f"Resource.{term.strip()}" for term in expression.split(" | "))
    accessors = compile_expression(definitions, base, rooted)
    return Part(kind, tuple(accessors), from_resource)
