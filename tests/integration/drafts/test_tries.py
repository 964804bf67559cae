"""One step tried on pinned data, every effect off; and what expressions may read there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from careloom.samples.templates import template
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

RADIOLOGY = template("radiology-triage")
READING = {
    "reading": "clear",
    "assessable": True,
    "probability": 0.1,
    "study": "1.2",
    "instance": "1.2.3",
    "evidence": {"model": "m", "version": "1"},
}


async def _tried(desk: Desk, definition: str | JsonObject, step: str, **more: Any) -> JsonObject:
    body = {"definition": definition, "step": step, **more}
    answer = await desk.post("/api/workflows/try-step", body)
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def _flow(*steps: JsonObject, **more: Any) -> JsonObject:
    return {"id": "flow", "name": "Flow", "steps": list(steps), **more}


async def test_a_write_is_shown_as_it_would_be_stored_and_is_not(desk: Desk) -> None:
    patient = await desk.patient()
    pinned = {"trigger": {"patientId": patient}, "steps": {"read-image": READING}}
    tried = await _tried(desk, RADIOLOGY, "store-observation", pinned=pinned)
    assert (tried["state"], tried["error"], tried["needs"]) == ("would", None, [])
    assert tried["input"]["data"]["valueString"] == "clear"
    resource = tried["output"]["resource"]
    assert resource["subject"] == {"reference": f"Patient/{patient}"}
    assert {one["words"].split("/")[0] for one in tried["would"]} >= {"write Observation"}
    assert tried["durationMs"] > 0
    assert await desk.search("Observation") == []


async def test_a_message_is_not_sent_and_is_shown(desk: Desk) -> None:
    pinned = {"steps": {"store-report": {"reference": "DiagnosticReport/1"}}}
    tried = await _tried(desk, RADIOLOGY, "notify-radiologist", pinned=pinned)
    assert (tried["state"], tried["output"]) == ("would", None)
    assert tried["input"]["params"]["message"].endswith("please review: DiagnosticReport/1")
    assert tried["would"][0]["words"] == "carry out bot Slack.send"
    assert {one["code"] for one in tried["findings"]} == {"W-CONNECTION"}
    assert await desk.data("/api/messages") == []


async def test_a_local_model_is_asked(desk: Desk) -> None:
    draft = (await desk.post("/api/drafts", {"source": RADIOLOGY})).json()["data"]
    started = await desk.post(f"/api/drafts/{draft['id']}/test-run", {"sample": "chest-radiograph"})
    run = await desk.ended(started.json()["data"]["runId"])
    pinned = {"trigger": run["trigger"]}
    tried = await _tried(desk, RADIOLOGY, "read-image", pinned=pinned)
    assert (tried["state"], tried["output"]["label"]) == ("succeeded", "pneumonia")
    assert tried["output"]["evidence"]["model"]


async def test_what_is_not_pinned_is_named(desk: Desk) -> None:
    tried = await _tried(desk, RADIOLOGY, "store-observation")
    assert tried["state"] == "failed"
    assert tried["needs"] == ["trigger", "read-image"]
    assert tried["error"]["code"]


async def test_conditions_and_choices_are_answered(desk: Desk) -> None:
    pinned = {"trigger": {"patientId": "p"}, "steps": {"read-image": READING}}
    assert (await _tried(desk, RADIOLOGY, "can-report", pinned=pinned))["branch"] == "then"
    pinned = {"trigger": {}, "steps": {"read-image": READING}}
    assert (await _tried(desk, RADIOLOGY, "can-report", pinned=pinned))["branch"] == "else"
    skipped = await _tried(desk, RADIOLOGY, "read-patient", pinned=pinned)
    assert (skipped["state"], skipped["input"]) == ("skipped", None)


async def test_a_step_of_a_loop_has_its_item(desk: Desk) -> None:
    inner = {"id": "one", "type": "map", "set": {"said": "{{item.name}}"}}
    flow = _flow({"id": "each", "type": "foreach", "items": [], "steps": [inner]})
    tried = await _tried(desk, flow, "one", item={"name": "Ada"})
    assert tried["input"]["set"] == {"said": "Ada"}


async def test_another_step_may_be_unfinished(desk: Desk) -> None:
    good = {"id": "nap", "type": "wait", "duration": "1d"}
    bad = {"id": "bad", "type": "wait", "duration": "{{trigger.(}}"}
    tried = await _tried(desk, _flow(good, bad), "nap")
    assert tried["state"] == "would"
    assert tried["findings"] == []


async def test_a_failure_is_told_and_a_fallback_makes_it_degraded(desk: Desk) -> None:
    read = {"id": "read", "type": "fhir", "action": "read", "resourceType": "Patient"}
    gone = {**read, "resourceId": "absent"}
    tried = await _tried(desk, _flow(gone), "read")
    assert (tried["state"], tried["error"]["code"]) == ("failed", "not_found")
    rescue = {**gone, "fallback": [{"id": "nap", "type": "wait", "duration": "1ms"}]}
    assert (await _tried(desk, _flow(rescue), "read"))["state"] == "degraded"


async def test_trying_reads_only_what_whoever_tries_may(desk: Desk, house: House) -> None:
    patient = await desk.patient()
    scope, actor = desk.scope, {"principal": "test", "kind": "system"}
    identity = house.services.identity
    grants = ["workflow:deploy", "run:read", "workflow:read"]
    await identity.create_principal(scope, "narrow", name="narrow", grants=grants, actor=actor)
    key = await identity.create_key(scope, "narrow", actor=actor)
    narrow = await house.client(key.text)
    flow = _flow(
        {
            "id": "read",
            "type": "fhir",
            "action": "read",
            "resourceType": "Patient",
            "resourceId": patient,
        }
    )
    answer = await narrow.post("/api/workflows/try-step", json={"definition": flow, "step": "read"})
    tried = answer.json()["data"]
    assert tried["error"]["code"] == "insufficient_permissions"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"definition": "a: [b", "step": "x"}, 422),
        ({"definition": RADIOLOGY, "step": "absent"}, 404),
        ({"definition": RADIOLOGY}, 400),
        ({"step": "x"}, 400),
        ({"definition": RADIOLOGY, "step": "read-image", "pinned": {"steps": 5}}, 422),
    ],
)
async def test_what_cannot_be_tried_is_refused(desk: Desk, body: JsonObject, status: int) -> None:
    assert (await desk.post("/api/workflows/try-step", body)).status_code == status


async def _outline(desk: Desk, definition: str | JsonObject, **more: Any) -> JsonObject:
    answer = await desk.post("/api/workflows/outline", {"definition": definition, **more})
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def _types(names: list[JsonObject]) -> dict[str, str]:
    return {one["path"]: one["type"] for one in names}


async def test_names_are_those_that_the_run_will_have(desk: Desk) -> None:
    told = await _outline(desk, RADIOLOGY)
    trigger, read = _types(told["trigger"]), _types(told["outputs"]["read-image"])
    assert trigger["trigger.file"] == "string"
    assert read["steps.read-image.output.assessable"] == "boolean"
    assert read["steps.read-image.output.confidence"] == "number"
    assert "steps.read-image.output.reading" in read
    by_id = {step["id"]: step for step in told["steps"]}
    assert by_id["read-image"]["sees"] == []
    assert by_id["store-report"]["sees"] == ["read-image", "can-report", "store-observation"]
    assert "store-report" not in by_id["ask-radiologist"]["sees"]
    assert set(told["output"]["mayNotHaveRun"]) >= {"store-report", "read-patient"}
    assert "read-image" not in told["output"]["mayNotHaveRun"]
    # A real run has what was promised.
    draft = (await desk.post("/api/drafts", {"source": RADIOLOGY})).json()["data"]
    started = await desk.post(f"/api/drafts/{draft['id']}/test-run", {"sample": "chest-radiograph"})
    run = await desk.ended(started.json()["data"]["runId"])
    assert {f"trigger.{name}" for name in run["trigger"]} <= trigger.keys()
    step = run["steps"][0]
    assert {f"steps.{step['id']}.output.{name}" for name in step["output"]} <= {
        *read,
        "steps.read-image.output.model",
        "steps.read-image.output.version",
    }


async def test_elements_of_the_resource_are_known(desk: Desk) -> None:
    flow = _flow(
        {"id": "nap", "type": "wait", "duration": "1ms"},
        trigger={"type": "fhir", "event": "Patient.create"},
    )
    told = await _outline(desk, flow)
    [resource] = [one for one in told["trigger"] if one["path"] == "trigger.resource"]
    assert resource["fhirType"] == "Patient"
    elements = _types(told["fhirTypes"]["Patient"])
    assert elements["birthDate"] == "string"
    assert elements["name.family"] == "string"
    assert elements["active"] == "boolean"


async def test_one_step_has_one_list(desk: Desk) -> None:
    read = {"id": "read", "type": "wait", "duration": "1ms"}
    inner = {"id": "inner", "type": "wait", "duration": "1ms"}
    save = {"id": "save", "type": "wait", "duration": "1ms"}
    each = {"id": "each", "type": "foreach", "items": [1], "steps": [inner]}
    flow = _flow(read, each, {**save, "fallback": [{**inner, "id": "rescue"}]})
    names = _types((await _outline(desk, flow, step="inner"))["names"])
    assert {"item", "index", "loops.each.item", "steps.read.output.waitedUntil"} <= names.keys()
    names = _types((await _outline(desk, flow, step="save"))["names"])
    assert "item" not in names
    assert not any(name.startswith("steps.inner.") for name in names)
    assert names["steps.each.output.count"] == "integer"
    names = _types((await _outline(desk, flow, step="rescue"))["names"])
    assert names["steps.save.error.code"] == "string"


async def test_what_is_offered_is_what_verification_takes(desk: Desk) -> None:
    """Every name that is told for a step, read there, is no error."""
    told = await _outline(desk, RADIOLOGY)
    by_id = {step["id"]: step for step in told["steps"]}
    for step in ("store-report", "ask-radiologist", "notify-radiologist"):
        maybe = set(by_id[step]["mayNotHaveRun"])
        for seen in by_id[step]["sees"]:
            for one in told["outputs"][seen]:
                if one["path"].count(".") > 3 or seen in maybe:
                    continue
                probe = RADIOLOGY.replace(
                    f"- id: {step}\n", f"- id: {step}\n          when: {one['path']}.exists()\n", 1
                )
                answer = await desk.client.post(
                    "/api/workflows/validate",
                    content=probe.encode(),
                    headers={"Content-Type": "application/yaml"},
                )
                findings = answer.json()["data"]["findings"]
                faults = [f for f in findings if f["code"].startswith("E-REF")]
                assert faults == [], (step, one["path"], faults)
