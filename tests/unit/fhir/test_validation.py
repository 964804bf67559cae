"""Structural validation: http://hl7.org/fhir/R4/validation.html"""

from __future__ import annotations

from typing import Any

import pytest

from careloom.fhir.issue import InvalidResource, outcome_of
from careloom.fhir.validation import MOST_ISSUES, require_valid, validate

NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"
CODE = {"text": "x"}
EXTENSION = {"url": "http://example.org/e", "valueString": "x"}


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": CODE, **more}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


@pytest.mark.parametrize(
    "resource",
    [
        observation(),
        observation(valueQuantity={"value": 1.5}),
        observation(valueBoolean=False, component=[{"code": CODE, "valueInteger": 0}]),
        observation(_status={"extension": [EXTENSION]}),
        {"resourceType": "Observation", "_status": {"extension": [EXTENSION]}, "code": CODE},
        patient(birthDate="2000-02-29", deceasedDateTime="2024-01-01T23:59:60Z"),
        patient(name=[{"given": ["a", None], "_given": [None, {"extension": [EXTENSION]}]}]),
        patient(birthDate="2000", _birthDate={"id": "a"}),
        patient(name=[{"given": ["a"], "_given": [{"id": "a"}]}]),
        patient(extension=[{"url": "http://e", "extension": [EXTENSION]}]),
        patient(
            contained=[{"resourceType": "Organization", "id": "o", "name": "x"}],
            managingOrganization={"reference": "#o"},
        ),
        {  # dom-3: named by canonicals alone, of which there are several
            "resourceType": "Questionnaire",
            "status": "draft",
            "contained": [
                {"resourceType": "ValueSet", "id": name, "status": "draft"} for name in ("a", "b")
            ],
            "item": [
                {"linkId": name, "type": "choice", "answerValueSet": "#" + name}
                for name in ("a", "b")
            ],
        },
        patient(generalPractitioner=[{"reference": NOWHERE}]),
        patient(generalPractitioner=[{"reference": "https://other.org/fhir/Practitioner/1"}]),
        patient(generalPractitioner=[{"display": "somebody"}]),
        patient(text={"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"}),
        {"resourceType": "Parameters", "parameter": [{"name": "a", "resource": patient()}]},
        {
            "resourceType": "Condition",
            "subject": {"reference": "Patient/1"},
            "clinicalStatus": {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                        "code": "active",
                    },
                    {"system": "urn:local", "code": "whatever"},
                ]
            },
        },
    ],
)  # fmt: skip
def test_valid_resources_pass(resource: dict[str, Any]) -> None:
    assert validate(resource) == []


