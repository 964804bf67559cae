"""A preview is what then happens: held against the journal and the audit trail afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepResult

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

RUNS = "/api/workflows/runs"
NAP: JsonObject = {"id": "nap", "type": "wait", "duration": "1ms"}
CREATE: JsonObject = {
    "id": "create",
    "type": "fhir",
    "action": "create",
    "resourceType": "Patient",
    "data": {"name": [{"family": "Once"}]},
}
READ: JsonObject = {
    "id": "read",
    "type": "fhir",
    "action": "read",
    "resourceType": "Patient",
    "resourceId": "{{trigger.id}}",
}
TELL: JsonObject = {
    "id": "tell",
    "type": "bot",
    "tool": "Slack.send",
    "params": {"channel": "#ward", "message": "A run goes on"},
}
SIGN: JsonObject = {"id": "sign", "type": "task", "title": "Sign"}


async def preview(desk: Desk, run: str, action: str, **order: Any) -> JsonObject:
    answer = await desk.post(f"{RUNS}/{run}/preview", {"action": action, **order})
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def steps(found: JsonObject, action: str) -> list[str]:
    return [effect["step"] for effect in found["effects"] if effect["action"] == action]


async def actions(desk: Desk, action: str) -> list[str]:
    """The entities of the tenant's audit rows of one action, in their order."""
    rows = await desk.services.db.query(
        desk.scope.tenant,
        "SELECT entity FROM audit WHERE tenant = $1 AND action = $2 ORDER BY audit_id",
        desk.scope.tenant,
        action,
    )
    return [row["entity"] for row in rows]


async def counted(desk: Desk) -> int:
    rows = await desk.services.db.query(
        desk.scope.tenant, "SELECT count(*) FROM audit WHERE tenant = $1", desk.scope.tenant
    )
    return int(rows[0][0])


async def started(desk: Desk, workflow: str, state: str, body: JsonObject | None = None) -> str:
    answer = await desk.post(f"/api/workflows/{workflow}/execute", body or {})
    name = str(answer.json()["data"]["runId"])
    await desk.reached(name, lambda run: run["status"] == state)
    return name


async def test_a_retry_keeps_and_runs_what_its_preview_said(desk: Desk) -> None:
    choice = {"id": "choose", "type": "if", "condition": "{{trigger.id = 'x'}}", "then": [NAP]}
    await desk.deployed({"id": "flow", "steps": [CREATE, TELL, READ, choice]})
    name = (await desk.execute("flow", {"id": "absent"}))["runId"]
    before = await counted(desk)
    for begin in (None, "steps/tell"):
        order = {} if begin is None else {"from": begin}
        found = await preview(desk, name, "retry", **order)
        assert found["effects"][0]["action"] == "start"
    assert await counted(desk) == before
    plain = await preview(desk, name, "retry")
    assert steps(plain, "reuse") == ["steps/create", "steps/tell"]
    assert not any("second time" in warning for warning in plain["warnings"])
    found = await preview(desk, name, "retry", **{"from": "steps/tell"})
    assert steps(found, "reuse") == ["steps/create"]
    certain = {e["step"]: e["certain"] for e in found["effects"] if e["action"] == "run"}
    assert certain == {
        "steps/tell": True,
        "steps/read": True,
        "steps/choose": True,
        "steps/choose/then/nap": False,
    }
    tell = next(e for e in found["effects"] if e["step"] == "steps/tell")
    assert tell["willRepeat"]
    assert "key of its own" in tell["what"]
    assert tell["promise"] in tell["what"]
    assert any("tell" in warning and "second time" in warning for warning in found["warnings"])
    body = {"resourceType": "Patient", "id": "absent"}
    assert (await desk.put("/fhir/Patient/absent", json=body)).is_success
    answer = await desk.post(f"{RUNS}/{name}/retry", {"from": "steps/tell"})
    assert answer.status_code == 202, answer.text
    made = answer.json()["data"]
    run = await desk.ended(made["runId"])
    assert run["status"] == "succeeded", run["error"]
    assert made["keptSteps"] == len(steps(found, "reuse"))
    audited = await actions(desk, "step.succeeded")
    mine = [e.split("/", 2)[2] for e in audited if made["runId"][4:] in e.replace("-", "")]
    assert set(mine) <= set(steps(found, "run"))
    assert {step for step, sure in certain.items() if sure} <= set(mine)
    assert {s["path"] for s in run["steps"]} == {*mine, *steps(found, "reuse")}
    again = await desk.post(f"{RUNS}/{name}/preview", {"action": "retry"})
    refusal = await desk.post(f"{RUNS}/{name}/retry", {})
    assert (again.status_code, again.json()) == (refusal.status_code, refusal.json())


