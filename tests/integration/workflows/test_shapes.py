"""Parallel branches, loops and runs inside runs, on a real PostgreSQL."""

from __future__ import annotations

from tests.integration.workflows.shapes import ShapesBench, probe, rows

from careloom.types import JsonObject, Scope


def _parallel(join: object = "all", **branches: list[JsonObject]) -> JsonObject:
    return {"id": "both", "type": "parallel", "join": join, "branches": branches}


def _foreach(steps: list[JsonObject], **more: object) -> JsonObject:
    return {"id": "each", "type": "foreach", "items": "{{trigger.list}}", "steps": steps, **more}


async def test_branches_run_side_by_side_and_their_steps_can_be_read_after(
    shapes: ShapesBench, scope: Scope
) -> None:
    name = await shapes.begin(
        scope,
        [
            _parallel(
                left=[probe("a", hold="a"), probe("b", v="{{steps.a.output.hold}}")],
                right=[probe("c", hold="c")],
            ),
            probe("after", v="{{steps.b.output.v}}{{steps.c.output.hold}}"),
        ],
        output={"v": "{{steps.after.output.v}}", "n": "{{steps.both.output.succeeded}}"},
    )

    await shapes.until(lambda: shapes.probe.beside == 2)
    shapes.probe.gate("c").set()
    shapes.probe.gate("a").set()
    run = await shapes.finished(scope, name)
    assert run["status"] == "succeeded", run
    assert run["output"] == {"v": "ac", "n": 2}
    assert shapes.probe.most == 2


async def test_a_thousand_items_keep_their_order_and_the_cap(
    shapes: ShapesBench, scope: Scope
) -> None:
    name = await shapes.begin(
        scope,
        [
            _foreach(
                [probe("one", v="{{item}}/{{index}}")],
                concurrency=7,
                collect="{{steps.one.output.v}}",
            )
        ],
        given={"list": list(range(1000))},
        output="{{steps.each.output}}",
    )
    run = await shapes.finished(scope, name)
    assert run["status"] == "succeeded", run["error"]
    assert run["output"]["results"] == [f"{n}/{n}" for n in range(1000)]
    assert run["output"]["count"] == run["output"]["succeeded"] == 1000
    assert shapes.probe.most <= 7


async def test_a_child_run_gives_its_output(shapes: ShapesBench, scope: Scope) -> None:
    await shapes.deploy(
        scope,
        {
            "id": "inner",
            "steps": [probe("x", v="{{trigger.word}}!")],
            "output": {"said": "{{steps.x.output.v}}"},
        },
    )
    run = await shapes.run(
        scope,
        [{"id": "sub", "type": "workflow", "workflow": "inner", "input": {"word": "hi"}}],
        output="{{steps.sub.output}}",
    )
    assert run["status"] == "succeeded", run
    assert run["output"]["output"] == {"said": "hi!"}
    child = await shapes.runs.status(scope, run["output"]["runId"])
    assert child["status"] == "succeeded"
    assert rows(run)["steps/sub"] == "succeeded"


async def test_a_wait_of_a_day_survives_a_restart_and_resumes_once(
    shapes: ShapesBench, scope: Scope
) -> None:
    steps = [{"id": "w", "type": "wait", "duration": "1d"}, probe("after")]
    name = await shapes.begin(scope, steps)
    await shapes.reached(scope, name, "waiting")
    await shapes.let_go()
    await shapes.worker.stop(grace_s=1)
    for change in (
        "UPDATE wait SET until = until - interval '1 day' WHERE tenant = $1 RETURNING 1",
        "UPDATE live SET due_at = due_at - interval '1 day' WHERE tenant = $1 RETURNING 1",
    ):
        # A day passes while nobody works.
        assert len(await shapes.db.query(scope.tenant, change, scope.tenant)) == 1
    workers = [shapes.make_worker(tenants=frozenset({scope.tenant})) for _ in range(2)]
    for worker in workers:
        await worker.start()
    run = await shapes.finished(scope, name)
    for worker in workers:
        await worker.stop(grace_s=1)
    assert run["status"] == "succeeded"
    assert shapes.probe.ids() == ["after"]
