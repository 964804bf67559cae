"""How runs end: cancelled when asked, with their open tasks; timers that no wake can lose."""

from __future__ import annotations

from typing import Any

import asyncpg
from tests.integration.conftest import Desk, until

from careloom.types import JsonObject
from careloom.workflows.engine.ids import parse_run_name


def _flow(*steps: JsonObject) -> JsonObject:
    return {"id": "flow", "name": "Flow", "trigger": {"type": "manual"}, "steps": list(steps)}


def _note(name: str) -> JsonObject:
    data = {"status": "preliminary", "code": {"text": name}}
    fields = {"type": "fhir", "action": "create", "resourceType": "Observation", "data": data}
    return {"id": name, **fields}


async def _started(desk: Desk) -> str:
    answer = await desk.post("/api/workflows/flow/execute", {})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["runId"])


async def _the_task(desk: Desk) -> JsonObject:
    async def look() -> JsonObject | None:
        tasks = await desk.data("/api/tasks")
        return tasks[0] if tasks else None

    return await until(look)


async def test_a_wake_for_nothing_does_not_lose_a_timer(desk: Desk) -> None:
    await desk.deployed(_flow({"id": "rest", "type": "wait", "duration": "2s"}, _note("after")))
    run_id = await _started(desk)
    await desk.reached(run_id, lambda run: run["status"] == "waiting")
    for _ in range(3):
        connection = await asyncpg.connect(desk.services.db.dsn)
        await connection.execute("SELECT set_config('app.tenant', $1, false)", desk.scope.tenant)
        await connection.execute(
            "SELECT careloom.run_wake($1, $2)", desk.scope.tenant, parse_run_name(run_id)
        )
        await connection.close()
        desk.services.worker.wake(desk.scope.tenant)
        await desk.data("/api/workflows/runs")
    assert (await desk.ended(run_id))["status"] == "succeeded"


async def test_a_run_that_is_cancelled_stops_at_the_next_step(desk: Desk) -> None:
    await desk.deployed(_flow(*(_note(f"n{number}") for number in range(200))))
    run_id = await _started(desk)
    await desk.reached(run_id, lambda run: len(run["steps"]) > 0)
    cancel = await desk.post(f"/api/workflows/runs/{run_id}/cancel")
    assert cancel.status_code == 202, cancel.text
    run = await desk.ended(run_id)
    assert run["status"] == "cancelled"
    assert len(run["steps"]) < 200


async def test_the_open_task_of_a_cancelled_run_is_cancelled(desk: Desk) -> None:
    await desk.deployed(_flow({"id": "ask", "type": "task", "title": "Go on?"}))
    run_id = await _started(desk)
    task = await _the_task(desk)
    await desk.post(f"/api/workflows/runs/{run_id}/cancel")
    assert (await desk.ended(run_id))["status"] == "cancelled"
    shown = await desk.data(f"/api/tasks/{task['id']}")
    assert shown["status"] == "cancelled"
    late = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert late.status_code == 409


async def test_a_task_that_nobody_decided_is_closed_and_the_run_goes_on(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "Go on?", "expires": "1s", "onError": "continue"}
    await desk.deployed(_flow(ask, {"id": "rest", "type": "wait", "duration": "2s"}, _note("x")))
    run_id = await _started(desk)
    task = await _the_task(desk)

    def expired(run: JsonObject) -> bool:
        return any(step.get("error") for step in run["steps"])

    await desk.reached(run_id, expired)
    late: Any = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert late.status_code == 409
    run = await desk.ended(run_id)
    assert run["status"] == "succeeded"
    assert run["steps"][0]["error"]["code"] == "task_expired"


async def test_a_failed_run_opens_one_incident_for_each_cause(desk: Desk) -> None:
    missing = {"id": "look", "type": "fhir", "action": "read", "resourceType": "Patient"}
    await desk.deployed(_flow({**missing, "resourceId": "nobody"}))
    for _ in range(3):
        assert (await desk.ended(await _started(desk)))["status"] == "failed"
    incidents = await desk.data("/api/incidents")
    assert [(one["kind"], one["count"]) for one in incidents] == [("run.failed", 3)]


async def test_the_sweep_frees_a_run_that_waits_for_nothing(desk: Desk) -> None:
    await desk.deployed(_flow({"id": "rest", "type": "wait", "duration": "1s"}))
    run_id = await _started(desk)
    await desk.reached(run_id, lambda run: run["status"] == "waiting")
    connection = await asyncpg.connect(desk.services.db.dsn)
    await connection.execute(
        "UPDATE careloom.live SET due_at = 'infinity' WHERE run_id = $1", parse_run_name(run_id)
    )
    await connection.close()
    assert await desk.services.db.call("engine_sweep", desk.scope.tenant) == 1
    assert (await desk.ended(run_id))["status"] == "succeeded"
