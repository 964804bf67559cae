"""Models by configuration: every provider's protocol, what they may see, and the log."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import House

from careloom.ai.assistant import Assistant
from careloom.errors import Unprocessable
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject

CANARY = "Zanthippe-Quillfeather-1931"


@pytest.mark.parametrize("kind", ["openai", "anthropic", "google", "ollama"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_each_protocol_carries_tools_and_answers(ward: Ward, kind: str, stream: bool) -> None:
    await ward.model("m", provider=kind)
    config = {"permissions": ["read"], "resourceTypes": ["Patient"]}
    tools = {"tools": [{"toolName": "fhir_access", "config": config}]}
    worker = await ward.worker(defaultModelName="m", toolConfigs=tools)
    session = await ward.session(worker["id"])
    ward.ai.script.then(
        Say(calls=(("fhir_search", {"resourceType": "Patient"}),)),
        Say("There are no patients in this store, none at all."),
    )
    task = await ward.say(session, "Who is here?", stream=stream)
    assert task["status"] == "completed", task
    assert task["answer"]["content"] == "There are no patients in this store, none at all."
    assert task["evidence"]["tokens"] == 34
    first, second = ward.ai.script.asked
    assert first.stream is stream
    assert {"openai": "openai", "ollama": "openai"}.get(kind, kind) == first.protocol
    sent = " ".join(first.headers.values())
    assert "secret-of-the-provider" in sent
    assert "kept-by-the-connection" not in sent
    assert "Help." in first.texts
    assert '"count"' in second.texts or "count" in str(second.body)


async def test_an_unlisted_model_is_refused_at_run_time(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    await ward.desk.client.delete("/api/models/openai/gpt-4")
    task = await ward.say(session, "Well?")
    assert task["status"] == "failed"
    assert task["error"]["code"] == "unknown_model"
    assert ward.ai.script.asked == []


async def test_an_unlisted_model_is_refused_at_deployment(ward: Ward) -> None:
    await ward.model()
    await ward.worker()
    step = {"id": "read", "type": "worker", "worker": "helper", "input": {"a": "b"}}
    answer = await ward.desk.deploy({"id": "w", "steps": [{**step, "model": "other"}]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "E-MODEL"


async def test_a_model_that_may_not_see_patients_is_refused(ward: Ward) -> None:
    await ward.model(dataClass="none")
    given = {"name": "w", "defaultModelName": "openai/gpt-4", "instructions": ""}
    answer = await ward.desk.post("/api/workers", given)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "model_data_class"
    worker = await ward.worker(dataClass="none")
    session = await ward.session(worker["id"])
    assert (await ward.say(session, "Well?"))["status"] == "completed"


async def test_a_change_of_what_a_model_may_see_counts_at_the_next_call(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    await ward.model(dataClass="none")
    task = await ward.say(session, "Well?")
    assert task["error"]["code"] == "model_data_class"
    assert ward.ai.script.asked == []
    step = {"id": "read", "type": "worker", "worker": "helper", "input": {"a": "b"}}
    answer = await ward.desk.deploy({"id": "w", "steps": [step]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "E-MODELPOLICY"


async def test_a_model_elsewhere_is_refused(ward: Ward) -> None:
    await ward.model(region="us")
    given = {"name": "w", "defaultModelName": "openai/gpt-4", "regions": ["eu"]}
    answer = await ward.desk.post("/api/workers", given)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "model_region"


async def test_an_image_reaches_a_model_that_takes_it_and_no_other(ward: Ward) -> None:
    await ward.model("eyes", takes=["image"])
    await ward.model()
    await ward.worker("reader", defaultModelName="eyes")
    await ward.worker("blind")
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 77).save(buffer, "PNG")
    kept = await ward.desk.put("/api/files/scans/a.png", content=buffer.getvalue())
    assert kept.status_code == 201, kept.text
    step = {"id": "read", "type": "worker", "input": {"image": "file://scans/a.png"}}
    await ward.desk.deployed({"id": "w", "steps": [{**step, "worker": "reader"}]})
    run = await ward.desk.execute("w", {})
    assert run["status"] == "succeeded", run["error"]
    assert "data:image/png;base64," in ward.ai.script.asked[0].texts
    refused = await ward.desk.deploy({"id": "v", "steps": [{**step, "worker": "blind"}]})
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "E-MODELMEDIA"


async def test_a_file_is_shown_that_came_with_the_run_or_is_the_patients(
    ward: Ward, house: House
) -> None:
    desk = ward.desk
    await ward.model("eyes", takes=["image"])
    await ward.worker("reader", defaultModelName="eyes")
    mine, other = await desk.patient(), await desk.patient()
    for number, name in enumerate("abc"):
        buffer = io.BytesIO()
        Image.new("L", (8, 8), number).save(buffer, "PNG")
        kept = await desk.put(f"/api/files/scans/{name}.png", content=buffer.getvalue())
        assert kept.status_code == 201, kept.text
    read = {"id": "read", "type": "worker", "worker": "reader"}
    given = {"id": "given", "steps": [{**read, "input": {"image": "{{trigger.file}}"}}]}
    # Whoever writes the address: a model, a peer, or as here a step.
    made = {"id": "made", "type": "map", "set": {"file": "file://scans/{{trigger.name}}.png"}}
    named = "{{steps.made.output.value.file}}"
    await desk.deployed(given)
    await desk.deployed({"id": "named", "steps": [made, {**read, "input": {"image": named}}]})
    begin = {"id": "begin", "type": "workflow", "workflow": "given"}
    begin["input"] = {"file": named, "patientId": "{{trigger.patientId}}"}
    await desk.deployed({"id": "parent", "steps": [made, begin]})

    async def tried(workflow: str, **body: str) -> str | None:
        run = await desk.execute(workflow, {"patientId": mine, **body})
        return None if run["status"] == "succeeded" else run["error"]["code"]

    refused = "outside_compartment"
    assert await tried("given", file="file://scans/a.png") is None
    asked = len(ward.ai.script.asked)
    for name in "bc":
        assert await tried("named", name=name) == refused
        assert await tried("parent", name=name) is not None
    assert len(ward.ai.script.asked) == asked
    about = {"status": "completed", "subject": {"reference": f"Patient/{other}"}}
    attachment: JsonObject = {"url": "file://scans/b.png"}
    letter = {**about, "resourceType": "DocumentReference", "status": "current"}
    letter["content"] = [{"attachment": attachment}]
    photo = {**about, "resourceType": "Media", "content": {"url": "file://scans/c.png"}}
    for resource in (letter, photo):
        assert (await desk.post(f"/fhir/{resource['resourceType']}", resource)).status_code == 201
    for name in "bc":
        assert await tried("named", name=name) == refused
    for resource in (letter, photo):
        own = {**resource, "subject": {"reference": f"Patient/{mine}"}}
        assert (await desk.post(f"/fhir/{resource['resourceType']}", own)).status_code == 201
    for name in "bc":
        assert await tried("named", name=name) is None
        assert await tried("parent", name=name) is None
    # The address asks of people, too, that they may see runs.
    identity = house.services.identity
    starts: JsonObject = {"name": "starter", "grants": ("workflow:run",)}
    await identity.create_principal(desk.scope, "starter", actor=SYSTEM_ACTOR, **starts)
    key = (await identity.create_key(desk.scope, "starter", actor=SYSTEM_ACTOR)).text
    starter, body = await house.client(key), {"file": "file://scans/a.png"}
    answer = await starter.post("/api/workflows/given/execute", json=body)
    run = await desk.ended(answer.json()["data"]["runId"])
    assert run["error"]["code"] == "insufficient_permissions"


async def test_the_log_keeps_what_was_said_sealed_and_shows_it_to_who_may(
    ward: Ward, house: House
) -> None:
    await ward.model()
    patient = await ward.desk.patient()
    worker = await ward.worker()
    session = await ward.session(worker["id"], patientId=patient)
    ward.ai.script.then(Say(f"It is {CANARY}."))
    task = await ward.say(session, f"Who is {CANARY}?")
    [call] = await ward.calls(session=session)
    assert CANARY not in str(call)
    whole = await ward.desk.data(f"/api/ai/calls/{call['id']}")
    assert CANARY in str(whole["request"])
    assert CANARY in str(whole["answer"])
    for role in ("clinician", "auditor", "viewer"):
        other = await house.desk(role, scope=ward.desk.scope)
        assert (await other.get("/api/ai/calls")).status_code == 403
    audit = await ward.desk.get(f"/api/workflows/runs/{task['runId']}/audit")
    assert call["promptSha256"] in audit.text
    assert call["answerSha256"] in audit.text
    assert CANARY not in audit.text
    rows = await ward.desk.services.db.query(
        ward.desk.scope.tenant, "SELECT request, answer FROM careloom.ai_call"
    )
    assert all(CANARY.encode() not in row["request"] + row["answer"] for row in rows)


async def test_a_model_without_its_connection_is_kept_with_a_warning(ward: Ward) -> None:
    facts = {"provider": "openai", "connection": "nowhere", "dataClass": "none"}
    answer = await ward.desk.put("/api/models/early", json=facts)
    assert answer.status_code == 200, answer.text
    [finding] = answer.json()["data"]["findings"]
    assert (finding["code"], finding["severity"]) == ("W-CONNECTION", "warning")
    assert "nowhere" in finding["message"]
    assert (await ward.model())["findings"] == []


async def test_a_model_is_tried_with_a_word_that_carries_nothing(ward: Ward) -> None:
    await ward.model()
    answer = await ward.desk.post("/api/models/openai/gpt-4/test")
    assert answer.json()["data"]["ok"] is True
    ward.ai.script.then(Say(status=401))
    answer = await ward.desk.post("/api/models/openai/gpt-4/test")
    assert answer.json()["data"]["code"] == "credentials_refused"


async def test_the_assistant_answers_by_a_schema_and_is_logged(ward: Ward) -> None:
    await ward.model("helper-model", dataClass="none")
    services, scope = ward.desk.services, ward.desk.scope
    assistant = Assistant(services.ai.turns, "helper-model")
    schema = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
    ward.ai.script.then(Say("No JSON."), Say('{"name": "triage"}'))
    answer = await assistant.ask(scope, "Name it.", schema, {"principal": "p", "kind": "user"})
    assert answer["name"] == "triage"
    calls = await ward.calls(worker="careloom-assistant")
    assert [one["status"] for one in calls] == ["received", "received"]
    with pytest.raises(Unprocessable, match="No model is configured"):
        await Assistant(services.ai.turns, None).ask(scope, "?", schema, {})


async def test_a_worker_that_is_not_there_fails_its_step(ward: Ward) -> None:
    step = {"id": "read", "type": "worker", "worker": "{{trigger.who}}", "input": {"a": "b"}}
    await ward.desk.deployed({"id": "w", "steps": [step]})
    run = await ward.desk.execute("w", {"who": "nobody"})
    assert run["error"]["code"] == "unknown_worker"
