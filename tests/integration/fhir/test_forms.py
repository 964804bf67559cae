"""Questionnaire/$populate and QuestionnaireResponse/$extract: http://hl7.org/fhir/uv/sdc/"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from careloom.fhir.validation import validate

from .conftest import Create, Resource

SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
WEIGHT = {"system": LOINC, "code": "29463-7"}
GENDER = "http://hl7.org/fhir/administrative-gender"


def path(expression: str, **more: str) -> dict[str, Any]:
    return {"language": "text/fhirpath", "expression": expression, **more}


def initial(expression: str) -> list[Resource]:
    return [{"url": f"{SDC}initialExpression", "valueExpression": path(expression)}]


def item(link: str, type: str, **more: Any) -> Resource:
    return {"linkId": link, "type": type, **more}


CONDITIONS = {
    "name": "problems",
    "language": "application/x-fhir-query",
    "expression": "Condition?patient={{%patient.id}}&clinical-status=active",
}
QUESTIONNAIRE: Resource = {
    "resourceType": "Questionnaire",
    "url": "http://forms.example/intake",
    "version": "2",
    "status": "active",
    "extension": [
        {
            "url": f"{SDC}launchContext",
            "extension": [
                {"url": "name", "valueCoding": {"code": "who"}},
                {"url": "type", "valueCode": "Patient"},
            ],
        },
        {"url": "http://hl7.org/fhir/StructureDefinition/variable", "valueExpression": CONDITIONS},
    ],
    "item": [
        item("hello", "display", text="Hello"),
        item("family", "string", extension=initial("%who.name.first().family")),
        item("born", "date", extension=initial("%patient.birthDate")),
        item("today", "dateTime", extension=initial("now()")),
        item(
            "gender",
            "choice",
            extension=initial("%subject.gender"),
            answerOption=[{"valueCoding": {"system": GENDER, "code": "female", "display": "F"}}],
        ),
        item("count", "integer", extension=initial("%problems.entry.count()")),
        item("half", "decimal", extension=initial("0.50")),
        item("smoker", "boolean", initial=[{"valueBoolean": False}]),
        item(
            "pick", "choice", answerOption=[{"valueCoding": {"code": "x"}, "initialSelected": True}]
        ),
        item("provider", "reference", extension=initial("%doctor")),
        item("wrong", "integer", extension=initial("%patient.name.family")),
        item("unknown", "string", extension=initial("%nobody.name")),
        item(
            "weight",
            "quantity",
            code=[WEIGHT],
            extension=[
                {
                    "url": f"{SDC}observationLinkPeriod",
                    "valueDuration": {"value": 1, "system": UCUM, "code": "a"},
                }
            ],
        ),
        item(
            "problem",
            "group",
            repeats=True,
            extension=[
                {
                    "url": f"{SDC}itemPopulationContext",
                    "valueExpression": path("%problems.entry.resource", name="problem"),
                }
            ],
            item=[
                item("problem.code", "string", extension=initial("%problem.code.text")),
                item("problem.empty", "string"),
            ],
        ),
        item(
            "parent",
            "string",
            extension=initial("'above'"),
            item=[item("child", "string", extension=initial("'below'"))],
        ),
    ],
}


def asking(**given: Any) -> Resource:
    listed: list[Resource] = []
    for name, value in given.items():
        if isinstance(value, list):
            listed += [{"name": name, "part": parts} for parts in value]
        elif "resourceType" in value:
            listed.append({"name": name.replace("_", "-"), "resource": value})
        else:
            listed.append({"name": name, **value})
    return {"resourceType": "Parameters", "parameter": listed}


def reference(place: str) -> Resource:
    return {"valueReference": {"reference": place}}


@pytest.fixture
async def patient(create: Create) -> Resource:
    made = await create(
        {
            "resourceType": "Patient",
            "name": [{"family": "Fillmore"}],
            "gender": "female",
            "birthDate": "1980-02-03",
        }
    )
    subject = {"reference": f"Patient/{made['id']}"}
    active = {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "code": "active",
            }
        ]
    }
    for text in ("Asthma", "Gout"):
        await create(
            {
                "resourceType": "Condition",
                "clinicalStatus": active,
                "code": {"text": text},
                "subject": subject,
            }
        )
    return made


async def weigh(create: Create, patient: Resource, at: str, value: float) -> None:
    await create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [WEIGHT]},
            "subject": {"reference": f"Patient/{patient['id']}"},
            "effectiveDateTime": at,
            "valueQuantity": {"value": value, "unit": "kg", "system": UCUM, "code": "kg"},
        }
    )


async def called(http: httpx.AsyncClient, place: str, body: Resource) -> dict[str, Resource]:
    """The resources of the answer by their names."""
    answer = await http.post(place, json=body)
    assert answer.status_code == 200, answer.text
    return {one["name"]: one["resource"] for one in answer.json()["parameter"]}


def filled(response: Resource) -> dict[str, Any]:
    """Answers by link, those of repeating groups in lists; nested ones too."""
    found: dict[str, Any] = {}

    def visit(items: list[Resource]) -> None:
        for one in items:
            for answer in one.get("answer", []):
                value = next((answer[key] for key in answer if key.startswith("value")), None)
                found.setdefault(one["linkId"], []).append(value)
                visit(answer.get("item", []))
            visit(one.get("item", []))

    visit(response.get("item", []))
    return found


def faults(resource: Resource) -> list[Any]:
    return [issue for issue in validate(resource) if issue.severity == "error"]


async def test_a_questionnaire_is_filled_in_from_the_record(
    http: httpx.AsyncClient, create: Create, patient: Resource
) -> None:
    stored = await create(QUESTIONNAIRE)
    doctor = await create({"resourceType": "Practitioner", "name": [{"family": "Who"}]})
    for at, value in (("2000-01-01", 60.0), ("2026-11-01", 70.5), ("2026-10-01", 65.0)):
        await weigh(create, patient, at, value)
    place = f"Patient/{patient['id']}"
    context = [
        {"name": "name", "valueString": "doctor"},
        {"name": "content", **reference(f"Practitioner/{doctor['id']}")},
    ]
    body = asking(subject=reference(place), context=[context])
    answer = await called(http, f"Questionnaire/{stored['id']}/$populate", body)
    response = answer["response"]
    assert faults(response) == []
    assert response["questionnaire"] == "http://forms.example/intake|2"
    assert (response["status"], response["subject"]) == ("in-progress", {"reference": place})
    found = filled(response)
    moment = found.pop("today")
    assert "T" in moment[0]
    problems = found.pop("problem.code")
    assert sorted(problems) == ["Asthma", "Gout"]
    assert found == {
        "family": ["Fillmore"],
        "born": ["1980-02-03"],
        "gender": [{"system": GENDER, "code": "female", "display": "F"}],
        "count": [2],
        "half": [0.5],
        "smoker": [False],
        "pick": [{"code": "x"}],
        "provider": [{"reference": f"Practitioner/{doctor['id']}"}],
        "weight": [{"value": 70.5, "unit": "kg", "system": UCUM, "code": "kg"}],
        "parent": ["above"],
        "child": ["below"],
    }
    told = {issue["expression"][0] for issue in answer["issues"]["issue"]}
    assert told == {"Questionnaire.item[10]", "Questionnaire.item[11]"}
    assert [one["linkId"] for one in response["item"]].count("problem") == 2


async def test_it_is_named_by_url_or_sent_along(
    http: httpx.AsyncClient, create: Create, patient: Resource
) -> None:
    subject = reference(f"Patient/{patient['id']}")
    sent = asking(questionnaire=QUESTIONNAIRE, subject=subject)
    assert filled((await called(http, "Questionnaire/$populate", sent))["response"])["family"]
    url = {"valueUri": "http://forms.example/intake|2"}
    named = asking(canonical=url, subject=subject)
    assert (await http.post("Questionnaire/$populate", json=named)).status_code == 404
    await create(QUESTIONNAIRE)
    assert filled((await called(http, "Questionnaire/$populate", named))["response"])["family"]
    for wrong in (
        asking(canonical=url),
        asking(questionnaire=QUESTIONNAIRE, subject=reference("http://elsewhere/fhir/Patient/1")),
        asking(subject=subject),
    ):
        assert (await http.post("Questionnaire/$populate", json=wrong)).status_code == 400
    gone = asking(questionnaire=QUESTIONNAIRE, subject=reference("Patient/none"))
    assert (await http.post("Questionnaire/$populate", json=gone)).status_code == 404


FORMS = Path("questionnaires")


async def test_public_questionnaires_are_filled_in(
    http: httpx.AsyncClient, create: Create, patient: Resource, test_data: Path
) -> None:
    """Smart Forms' Questionnaires of AU Core: a valid response from each."""
    await weigh(create, patient, "2026-11-01", 70.5)
    count = 0
    for file in sorted((test_data / FORMS).glob("smart-forms__AuCore*.json")):
        questionnaire = json.loads(file.read_text("utf-8"))
        if questionnaire["resourceType"] != "Questionnaire":
            continue
        body = asking(questionnaire=questionnaire, subject=reference(f"Patient/{patient['id']}"))
        answer = await http.post("Questionnaire/$populate", json=body)
        if answer.status_code == 422:
            continue  # A Questionnaire that breaks R4's own rules.
        assert answer.status_code == 200, (file.name, answer.text)
        assert faults(answer.json()["parameter"][0]["resource"]) == [], file.name
        if "BodyWeight" in file.name:
            found = filled(answer.json()["parameter"][0]["resource"])
            assert found["patient-id"] == [patient["id"]]
            assert found["observation-status"] == [{"code": "final"}]
        count += 1
    assert count >= 3


