"""Failed runs: found by cause, retried from the failed step, on another version, or let be."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.integration.conftest import until

from careloom.audit.trail import Selection
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.retry import RetryOrder

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

RUNS = "/api/workflows/runs"
LETTERS = "/api/workflows/dead-letters"
CREATE: dict[str, Any] = {
    "id": "create",
    "type": "fhir",
    "action": "create",
    "resourceType": "Patient",
    "data": {"name": [{"family": "Once"}]},
}
READ: dict[str, Any] = {
    "id": "read",
    "type": "fhir",
    "action": "read",
    "resourceType": "Patient",
    "resourceId": "{{trigger.id}}",
}


def _flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "flow", "steps": list(steps), "output": "{{trigger.id}}", **more}


async def _failed(desk: Desk, body: dict[str, Any] | None = None) -> str:
    run = await desk.execute("flow", body or {"id": "absent"})
    assert run["status"] == "failed", run
    return str(run["runId"])


async def _retry(desk: Desk, name: str, order: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.post(f"{RUNS}/{name}/retry", order)
    assert answer.status_code == 202, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def _mend(desk: Desk, name: str = "absent") -> None:
    """The patient that runs miss comes after all."""
    body = {"resourceType": "Patient", "id": name}
    assert (await desk.put(f"/fhir/Patient/{name}", json=body)).status_code in (200, 201)


async def test_a_retry_goes_on_from_the_step_that_failed(desk: Desk) -> None:
    await desk.deployed(_flow(CREATE, READ))
    name = await _failed(desk)
    await _mend(desk)
    answer = await _retry(desk, name, {})
    assert answer["keptSteps"] == 1
    run = await desk.ended(answer["runId"])
    assert (run["status"], run["retryOf"], run["output"]) == ("succeeded", name, "absent")
    assert [step["path"] for step in run["steps"]] == ["steps/create", "steps/read"]
    assert len(await desk.search("Patient?family=Once")) == 1
    assert (await desk.run(name))["retriedAs"] == run["runId"]
    again = await desk.post(f"{RUNS}/{name}/retry", {})
    assert again.status_code == 409
    assert again.json()["error"]["details"]["run"] == run["runId"]


async def test_an_edited_input_begins_anew_and_both_inputs_are_in_the_audit(desk: Desk) -> None:
    await desk.deployed(_flow(CREATE, READ))
    name = await _failed(desk)
    await _mend(desk, "there")
    run = await desk.ended((await _retry(desk, name, {"input": {"id": "there"}}))["runId"])
    assert (run["status"], run["trigger"]["id"]) == ("succeeded", "there")
    assert len(await desk.search("Patient?family=Once")) == 2
    entity = f"Run/{parse_run_name(name)}"
    rows = await desk.services.trail.page(desk.scope.tenant, Selection(entity=entity))
    [row] = [row.values for row in rows if row.values["action"] == "run.retry"]
    assert row["actor"]["principal"].startswith("admin-")
    assert row["detail"]["inputBefore"] != row["detail"]["inputAfter"]
    assert "there" not in str(row["detail"])
    bad = await desk.post(f"{RUNS}/{run['runId']}/retry", {"input": {}})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "input_missing")


async def test_another_input_is_a_start_and_its_limits_hold(house: House, desk: Desk) -> None:
    starter = await house.desk("engineer", scope=desk.scope)
    mine = (await desk.services.identity.authenticate(starter.key)).id
    limited = {"type": "manual", "allow": [mine]}
    await desk.deployed(_flow(READ, trigger=limited))
    answer = await starter.post("/api/workflows/flow/execute", {"id": "absent"})
    run = await desk.ended(answer.json()["data"]["runId"])
    other = await house.desk("engineer", scope=desk.scope)
    for path in (f"{RUNS}/{run['runId']}/retry", f"{LETTERS}/{run['runId']}/resend"):
        refused = await other.post(path, {"input": {"id": "chosen"}})
        assert refused.status_code == 403, refused.text
        assert refused.json()["error"]["code"] == "trigger_not_allowed"
    answer = await starter.post(f"{RUNS}/{run['runId']}/retry", {"input": {"id": "chosen"}})
    assert answer.status_code == 202, answer.text


async def test_a_retry_from_an_earlier_step_does_it_and_what_follows_again(desk: Desk) -> None:
    await _mend(desk)
    await desk.deployed(_flow(CREATE, READ))
    run = await desk.execute("flow", {"id": "absent"})
    refused = await desk.post(f"{RUNS}/{run['runId']}/retry", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "run_succeeded")
    bad = await desk.post(f"{RUNS}/{run['runId']}/retry", {"from": "steps/nowhere"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "step_not_found")
    answer = await _retry(desk, run["runId"], {"from": "steps/create"})
    assert answer["keptSteps"] == 0
    assert (await desk.ended(answer["runId"]))["status"] == "succeeded"
    assert len(await desk.search("Patient?family=Once")) == 2


async def test_a_task_is_asked_again_when_its_run_is_retried_from_it(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "May it?"}
    await desk.deployed(_flow(ask, READ))
    started = await desk.post("/api/workflows/flow/execute", {"id": "absent"})
    name = started.json()["data"]["runId"]
    await desk.reached(name, lambda run: run["status"] == "waiting")

    async def decide() -> None:
        [task] = [t for t in await desk.data("/api/tasks") if t["status"] == "requested"]
        await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})

    await decide()
    await desk.ended(name)
    await _mend(desk)
    again = (await _retry(desk, name, {"from": "steps/ask"}))["runId"]
    await desk.reached(again, lambda run: run["status"] == "waiting")
    await decide()
    assert (await desk.ended(again))["status"] == "succeeded"


async def test_a_task_that_nobody_decided_in_time_is_asked_again(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "May it?", "expires": "{{trigger.within}}"}
    await desk.deployed({"id": "flow", "steps": [ask], "output": "{{steps.ask.output.decision}}"})
    name = await _failed(desk, {"within": "100ms"})
    retried = (await _retry(desk, name, {}))["runId"]
    assert (await desk.ended(retried))["error"]["code"] == "task_expired"
    tasks = await desk.data("/api/tasks?status=cancelled")
    assert sorted(task["runId"] for task in tasks) == sorted([name, retried])


async def test_a_run_in_the_place_of_another_rolls_back_the_run_that_was_started_before(
    desk: Desk,
) -> None:
    await desk.deployed({"id": "inner", "steps": [CREATE]})
    sub = {"id": "sub", "type": "workflow", "workflow": "inner"}
    await desk.deployed(_flow(sub, READ))
    retried = (await _retry(desk, await _failed(desk), {}))["runId"]
    run = await desk.ended(retried)
    child = run["steps"][0]["output"]["runId"]
    assert len(await desk.search("Patient?family=Once")) == 1
    assert (await desk.post(f"{RUNS}/{retried}/rollback")).status_code == 202
    await desk.reached(retried, lambda run: run["status"] == "rolled_back")
    assert (await desk.run(child))["status"] == "rolled_back"
    assert await desk.search("Patient?family=Once") == []


async def test_fifty_failed_runs_are_retried_in_one_call_on_a_chosen_version(desk: Desk) -> None:
    await desk.deployed(_flow(CREATE, READ))
    names = [await _failed(desk) for _ in range(50)]
    causes = (await desk.data(LETTERS))["causes"]
    assert [(cause["count"], cause["step"]) for cause in causes] == [(50, "steps/read")]
    mended = {**READ, "resourceId": "{{steps.create.output.id}}"}
    answer = await desk.deploy(_flow(CREATE, mended))
    assert answer.status_code == 201, answer.text
    order = {"action": "retry", "filter": {"workflow": "flow"}, "version": "latest"}
    answer = await desk.post(f"{RUNS}/bulk", order)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["summary"] == {"done": 50}
    assert {run["runId"] for run in data["runs"]} == set(names)
    runs = await asyncio.gather(*(desk.ended(run["retriedAs"]) for run in data["runs"]))
    assert {(run["status"], run["version"]) for run in runs} == {("succeeded", 2)}
    assert len(await desk.search("Patient?family=Once&_count=100")) == 50
    assert (await desk.data(LETTERS))["causes"] == []


async def test_a_version_that_cannot_go_on_with_the_run_is_refused(desk: Desk) -> None:
    await desk.deployed(_flow(CREATE, READ))
    name = await _failed(desk)
    await desk.deploy(_flow({**READ, "id": "other"}))
    answer = await desk.post(f"{RUNS}/{name}/retry", {"version": "latest"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "version_incompatible")
    [obstacle] = answer.json()["error"]["details"]["obstacles"]
    assert (obstacle["code"], obstacle["path"]) == ("step_missing", "steps/create")
    assert (await _retry(desk, name, {"version": 1}))["version"] == 1


async def test_a_loop_goes_on_with_the_items_that_failed(desk: Desk) -> None:
    loop = {
        "id": "loop",
        "type": "foreach",
        "items": "{{trigger.ids}}",
        "steps": [
            {**CREATE, "data": {"name": [{"family": "{{item}}"}]}},
            {**READ, "resourceId": "{{item}}"},
        ],
    }
    await desk.deployed({"id": "flow", "steps": [loop], "output": "{{steps.loop.output.count}}"})
    await _mend(desk, "here")
    name = await _failed(desk, {"ids": ["here", "absent"]})
    await _mend(desk)
    run = await desk.ended((await _retry(desk, name, {}))["runId"])
    assert (run["status"], run["output"]) == ("succeeded", 2)
    for family in ("here", "absent"):
        assert len(await desk.search(f"Patient?family={family}")) == 1


async def test_a_poison_message_is_put_aside_and_the_next_proceeds(desk: Desk) -> None:
    trigger = {"type": "fhir", "event": "Patient.create"}
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    flow = {"id": "flow", "steps": [nap]}
    poison = {**trigger, "where": "birthDate + 1 > 0"}
    await desk.deployed({**flow, "trigger": poison})
    await desk.patient("Poison", birthDate="1970-01-01")
    letters = await _letters(desk, 1)
    assert (await desk.data(LETTERS))["causes"][0]["kind"] == "event"
    await desk.deploy({**flow, "trigger": trigger, "name": "Reads it"})
    await desk.patient("Next")
    [run] = await desk.runs_of("flow", 1)
    assert run["version"] == 2
    letter = letters["events"][0]
    opened = await desk.data(f"{LETTERS}/{letter['id']}")
    assert opened["input"]["resource"]["name"][0]["family"] == "Poison"
    answer = await desk.post(f"{LETTERS}/{letter['id']}/resend")
    assert answer.status_code == 202, answer.text
    runs = await desk.runs_of("flow", 2)
    triggers = [(await desk.run(run["runId"]))["trigger"] for run in runs]
    assert {one["resource"]["name"][0]["family"] for one in triggers} == {"Poison", "Next"}
    assert (await desk.data(LETTERS))["events"] == []
    again = await desk.post(f"{LETTERS}/{letter['id']}/resend")
    assert (again.status_code, again.json()["error"]["code"]) == (422, "not_a_dead_letter")


async def _letters(desk: Desk, events: int) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await desk.data(LETTERS)
        return found if len(found["events"]) == events else None

    return await until(look)


async def test_a_resent_event_reaches_no_other_workflow(desk: Desk) -> None:
    trigger = {"type": "fhir", "event": "Patient.create"}
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    poison = {**trigger, "where": "birthDate + 1 > 0"}
    await desk.deployed({"id": "flow", "steps": [nap], "trigger": poison})
    await desk.deployed({"id": "sound", "steps": [nap], "trigger": trigger})
    await desk.patient(birthDate="1970-01-01")
    [letter] = (await _letters(desk, 1))["events"]
    await desk.deploy({"id": "flow", "steps": [nap], "trigger": trigger})
    await desk.post(f"{LETTERS}/{letter['id']}/resend")
    await desk.runs_of("flow", 1)
    await desk.events_matched()
    assert len(await desk.data(f"{RUNS}?workflow=sound")) == 1


async def test_what_is_discarded_needs_a_reason_and_leaves_the_list(desk: Desk) -> None:
    await desk.deployed(_flow(READ))
    name = await _failed(desk)
    assert (await desk.post(f"{LETTERS}/{name}/discard", {"reason": " "})).status_code == 400
    reason = "Jane Doe was registered twice"
    answer = await desk.post(f"{LETTERS}/{name}/discard", {"reason": reason})
    assert answer.status_code == 200, answer.text
    assert (await desk.data(LETTERS))["runs"] == []
    assert (await desk.data(f"{LETTERS}/{name}"))["discarded"]["reason"] == reason
    rows = await desk.services.db.query(desk.scope.tenant, "SELECT discarded FROM careloom.run")
    assert "Jane" not in str(rows[0]["discarded"])
    again = await desk.post(f"{LETTERS}/{name}/discard", {"reason": reason})
    assert (again.status_code, again.json()["error"]["code"]) == (422, "not_a_dead_letter")


async def test_a_hundred_equal_failures_are_one_incident(desk: Desk) -> None:
    await desk.deployed(_flow(READ))
    await asyncio.gather(*(_failed(desk) for _ in range(100)))
    incident = await desk.incident("run.failed")
    assert incident["count"] == 100
    [cause] = (await desk.data(LETTERS))["causes"]
    assert (cause["count"], cause["workflowId"]) == (100, "flow")


async def test_a_retry_lends_no_more_than_both_may(desk: Desk) -> None:
    await desk.deployed(_flow(CREATE, READ))
    name = await _failed(desk)
    await _mend(desk)
    tenant, scope = desk.scope.tenant, desk.scope
    actor = {"principal": "weak", "kind": "user", "grants": ["run:retry", "workflow:run"]}
    retry = desk.services.operations.retry
    answer = await retry.retry(scope, name, RetryOrder(), actor)
    run = await desk.ended(answer["runId"])
    assert (run["status"], run["error"]["code"]) == ("failed", "insufficient_permissions")
    rows = await desk.services.db.query(
        tenant, "SELECT actor FROM careloom.run WHERE retry_of IS NOT NULL"
    )
    assert rows[0]["actor"]["retriedBy"] == "weak"
