"""Human tasks as FHIR Tasks, both ways: what one side does, the other shows, once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

ASK = {"id": "ask", "type": "task", "title": "May she go home?"}


async def opened(desk: Desk, **step: Any) -> tuple[str, dict[str, Any]]:
    """A run about a patient that waits, and the FHIR Task of its task."""
    patient = await desk.patient()
    await desk.deployed({"id": "flow", "steps": [{**ASK, **step}]})
    answer = await desk.post("/api/workflows/flow/execute", {"patientId": patient})
    run_id = answer.json()["data"]["runId"]

    async def look() -> Any:
        return await desk.search(f"Task?group-identifier=urn:careloom:run|{run_id}")

    [task] = await until(look)
    return run_id, task


async def put(desk: Desk, task: dict[str, Any], **options: Any) -> Any:
    return await desk.put(f"/fhir/Task/{task['id']}", json=task, **options)


async def test_a_task_about_a_patient_stands_in_the_store(desk: Desk) -> None:
    run_id, task = await opened(desk, show={"who": "{{trigger.patientId}}"}, due="1h")
    [shown] = await desk.data("/api/tasks")
    assert task["id"] == shown["id"]
    assert (task["status"], task["intent"]) == ("requested", "order")
    assert task["for"]["reference"] == f"Patient/{shown['patientId']}"
    assert "May she go home" not in str(task)
    assert await desk.search(f"Task?patient={shown['patientId']}&status=requested") == [task]
    await desk.post(f"/api/tasks/{task['id']}/claim")
    claimed = (await desk.get(f"/fhir/Task/{task['id']}")).json()
    assert (claimed["status"], claimed["meta"]["versionId"]) == ("accepted", "2")
    assert claimed["owner"]["display"].startswith("admin-")
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    done = (await desk.get(f"/fhir/Task/{task['id']}")).json()
    assert done["status"] == "completed"
    assert done["output"] == [{"type": {"text": "decision"}, "valueString": "approve"}]
    assert (await desk.ended(run_id))["status"] == "succeeded"
    history = (await desk.get(f"/fhir/Task/{task['id']}/_history")).json()
    assert len(history["entry"]) == 3


async def test_completing_the_fhir_task_resumes_the_run_once(desk: Desk) -> None:
    run_id, task = await opened(desk)
    output = [{"type": {"text": "plan"}, "valueString": "home tomorrow"}]
    done = {**task, "status": "completed", "output": output}
    answers = await asyncio.gather(*(put(desk, done) for _ in range(3)))
    statuses = {answer.status_code for answer in answers}
    assert 200 in statuses
    assert statuses <= {200, 409}
    assert (await put(desk, done)).status_code == 200
    run = await desk.ended(run_id)
    [step] = run["steps"]
    assert (step["output"]["decision"], step["output"]["data"]) == (
        "approve",
        {"plan": "home tomorrow"},
    )
    history = await desk.data(f"/api/tasks/{task['id']}/history")
    assert [e["action"] for e in history].count("task.completed") == 1
    rejected = await put(desk, {**done, "status": "rejected"})
    assert rejected.status_code == 409


async def test_an_old_version_does_not_complete_the_task(desk: Desk) -> None:
    run_id, task = await opened(desk)
    await desk.post(f"/api/tasks/{task['id']}/claim")
    stale = await put(desk, {**task, "status": "completed"}, headers={"If-Match": 'W/"1"'})
    assert stale.status_code == 412
    assert (await desk.run(run_id))["status"] == "waiting"
    fresh = await put(
        desk,
        {**(await desk.get(f"/fhir/Task/{task['id']}")).json(), "status": "rejected"},
        headers={"If-Match": 'W/"2"'},
    )
    assert fresh.status_code == 200, fresh.text
    run = await desk.ended(run_id)
    assert run["steps"][0]["output"]["approved"] is False


async def test_fhir_claims_and_releases(house: House, desk: Desk) -> None:
    _, task = await opened(desk)
    address = f"/api/tasks/{task['id']}"
    assert (await put(desk, {**task, "status": "in-progress"})).status_code == 200
    shown = await desk.data(address)
    assert shown["status"] == "accepted"
    other = await house.desk("clinician", scope=desk.scope)
    assert (await put(other, {**task, "status": "completed"})).status_code == 409
    assert (await put(desk, {**task, "status": "requested"})).status_code == 200
    assert (await desk.data(address))["assignee"] is None
    assert (await put(desk, {**task, "status": "cancelled"})).status_code == 409


async def test_who_may_write_fhir_may_not_decide_for_that(house: House, desk: Desk) -> None:
    run_id, task = await opened(desk)
    engineer = await house.desk("engineer", scope=desk.scope)
    answer = await put(engineer, {**task, "status": "completed"})
    assert answer.status_code == 403
    await desk.put("/api/queues/default", json={"candidates": ["user:nobody"]})
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await put(clinician, {**task, "status": "completed"})).status_code == 404
    assert (await desk.run(run_id))["status"] == "waiting"
    await desk.put("/api/queues/default", json={"candidates": ["role:clinician"]})
    assert (await put(clinician, {**task, "status": "completed"})).status_code == 200


async def test_what_only_the_human_task_changes_is_refused(desk: Desk) -> None:
    _, task = await opened(desk)
    other = {**task, "for": {"reference": "Patient/other"}, "status": "completed"}
    answer = await put(desk, other)
    assert answer.status_code == 422
    assert (await desk.client.delete(f"/fhir/Task/{task['id']}")).status_code == 409
    assert (await put(desk, {**task, "note": [{"text": "called twice"}]})).status_code == 200
    await desk.post(f"/api/tasks/{task['id']}/claim")
    kept = (await desk.get(f"/fhir/Task/{task['id']}")).json()
    assert (kept["note"], kept["status"]) == ([{"text": "called twice"}], "accepted")


async def test_a_bundle_completes_a_task_with_what_belongs_to_it(desk: Desk) -> None:
    run_id, task = await opened(desk)
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"text": "Walks"},
                },
                "request": {"method": "POST", "url": "Observation"},
            },
            {
                "resource": {**task, "status": "completed"},
                "request": {"method": "PUT", "url": f"Task/{task['id']}"},
            },
        ],
    }
    answer = await desk.post("/fhir", bundle)
    assert answer.status_code == 200, answer.text
    assert (await desk.ended(run_id))["status"] == "succeeded"


async def test_the_end_of_the_run_cancels_the_fhir_task(desk: Desk) -> None:
    run_id, task = await opened(desk)
    await desk.post(f"/api/workflows/runs/{run_id}/cancel")
    await desk.ended(run_id)
    ended = (await desk.get(f"/fhir/Task/{task['id']}")).json()
    assert (ended["status"], ended["meta"]["versionId"]) == ("cancelled", "2")
    assert await desk.search(f"Task?status=requested&patient={task['for']['reference']}") == []
    again = await put(desk, {**ended, "status": "completed"})
    assert again.status_code == 409


async def test_a_run_does_not_decide_its_own_task(desk: Desk) -> None:
    _, task = await opened(desk)
    step = {
        "id": "cheat",
        "type": "fhir",
        "action": "update",
        "resourceType": "Task",
        "id_": task["id"],
        "data": {**task, "status": "completed"},
    }
    step.pop("id_")
    await desk.deployed({"id": "cheat", "steps": [step]})
    run = await desk.execute("cheat", {})
    assert run["status"] == "failed"
    assert (await desk.data(f"/api/tasks/{task['id']}"))["status"] == "requested"


async def test_a_task_without_a_patient_is_mirrored_when_asked_only(desk: Desk) -> None:
    for number, (step, count) in enumerate([({}, 0), ({"mirror": True}, 1)]):
        await desk.deployed({"id": f"flow{number}", "steps": [{**ASK, **step}]})
        answer = await desk.post(f"/api/workflows/flow{number}/execute", {})
        run_id = answer.json()["data"]["runId"]
        await desk.reached(run_id, lambda run: run["status"] == "waiting")
        found = await desk.search(f"Task?group-identifier=urn:careloom:run|{run_id}")
        assert len(found) == count


async def test_a_patch_decides_as_well(desk: Desk) -> None:
    run_id, task = await opened(desk)
    patch = [{"op": "replace", "path": "/status", "value": "completed"}]
    headers = {"Content-Type": "application/json-patch+json"}
    answer = await desk.client.patch(f"/fhir/Task/{task['id']}", json=patch, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (await desk.ended(run_id))["status"] == "succeeded"
