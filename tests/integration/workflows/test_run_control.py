"""Pause, resume, cancel and roll back, one run or many, with their children."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

from careloom.audit.trail import Selection
from careloom.workflows.engine.ids import parse_run_name

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

RUNS = "/api/workflows/runs"
ASK: dict[str, Any] = {"id": "ask", "type": "task", "title": "May it go on?"}
CREATE: dict[str, Any] = {
    "id": "create",
    "type": "fhir",
    "action": "create",
    "resourceType": "Patient",
    "data": {"name": [{"family": "Undone"}]},
}


async def _waiting(desk: Desk, workflow: str) -> str:
    answer = await desk.post(f"/api/workflows/{workflow}/execute", {})
    name = str(answer.json()["data"]["runId"])
    await desk.reached(name, _asks)
    return name


def _asks(run: dict[str, Any]) -> bool:
    return any(step["status"] == "waiting" and step["id"] == "ask" for step in run["steps"])


async def _actions(desk: Desk, name: str) -> list[str]:
    entity = f"Run/{parse_run_name(name)}"
    rows = await desk.services.trail.page(desk.scope.tenant, Selection(entity=entity))
    return [row.values["action"] for row in rows]


async def _do(desk: Desk, name: str, verb: str) -> dict[str, Any]:
    answer = await desk.post(f"{RUNS}/{name}/{verb}")
    assert answer.status_code == 202, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _decide(desk: Desk) -> None:
    [task] = [t for t in await desk.data("/api/tasks") if t["status"] == "requested"]
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert answer.status_code == 200, answer.text


async def test_a_paused_run_rests_and_goes_on_when_resumed(desk: Desk) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    await desk.deployed({"id": "flow", "steps": [ASK, nap]})
    name = await _waiting(desk, "flow")
    assert (await _do(desk, name, "pause"))["changed"] is True
    assert (await _do(desk, name, "pause"))["changed"] is False
    await _decide(desk)
    paused = await desk.run(name)
    assert (paused["held"], [step["status"] for step in paused["steps"]]) == ("paused", ["waiting"])
    assert [run["runId"] for run in await desk.data(f"{RUNS}?status=paused")] == [name]
    await _do(desk, name, "resume")
    assert (await desk.ended(name))["status"] == "succeeded"
    actions = await _actions(desk, name)
    assert [a for a in actions if a in ("run.pause", "run.resume")] == ["run.pause", "run.resume"]


async def test_a_run_that_is_carried_out_rests_after_the_step_it_is_at(desk: Desk) -> None:
    naps = [{"id": f"nap{n}", "type": "wait", "duration": "20ms"} for n in range(100)]
    await desk.deployed({"id": "flow", "steps": naps})
    name = (await desk.post("/api/workflows/flow/execute", {})).json()["data"]["runId"]
    await _do(desk, name, "pause")
    await desk.reached(name, lambda run: run["held"] == "paused")

    async def at_rest() -> int:
        sql = "SELECT hold FROM careloom.live WHERE owner IS NULL"
        [row] = await desk.services.db.query(desk.scope.tenant, sql) or [{"hold": 0}]
        return int(row["hold"])

    assert await until(at_rest) == 2
    done = len((await desk.run(name))["steps"])
    assert done < 100
    await _do(desk, name, "cancel")
    assert (await desk.ended(name))["status"] == "cancelled"


async def test_what_has_ended_is_refused_and_what_is_not_there_not_found(desk: Desk) -> None:
    await desk.deployed({"id": "flow", "steps": [{"id": "n", "type": "wait", "duration": "1ms"}]})
    run = await desk.execute("flow", {})
    for verb in ("pause", "resume", "cancel"):
        answer = await desk.post(f"{RUNS}/{run['runId']}/{verb}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "run_finished")
    absent = f"{RUNS}/run_{'0' * 32}/cancel"
    assert (await desk.post(absent)).status_code == 404


async def test_children_are_paused_and_cancelled_with_their_parent(desk: Desk) -> None:
    await desk.deployed({"id": "inner", "steps": [ASK]})
    call = {"id": "call", "type": "workflow", "workflow": "inner", "input": {}}
    await desk.deployed({"id": "middle", "steps": [call]})
    await desk.deployed({"id": "outer", "steps": [{**call, "workflow": "middle"}]})
    name = (await desk.post("/api/workflows/outer/execute", {})).json()["data"]["runId"]

    async def family() -> list[str] | None:
        middle = (await desk.run(name))["children"]
        inner = (await desk.run(middle[0]["runId"]))["children"] if middle else []
        if not inner or (await desk.run(inner[0]["runId"]))["status"] != "waiting":
            return None
        return [middle[0]["runId"], inner[0]["runId"]]

    middle, inner = await until(family)
    assert (await desk.run(inner))["parent"] == middle
    assert (await _do(desk, name, "pause"))["children"] == [middle, inner]
    for one in (name, middle, inner):
        await desk.reached(one, lambda run: run["held"] == "paused")
    await _do(desk, name, "cancel")
    for one in (name, middle, inner):
        assert (await desk.ended(one))["status"] == "cancelled"
    tasks = await desk.data("/api/tasks")
    assert {task["status"] for task in tasks} == {"cancelled"}


@pytest.mark.parametrize("ended", [False, True])
async def test_a_roll_back_undoes_what_was_written(desk: Desk, ended: bool) -> None:
    steps = [CREATE] if ended else [CREATE, ASK]
    await desk.deployed({"id": "flow", "steps": steps})
    if ended:
        name = (await desk.execute("flow", {}))["runId"]
    else:
        name = await _waiting(desk, "flow")
    assert len(await desk.search("Patient?family=Undone")) == 1
    await _do(desk, name, "rollback")
    run = await desk.reached(name, lambda run: run["status"] == "rolled_back")
    assert await desk.search("Patient?family=Undone") == []
    assert run["finishedAt"] is not None
    assert "run.rollback" in await _actions(desk, name)
    again = await desk.post(f"{RUNS}/{name}/rollback")
    assert (again.status_code, again.json()["error"]["code"]) == (422, "run_finished")


async def test_many_runs_in_one_call_with_the_outcome_of_each(desk: Desk) -> None:
    await desk.deployed({"id": "flow", "steps": [ASK]})
    names = [await _waiting(desk, "flow") for _ in range(3)]
    order = {"action": "cancel", "runIds": [*names[:2], f"run_{'0' * 32}"]}
    answer = (await desk.post(f"{RUNS}/bulk", order)).json()["data"]
    assert answer["summary"] == {"done": 2, "refused": 1}
    assert answer["runs"][2]["error"]["code"] == "run_not_found"
    for name in names[:2]:
        await desk.ended(name)
    order = {"action": "cancel", "filter": {"workflow": "flow", "status": "waiting"}}
    answer = (await desk.post(f"{RUNS}/bulk", order)).json()["data"]
    assert [run["runId"] for run in answer["runs"]] == [names[2]]
    for bad in (
        {"action": "explode", "runIds": names},
        {"action": "cancel"},
        {"action": "cancel", "runIds": "all"},
        {"action": "cancel", "filter": {"patient": "x"}},
    ):
        assert (await desk.post(f"{RUNS}/bulk", bad)).status_code == 400


async def test_who_may_only_look_may_not_control(house: House, desk: Desk) -> None:
    await desk.deployed({"id": "flow", "steps": [ASK]})
    name = await _waiting(desk, "flow")
    viewer = await house.desk("viewer", scope=desk.scope)
    stranger = await house.desk()
    for verb in ("pause", "resume", "cancel", "rollback", "retry"):
        assert (await viewer.post(f"{RUNS}/{name}/{verb}")).status_code == 403
        assert (await stranger.post(f"{RUNS}/{name}/{verb}")).status_code == 404
    order = {"action": "cancel", "runIds": [name]}
    assert (await viewer.post(f"{RUNS}/bulk", order)).status_code == 403


async def test_runs_are_found_by_filters_and_paged_without_gaps(desk: Desk) -> None:
    fail = {"id": "fail", "type": "fhir", "action": "read"}
    fail |= {"resourceType": "Patient", "resourceId": "absent", "when": "trigger.bad = true"}
    await desk.deployed({"id": "flow", "steps": [fail]})
    names = [(await desk.execute("flow", {"bad": n % 2 == 0}))["runId"] for n in range(6)]
    await desk.deploy({"id": "flow", "name": "Second", "steps": [fail]})
    newest = (await desk.execute("flow", {"bad": False}))["runId"]

    async def found(query: str) -> list[str]:
        return [run["runId"] for run in await desk.data(f"{RUNS}?{query}")]

    assert await found("version=2") == [newest]
    failed = await found("status=failed")
    assert failed == names[0::2][::-1]
    [code] = {run["failedCode"] for run in await desk.data(f"{RUNS}?status=failed")}
    assert await found(f"code={code}") == failed
    assert await found("code=other") == []
    assert await found(f"text={names[1][:20]}") != []
    assert newest in await found("text=flo")
    began = (await desk.run(names[3]))["createdAt"]
    assert await found(f"from={began}&version=1") == names[3:][::-1]
    pages: list[str] = []
    before = ""
    while page := await found(f"limit=2{before}"):
        pages += page
        before = f"&before={page[-1]}"
    assert pages == [newest, *names[::-1]]


async def test_a_timeline_has_a_bar_for_each_step(desk: Desk) -> None:
    naps = [{"id": f"nap{n}", "type": "wait", "duration": "1ms"} for n in range(2)]
    await desk.deployed({"id": "flow", "steps": [*naps, ASK]})
    name = await _waiting(desk, "flow")
    bars = (await desk.data(f"{RUNS}/{name}/timeline"))["bars"]
    assert [(bar["kind"], bar["status"], bar["id"]) for bar in bars] == [
        ("step", "succeeded", "nap0"),
        ("step", "succeeded", "nap1"),
        ("wait", "waiting", "ask"),
    ]
    assert all(bar["durationMs"] >= 0 for bar in bars[:2])
    assert bars[2]["finishedAt"] is None
