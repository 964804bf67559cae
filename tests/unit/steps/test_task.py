"""`task`: the row that is opened, and what a decision or its absence becomes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest

from careloom.steps.asking import People
from careloom.steps.task.step import TaskStep
from careloom.tasks.content import TaskContent
from careloom.tasks.mirror import Put
from careloom.workflows.step import StepError

ASK = {"title": "May it go on?", "show": {"file": "file://a/b"}, "due": "1h", "expires": "2d"}


class Sealer:
    """Resources made ready, readable."""

    async def put(self, scope: Any, resource: Any, version: int, *, dated: bool = True) -> Put:
        return Put({"type": "Task", "version": version}, orjson.dumps(resource))


@pytest.fixture
def task(keyring: Any) -> TaskStep:
    nothing: Any = None
    sealer: Any = Sealer()
    return TaskStep(People(TaskContent(keyring), nothing, sealer, nothing, nothing))


async def test_a_task_is_opened_once_however_often_the_step_is_called(
    task: TaskStep, make_call: Any
) -> None:
    first = await task.execute(make_call(ASK))
    again = await task.execute(make_call(ASK, attempt=2))
    other = await task.execute(make_call(ASK, iteration="1"))
    ids = [result.effect.ops[0]["id"] for result in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


async def test_the_run_waits_for_the_decision_or_the_end(task: TaskStep, make_call: Any) -> None:
    call = make_call(ASK)
    result = await task.execute(call)
    [op] = result.effect.ops
    assert result.wait is not None
    assert result.wait.event == f"task:{op['id']}"
    assert result.wait.until == call.now + timedelta(days=2)
    assert op["due"] == (call.now + timedelta(hours=1)).isoformat()


async def test_what_is_shown_is_sealed_for_the_patient(task: TaskStep, make_call: Any) -> None:
    result = await task.execute(make_call(ASK, patient="p1", ai_fed=True))
    op, mirror = result.effect.ops
    assert mirror["mirror"] is True
    subject, _, content = result.effect.bodies[op["body"]].partition(b"|")
    assert subject == b"p1"
    assert orjson.loads(content)["show"] == {"file": "file://a/b"}
    assert orjson.loads(content)["ai"] is True
    assert "file://a/b" not in str(result.effect.ops)


async def test_a_decision_becomes_the_output(task: TaskStep, make_call: Any) -> None:
    decision = {"decision": "approve", "approved": True, "by": "ada", "comment": None, "data": {}}
    result = await task.execute(make_call(ASK, resume=decision, alias="answer"))
    assert result.output == {**decision, "answer": "approve"}
    assert result.wait is None


async def test_nobody_deciding_in_time_fails_the_step(task: TaskStep, make_call: Any) -> None:
    with pytest.raises(StepError) as failed:
        await task.execute(make_call(ASK, resume={"reason": "time"}))
    assert (failed.value.code, failed.value.retryable) == ("task_expired", False)


async def test_a_duration_that_cannot_be_read_is_said(task: TaskStep, make_call: Any) -> None:
    with pytest.raises(StepError) as failed:
        await task.execute(make_call({**ASK, "due": "soon"}))
    assert failed.value.code == "task_duration"
