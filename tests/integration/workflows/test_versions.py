"""Versions: kept, compared, restored; runs stay on theirs, or move by a checked plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

FLOW = "/api/workflows/flow"
ASK: dict[str, Any] = {"id": "ask", "type": "task", "title": "May it go on?", "due": "4h"}
NAP: dict[str, Any] = {"id": "nap", "type": "wait", "duration": "1ms"}
SEARCH: dict[str, Any] = {
    "id": "conditions",
    "type": "fhir",
    "action": "search",
    "resourceType": "Condition",
    "query": {"_count": "1"},
}


def _flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "flow", "name": "Flow", "steps": list(steps), **more}


async def _waiting(desk: Desk) -> str:
    started = (await desk.post(f"{FLOW}/execute", {})).json()["data"]["runId"]
    await desk.reached(started, _asks)
    return str(started)


def _asks(run: dict[str, Any]) -> bool:
    """Whether the run waits for a person, and not for a moment to pass."""
    return any(step["id"] == "ask" and step["status"] == "waiting" for step in run["steps"])


async def _decide(desk: Desk) -> None:
    for task in await desk.data("/api/tasks"):
        if task["status"] == "requested":
            await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})


async def _migrate(desk: Desk, **order: Any) -> dict[str, Any]:
    answer = await desk.post(f"{FLOW}/migrate", {"from": 1, "to": 2, **order})
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_versions_are_kept_compared_and_restored(desk: Desk) -> None:
    await desk.deployed(_flow(NAP, ASK))
    assert (await desk.deploy(_flow(NAP, SEARCH, {**ASK, "due": "2h"}))).status_code == 201
    versions = await desk.data(f"{FLOW}/versions")
    assert [(v["version"], v["newest"]) for v in versions] == [(2, True), (1, False)]
    assert (await desk.data(f"{FLOW}/versions/1"))["definition"]["steps"][1]["due"] == "4h"
    assert (await desk.get(f"{FLOW}/versions/3")).status_code == 404
    diff = await desk.data(f"{FLOW}/diff?from=1&to=2")
    assert diff["words"] == [
        "now also reads Condition",
        "step conditions (fhir) is added after nap",
        "ask: due 4 h → 2 h",
    ]
    assert await desk.data(f"{FLOW}/diff") == diff
    answer = await desk.post(f"{FLOW}/rollback", {"version": 1})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["data"]["version"], answer.json()["data"]["restored"]) == (3, 1)
    [first, _, third] = [await desk.data(f"{FLOW}/versions/{n}") for n in (1, 2, 3)]
    assert first["hash"] == third["hash"]
    assert (await desk.data(f"{FLOW}/diff?from=1&to=3"))["same"] is True
    assert (await desk.post(f"{FLOW}/rollback", {"version": 1})).status_code == 200
    assert (await desk.post(f"{FLOW}/rollback", {"version": "1"})).status_code == 400


async def test_a_run_stays_on_its_version_when_a_new_one_is_deployed(desk: Desk) -> None:
    await desk.deployed(_flow(ASK, output="one"))
    name = await _waiting(desk)
    await desk.deploy(_flow(ASK, NAP, output="two"))
    await _decide(desk)
    run = await desk.ended(name)
    assert (run["version"], run["output"]) == (1, "one")


async def test_runs_move_to_a_version_that_can_go_on_with_them(desk: Desk) -> None:
    await desk.deployed(_flow(NAP, ASK, output="one"))
    name = await _waiting(desk)
    await desk.deploy(_flow(NAP, ASK, {**NAP, "id": "more"}, output="two"))
    versions = await desk.data(f"{FLOW}/versions")
    assert [v["unfinishedRuns"] for v in versions] == [0, 1]
    plan = await _migrate(desk)
    assert (plan["dryRun"], plan["summary"]) == (True, {"compatible": 1})
    assert (await desk.run(name))["version"] == 1
    assert (await _migrate(desk, dryRun=False))["summary"] == {"moved": 1}
    await _decide(desk)
    run = await desk.ended(name)
    assert (run["version"], run["output"]) == (2, "two")
    assert [step["id"] for step in run["steps"]] == ["nap", "ask", "more"]
    assert (await _migrate(desk, dryRun=False))["runs"] == []


async def test_runs_that_a_version_cannot_go_on_with_stay(desk: Desk) -> None:
    await desk.deployed(_flow(NAP, ASK))
    name = await _waiting(desk)
    await desk.deploy(_flow({**SEARCH, "id": "first"}, {**SEARCH, "id": "nap"}, {**NAP, "id": "x"}))
    plan = await _migrate(desk, dryRun=False)
    assert plan["summary"] == {"incompatible": 1}
    found = {(one["code"], one["path"]) for one in plan["runs"][0]["obstacles"]}
    assert found == {
        ("step_missing", "steps/ask"),
        ("step_type", "steps/nap"),
        ("step_before", "steps/first"),
    }
    assert (await desk.run(name))["version"] == 1
    await _decide(desk)
    assert (await desk.ended(name))["status"] == "succeeded"


async def test_a_bad_plan_is_refused(desk: Desk) -> None:
    await desk.deployed(_flow(NAP))
    for order in ({"from": 1, "to": 1}, {"from": 1, "to": 9}):
        assert (await desk.post(f"{FLOW}/migrate", order)).status_code in (404, 422)
    for order in ({"from": 1}, {"from": 1, "to": 2, "dryRun": "no"}, {"from": True, "to": 2}):
        assert (await desk.post(f"{FLOW}/migrate", order)).status_code == 400
