"""Cancelling, pausing and waking runs whose branches stand at different places."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.workflows.shapes import ShapesBench, probe, rows
from tests.integration.workflows.test_engine import ACTOR, Recording

from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.step import StepCall, StepResult, Wait


async def _control(shapes: ShapesBench, scope: Scope, name: str, action: str) -> None:
    run = parse_run_name(name)
    answer = await shapes.db.call("run_control", scope.tenant, scope.store, run, action, ACTOR)
    assert answer["changed"]
    shapes.notices.publish("runs", scope.tenant)


def _wait(id_: str, event: str) -> JsonObject:
    return {"id": id_, "type": "wait", "event": event}


def _both(**branches: list[JsonObject]) -> JsonObject:
    return {"id": "both", "type": "parallel", "branches": branches}


async def test_a_run_parks_only_when_every_branch_waits_and_each_wakes_by_itself(
    shapes: ShapesBench, scope: Scope
) -> None:
    steps = [
        _both(
            a=[_wait("wa", "a"), probe("a", v="{{steps.wa.output.data}}")],
            b=[_wait("wb", "b"), probe("b", v="{{steps.wb.output.data}}")],
            c=[{"id": "wc", "type": "wait", "duration": "300ms"}, probe("c")],
        )
    ]
    name = await shapes.begin(scope, steps, output="{{steps.both.output.succeeded}}")
    await shapes.until(lambda: "c" in shapes.probe.ids())
    await shapes.let_go()
    await shapes.signals.send(scope, "b", "", "B", ACTOR)
    await shapes.until(lambda: "b" in shapes.probe.ids())
    assert "a" not in shapes.probe.ids()
    await shapes.let_go()
    await shapes.signals.send(scope, "a", "", "A", ACTOR)
    run = await shapes.finished(scope, name)
    assert (run["status"], run["output"]) == ("succeeded", 3)
    assert shapes.probe.ids() == ["c", "b", "a"]


async def test_a_branch_goes_on_while_another_one_works(shapes: ShapesBench, scope: Scope) -> None:
    """What comes for a branch is not held up until the run parks."""
    steps = [_both(a=[_wait("wa", "a"), probe("a")], b=[probe("b", hold="long")])]
    name = await shapes.begin(scope, steps)
    await shapes.until(lambda: shapes.probe.beside == 1)
    await shapes.reached(scope, name, "waiting")
    sent = await shapes.signals.send(scope, "a", "", None, ACTOR)
    assert sent["status"] == "taken"
    await shapes.until(lambda: "a" in shapes.probe.ids() and shapes.probe.beside == 1)
    shapes.probe.gate("long").set()
    assert (await shapes.finished(scope, name))["status"] == "succeeded"


async def test_cancelling_reaches_the_runs_inside_to_any_depth(
    shapes: ShapesBench, scope: Scope
) -> None:
    await shapes.deploy(scope, {"id": "deep", "steps": [_wait("never", "x")]})
    sub = {"id": "sub", "type": "workflow", "workflow": "deep"}
    await shapes.deploy(scope, {"id": "middle", "steps": [sub]})
    alone = {"id": "alone", "type": "workflow", "workflow": "deep", "wait": False}
    name = await shapes.begin(scope, [alone, {**sub, "workflow": "middle"}])
    deep = "SELECT r.run_id, r.awaited FROM run r WHERE r.tenant = $1 AND r.workflow_id = 'deep'"

    async with asyncio.timeout(20):
        while len(found := await shapes.db.query(scope.tenant, deep, scope.tenant)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await _control(shapes, scope, name, "cancel")
    assert (await shapes.finished(scope, name))["status"] == "cancelled"
    for row in found:
        child = f"run_{row['run_id'].hex}"
        if row["awaited"]:
            await shapes.reached(scope, child, "cancelled")
        else:
            await shapes.reached(scope, child, "waiting")


async def test_a_failed_child_fails_its_step_with_a_link(shapes: ShapesBench, scope: Scope) -> None:
    await shapes.deploy(scope, {"id": "inner", "steps": [probe("x", fail="broken")]})
    run = await shapes.run(scope, [{"id": "sub", "type": "workflow", "workflow": "inner"}])
    assert (run["status"], run["error"]["code"]) == ("failed", "child_failed")
    child = await shapes.runs.status(scope, run["error"]["run"])
    assert child["status"] == "failed"
    assert run["error"]["cause"] == {"code": "broken", "step": "x", "stepPath": "steps/x"}


async def test_runs_that_start_one_another_end_at_a_depth(
    shapes: ShapesBench, scope: Scope
) -> None:
    run = await shapes.run(scope, [{"id": "sub", "type": "workflow", "workflow": "flow"}])
    assert run["error"]["code"] == "child_failed"
    count = "SELECT count(*) AS n FROM run WHERE tenant = $1"
    [row] = await shapes.db.query(scope.tenant, count, scope.tenant)
    assert row["n"] == 8


async def test_a_child_has_at_most_the_grants_of_its_parent(
    shapes: ShapesBench, scope: Scope
) -> None:
    await shapes.deploy(scope, {"id": "inner", "steps": [probe("x")]})
    sub = {"id": "sub", "type": "workflow", "workflow": "inner"}
    await shapes.deploy(scope, {"id": "flow", "steps": [sub]})
    starter = {**ACTOR, "grants": ["fhir:read/Patient"]}
    started = await shapes.runs.start(scope, "flow", {}, starter)
    assert (await shapes.finished(scope, started["runId"]))["status"] == "succeeded"
    assert shapes.probe.calls[0].grants == ("fhir:read/Patient",)


async def test_a_paused_run_stops_at_its_next_step_and_goes_on_when_resumed(
    shapes: ShapesBench, scope: Scope
) -> None:
    name = await shapes.begin(scope, [probe("a", hold="a"), probe("b"), probe("c")])
    await shapes.until(lambda: shapes.probe.beside == 1)
    await _control(shapes, scope, name, "pause")
    shapes.probe.gate("a").set()
    await shapes.let_go()
    assert shapes.probe.ids() == ["a"]
    await _control(shapes, scope, name, "resume")
    assert (await shapes.finished(scope, name))["status"] == "succeeded"
    assert shapes.probe.ids() == ["a", "b", "c"]


async def test_any_cancels_what_waits_in_the_other_branches(
    shapes: ShapesBench, scope: Scope
) -> None:
    await shapes.deploy(scope, {"id": "inner", "steps": [_wait("never", "x")]})
    sub = {"id": "sub", "type": "workflow", "workflow": "inner"}
    step = {**_both(a=[_wait("wa", "a")], b=[sub, probe("after")]), "join": "any"}
    name = await shapes.begin(scope, [step])
    await shapes.reached(scope, name, "waiting")
    await shapes.let_go()
    await shapes.signals.send(scope, "a", "", None, ACTOR)
    run = await shapes.finished(scope, name)
    assert run["status"] == "succeeded"
    assert rows(run)["steps/both/b/sub"] == "cancelled"
    [child] = run["children"]
    await shapes.reached(scope, child["runId"], "cancelled")


@pytest.mark.parametrize("action", ["cancel", "pause"])
async def test_a_loop_stops_between_items(shapes: ShapesBench, scope: Scope, action: str) -> None:
    body = [probe("x", v="{{item}}")]
    loop = {"id": "each", "type": "foreach", "items": "{{trigger.l}}", "steps": body}
    name = await shapes.begin(scope, [loop], given={"l": list(range(2000))})
    await shapes.until(lambda: len(shapes.probe.calls) > 20)
    await _control(shapes, scope, name, action)
    await shapes.let_go()
    assert len(shapes.probe.calls) < 2000
    if action == "pause":
        await _control(shapes, scope, name, "resume")
        assert (await shapes.finished(scope, name))["status"] == "succeeded"
        assert len(shapes.probe.calls) == 2000


async def test_a_branch_goes_on_while_another_is_at_its_second_step(
    shapes: ShapesBench, scope: Scope
) -> None:
    later = [probe("b1"), probe("b2", hold="b2")]
    name = await shapes.begin(scope, [_both(a=[_wait("w", "go"), probe("a")], b=later)])
    await shapes.until(lambda: "b2" in shapes.probe.ids())
    await shapes.signals.send(scope, "go", "", None, ACTOR)
    await shapes.until(lambda: "a" in shapes.probe.ids())
    shapes.probe.gate("b2").set()
    assert (await shapes.finished(scope, name))["status"] == "succeeded"


async def test_the_last_of_several_branches_lets_go_of_the_run(
    shapes: ShapesBench, scope: Scope, caplog: pytest.LogCaptureFixture
) -> None:
    """It was begun beside another, and waits when that one is done."""
    asked = asyncio.Event()

    async def slow(call: StepCall) -> StepResult:
        if call.resume is not None:
            return StepResult()
        await asked.wait()
        return StepResult(wait=Wait(event="never"))

    shapes.catalog["slow"] = Recording("slow", slow)
    steps = [_both(a=[probe("a", hold="a")], b=[{"id": "s", "type": "slow"}])]
    name = await shapes.begin(scope, steps)
    await shapes.until(lambda: "a" in shapes.probe.ids())
    shapes.probe.gate("a").set()

    async with asyncio.timeout(20):
        while "steps/both/a/a" not in rows(await shapes.runs.status(scope, name)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    asked.set()
    await shapes.reached(scope, name, "waiting")
    await shapes.let_go()
    await _control(shapes, scope, name, "cancel")
    assert (await shapes.finished(scope, name))["status"] == "cancelled"
    assert not [one for one in caplog.records if one.levelname == "ERROR"], caplog.text


async def test_a_run_inside_that_takes_too_long_is_cancelled(
    shapes: ShapesBench, scope: Scope
) -> None:
    await shapes.deploy(scope, {"id": "inner", "steps": [_wait("w", "never")]})
    sub: JsonObject = {"id": "sub", "type": "workflow", "workflow": "inner", "input": {}}
    run = await shapes.run(scope, [{**sub, "timeout": 0.3}])
    assert (run["status"], run["error"]["code"]) == ("failed", "timed_out")
    child = run["error"]["run"]
    assert (await shapes.finished(scope, child))["status"] == "cancelled"


async def _live(shapes: ShapesBench, scope: Scope, name: str) -> JsonObject:
    sql = "SELECT fence, hold, ctl, due_at < 'infinity' AS due FROM live WHERE run_id = $1"
    [row] = await shapes.db.query(scope.tenant, sql, parse_run_name(name))
    return dict(row)


@pytest.mark.parametrize("action", ["cancel", "rollback"])
async def test_a_run_on_its_way_to_its_end_is_not_paused(
    shapes: ShapesBench, scope: Scope, action: str
) -> None:
    name = await shapes.begin(scope, [_wait("w", "never")])
    await shapes.reached(scope, name, "waiting")
    await shapes.let_go()
    await shapes.worker.stop(grace_s=1)
    run = parse_run_name(name)
    for verb, changed in ((action, True), ("pause", False)):
        answer = await shapes.db.call("run_control", scope.tenant, scope.store, run, verb, ACTOR)
        assert answer["changed"] is changed
    live = await _live(shapes, scope, name)
    assert (live["hold"], live["ctl"] & 4, live["due"]) == (0, 0, True)


async def test_a_run_that_comes_alive_again_has_a_fence_that_nobody_had(
    shapes: ShapesBench, scope: Scope
) -> None:
    name = await shapes.begin(scope, [probe("one"), _wait("w", "never")])
    await shapes.reached(scope, name, "waiting")
    await shapes.let_go()
    for _ in range(3):
        # Claimed and let go of without a row.
        await shapes.db.call(
            "run_control", scope.tenant, scope.store, parse_run_name(name), "resume", ACTOR
        )
        shapes.notices.publish("runs", scope.tenant)
        before = await _live(shapes, scope, name)
        await shapes.let_go()
    await _control(shapes, scope, name, "cancel")
    await shapes.finished(scope, name)
    await shapes.worker.stop(grace_s=1)
    await shapes.db.call(
        "run_control", scope.tenant, scope.store, parse_run_name(name), "rollback", ACTOR
    )
    assert (await _live(shapes, scope, name))["fence"] > before["fence"] + 1000