@pytest.mark.parametrize(
    ("resource", "code", "expression"),
    [
        ([], "structure", ""),
        ({}, "structure", "resourceType"),
        ({"resourceType": "Unicorn"}, "not-supported", "resourceType"),
        ({"resourceType": "DomainResource"}, "not-supported", "resourceType"),
        (patient(nmae=[]), "structure", "Patient.nmae"),
        (patient(name={"family": "x"}), "structure", "Patient.name"),
        (patient(name=[]), "structure", "Patient.name"),
        (patient(name=["x"]), "structure", "Patient.name[0]"),
        (patient(name=[None]), "structure", "Patient.name[0]"),
        (patient(name=[{}]), "structure", "Patient.name[0]"),
        (patient(name=[{"familly": "x"}]), "structure", "Patient.name[0].familly"),
        (patient(name=[{"given": ["a", ""]}]), "value", "Patient.name[0].given[1]"),
        (patient(name=[{"given": ["a\u0000"]}]), "value", "Patient.name[0].given[0]"),
        (patient(active="true"), "value", "Patient.active"),
        (patient(active=None), "structure", "Patient.active"),
        (patient(active=[True]), "structure", "Patient.active"),
        (patient(gender="femal"), "code-invalid", "Patient.gender"),
        (patient(birthDate="2023-02-29"), "value", "Patient.birthDate"),
        (patient(birthDate="2023-2-1"), "value", "Patient.birthDate"),
        (patient(birthDate="0000"), "value", "Patient.birthDate"),
        (patient(birthDate="٢٠٢٠"), "value", "Patient.birthDate"),
        (patient(deceasedDateTime="2020-01-01T10:00:00"), "value", "Patient.deceasedDateTime"),
        (patient(deceasedDateTime="2020-01-01T24:00:00Z"), "value", "Patient.deceasedDateTime"),
        (patient(multipleBirthInteger=2**31), "value", "Patient.multipleBirthInteger"),
        (patient(multipleBirthInteger=1.0), "value", "Patient.multipleBirthInteger"),
        (patient(multipleBirthInteger=True), "value", "Patient.multipleBirthInteger"),
        (
            patient(deceasedBoolean=True, deceasedDateTime="2020"),
            "structure",
            "Patient.deceased",
        ),
        (patient(id="a b"), "value", "Patient.id"),
        (patient(id="a" * 65), "value", "Patient.id"),
        (patient(link=[{"type": "seealso"}]), "required", "Patient.link[0].other"),
        (patient(photo=[{"data": "not base64!"}]), "value", "Patient.photo[0].data"),
        (patient(_active=True), "structure", "Patient.active"),
        (patient(_name={"id": "x"}), "structure", "Patient._name"),
        (patient(name=[{"_family": [{"id": "x"}]}]), "structure", "Patient.name[0].family"),
        (patient(active=True, _birthDate={"id": "x"}), "structure", "Patient.birthDate"),
        (patient(name=[{"given": [None]}]), "structure", "Patient.name[0].given[0]"),
        (
            patient(name=[{"given": ["a", None], "_given": [{"extension": [EXTENSION]}, None]}]),
            "structure",
            "Patient.name[0].given[1]",
        ),
        (
            patient(name=[{"given": ["a"], "_given": [None]}]),
            "structure",
            "Patient.name[0].given",
        ),
        (
            observation(subject={"reference": "#a"}, contained=[patient(id="a"), patient(id="a")]),
            "duplicate",
            "Observation.contained[1].id",
        ),
        (patient(extension=[{"url": "http://e"}]), "invariant", "Patient.extension[0]"),
        (
            patient(extension=[{**EXTENSION, "extension": [EXTENSION]}]),
            "invariant",
            "Patient.extension[0]",
        ),
        (patient(extension=[{"valueString": "x"}]), "required", "Patient.extension[0].url"),
        (
            patient(contained=[{"resourceType": "Organization"}]),
            "required",
            "Patient.contained[0].id",
        ),
        (
            patient(contained=[patient(id="a", contained=[patient(id="b")])]),
            "structure",
            "Patient.contained[0]",
        ),
        (
            patient(contained=[{"resourceType": "Nope", "id": "a"}]),
            "structure",
            "Patient.contained[0].resourceType",
        ),
        (
            patient(managingOrganization={"reference": "#nobody"}),
            "not-found",
            "Patient.managingOrganization.reference",
        ),
        (
            patient(managingOrganization={"reference": "Unicorn/1"}),
            "value",
            "Patient.managingOrganization.reference",
        ),
        (
            patient(managingOrganization={"reference": "Organization?name=x"}),
            "value",
            "Patient.managingOrganization.reference",
        ),
        (
            patient(managingOrganization={"reference": "Patient/Patient/1"}),
            "value",
            "Patient.managingOrganization.reference",
        ),
        (
            patient(maritalStatus={"resourceType": "Patient", "text": "x"}),
            "structure",
            "Patient.maritalStatus.resourceType",
        ),
        (
            patient(text={"status": "generated", "div": "<div onclick='x()'>x</div>"}),
            "value",
            "Patient.text.div",
        ),
        (
            patient(text={"status": "generated", "div": "<div><script>x</script></div>"}),
            "value",
            "Patient.text.div",
        ),
        (observation(valueString={"a": 1}), "structure", "Observation.valueString"),
        (observation(valueString=["a"]), "structure", "Observation.valueString"),
        (observation(valueAddress={}), "structure", "Observation.valueAddress"),
        (observation(valueString="a", valueInteger=1), "structure", "Observation.value"),
        (observation(valueQuantity={"value": "5"}), "value", "Observation.valueQuantity.value"),
        (
            {"resourceType": "Observation", "code": CODE},
            "required",
            "Observation.status",
        ),
        (
            {
                "resourceType": "Condition",
                "subject": {"reference": "Patient/1"},
                "clinicalStatus": {"coding": [{"system": "urn:x", "code": "active"}]},
            },
            "code-invalid",
            "Condition.clinicalStatus",
        ),
    ],
)
def test_a_fault_is_found_at_its_place(resource: Any, code: str, expression: str) -> None:
    found = [(i.code, i.expression) for i in validate(resource) if i.severity == "error"]
    assert found[0] == (code, expression), found


def test_a_reference_to_an_unusual_type_is_a_warning_only() -> None:
    resource = patient(managingOrganization={"reference": "Practitioner/1"})
    (issue,) = validate(resource)
    assert (issue.severity, issue.expression) == (
        "warning",
        "Patient.managingOrganization.reference",
    )
    require_valid(resource)


def test_hostile_text_is_judged_in_linear_time() -> None:
    spaces = " " * 200_000
    attachment = {"contentType": "text/plain", "data": f"AAAA{spaces}!"}
    div = f"<div>{'<a href=' + spaces}x</div>"
    resource = patient(photo=[attachment], text={"status": "generated", "div": div})
    assert [issue.expression for issue in validate(resource)] == ["Patient.photo[0].data"]


def test_nesting_and_the_number_of_issues_are_bounded() -> None:
    deep: dict[str, Any] = dict(EXTENSION)
    for _ in range(300):
        deep = {"url": "http://e", "extension": [deep]}
    assert any("deeper" in issue.message for issue in validate(patient(extension=[deep])))
    many = patient(name=[{"x": 1}] * 1000)
    assert len(validate(many)) == MOST_ISSUES


def test_messages_say_what_would_be_right_and_never_repeat_a_value() -> None:
    with pytest.raises(InvalidResource) as caught:
        require_valid(patient(gender="secret", birthDate="secret", active="secret"))
    outcome = outcome_of(caught.value)
    assert len(outcome["issue"]) == 3
    assert "secret" not in str(outcome)
    assert "female" in outcome["issue"][0]["diagnostics"]
    assert outcome["issue"][1]["expression"] == ["Patient.birthDate"]
