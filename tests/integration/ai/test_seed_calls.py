"""The calls of the document on health data stores, as it writes them (SEED_EXAMPLES 48, 49)."""

from __future__ import annotations

from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import House, until

from careloom.types import JsonObject

TYPES = ["Patient", "Observation", "Condition", "MedicationStatement"]


def _assistant(**config: object) -> JsonObject:
    return {
        "name": "fhir-assistant",
        "description": "AI assistant with FHIR data access",
        "defaultModelName": "openai/gpt-4",
        "instructions": "You are a healthcare AI assistant with access to patient data.",
        "toolConfigs": {
            "tools": [
                {
                    "toolName": "fhir_access",
                    "config": {
                        "permissions": ["read", "write"],
                        "resourceTypes": TYPES,
                        **config,
                    },
                }
            ]
        },
    }


def _observation(patient: str, value: int = 145) -> JsonObject:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Glucose"},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "mg/dL"},
    }


async def test_create_worker_answers_in_the_documents_shape(ward: Ward) -> None:
    await ward.model()
    answer = await ward.desk.post("/api/workers", _assistant())
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["success"] is True
    assert body["data"]["name"] == "fhir-assistant"
    assert body["data"]["toolConfigs"]["tools"][0]["config"]["resourceTypes"] == sorted(TYPES)
    again = await ward.desk.post("/api/workers", _assistant())
    assert again.status_code == 200, again.text
    assert again.json()["data"]["id"] == body["data"]["id"]
    other = await ward.desk.post("/api/workers", {**_assistant(), "instructions": "Other."})
    assert other.status_code == 409, other.text
    changed = await ward.desk.put(
        f"/api/workers/{body['data']['id']}", json={"instructions": "Other."}
    )
    assert changed.json()["data"]["version"] == 2


async def test_an_unknown_model_is_refused_with_the_configured_ones(ward: Ward) -> None:
    await ward.model("local/llama")
    answer = await ward.desk.post("/api/workers", _assistant())
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["code"] == "unknown_model"
    assert "local/llama" in answer.json()["message"]
    assert error["path"] == "/defaultModelName"


async def test_a_pinned_session_reads_its_patient_and_nobody_else(ward: Ward) -> None:
    await ward.model()
    mine, other = await ward.desk.patient("Canaryfield"), await ward.desk.patient("Otherwise")
    for patient in (mine, other):
        answer = await ward.desk.post("/fhir/Observation", _observation(patient))
        assert answer.status_code == 201, answer.text
    worker = await ward.worker(**{**_assistant(), "name": "reader"})
    session = await ward.session(worker["id"], patientId=mine)
    ward.ai.script.then(
        Say(calls=(("fhir_search", {"resourceType": "Observation"}),)),
        Say(calls=(("fhir_read", {"resourceType": "Patient", "id": other}),)),
        Say(calls=(("fhir_read", {"resourceType": "Patient", "id": mine}),)),
        Say("One result, 145 mg/dL."),
    )
    task = await ward.say(session, "Please analyze the recent lab results.")
    assert task["status"] == "completed", task
    messages = await ward.desk.data(f"/api/sessions/{session}/messages")
    found, refused, read = [one["content"] for one in messages if one["role"] == "tool"]
    assert found["count"] == 1
    assert found["resources"][0]["subject"]["reference"] == f"Patient/{mine}"
    assert "error" in refused
    assert read["id"] == mine
    sources = [one["reference"] for one in task["evidence"]["sources"]]
    assert f"Patient/{mine}" in sources
    assert f"Patient/{other}" not in sources


async def test_a_worker_that_may_only_read_is_denied_a_write_and_it_is_audited(ward: Ward) -> None:
    await ward.model()
    patient = await ward.desk.patient()
    worker = await ward.worker(**{**_assistant(permissions=["read"]), "name": "reader"})
    session = await ward.session(worker["id"], patientId=patient)
    write = ("fhir_create", {"resource": _observation(patient), "reason": "because"})
    ward.ai.script.then(Say(calls=(write,)), Say("I may not."))
    task = await ward.say(session, "Write it down.")
    assert task["status"] == "completed", task
    assert await ward.desk.search("Observation") == []
    lines = {"Accept": "application/x-ndjson"}
    path = f"/api/workflows/runs/{task['runId']}/audit"
    answer = await ward.desk.get(path, headers=lines)
    denied = [line for line in answer.text.splitlines() if "ai.tool.denied" in line]
    assert len(denied) == 1
    assert "fhir_create" in denied[0]


