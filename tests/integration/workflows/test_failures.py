"""What becomes of steps that fail, hang or keep silent, and of runs that take too long."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

import pytest
from tests.integration.workflows.shapes import ShapesBench, probe, rows

from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCall, StepError, StepResult

RETRY: JsonObject = {"attempts": 3, "initial_s": 0.05, "factor": 2, "max_s": 1, "jitter": 0}


@dataclass
class Slow:
    """`slow`: beats as often as it is told, then hangs for good."""

    type: str = "slow"
    schema: JsonObject = field(default_factory=dict)

    async def execute(self, call: StepCall) -> StepResult:
        for _ in range(int(call.input.get("beats", 0))):
            await asyncio.sleep(0.1)
            await call.beat()
        if not call.input.get("ends"):
            await asyncio.Event().wait()
        return StepResult(output={"done": True})


@dataclass
class Answers:
    """`answers`: a peer that gives these codes, one for each call."""

    codes: list[int]
    type: str = "answers"
    schema: JsonObject = field(default_factory=dict)
    times: list[float] = field(default_factory=list)

    async def execute(self, call: StepCall) -> StepResult:
        self.times.append(asyncio.get_running_loop().time())
        code = self.codes[len(self.times) - 1]
        if code >= 400:
            raise StepError(
                f"it answered {code}",
                code=f"http_{code}",
                retryable=code >= 500,
                retry_after=0.4 if code == 529 else None,
            )
        return StepResult(output={"code": code})


def _add(shapes: ShapesBench, step: Slow | Answers) -> None:
    shapes.catalog[step.type] = step


async def test_twice_503_then_200_are_three_attempts_at_the_set_delays(
    shapes: ShapesBench, scope: Scope
) -> None:
    peer = Answers([503, 503, 200])
    _add(shapes, peer)
    run = await shapes.run(scope, [{"id": "a", "type": "answers", "retry": RETRY}])
    assert run["status"] == "succeeded"
    gaps = [later - earlier for earlier, later in zip(peer.times, peer.times[1:], strict=False)]
    assert len(gaps) == 2
    assert gaps[0] >= 0.05
    assert gaps[1] >= 0.1
    assert [attempt["error"]["code"] for attempt in run["attempts"]] == ["http_503"] * 2


async def test_400_is_one_attempt(shapes: ShapesBench, scope: Scope) -> None:
    peer = Answers([400])
    _add(shapes, peer)
    run = await shapes.run(scope, [{"id": "a", "type": "answers", "retry": RETRY}])
    assert (run["status"], len(peer.times)) == ("failed", 1)


async def test_a_peer_that_says_when_is_asked_no_sooner(shapes: ShapesBench, scope: Scope) -> None:
    peer = Answers([529, 200])
    _add(shapes, peer)
    run = await shapes.run(scope, [{"id": "a", "type": "answers", "retry": RETRY}])
    assert run["status"] == "succeeded"
    assert peer.times[1] - peer.times[0] >= 0.4


@pytest.mark.parametrize(
    "limits", [{"timeout": 0.2}, {"heartbeat": 0.2}, {"heartbeat": 0.3, "beats": 2}]
)
async def test_a_step_that_hangs_is_timed_out(
    shapes: ShapesBench, scope: Scope, limits: JsonObject
) -> None:
    _add(shapes, Slow())
    step = {"id": "a", "type": "slow", "retry": {**RETRY, "attempts": 1}, **limits}
    run = await shapes.run(scope, [step])
    assert (run["status"], run["error"]["code"]) == ("failed", "timed_out")


async def test_a_step_that_shows_signs_of_life_may_take_its_time(
    shapes: ShapesBench, scope: Scope
) -> None:
    _add(shapes, Slow())
    step = {"id": "a", "type": "slow", "heartbeat": 0.3, "beats": 6, "ends": True}
    assert (await shapes.run(scope, [step]))["status"] == "succeeded"


async def test_a_fallback_runs_instead_and_the_step_counts_as_degraded(
    shapes: ShapesBench, scope: Scope
) -> None:
    model = probe(
        "model",
        fail="down",
        fallback=[probe("rule", v="{{steps.model.error.code}}"), probe("say", v="by rule")],
    )
    after = probe("after", v="{{steps.model.output.v}}/{{steps.model.outcome}}")
    run = await shapes.run(scope, [model, after], output="{{steps.after.output.v}}")
    assert run["output"] == "by rule/degraded"
    assert rows(run) == {
        "steps/model": "degraded",
        "steps/model/fallback/rule": "succeeded",
        "steps/model/fallback/say": "succeeded",
        "steps/after": "succeeded",
    }


async def test_a_fallback_that_fails_fails_the_run(shapes: ShapesBench, scope: Scope) -> None:
    model = probe("model", fail="down", fallback=[probe("rule", fail="worse")])
    run = await shapes.run(scope, [model, probe("after")])
    assert (run["status"], run["error"]["code"], run["error"]["step"]) == (
        "failed",
        "worse",
        "rule",
    )


async def test_a_run_goes_on_after_a_failure_where_it_says_so(
    shapes: ShapesBench, scope: Scope
) -> None:
    steps = [probe("a", fail="x", onError="continue"), probe("b", v="{{steps.a.error.code}}")]
    run = await shapes.run(scope, steps, output="{{steps.b.output.v}}")
    assert (run["status"], run["output"]) == ("succeeded", "x")


@pytest.mark.parametrize(
    "step",
    [
        {"id": "a", "type": "slow"},
        {"id": "a", "type": "wait", "duration": "1h"},
        probe("a", flaky=9, retry={**RETRY, "initial_s": 60, "max_s": 60}),
    ],
)
async def test_a_run_that_takes_too_long_fails(
    shapes: ShapesBench, scope: Scope, step: JsonObject
) -> None:
    _add(shapes, Slow())
    run = await shapes.run(scope, [step, probe("b")], timeout=0.5)
    assert (run["status"], run["error"]["code"]) == ("failed", "run_timeout")
    assert "b" not in shapes.probe.ids()


async def test_an_output_that_breaks_its_schema_fails_the_run(
    shapes: ShapesBench, scope: Scope
) -> None:
    schema = {"type": "object", "properties": {"v": {"type": "integer"}}, "required": ["v"]}
    given: JsonObject = {"output": {"v": "{{steps.a.output.v}}"}, "result": schema}
    good = await shapes.run(scope, [probe("a", v=1)], **given)
    assert good["output"] == {"v": 1}
    bad = await shapes.run(scope, [probe("a", v="one")], **given)
    assert (bad["status"], bad["error"]["code"]) == ("failed", "result_invalid")
    assert "one" not in bad["error"]["message"]


@pytest.mark.parametrize("kind", ["parallel", "foreach"])
async def test_branches_that_take_too_long_are_timed_out_as_a_whole(
    shapes: ShapesBench, scope: Scope, kind: str
) -> None:
    wait = {"id": "w", "type": "wait", "duration": "1h"}
    inside: JsonObject = {"branches": {"a": [wait], "b": [probe("b")]}}
    if kind == "foreach":
        inside = {"items": "{{trigger.list}}", "steps": [wait]}
    step = {"id": "late", "type": kind, "timeout": 0.4, "fallback": [probe("else")], **inside}
    run = await shapes.run(scope, [step, probe("after")], given={"list": [1, 2]})
    assert run["status"] == "succeeded"
    late = next(one for one in run["steps"] if one["path"] == "steps/late")
    assert (late["status"], late["error"]["code"]) == ("degraded", "timed_out")
    assert "after" in shapes.probe.ids()


async def test_a_worker_whose_clock_is_behind_does_not_claim_a_due_run_again_and_again(
    shapes: ShapesBench, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour behind the database: what the database calls due is due, and not before."""

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(hours=1)

    monkeypatch.setattr("careloom.workflows.engine.load.datetime", Behind)
    monkeypatch.setattr("careloom.workflows.engine.turn.datetime", Behind)
    steps = [
        {"id": "w", "type": "wait", "duration": "300ms"},
        probe("a", flaky=1, retry={**RETRY, "initial_s": 0.3}),
        probe("b"),
    ]
    name = await shapes.begin(scope, steps)
    assert (await shapes.finished(scope, name))["status"] == "succeeded"
    assert shapes.probe.ids() == ["a", "a", "b"]
    assert shapes.worker.counters.claimed <= 3
