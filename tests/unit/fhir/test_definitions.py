"""The compiled definitions hold what the specification states."""

from __future__ import annotations

import pytest

from careloom.fhir.definitions import Definitions, load_definitions
from careloom.fhir.search.extract import converter
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.parameters import NOT_SERVED, SERVED_TYPES

NOT_INDEXABLE = {
    "CarePlan.activity-date": {"string"},
    "Consent.source-reference": {"Attachment"},
    "Immunization.date": {"string"},
    "Procedure.date": {"string", "Age", "Range"},
}
"""Types of a choice that have no value for the parameter's type."""


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return load_definitions()


def test_every_concrete_resource_type_is_there(definitions: Definitions) -> None:
    assert len(definitions.resource_types) >= 146
    assert {"Patient", "Observation", "ImagingStudy", "Task"} <= set(definitions.resource_types)
    assert not definitions.is_resource("DomainResource")
    assert not definitions.is_resource("HumanName")


def test_elements_carry_types_cardinality_and_targets(definitions: Definitions) -> None:
    status = definitions.element("Observation", "status")
    assert status is not None
    assert (status.types, status.min, status.is_list) == (("code",), 1, False)
    assert status.binding is not None
    assert (
        "final" in definitions.code_lists[status.binding]["http://hl7.org/fhir/observation-status"]
    )
    value = definitions.element("Observation", "component.valueQuantity")
    assert value is not None
    assert value.types == ("Quantity",)
    nested = definitions.element("Observation", "component.referenceRange.low")
    assert nested is not None
    subject = definitions.element("Observation", "subject")
    assert subject is not None
    assert subject.targets == ("Device", "Group", "Location", "Patient")
    assert definitions.element("Observation", "nonsense") is None


def test_every_base_search_parameter_compiles_and_finds_values(definitions: Definitions) -> None:
    index = SearchIndex(definitions)
    for resource_type in definitions.resource_types:
        served = index.parameters(resource_type)
        for stated in definitions.search_parameters(resource_type):
            wanted = stated.type in SERVED_TYPES and stated.code not in NOT_SERVED
            assert (stated.code in served) == wanted, f"{resource_type}.{stated.code}"
        for parameter in served.values():
            if parameter.composite is not None:
                assert parameter.composite.places or parameter.composite.whole, parameter.key
                continue
            assert parameter.accessors
            if parameter.type == "special":
                continue
            for accessor in parameter.accessors:
                if converter(definitions, parameter.type, accessor) is None:
                    missing = NOT_INDEXABLE.get(parameter.key, set())
                    assert accessor.type in missing, (parameter.key, accessor.type)


def test_what_is_not_served_is_known(definitions: Definitions) -> None:
    index = SearchIndex(definitions)
    left_out = {
        (stated.type, stated.code)
        for resource_type in definitions.resource_types
        for stated in definitions.search_parameters(resource_type)
        if stated.code not in index.parameters(resource_type)
    }
    assert left_out == {("string", "_text"), ("string", "_content"), ("token", "_query")}