async def test_a_rollback_undoes_what_its_preview_said_in_that_order(desk: Desk) -> None:
    other = {**CREATE, "id": "other", "compensate": [{**NAP, "id": "instead"}]}
    third = {**CREATE, "id": "third", "compensate": "none"}
    await desk.deployed({"id": "flow", "steps": [CREATE, TELL, other, third, NAP]})
    name = (await desk.execute("flow", {}))["runId"]
    before = await counted(desk)
    found = await preview(desk, name, "rollback")
    assert await counted(desk) == before
    assert steps(found, "undo") == ["steps/other", "steps/create"]
    by_step = {e["step"]: e for e in found["effects"]}
    assert by_step["steps/other"]["compensates"] == "steps"
    assert by_step["steps/create"]["compensates"] == "type"
    [reference] = by_step["steps/create"]["resources"]
    assert (await desk.get(f"/fhir/{reference}")).status_code == 200
    warned = " ".join(found["warnings"])
    assert "tell" in warned
    assert "third" in warned
    assert (await desk.post(f"{RUNS}/{name}/rollback")).status_code == 202
    run = await desk.reached(name, lambda run: run["status"] == "rolled_back")
    undone = [s["path"] for s in run["steps"] if s["path"].startswith("~comp/")]
    assert undone == ["~comp/steps/other/compensate/instead", "~comp/steps/create"]
    assert (await desk.get(f"/fhir/{reference}")).status_code == 410
    refused = await desk.post(f"{RUNS}/{name}/preview", {"action": "rollback"})
    assert refused.status_code == 422, refused.text


async def test_a_cancellation_stops_what_its_preview_said(desk: Desk) -> None:
    await desk.deployed({"id": "inner", "steps": [SIGN]})
    call = {"id": "call", "type": "workflow", "workflow": "inner"}
    free = {"id": "free", "type": "workflow", "workflow": "inner", "wait": False}
    both = {"id": "both", "type": "parallel", "branches": {"a": [SIGN], "b": [call]}}
    await desk.deployed({"id": "outer", "steps": [CREATE, free, both]})
    name = await started(desk, "outer", "waiting")
    await desk.reached(name, lambda run: len(run["children"]) == 2)

    async def all_three() -> list[JsonObject] | None:
        found: list[JsonObject] = await desk.data("/api/tasks?status=open")
        return found if len(found) == 3 else None

    tasks = await until(all_three)
    before = await counted(desk)
    found = await preview(desk, name, "cancel")
    assert await counted(desk) == before
    ended = {e["taskId"] for e in found["effects"] if e["action"] == "cancel_task"}
    stopped = {e["runId"] for e in found["effects"] if e["action"] == "cancel_run"}
    assert len(ended) == 2
    assert len(stopped) == 1
    warned = " ".join(found["warnings"])
    assert "create" in warned
    assert "nobody waits for it" in warned
    assert (await desk.post(f"{RUNS}/{name}/cancel")).status_code == 202
    await desk.ended(name)
    for child in stopped:
        assert (await desk.ended(child))["status"] == "cancelled"
    assert {one.removeprefix("Task/") for one in await actions(desk, "task.cancel")} == ended
    left = await desk.data("/api/tasks?status=open")
    assert {task["id"] for task in left} == {task["id"] for task in tasks} - ended
    asked = {f"run_{one[4:].replace('-', '')}" for one in await actions(desk, "run.cancel")}
    assert asked == {name, *stopped}
    refused = await desk.post(f"{RUNS}/{name}/preview", {"action": "cancel"})
    refusal = await desk.post(f"{RUNS}/{name}/cancel")
    assert (refused.status_code, refused.json()) == (refusal.status_code, refusal.json())


