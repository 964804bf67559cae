"""`session`: what is said, read and pinned."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.steps.session.step import SessionStep
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepError

MESSAGES = [{"role": "person", "content": n} for n in range(3)] + [{"role": "tool", "content": 9}]


@pytest.fixture
def step() -> SessionStep:
    async def read(_scope: Scope, _run: str) -> JsonObject:
        return {"id": "ses_0", "patientId": "p1", "messages": MESSAGES}

    return SessionStep(read)


async def test_what_is_said_becomes_a_message_of_the_run(step: SessionStep, make_call: Any) -> None:
    result = await step.execute(make_call({"content": {"a": 1}, "role": "person"}))
    assert result.messages == [{"role": "person", "content": {"a": 1}}]
    assert result.output["sessionId"] == "ses_" + "0" * 32
    with pytest.raises(StepError) as failed:
        await step.execute(make_call({"action": "say"}))
    assert failed.value.code == "session_content"


async def test_the_last_messages_of_one_role_are_read(step: SessionStep, make_call: Any) -> None:
    given = {"action": "read", "role": "person", "last": 2}
    result = await step.execute(make_call(given, alias="said"))
    assert [one["content"] for one in result.output["messages"]] == [1, 2]
    assert result.output["said"] == result.output["messages"]
    assert (result.output["count"], result.output["patientId"]) == (2, "p1")


async def test_a_run_is_about_one_patient(step: SessionStep, make_call: Any) -> None:
    given = {"action": "pin", "patientId": "Patient/p1"}
    assert (await step.execute(make_call(given))).patient == "p1"
    assert (await step.execute(make_call(given, patient="p1"))).patient == "p1"
    with pytest.raises(StepError) as failed:
        await step.execute(make_call(given, patient="p2"))
    assert failed.value.code == "session_pinned"
    with pytest.raises(StepError):
        await step.execute(make_call({"action": "pin"}))
