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