async def test_a_write_is_a_draft_until_a_person_approves_it(ward: Ward) -> None:
    await ward.model()
    patient = await ward.desk.patient()
    worker = await ward.worker(**{**_assistant(), "name": "writer"})
    session = await ward.session(worker["id"], patientId=patient)
    write = ("fhir_create", {"resource": _observation(patient), "reason": "measured today"})
    ward.ai.script.then(Say(calls=(write,)), Say("Drafted."))
    task = await ward.say(session, "Record a glucose of 145.")
    assert task["status"] == "completed", task

    async def drafts() -> list[JsonObject] | None:
        found: list[JsonObject] = await ward.desk.data("/api/tasks?queue=drafts")
        return found or None

    [open_task] = await until(drafts)
    assert await ward.desk.search("Observation") == []
    shown = await ward.desk.data(f"/api/tasks/{open_task['id']}")
    assert shown["suggestion"]["value"]["valueQuantity"]["value"] == 145
    answer = await ward.desk.post(f"/api/tasks/{open_task['id']}/decision", {"decision": "approve"})
    assert answer.status_code == 200, answer.text
    run = await ward.desk.ended(open_task["runId"])
    assert run["status"] == "succeeded", run["error"]
    [stored] = await ward.desk.search("Observation")
    assert stored["subject"]["reference"] == f"Patient/{patient}"
    found = await ward.desk.search(f"Provenance?target=Observation/{stored['id']}")
    named = [agent["who"].get("display", "") for one in found for agent in one["agent"]]
    assert any("openai/gpt-4" in one for one in named)
    assert any(one.startswith("admin-") for one in named)


async def test_a_rejected_draft_writes_nothing(ward: Ward) -> None:
    await ward.model()
    patient = await ward.desk.patient()
    worker = await ward.worker(**{**_assistant(), "name": "writer"})
    session = await ward.session(worker["id"], patientId=patient)
    write = ("fhir_create", {"resource": _observation(patient), "reason": "measured today"})
    ward.ai.script.then(Say(calls=(write,)), Say("Drafted."))
    await ward.say(session, "Record a glucose of 145.")

    async def drafts() -> list[JsonObject] | None:
        found: list[JsonObject] = await ward.desk.data("/api/tasks?queue=drafts")
        return found or None

    [open_task] = await until(drafts)
    await ward.desk.post(f"/api/tasks/{open_task['id']}/decision", {"decision": "reject"})
    run = await ward.desk.ended(open_task["runId"])
    assert run["status"] == "succeeded", run["error"]
    assert await ward.desk.search("Observation") == []


async def test_a_change_that_the_model_drafts_waits_for_a_person_in_production_too(
    house: House, ward: Ward
) -> None:
    desk = await house.desk(environment="production")
    strict = Ward(desk, ward.ai)
    await strict.model()
    patient = await desk.patient("Brightwater", gender="female")
    worker = await strict.worker(**{**_assistant(), "name": "writer"})
    session = await strict.session(worker["id"], patientId=patient)
    changed = {
        "resourceType": "Patient",
        "id": patient,
        "name": [{"family": "Changed"}],
        "gender": "female",
    }
    ward.ai.script.then(
        Say(calls=(("fhir_update", {"resource": changed, "reason": "asked"}),)), Say("Drafted.")
    )
    await strict.say(session, "The name has changed. Do not ask anybody.")

    async def drafts() -> list[JsonObject] | None:
        found: list[JsonObject] = await desk.data("/api/tasks?queue=drafts")
        return found or None

    [open_task] = await until(drafts)
    [stored] = await desk.search(f"Patient?_id={patient}")
    assert stored["name"][0]["family"] == "Brightwater"
    await desk.post(f"/api/tasks/{open_task['id']}/decision", {"decision": "approve"})
    run = await desk.ended(open_task["runId"])
    assert run["status"] == "succeeded", run["error"]
    [stored] = await desk.search(f"Patient?_id={patient}")
    assert stored["name"][0]["family"] == "Changed"
