"""Human tasks by the API, and what events start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

ASK: dict[str, Any] = {
    "id": "ask",
    "steps": [
        {
            "id": "review",
            "type": "task",
            "title": "Is this right?",
            "priority": "urgent",
            "show": {"word": "{{trigger.word}}"},
        },
        {
            "id": "write",
            "type": "fhir",
            "when": "steps.review.output.approved",
            "action": "create",
            "resourceType": "Observation",
            "data": {
                "status": "final",
                "code": {"text": "{{trigger.word}}"},
                "note": [{"text": "{{coalesce(steps.review.output.comment, 'none')}}"}],
            },
        },
    ],
}


async def _asked(desk: Desk) -> tuple[str, dict[str, Any]]:
    """A run that waits for a person, and its task."""
    await desk.deployed(ASK)
    answer = await desk.post("/api/workflows/ask/execute", {"word": "mild"})
    run_id = answer.json()["data"]["runId"]
    await desk.reached(run_id, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks")
    return run_id, task


async def test_an_approval_lets_the_run_go_on(house: House, desk: Desk) -> None:
    run_id, task = await _asked(desk)
    assert task["title"] == "Is this right?"
    assert task["show"] == {"word": "mild"}
    assert (task["status"], task["priority"], task["runId"]) == ("requested", "urgent", run_id)
    clinician = await house.desk("clinician", scope=desk.scope)
    claimed = await clinician.post(f"/api/tasks/{task['id']}/claim")
    assert claimed.status_code == 200, claimed.text
    assert claimed.json()["data"]["status"] == "accepted"
    decision = {"decision": "approve", "comment": "yes", "data": {"grade": 2}}
    decided = await clinician.post(f"/api/tasks/{task['id']}/decision", decision)
    assert decided.status_code == 200, decided.text
    run = await desk.ended(run_id)
    assert run["status"] == "succeeded", run
    output = run["steps"][0]["output"]
    assert (output["decision"], output["approved"]) == ("approve", True)
    assert output["by"].startswith("clinician")
    assert output["data"] == {"grade": 2}
    [observation] = await desk.search("Observation")
    assert observation["note"] == [{"text": "yes"}]


async def test_a_rejection_skips_what_needed_approval(desk: Desk) -> None:
    run_id, task = await _asked(desk)
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "reject"})
    assert answer.status_code == 200
    run = await desk.ended(run_id)
    assert [step["status"] for step in run["steps"]] == ["succeeded", "skipped"]
    assert await desk.search("Observation") == []


async def test_of_many_that_claim_one_gets_it_and_the_others_a_conflict(
    house: House, desk: Desk
) -> None:
    _, task = await _asked(desk)
    people = [await house.desk("clinician", scope=desk.scope) for _ in range(4)]
    answers = await asyncio.gather(
        *(person.post(f"/api/tasks/{task['id']}/claim") for person in people)
    )
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [200, 409, 409, 409]
    winner = statuses.index(200)
    held = await people[winner - 1].post(
        f"/api/tasks/{task['id']}/decision", {"decision": "approve"}
    )
    assert held.status_code == 409
    assert held.json()["error"]["code"]
    mine = await people[winner].post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert mine.status_code == 200


async def test_of_many_decisions_one_counts(desk: Desk) -> None:
    run_id, task = await _asked(desk)
    address = f"/api/tasks/{task['id']}/decision"
    answers = await asyncio.gather(
        *(desk.post(address, {"decision": verb}) for verb in ("approve", "reject") * 3)
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    run = await desk.ended(run_id)
    assert run["status"] == "succeeded"
    again = await desk.post(address, {"decision": "approve"})
    assert again.status_code == 409
    assert again.json()["success"] is False


@pytest.mark.parametrize(
    ("decision", "path"),
    [
        ({}, "/decision"),
        ({"decision": "perhaps"}, "/decision"),
        ({"decision": ["approve"]}, "/decision"),
        ({"decision": "approve", "comment": 5}, "/comment"),
        ({"decision": "approve", "data": "yes"}, "/data"),
    ],
)
async def test_a_decision_that_is_none_is_refused(
    desk: Desk, decision: dict[str, Any], path: str
) -> None:
    run_id, task = await _asked(desk)
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", decision)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["path"] == path
    assert (await desk.run(run_id))["status"] == "waiting"


async def test_who_may_not_decide_is_refused(house: House, desk: Desk) -> None:
    _, task = await _asked(desk)
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get(f"/api/tasks/{task['id']}")).status_code == 200
    for action in ("claim", "decision"):
        answer = await viewer.post(f"/api/tasks/{task['id']}/{action}", {"decision": "approve"})
        assert answer.status_code == 403
    stranger = await house.desk()
    assert (await stranger.get(f"/api/tasks/{task['id']}")).status_code == 404
    answer = await stranger.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert answer.status_code == 404


async def test_a_cancelled_run_ends_and_cannot_be_cancelled_twice(desk: Desk) -> None:
    run_id, _ = await _asked(desk)
    answer = await desk.post(f"/api/workflows/runs/{run_id}/cancel")
    assert answer.status_code == 202, answer.text
    assert (await desk.ended(run_id))["status"] == "cancelled"
    again = await desk.post(f"/api/workflows/runs/{run_id}/cancel")
    assert again.status_code == 422
    assert again.json()["error"]["code"] == "run_finished"


async def test_the_session_of_a_run_tells_what_happened_in_it(desk: Desk) -> None:
    run_id, task = await _asked(desk)
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    run = await desk.ended(run_id)
    session = await desk.data(f"/api/sessions/{run['sessionId']}")
    assert session["runId"] == run_id
    said = [(message["role"], message["content"]) for message in session["messages"]]
    assert ("system", "Run of ask started by manual") in said
    assert any(role == "person" and "approve" in content for role, content in said)
    assert ("system", "steps/write succeeded") in said


def _on(event: str, **conditions: str) -> dict[str, Any]:
    return {
        "id": "react",
        "trigger": {"type": "fhir", "event": event, **conditions},
        "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
        "output": {"event": "{{trigger.event}}", "id": "{{trigger.id}}"},
    }


def _observation(status: str, code: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": status, "code": {"text": code}}


@pytest.mark.parametrize(
    "conditions",
    [
        {"filter": "status=final"},
        {"filter": "?status=final"},
        {"where": "%current.status = 'final'"},
        {"where": "status = 'final' and %previous.empty()"},
        {"where": "trigger.resource.status = 'final'"},
        {"filter": "status=final,amended", "where": "code.text.exists()"},
    ],
    ids=["filter", "question mark", "where", "previous", "where trigger", "both"],
)
async def test_only_what_matches_starts_a_run(desk: Desk, conditions: dict[str, str]) -> None:
    await desk.deployed(_on("Observation.create", **conditions))
    wanted = ""
    for status in ("preliminary", "final", "cancelled"):
        answer = await desk.post("/fhir/Observation", _observation(status, "x"))
        wanted = answer.json()["id"] if status == "final" else wanted
    await desk.post("/fhir/Patient", {"resourceType": "Patient", "active": True})
    [summary] = await desk.runs_of("react", 1)
    await desk.events_matched()
    assert len(await desk.data("/api/workflows/runs")) == 1
    run = await desk.run(summary["runId"])
    assert run["output"] == {"event": "Observation.create", "id": wanted}


async def test_updates_and_deletions_start_their_own_workflows(desk: Desk) -> None:
    for verb in ("create", "update", "delete"):
        await desk.deployed({**_on(f"Patient.{verb}"), "id": f"on-{verb}"})
    patient = await desk.patient()
    path = f"/fhir/Patient/{patient}"
    changed = {"resourceType": "Patient", "id": patient, "active": False}
    assert (await desk.put(path, json=changed)).status_code == 200
    assert (await desk.client.delete(path)).status_code in (200, 204)
    for verb in ("create", "update", "delete"):
        [summary] = await desk.runs_of(f"on-{verb}", 1)
        run = await desk.run(summary["runId"])
        assert run["output"] == {"event": f"Patient.{verb}", "id": patient}


async def test_a_change_is_seen_by_comparing_with_the_resource_as_it_was(desk: Desk) -> None:
    changed = "status = 'final' and %previous.status != 'final'"
    await desk.deployed(_on("Observation.update", where=changed))
    answer = await desk.post("/fhir/Observation", _observation("preliminary", "x"))
    path = f"/fhir/Observation/{answer.json()['id']}"
    for number, status in enumerate(("preliminary", "final", "final")):
        resource = {**_observation(status, f"reading {number}"), "id": answer.json()["id"]}
        assert (await desk.put(path, json=resource)).status_code == 200
    await desk.runs_of("react", 1)
    await desk.events_matched()
    assert len(await desk.data("/api/workflows/runs")) == 1


@pytest.mark.parametrize("conditions", [{"filter": "colour=blue"}, {"where": "1 + 'a' = 2"}])
async def test_a_condition_that_fails_is_an_incident_and_blocks_nobody(
    desk: Desk, conditions: dict[str, str]
) -> None:
    answer = await desk.deploy(_on("Observation.create", **conditions))
    if answer.status_code == 422:
        assert answer.json()["error"]["fix"]
        return
    await desk.deployed({**_on("Observation.create"), "id": "neighbour"})
    await desk.post("/fhir/Observation", _observation("final", "x"))
    await desk.runs_of("neighbour", 1)
    incident = await desk.incident("trigger.filter_failed")
    assert incident["cause"].startswith("react: ")
    assert await desk.data("/api/workflows/runs?workflow=react") == []


async def test_a_file_starts_the_workflow_that_waits_for_files(desk: Desk) -> None:
    flow = _on("Observation.create")
    flow["trigger"] = {"type": "file", "event": "NewFileUploaded"}
    flow["output"] = {"file": "{{trigger.file}}", "kind": "{{trigger.contentType}}"}
    await desk.deployed(flow)
    answer = await desk.client.post("/api/files", files={"file": ("../../a.PDF", b"%PDF-1.7 x")})
    assert answer.status_code == 201, answer.text
    uri = answer.json()["data"]["uri"]
    assert uri.startswith("file://uploads/")
    assert uri.endswith(".pdf")
    [summary] = await desk.runs_of("react", 1)
    run = await desk.run(summary["runId"])
    assert run["output"] == {"file": uri, "kind": "application/pdf"}
