"""Templates and the repairs of compat mode: one reading, one receipt."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.fhir.structure import check_template, coercions

FINAL = {"status": "final", "code": {"text": "Chest X-ray"}}


def test_a_template_satisfies_any_type() -> None:
    data = {
        "status": "{{steps.a.output.status}}",
        "category": "{{x}}",
        "code": "{{steps.a.output.code}}",
        "subject": {"reference": "Patient/{{trigger.patientId}}"},
        "valueString": "{{steps.a.output.text}}",
        "component": ["{{x}}", {"code": "{{y}}", "valueInteger": "{{z}}"}],
        "effectiveDateTime": "{{run.startedAt}}",
    }
    assert check_template("Observation", data) == []


@pytest.mark.parametrize(
    ("data", "expression"),
    [
        ({**FINAL, "categry": "{{x}}"}, "Observation.categry"),
        ({**FINAL, "status": "finall"}, "Observation.status"),
        ({**FINAL, "category": "imaging"}, "Observation.category"),
        ({"status": "final"}, "Observation.code"),
        ({**FINAL, "valueString": "{{x}}", "valueInteger": 1}, "Observation.value"),
    ],
)
def test_what_no_value_can_mend_is_found(data: dict[str, Any], expression: str) -> None:
    assert expression in [issue.expression for issue in check_template("Observation", data)]


def test_the_word_imaging_becomes_the_category_of_its_resource() -> None:
    data, receipts = coercions("Observation", {**FINAL, "category": "imaging"})
    coding = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "imaging",
    }
    assert data["category"] == [{"coding": [coding]}]
    assert receipts == [
        {
            "code": "W-COERCE",
            "path": "Observation.category",
            "before": "imaging",
            "after": data["category"],
        }
    ]
    assert check_template("Observation", data) == []
    report, _ = coercions("DiagnosticReport", {"status": "final", "category": "imaging"})
    assert report["category"][0]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/v2-0074",
        "code": "RAD",
    }


def test_a_missing_code_gets_a_data_absent_reason() -> None:
    data, receipts = coercions("DiagnosticReport", {"status": "final"})
    assert data["code"]["extension"][0]["valueCode"] == "unknown"
    assert [(r["code"], r["path"], r["before"]) for r in receipts] == [
        ("W-REQUIRED", "DiagnosticReport.code", None)
    ]
    assert check_template("DiagnosticReport", data) == []


def test_a_missing_status_is_not_guessed() -> None:
    data, receipts = coercions("Observation", {"code": {"text": "x"}})
    assert "status" not in data
    assert receipts == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Patient/Patient/789", "Patient/789"),
        ("Patient/https://h.org/fhir/Patient/7", "https://h.org/fhir/Patient/7"),
    ],
)
def test_a_doubled_reference_prefix_collapses(before: str, after: str) -> None:
    data, receipts = coercions("Observation", {**FINAL, "subject": {"reference": before}})
    assert data["subject"]["reference"] == after
    assert [(r["code"], r["path"]) for r in receipts] == [
        ("W-REFPREFIX", "Observation.subject.reference")
    ]


@pytest.mark.parametrize(
    "reference", ["Patient/789", "https://h.org/fhir/Patient/1", "Patient/{{trigger.patientId}}"]
)
def test_a_right_reference_is_left_alone(reference: str) -> None:
    given = {**FINAL, "subject": {"reference": reference}}
    assert coercions("Observation", given) == (given, [])


def test_a_prefix_of_another_type_is_an_error_and_not_repaired() -> None:
    given = {**FINAL, "subject": {"reference": "Patient/Practitioner/1"}}
    data, receipts = coercions("Observation", given)
    assert (data, receipts) == (given, [])
    assert [i.expression for i in check_template("Observation", data)] == [
        "Observation.subject.reference"
    ]


def test_repairs_reach_nested_places_and_leave_templates_alone() -> None:
    given = {
        "status": "{{x}}",
        "code": "pulse",
        "category": "{{y}}",
        "component": {"code": "{{z}}", "valueCodeableConcept": "high"},
    }
    data, receipts = coercions("Observation", given)
    assert data["code"] == {"text": "pulse"}
    assert data["category"] == "{{y}}"
    assert data["component"] == [{"code": "{{z}}", "valueCodeableConcept": {"text": "high"}}]
    assert [r["path"] for r in receipts] == [
        "Observation.code",
        "Observation.component.valueCodeableConcept",
        "Observation.component",
    ]


def test_a_word_is_no_guess_where_a_code_list_is_required() -> None:
    given = {"clinicalStatus": "active", "subject": {"reference": "Patient/1"}}
    data, receipts = coercions("Condition", given)
    assert data["clinicalStatus"] == "active"
    assert receipts == []
