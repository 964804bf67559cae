"""FHIR's types as FHIRPath sees them."""

from __future__ import annotations

import pytest

from careloom.fhir.definitions import load_definitions
from careloom.fhir.fhirpath_model import r4_model, stub


@pytest.mark.parametrize(
    ("name", "parents"),
    [
        ("code", ["string", "Element"]),
        ("positiveInt", ["integer", "Element"]),
        ("canonical", ["uri", "Element"]),
        ("Age", ["Quantity", "Element"]),
        ("Patient", ["DomainResource", "Resource"]),
        ("Bundle", ["Resource"]),
        ("Patient.contact", ["BackboneElement", "Element"]),
        ("Timing.repeat", ["Element"]),
        ("Timing", ["BackboneElement", "Element"]),
        ("Nothing", []),
    ],
)
def test_types_have_the_parents_of_the_specification(name: str, parents: list[str]) -> None:
    found: list[str] = []
    current = r4_model().parent(name)
    while current is not None:
        found.append(current)
        current = r4_model().parent(current)
    assert found == parents


def test_every_type_of_the_definitions_ends_at_a_root() -> None:
    model = r4_model()
    for name in load_definitions().resource_types:
        assert model.parent(name) in ("DomainResource", "Resource")
        for kind in model.children(name).values():
            seen = {kind}
            while (parent := model.parent(kind)) is not None:
                assert parent not in seen
                seen.add(parent)
                kind = parent
            assert kind in ("Element", "Resource")


def test_a_choice_has_a_json_name_for_each_type() -> None:
    child = r4_model().child("Observation", "value")
    assert child is not None
    assert child.types["valueQuantity"] == "Quantity"
    assert child.types["valueDateTime"] == "dateTime"
    assert r4_model().child("Observation", "valueQuantity") is None
    assert r4_model().children("Observation")["valueQuantity"] == "Quantity"


def test_a_literal_reference_names_its_type() -> None:
    assert stub("Patient/1", None) == {"resourceType": "Patient", "id": "1"}
    assert stub("http://x.example/fhir/Group/2/_history/3", None) == {
        "resourceType": "Group",
        "id": "2",
    }
    assert stub("urn:uuid:1", None) is None
