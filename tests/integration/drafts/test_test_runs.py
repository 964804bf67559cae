"""Test runs of drafts: real runs, marked; pinned data, effects in bounds, no other run started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from careloom.samples.templates import template
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

RADIOLOGY, REFERRAL = template("radiology-triage"), template("referral-triage")


async def _draft(desk: Desk, source: str | JsonObject, **more: Any) -> str:
    text = source if isinstance(source, str) else _text(source)
    answer = await desk.post("/api/drafts", {"source": text, **more})
    assert answer.status_code == 201, answer.text
    return f"/api/drafts/{answer.json()['data']['id']}"


def _text(flow: JsonObject) -> str:
    return orjson.dumps({"workflow": flow}).decode()


async def _tested(desk: Desk, address: str, **body: Any) -> JsonObject:
    answer = await desk.post(f"{address}/test-run", body)
    assert answer.status_code == 202, answer.text
    return await desk.ended(answer.json()["data"]["runId"])


def _notes(run: JsonObject) -> dict[str, list[str]]:
    return {step["id"]: [note["code"] for note in step["notes"]] for step in run["steps"]}


def _flow(*steps: JsonObject, **more: Any) -> JsonObject:
    return {"id": "flow", "name": "Flow", "steps": list(steps), **more}


async def test_a_template_runs_on_its_sample_and_writes_into_the_store(desk: Desk) -> None:
    address = await _draft(desk, RADIOLOGY)
    run = await _tested(desk, address, sample="chest-radiograph")
    assert (run["status"], run["source"], run["version"]) == ("succeeded", "test", 0)
    assert run["test"]["effects"] == "store"
    assert run["output"]["label"] == "pneumonia"
    assert len(await desk.search("DiagnosticReport")) == 1
    [message] = await desk.messages(run["runId"])
    assert message["status"] == "captured"
    [listed] = await desk.data("/api/workflows/runs")
    assert listed["test"] is True
    # The same sample again stores nothing twice.
    again = await _tested(desk, address, sample="chest-radiograph")
    assert again["trigger"]["file"] == run["trigger"]["file"]
    assert len(await desk.search("Patient")) == 1


async def test_a_letter_runs_as_far_as_a_person(desk: Desk) -> None:
    address = await _draft(desk, REFERRAL)
    run = await _tested(desk, address, sample="referral-letter")
    assert run["status"] == "succeeded"
    assert run["trigger"]["file"].startswith("file://samples/referral-letter-")


@pytest.mark.parametrize("sample", ["new-patient", "potassium-high", "imaging-finding"])
async def test_resource_samples_are_about_a_patient_of_the_store(desk: Desk, sample: str) -> None:
    ask = {"id": "read", "type": "fhir", "action": "read", "resourceType": "Patient"}
    flow = _flow({**ask, "resourceId": "{{trigger.patientId}}"})
    run = await _tested(desk, await _draft(desk, flow), sample=sample)
    assert run["status"] == "succeeded", run["error"]


@pytest.mark.parametrize("sample", ["clock-tick", "webhook-order"])
async def test_other_samples_show_what_their_trigger_shows(desk: Desk, sample: str) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    run = await _tested(desk, await _draft(desk, _flow(nap)), sample=sample)
    assert run["trigger"]["source"] in ("schedule", "webhook")


async def test_with_effects_off_nothing_is_written(desk: Desk) -> None:
    address = await _draft(desk, RADIOLOGY)
    first = await _tested(desk, address, sample="chest-radiograph")
    before = len(await desk.search("Observation"))
    run = await _tested(desk, address, run=first["runId"], effects="off")
    assert run["status"] == "succeeded"
    assert run["trigger"]["file"] == first["trigger"]["file"]
    notes = _notes(run)
    assert notes["store-observation"] == notes["notify-radiologist"] == ["I-EFFECTSOFF"]
    assert len(await desk.search("Observation")) == before
    assert await desk.messages(run["runId"]) == []


async def test_pinned_steps_give_their_data_and_are_not_carried_out(desk: Desk) -> None:
    call = {"id": "call", "type": "http", "url": "http://localhost:1/never"}
    ask = {"id": "ask", "type": "approval", "title": "May it?", "then": [], "else": []}
    told = {"id": "told", "type": "map", "set": {"n": "{{steps.call.output.body.n}}"}}
    yes = {"id": "yes", "type": "map", "set": {"by": "{{steps.ask.output.by}}"}}
    flow = _flow(call, {**ask, "then": [told, yes]})
    pinned = {
        "steps": {
            "call": {"status": 200, "body": {"n": 41}},
            "ask": {"approved": True, "decision": "approved", "by": "ada"},
            "absent": {},
        }
    }
    address = await _draft(desk, flow, pinned=pinned)
    answer = await desk.post(f"{address}/test-run", {"input": {}})
    started = answer.json()["data"]
    assert started["unusedPins"] == ["absent"]
    run = await desk.ended(started["runId"])
    assert run["status"] == "succeeded", run["error"]
    assert run["test"]["pinned"] == ["ask", "call"]
    outputs = {step["id"]: step["output"] for step in run["steps"]}
    assert outputs["told"]["value"] == {"n": 41}
    assert outputs["yes"]["value"] == {"by": "ada"}
    assert _notes(run)["call"] == ["I-PINNED"]
    assert await desk.data("/api/tasks") == []


async def test_nothing_leaves_the_house_unless_all_effects_are_asked_for(desk: Desk) -> None:
    call = {"id": "call", "type": "http", "url": "http://localhost:1/never"}
    told = {"id": "told", "type": "map", "set": {"n": "{{steps.call.output.status}}"}}
    address = await _draft(desk, _flow(call))
    run = await _tested(desk, address, input={})
    assert (run["status"], _notes(run)["call"]) == ("succeeded", ["I-EFFECTSOFF"])
    address = await _draft(desk, _flow(call, told))
    run = await _tested(desk, address, input={})
    assert run["status"] == "failed"
    [failed] = [step for step in run["steps"] if step["status"] == "failed"]
    assert (failed["id"], failed["error"]["code"]) == ("call", "effects_off")
    assert "pin data" in failed["error"]["fix"]
    no_retry = {"id": "flow", "steps": [{**call, "retry": {"attempts": 1}}]}
    run = await _tested(desk, await _draft(desk, no_retry), input={}, effects="all")
    assert run["status"] == "failed"
    assert run["steps"][0]["error"]["code"] != "effects_off"


async def test_a_message_is_captured_though_there_is_a_connection(desk: Desk) -> None:
    hook = {"kind": "webhook", "secret": {"url": "http://localhost:1/never"}}
    await desk.put("/api/connections/hook", json=hook)
    bot = {"id": "tell", "type": "bot", "tool": "Webhook.send", "params": {"payload": {"n": 1}}}
    run = await _tested(desk, await _draft(desk, _flow(bot)), input={})
    assert run["status"] == "succeeded"
    [message] = await desk.messages(run["runId"])
    assert message["status"] == "captured"


async def test_a_test_starts_no_other_workflow(desk: Desk) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    follower = _flow(nap, trigger={"type": "fhir", "event": "Observation.create"})
    await desk.deployed({**follower, "id": "follower"})
    await desk.deployed(RADIOLOGY)
    address = await _draft(desk, RADIOLOGY)
    await _tested(desk, address, sample="chest-radiograph")
    await desk.events_matched()
    runs = await desk.data("/api/workflows/runs")
    assert [run["source"] for run in runs] == ["test"]
    # A write of anybody else still does.
    patient = await desk.patient()
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    await desk.post("/fhir/Observation", observation)
    await desk.runs_of("follower", 1)


async def test_children_of_a_test_are_tests(desk: Desk) -> None:
    child = {"id": "nap", "type": "wait", "duration": "1ms"}
    await desk.deployed({"id": "child", "steps": [child]})
    flow = _flow({"id": "start", "type": "workflow", "workflow": "child", "input": {}})
    run = await _tested(desk, await _draft(desk, flow), input={})
    assert run["status"] == "succeeded", run["error"]
    runs = await desk.data("/api/workflows/runs")
    assert {one["workflowId"]: one["test"] for one in runs} == {"flow": True, "child": True}
    counted = await desk.data("/api/analytics/runs")
    assert counted["period"]["ended"] == 0


async def test_a_failed_test_is_no_incident_and_no_dead_letter(desk: Desk) -> None:
    gone = {"id": "read", "type": "fhir", "action": "read", "resourceType": "Patient"}
    address = await _draft(desk, _flow({**gone, "resourceId": "absent"}))
    run = await _tested(desk, address, input={})
    assert run["status"] == "failed"
    assert await desk.data("/api/incidents") == []
    letters = await desk.data("/api/workflows/dead-letters")
    assert all(part == [] for part in letters.values() if isinstance(part, list)), letters
    retried = await desk.post(f"/api/workflows/runs/{run['runId']}/retry")
    assert (retried.status_code, retried.json()["error"]["code"]) == (422, "test_run")


async def test_a_test_waits_behind_no_limit(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "Well?"}
    flow = _flow(ask, concurrency=1)
    await desk.deployed(flow)
    held = (await desk.post("/api/workflows/flow/execute", {})).json()["data"]["runId"]
    await desk.reached(held, lambda run: run["status"] == "waiting")
    address = await _draft(desk, flow)
    started = (await desk.post(f"{address}/test-run", {"input": {}})).json()["data"]["runId"]
    await desk.reached(started, lambda run: run["status"] == "waiting")
    assert (await desk.run(held))["status"] == "waiting"


async def test_what_a_rollback_undoes_is_what_the_test_did(desk: Desk) -> None:
    patient = await desk.patient()
    create = {
        "id": "flag",
        "type": "fhir",
        "action": "create",
        "resourceType": "Flag",
        "data": {
            "status": "active",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{patient}"},
        },
    }
    gone = {"id": "read", "type": "fhir", "action": "read", "resourceType": "Patient"}
    flow = _flow(create, {**gone, "resourceId": "absent"}, onFailure="rollback")
    run = await _tested(desk, await _draft(desk, flow), input={})
    assert run["status"] == "rolled_back"
    assert await desk.search("Flag") == []
    run = await _tested(desk, await _draft(desk, flow), input={}, effects="off")
    assert run["status"] == "rolled_back"


async def test_production_tests_with_effects_off_only(house: House) -> None:
    desk = await house.desk(environment="production")
    search = {"id": "find", "type": "fhir", "action": "search", "resourceType": "Patient"}
    address = await _draft(desk, _flow({**search, "query": {}}, trigger={"type": "manual"}))
    for body, code in (
        ({"input": {}, "effects": "store"}, "effects_in_production"),
        ({"input": {}, "effects": "all"}, "effects_in_production"),
        ({"sample": "chest-radiograph"}, "sample_in_production"),
    ):
        answer = await desk.post(f"{address}/test-run", body)
        assert answer.json()["error"]["code"] == code, answer.text
    run = await _tested(desk, address, input={})
    assert (run["status"], run["test"]["effects"]) == ("succeeded", "off")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"input": {}, "sample": "x"}, 400, "invalid_input"),
        ({"input": []}, 400, "invalid_input"),
        ({"sample": "absent"}, 404, "sample_not_found"),
        ({"run": "run_" + "0" * 32}, 404, "run_not_found"),
        ({"input": {}, "effects": "some"}, 400, "invalid_input"),
        ({"input": {}, "revision": 7}, 409, "draft_conflict"),
        ({"input": {"file": "dicom://a/b", "patientId": "p"}}, 422, "dicom_not_found"),
        ({}, 422, "input_missing"),
    ],
)
async def test_what_cannot_be_tested_is_refused(
    desk: Desk, body: JsonObject, status: int, code: str
) -> None:
    address = await _draft(desk, RADIOLOGY)
    answer = await desk.post(f"{address}/test-run", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text


async def test_a_draft_with_errors_is_not_run(desk: Desk) -> None:
    address = await _draft(desk, RADIOLOGY.replace("radiology-assistant", "radiology-asistant"))
    answer = await desk.post(f"{address}/test-run", {"sample": "chest-radiograph"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "E-WORKER")


async def test_who_may_not_start_the_workflow_may_not_test_it(desk: Desk, house: House) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    flow = _flow(nap, trigger={"type": "manual", "allow": "role:absent"})
    engineer = await house.desk("engineer", scope=desk.scope)
    address = await _draft(engineer, flow)
    answer = await engineer.post(f"{address}/test-run", {"input": {}})
    assert answer.status_code == 403, answer.text


async def test_templates_and_samples_say_what_they_are(desk: Desk) -> None:
    templates = await desk.data("/api/templates")
    names = [one["name"] for one in templates]
    assert {"radiology-triage", "referral-triage", "new-patient-forms"} <= set(names)
    samples = {one["name"] for one in await desk.data("/api/samples")}
    for one in templates:
        detail = await desk.data(f"/api/templates/{one['name']}")
        assert detail["yaml"].startswith("#")
        assert one["description"]
        assert one["title"]
        assert set(one["samples"]) <= samples
    radiology = next(one for one in templates if one["name"] == "radiology-triage")
    assert {"kind": "connection", "name": "slack", "steps": ["notify-radiologist"]} in radiology[
        "needs"
    ]
    assert "chest-radiograph" in radiology["samples"]
    assert (await desk.get("/api/templates/absent")).status_code == 404
