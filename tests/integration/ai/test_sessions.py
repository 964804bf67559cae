"""Conversations with a worker: seed 003's calls, and what holds for every turn."""

from __future__ import annotations

from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward


async def test_a_message_is_answered_by_the_workers_model(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    ward.ai.script.then(Say("Good morning."), Say("Still here."))
    task = await ward.say(session, "Are you there?")
    assert task["status"] == "completed", task
    assert task["answer"]["content"] == "Good morning."
    assert task["evidence"]["model"] == "openai/gpt-4"
    again = await ward.say(session, "And now?")
    assert again["answer"]["content"] == "Still here."
    asked = ward.ai.script.asked[-1]
    assert "Are you there?" in asked.texts
    assert "Good morning." in asked.texts
    messages = await ward.desk.data(f"/api/sessions/{session}/messages")
    assert [one["role"] for one in messages] == ["user", "assistant", "user", "assistant"]