EXTRACTED: Resource = {
    "resourceType": "Questionnaire",
    "url": "http://forms.example/extract",
    "status": "active",
    "extension": [
        {"url": f"{SDC}observationExtract", "valueBoolean": True},
        {"url": f"{SDC}itemExtractionContext", "valueCode": "Patient"},
    ],
    "item": [
        item(
            "name",
            "group",
            repeats=True,
            definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.name",
            item=[
                item(
                    "name.family",
                    "string",
                    definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.name.family",
                ),
                item(
                    "name.given",
                    "string",
                    repeats=True,
                    definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.name.given",
                ),
            ],
        ),
        item(
            "gender",
            "choice",
            definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender",
        ),
        item(
            "married",
            "choice",
            definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.maritalStatus",
        ),
        item(
            "dead",
            "boolean",
            definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.deceased[x]",
        ),
        item(
            "city",
            "string",
            definition="http://hl7.org/fhir/StructureDefinition/Patient#Patient.address.city",
        ),
        item("height", "quantity", code=[{"system": LOINC, "code": "8302-2"}]),
        item("pulse", "decimal", code=[{"system": LOINC, "code": "8867-4"}]),
        item("mood", "choice", code=[{"system": LOINC, "code": "x"}]),
        item(
            "private",
            "string",
            code=[{"system": LOINC, "code": "y"}],
            extension=[{"url": f"{SDC}observationExtract", "valueBoolean": False}],
        ),
        item("plain", "string"),
        item(
            "allergy",
            "group",
            repeats=True,
            extension=[
                {"url": f"{SDC}itemExtractionContext", "valueCode": "Flag"},
                {
                    "url": f"{SDC}definitionExtractValue",
                    "extension": [
                        {"url": "definition", "valueUri": "#Flag.status"},
                        {"url": "fixed-value", "valueCode": "active"},
                    ],
                },
                {
                    "url": f"{SDC}definitionExtractValue",
                    "extension": [
                        {"url": "definition", "valueUri": "#Flag.subject"},
                        {"url": "expression", "valueExpression": path("%resource.subject")},
                    ],
                },
            ],
            item=[item("allergy.text", "string", definition="#Flag.code")],
        ),
    ],
}