async def test_a_replay_carries_out_what_its_preview_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = {"id": "here", "type": "validate", "resource": {"resourceType": "Patient"}}
    await desk.deployed({"id": "flow", "steps": [CREATE, sample, TELL, NAP]})
    name = (await desk.execute("flow", {}))["runId"]
    found = await preview(desk, name, "replay")
    assert set(steps(found, "reuse")) >= {"steps/create", "steps/tell"}
    assert "steps/here" in steps(found, "rehearse")
    called: list[str] = []
    for step in desk.services.catalog.values():
        _note(monkeypatch, step, called)
    before = await actions(desk, "fhir.create")
    answer = await desk.post("/api/workflows/flow/replay", {"runIds": [name]})
    replay = f"/api/workflows/replays/{answer.json()['data']['replayId']}"

    async def done() -> bool:
        return bool((await desk.data(replay))["status"] == "done")

    await until(done)
    assert called == steps(found, "rehearse")
    assert await actions(desk, "fhir.create") == before


def _note(monkeypatch: pytest.MonkeyPatch, step: Any, called: list[str]) -> None:
    execute = step.execute

    async def noted(call: StepCall) -> StepResult:
        called.append(call.path)
        result: StepResult = await execute(call)
        return result

    monkeypatch.setattr(step, "execute", noted)


async def test_many_are_previewed_as_they_are_retried(desk: Desk) -> None:
    await desk.deployed({"id": "flow", "steps": [CREATE, READ]})
    names = [(await desk.execute("flow", {"id": "absent"}))["runId"] for _ in range(3)]
    assert (await desk.post(f"{RUNS}/{names[0]}/retry", {})).status_code == 202
    order = {"action": "retry", "runIds": names}
    answer = await desk.post(f"{RUNS}/preview", order)
    assert answer.status_code == 200, answer.text
    found = answer.json()["data"]
    assert found["summary"] == {"would": 2, "refused": 1}
    assert found["effects"][0]["count"] == 2
    assert any("retried already" in warning for warning in found["warnings"])
    done = (await desk.post(f"{RUNS}/bulk", order)).json()["data"]
    assert done["summary"] == {"done": 2, "refused": 1}
    assert [r["outcome"] == "would" for r in found["runs"]] == [
        r["outcome"] == "done" for r in done["runs"]
    ]
    for each in done["runs"]:
        if each["outcome"] == "done":
            await desk.ended(each["retriedAs"])
    chosen = {"action": "retry", "filter": {"workflow": "flow", "status": "failed"}}
    found = (await desk.post(f"{RUNS}/preview", chosen)).json()["data"]
    assert found["summary"] == {"would": 3, "refused": 0}
    none = {"action": "retry", "filter": {"to": "2020-01-01T00:00:00Z"}}
    assert (await desk.post(f"{RUNS}/preview", none)).json()["data"]["runs"] == []


async def test_a_preview_asks_for_what_it_takes(desk: Desk) -> None:
    await desk.deployed({"id": "flow", "steps": [NAP]})
    name = (await desk.execute("flow", {}))["runId"]
    for body, status in (
        ({"action": "pause"}, 400),
        ({}, 400),
        ({"action": "retry", "more": 1}, 400),
        ({"action": "retry"}, 422),
        ({"action": "retry", "from": "steps/none"}, 422),
    ):
        answer = await desk.post(f"{RUNS}/{name}/preview", body)
        assert answer.status_code == status, (body, answer.text)
    gone = await desk.post(f"{RUNS}/run_{'0' * 32}/preview", {"action": "cancel"})
    assert gone.status_code == 404
