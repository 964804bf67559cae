"""What flows into a FHIR element has a JSON type that the element can have."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.workflows.test_dataflow import CATALOG, READ

from careloom.fhir.structure import check_template
from careloom.types import JsonObject
from careloom.workflows.definition import parse_definition
from careloom.workflows.verification import Finding, verify


def structure(resource_type: str, data: JsonObject) -> list[Finding]:
    return [
        Finding("E-FHIRSTRUCTURE", "error", issue.expression, issue.message, "", "")
        for issue in check_template(resource_type, data)
        if issue.severity in ("error", "fatal")
    ]


def places(step: JsonObject) -> list[tuple[str, str]]:
    definition = parse_definition({"id": "w", "steps": [READ, step]}).definition
    found = verify(definition, CATALOG, check_structure=structure)
    return [(one.code, one.path) for one in found if one.severity == "error"]


def observation(**data: Any) -> JsonObject:
    code = {"coding": [{"system": "http://loinc.org", "code": "x"}]}
    whole = {"status": "preliminary", "code": code, **data}
    step = {"id": "t", "type": "fhir", "action": "create", "resourceType": "Observation"}
    return {**step, "data": whole}


@pytest.mark.parametrize(
    "data",
    [
        {"valueString": "{{steps.r.output.label}}"},
        {"valueString": "{{steps.r.output.any}}"},
        {"valueString": "{{steps.r.output.count}} things"},
        {"valueInteger": "{{steps.r.output.count}}"},
        {"valueInteger": "{{steps.r.output.box.width}}"},
        {"valueBoolean": "{{steps.r.output.ok}}"},
        {"valueBoolean": "{{steps.r.output.count > 3}}"},
        {"effectiveDateTime": "{{steps.r.output.label}}"},
        {"status": "{{steps.r.output.label}}"},
        {"valueQuantity": {"value": "{{steps.r.output.box.width}}"}},
        {"valueQuantity": "{{steps.r.output.any}}"},
        {"subject": {"reference": "{{steps.r.output.label}}"}},
    ],
)
def test_what_may_fit_an_element_is_not_refused(data: JsonObject) -> None:
    assert places(observation(**data)) == []


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"valueString": "{{steps.r.output.count}}"}, "valueString"),
        ({"valueString": "{{steps.r.output.ok}}"}, "valueString"),
        ({"valueInteger": "{{steps.r.output.label}}"}, "valueInteger"),
        ({"valueInteger": "{{steps.r.output.ok}}"}, "valueInteger"),
        ({"valueBoolean": "{{steps.r.output.label}}"}, "valueBoolean"),
        ({"valueBoolean": "{{steps.r.output.count}}"}, "valueBoolean"),
        ({"effectiveDateTime": "{{steps.r.output.count}}"}, "effectiveDateTime"),
        ({"valueQuantity": {"value": "{{steps.r.output.label}}"}}, "valueQuantity/value"),
        (
            {"component": [{"code": {"text": "{{steps.r.output.ok}}"}, "valueString": "x"}]},
            "component/0/code/text",
        ),
    ],
)
def test_what_cannot_fit_an_element_is_refused(data: JsonObject, path: str) -> None:
    assert places(observation(**data)) == [("E-TYPE", f"steps/t/data/{path}")]


def test_the_entries_of_a_transaction_are_looked_at_too() -> None:
    resource = {"resourceType": "Observation", **observation(valueString="x")["data"]}
    resource["valueString"] = "{{steps.r.output.count}}"
    entry = {"request": {"method": "POST", "url": "Observation"}, "resource": resource}
    step = {"id": "t", "type": "fhir", "action": "transaction", "data": {"entry": [entry]}}
    assert places(step) == [("E-TYPE", "steps/t/data/entry/0/resource/valueString")]