def answered(link: str, *values: Resource, items: list[Resource] | None = None) -> Resource:
    made: Resource = {"linkId": link}
    if values:
        made["answer"] = list(values)
    if items:
        made["item"] = items
    return made


def response_of(subject: str) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "http://forms.example/extract",
        "status": "completed",
        "subject": {"reference": subject},
        "authored": "2026-11-20T10:00:00Z",
        "item": [
            answered(
                "name",
                items=[
                    answered("name.family", {"valueString": "One"}),
                    answered("name.given", {"valueString": "A"}, {"valueString": "B"}),
                ],
            ),
            answered("name", items=[answered("name.family", {"valueString": "Two"})]),
            answered("gender", {"valueCoding": {"system": GENDER, "code": "other"}}),
            answered("married", {"valueCoding": {"code": "M"}}),
            answered("dead", {"valueBoolean": False}),
            answered("city", {"valueString": "Brightwater"}),
            answered("height", {"valueQuantity": {"value": 170, "unit": "cm"}}),
            answered("pulse", {"valueDecimal": 60.0}),
            answered("mood", {"valueCoding": {"system": "urn:m", "code": "good"}}),
            answered("private", {"valueString": "secret"}),
            answered("plain", {"valueString": "only here"}),
            answered("allergy", items=[answered("allergy.text", {"valueString": "Nuts"})]),
            answered("allergy", items=[answered("allergy.text", {"valueString": "Cats"})]),
        ],
    }


