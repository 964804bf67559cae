"""PlanDefinition/$apply: http://hl7.org/fhir/R4/plandefinition-operation-apply.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careloom.fhir.validation import validate

from .conftest import Create, Resource

BASE = "http://plans.example"
ACTION = "http://terminology.hl7.org/CodeSystem/action-type"


def when(text: str, kind: str = "applicability", language: str = "text/fhirpath") -> Resource:
    return {"kind": kind, "expression": {"language": language, "expression": text}}


def activity(name: str, **more: Any) -> Resource:
    return {
        "resourceType": "ActivityDefinition",
        "url": f"{BASE}/ActivityDefinition/{name}",
        "status": "active",
        **more,
    }


def plan(name: str, *actions: Resource, **more: Any) -> Resource:
    return {
        "resourceType": "PlanDefinition",
        "url": f"{BASE}/PlanDefinition/{name}",
        "version": "1",
        "status": "active",
        "title": f"Plan {name}",
        "action": list(actions),
        **more,
    }


def dynamic(path: str, expression: str) -> Resource:
    return {"path": path, "expression": {"language": "text/fhirpath", "expression": expression}}


@pytest.fixture
async def people(create: Create) -> dict[str, str]:
    patient = await create(
        {"resourceType": "Patient", "gender": "female", "birthDate": "1950-01-01"}
    )
    subject = {"reference": f"Patient/{patient['id']}"}
    encounter = await create(
        {
            "resourceType": "Encounter",
            "status": "in-progress",
            "class": {"code": "AMB"},
            "subject": subject,
        }
    )
    doctor = await create({"resourceType": "Practitioner", "name": [{"family": "Planner"}]})
    return {
        "subject": f"Patient/{patient['id']}",
        "encounter": f"Encounter/{encounter['id']}",
        "practitioner": f"Practitioner/{doctor['id']}",
    }


def parameters(given: dict[str, str], **more: Resource) -> Resource:
    listed: list[Resource] = [{"name": name, "valueString": v} for name, v in given.items()]
    listed += [{"name": name, "resource": resource} for name, resource in more.items()]
    return {"resourceType": "Parameters", "parameter": listed}


async def applied(http: httpx.AsyncClient, place: str, body: Resource) -> Resource:
    answer = await http.post(f"{place}/$apply", json=body)
    assert answer.status_code == 200, answer.text
    made: Resource = answer.json()
    assert made["resourceType"] == "CarePlan"
    assert [issue for issue in validate(made) if issue.severity == "error"] == []
    return made


def contained(care_plan: Resource, type: str) -> list[Resource]:
    return [one for one in care_plan["contained"] if one["resourceType"] == type]


PLAN = plan(
    "main",
    {
        "id": "test",
        "title": "Blood test",
        "code": [{"text": "lab"}],
        "condition": [when("%patient.gender = 'female'"), when("true", "start")],
        "definitionCanonical": f"{BASE}/ActivityDefinition/lab",
        "dynamicValue": [
            dynamic("patientInstruction", "'Fasting, ' + %subject.gender"),
            dynamic("action.description", "'for ' + %encounter.status"),
        ],
        "participant": [{"type": "practitioner"}, {"type": "device"}],
    },
    {
        "id": "never",
        "title": "Not for her",
        "condition": [when("%patient.gender = 'male'")],
        "definitionCanonical": f"{BASE}/ActivityDefinition/lab",
    },
    {
        "title": "Afterwards",
        "groupingBehavior": "logical-group",
        "relatedAction": [
            {"actionId": "test", "relationship": "after-end"},
            {"actionId": "never", "relationship": "after-end"},
        ],
        "type": {"coding": [{"system": ACTION, "code": "create"}]},
        "action": [
            {"title": "Drug", "definitionCanonical": f"{BASE}/ActivityDefinition/drug"},
            {"title": "More", "definitionCanonical": f"{BASE}/PlanDefinition/inner"},
            {"title": "Form", "definitionCanonical": f"{BASE}/Questionnaire/form"},
            {"title": "Read", "definitionUri": "http://read.example/this"},
        ],
    },
    goal=[
        {
            "category": {"text": "diet"},
            "description": {"text": "Eat well"},
            "target": [{"due": {"value": 3, "system": "http://unitsofmeasure.org", "code": "mo"}}],
        }
    ],
)


async def store(create: Create) -> Resource:
    await create(
        activity(
            "lab",
            kind="ServiceRequest",
            code={"text": "Ferritin"},
            priority="urgent",
            timingPeriod={"start": "2026-12-01"},
            dynamicValue=[
                dynamic("ServiceRequest.note.text", "'born ' + %patient.birthDate.toString()")
            ],
        )
    )
    await create(
        activity(
            "drug",
            kind="MedicationRequest",
            productCodeableConcept={"text": "Iron"},
            dosage=[{"text": "one a day"}],
            quantity={"value": 30},
        )
    )
    inner = {"title": "Call", "definitionCanonical": f"{BASE}/ActivityDefinition/call"}
    await create(plan("inner", inner))
    await create(activity("call", kind="CommunicationRequest", description="Call back"))
    return await create(PLAN)


async def test_a_plan_becomes_a_care_plan(
    http: httpx.AsyncClient, create: Create, people: dict[str, str]
) -> None:
    stored = await store(create)
    made = await applied(http, f"PlanDefinition/{stored['id']}", parameters(people))
    assert made["instantiatesCanonical"] == [f"{BASE}/PlanDefinition/main|1"]
    assert (made["status"], made["intent"], made["title"]) == ("draft", "proposal", "Plan main")
    assert made["subject"] == {"reference": people["subject"]}
    assert made["encounter"] == {"reference": people["encounter"]}
    assert made["author"] == {"reference": people["practitioner"]}
    [goal] = contained(made, "Goal")
    assert goal["description"] == {"text": "Eat well"}
    assert made["goal"] == [{"reference": f"#{goal['id']}"}]
    by_id = {f"#{one['id']}": one for one in made["contained"]}
    group = by_id[made["activity"][0]["reference"]["reference"]]
    test, after = group["action"]
    assert (test["title"], test["description"]) == ("Blood test", "for in-progress")
    assert [one["kind"] for one in test["condition"]] == ["start"]
    assert test["participant"] == [{"reference": people["practitioner"]}]
    order = by_id[test["resource"]["reference"]]
    assert order["resourceType"] == "ServiceRequest"
    assert (order["status"], order["intent"], order["priority"]) == ("draft", "proposal", "urgent")
    assert order["code"] == {"text": "Ferritin"}
    assert order["occurrencePeriod"] == {"start": "2026-12-01"}
    assert order["patientInstruction"] == "Fasting, female"
    assert order["note"] == [{"text": "born 1950-01-01"}]
    assert order["requester"] == {"reference": people["practitioner"]}
    assert after["relatedAction"] == [{"actionId": "test", "relationship": "after-end"}]
    drug, more, form, read = after["action"]
    pills = by_id[drug["resource"]["reference"]]
    assert pills["medicationCodeableConcept"] == {"text": "Iron"}
    assert pills["dosageInstruction"] == [{"text": "one a day"}]
    nested = by_id[more["resource"]["reference"]]
    call = by_id[nested["action"][0]["resource"]["reference"]]
    assert call["payload"] == [{"contentString": "Call back"}]
    asked = by_id[form["resource"]["reference"]]["input"][0]
    assert asked["valueCanonical"] == f"{BASE}/Questionnaire/form"
    todo = by_id[read["resource"]["reference"]]
    assert (todo["instantiatesUri"], todo["description"]) == ("http://read.example/this", "Read")
    assert (await http.get("ServiceRequest?_summary=count")).json()["total"] == 0
    kept = await http.post("CarePlan", json=made)
    assert kept.status_code == 201, kept.text


async def test_a_plan_is_sent_along_and_needs_no_more_than_a_subject(
    http: httpx.AsyncClient, create: Create, people: dict[str, str]
) -> None:
    await store(create)
    only = {"subject": people["subject"]}
    sent = plan("sent", {"title": "Do", "definitionCanonical": f"{BASE}/ActivityDefinition/drug"})
    made = await applied(http, "PlanDefinition", parameters(only, planDefinition=sent))
    assert "author" not in made
    [request] = contained(made, "MedicationRequest")
    assert request["subject"] == {"reference": people["subject"]}
    empty = await applied(
        http, "PlanDefinition", parameters(only, planDefinition=plan("empty", {"title": "Rest"}))
    )
    assert [one["resourceType"] for one in empty["contained"]] == ["Task", "RequestGroup"]
    query = {"subject": people["subject"]}
    stored = await create({**sent, "url": f"{BASE}/PlanDefinition/stored"})
    got = await http.get(f"PlanDefinition/{stored['id']}/$apply", params=query)
    assert got.status_code == 200, got.text


REFUSED: dict[str, tuple[Resource, int, str]] = {
    "another language": (
        plan("x", {"condition": [when("Has Diabetes", language="text/cql")]}),
        422,
        "expression_not_served",
    ),
    "a condition that is no FHIRPath": (
        plan("x", {"condition": [when("))")]}),
        422,
        "expression_not_served",
    ),
    "an unknown variable": (
        plan("x", {"condition": [when("%device.exists()")]}),
        422,
        "expression_not_served",
    ),
    "a definition that is not stored": (
        plan("x", {"definitionCanonical": f"{BASE}/ActivityDefinition/none"}),
        404,
        "definition_missing",
    ),
    "a plan that names itself": (
        plan("inner", {"definitionCanonical": f"{BASE}/PlanDefinition/inner"}),
        422,
        "plan_too_deep",
    ),
    "a kind that is not made": (
        plan("x", {"definitionCanonical": f"{BASE}/ActivityDefinition/claim"}),
        422,
        "kind_not_served",
    ),
    "a path that leads nowhere": (
        plan(
            "x",
            {
                "definitionCanonical": f"{BASE}/ActivityDefinition/drug",
                "dynamicValue": [dynamic("nickname", "'x'")],
            },
        ),
        422,
        "unprocessable",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_applied_is_refused_as_a_whole(
    http: httpx.AsyncClient, create: Create, people: dict[str, str], name: str
) -> None:
    await store(create)
    await create(activity("claim", kind="Claim"))
    sent, status, code = REFUSED[name]
    body = parameters({"subject": people["subject"]}, planDefinition=sent)
    answer = await http.post("PlanDefinition/$apply", json=body)
    assert answer.status_code == status, answer.text
    issue = answer.json()["issue"][0]
    assert issue["details"]["coding"][0]["code"] == code


async def test_the_subject_must_be_there(http: httpx.AsyncClient, people: dict[str, str]) -> None:
    empty = plan("x", {"title": "Rest"})
    for given, status in (
        ({}, 400),
        ({"subject": "Patient/none"}, 404),
        ({"subject": "http://elsewhere.example/fhir/Patient/1"}, 400),
    ):
        body = parameters(given, planDefinition=empty)
        answer = await http.post("PlanDefinition/$apply", json=body)
        assert answer.status_code == status, answer.text
    assert (await http.post("PlanDefinition/$apply", json=parameters(people))).status_code == 400