async def test_answers_become_resources(
    http: httpx.AsyncClient, create: Create, patient: Resource
) -> None:
    place = f"Patient/{patient['id']}"
    await create(EXTRACTED)
    stored = await create(response_of(place))
    where = f"QuestionnaireResponse/{stored['id']}"
    answer = await http.get(f"{where}/$extract")
    assert answer.status_code == 200, answer.text
    assert [one["name"] for one in answer.json()["parameter"]] == ["return"]
    bundle = answer.json()["parameter"][0]["resource"]
    made = [entry["resource"] for entry in bundle["entry"]]
    assert [fault for one in made for fault in faults(one)] == []
    by_type: dict[str, list[Resource]] = {}
    for one in made:
        by_type.setdefault(one["resourceType"], []).append(one)
    [person] = by_type["Patient"]
    assert person["name"] == [{"family": "One", "given": ["A", "B"]}, {"family": "Two"}]
    assert (person["gender"], person["deceasedBoolean"]) == ("other", False)
    assert person["maritalStatus"] == {"coding": [{"code": "M"}]}
    assert person["address"] == [{"city": "Brightwater"}]
    assert [one["code"]["text"] for one in by_type["Flag"]] == ["Nuts", "Cats"]
    assert all(one["subject"]["reference"] == place for one in by_type["Flag"])
    observed = {one["code"]["coding"][0]["code"]: one for one in by_type["Observation"]}
    assert observed.keys() == {"8302-2", "8867-4", "x"}
    height = observed["8302-2"]
    assert height["valueQuantity"] == {"value": 170, "unit": "cm"}
    assert height["subject"]["reference"] == place
    assert height["effectiveDateTime"] == "2026-11-20T10:00:00Z"
    assert height["derivedFrom"] == [{"reference": where}]
    assert observed["x"]["valueCodeableConcept"]["coding"][0]["code"] == "good"
    assert "secret" not in answer.text
    assert (await http.get("Observation?_summary=count")).json()["total"] == 0
    kept = await http.post("", json=bundle)
    assert kept.status_code == 200, kept.text
    assert (await http.get(f"Observation?patient={patient['id']}")).json()["total"] == 3


async def test_an_extraction_context_that_finds_the_resource_updates_it(
    http: httpx.AsyncClient, patient: Resource
) -> None:
    query = "Patient?_id={{%resource.subject.reference.replace('Patient/', '')}}"
    questionnaire = {
        "resourceType": "Questionnaire",
        "status": "active",
        "extension": [
            {
                "url": f"{SDC}itemExtractionContext",
                "valueExpression": {
                    "language": "application/x-fhir-query",
                    "expression": query,
                },
            }
        ],
        "item": [item("born", "date", definition="#Patient.birthDate")],
    }
    response = {
        **response_of(f"Patient/{patient['id']}"),
        "item": [answered("born", {"valueDate": "1999-09-09"})],
    }
    body = asking(questionnaire=questionnaire, questionnaire_response=response)
    answer = await called(http, "QuestionnaireResponse/$extract", body)
    [entry] = answer["return"]["entry"]
    assert entry["request"] == {"method": "PUT", "url": f"Patient/{patient['id']}"}
    assert entry["resource"]["birthDate"] == "1999-09-09"
    assert entry["resource"]["name"] == [{"family": "Fillmore"}]


async def test_what_cannot_be_extracted_is_told(http: httpx.AsyncClient) -> None:
    questionnaire = {
        "resourceType": "Questionnaire",
        "status": "active",
        "extension": [{"url": f"{SDC}itemExtractionContext", "valueCode": "Patient"}],
        "item": [
            item("a", "string", definition="#Patient.nickname"),
            item("b", "string", definition="#Patient.active"),
            item(
                "c",
                "group",
                extension=[{"url": f"{SDC}itemExtractionContext", "valueCode": "X"}],
                item=[item("d", "string")],
            ),
        ],
    }
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "item": [
            answered("a", {"valueString": "x"}),
            answered("b", {"valueString": "x"}),
            answered("c", items=[answered("d")]),
        ],
    }
    body = asking(questionnaire=questionnaire, questionnaire_response=response)
    answer = await called(http, "QuestionnaireResponse/$extract", body)
    assert len(answer["issues"]["issue"]) == 3
    assert (await http.post("QuestionnaireResponse/$extract", json=response)).status_code == 400
    nameless = {**response, "questionnaire": "http://forms.example/none"}
    assert (await http.post("QuestionnaireResponse/$extract", json=nameless)).status_code == 404
    assert (await http.get("QuestionnaireResponse/$extract")).status_code == 400
