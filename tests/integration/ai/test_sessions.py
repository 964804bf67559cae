"""Conversations with a worker: seed 003's calls, and what holds for every turn."""

from __future__ import annotations

import orjson
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import House, until

from careloom.types import JsonObject


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


async def test_functions_of_the_program_are_waited_for_and_handed_in(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    both = (("bed_count", {"ward": "A"}), ("bed_count", {"ward": "B"}))
    ward.ai.script.then(Say(calls=both), Say(calls=(("bed_count", {"ward": "C"}),)), Say("Nine."))
    tools = [{"name": "bed_count", "description": "Free beds", "parameters": {"type": "object"}}]
    task = await ward.say(session, "How many beds?", tools=tools)
    path = f"/api/sessions/{session}/tasks/{task['id']}"
    for expected in (["A", "B"], ["C"]):
        assert task["status"] == "requires_action", task
        owed = task["requiredAction"]["toolCalls"]
        assert [one["arguments"]["ward"] for one in owed] == expected
        less = await ward.desk.post(f"{path}/outputs", {"toolOutputs": [{"toolCallId": "x"}]})
        assert less.status_code == 400
        outputs = [{"toolCallId": one["id"], "output": {"free": 3}} for one in owed]
        answer = await ward.desk.post(f"{path}/outputs", {"toolOutputs": outputs})
        assert answer.status_code == 200, answer.text

        async def moved() -> JsonObject | None:
            shown: JsonObject = await ward.desk.data(path)
            again = shown.get("requiredAction", {}).get("toolCalls")
            return None if shown["status"] == "running" or again == owed else shown  # noqa: B023

        task = await until(moved)
    assert task["answer"]["content"] == "Nine."
    assert len(ward.ai.script.asked) == 3


async def test_a_failed_task_is_taken_up_without_paying_again(ward: Ward) -> None:
    await ward.model()
    config = {"permissions": ["read"], "resourceTypes": ["Patient"]}
    tools = {"tools": [{"toolName": "fhir_access", "config": config}]}
    worker = await ward.worker(toolConfigs=tools)
    session = await ward.session(worker["id"])
    ward.ai.script.then(Say(calls=(("fhir_search", {"resourceType": "Patient"}),)))
    ward.ai.script.then(Say(status=400))
    task = await ward.say(session, "Look.")
    assert task["status"] == "failed"
    ward.ai.script.then(Say("Nobody."))
    path = f"/api/sessions/{session}/tasks/{task['id']}/resume"
    assert (await ward.desk.post(path)).status_code == 200
    task = await ward.settled(session, task["id"])
    assert task["answer"]["content"] == "Nobody."
    assert len(ward.ai.script.asked) == 3, "the first answer was not asked for again"
    later = await ward.say(session, "And?")
    assert later["status"] == "completed"
    assert "Nobody." in ward.ai.script.asked[-1].texts


async def test_a_message_that_is_sent_twice_is_one(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    path, body = f"/api/sessions/{session}/messages", {"content": "Hello"}
    headers = {"Idempotency-Key": "one"}
    first = await ward.desk.post(path, body, headers=headers)
    second = await ward.desk.post(path, body, headers=headers)
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    other = await ward.desk.post(path, {"content": "Other"}, headers=headers)
    assert other.status_code == 409
    await ward.settled(session, first.json()["data"]["taskId"])
    assert len(ward.ai.script.asked) == 1


async def test_a_cancelled_session_takes_no_message_until_it_is_resumed(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    tools = [{"name": "ask", "parameters": {"type": "object"}}]
    ward.ai.script.then(Say(calls=(("ask", {}),)))
    task = await ward.say(session, "Well?", tools=tools)
    assert task["status"] == "requires_action"
    answer = await ward.desk.post(f"/api/sessions/{session}/cancel")
    assert answer.json()["data"]["status"] == "cancelled"

    async def stopped() -> bool:
        shown = await ward.desk.data(f"/api/sessions/{session}/tasks/{task['id']}")
        return bool(shown["status"] == "cancelled")

    await until(stopped)
    refused = await ward.desk.post(f"/api/sessions/{session}/messages", {"content": "Still?"})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "session_cancelled"
    await ward.desk.post(f"/api/sessions/{session}/resume")
    assert (await ward.say(session, "Now?"))["status"] == "completed"


async def test_words_come_as_they_are_said_and_can_be_taken_up_again(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    words = "All is well in the ward, and nobody waits. " * 12
    ward.ai.script.then(Say(words))
    await ward.say(session, "How is it?", stream=True)
    path = f"/api/sessions/{session}/stream"
    whole = await ward.desk.get(path, headers={"Last-Event-ID": "0.end"})
    events = _events(whole.text)
    kinds = [kind for kind, _, _ in events]
    assert kinds[-3:] == ["message", "message", "done"]
    told = "".join(data["text"] for kind, _, data in events if kind == "delta")
    assert told
    assert words.startswith(told)
    second = [place for kind, place, _ in events if kind == "delta"][1]
    rest = _events((await ward.desk.get(path, headers={"Last-Event-ID": second})).text)
    assert rest == events[2:]
    assert _events((await ward.desk.get(path, headers={"Last-Event-ID": "1.end"})).text) == []


async def test_what_others_said_is_not_there(ward: Ward, house: House) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    stranger = await house.desk()
    for path in ("", "/messages", "/tasks", "/stream"):
        assert (await stranger.get(f"/api/sessions/{session}{path}")).status_code == 404
    sent = await stranger.post(f"/api/sessions/{session}/messages", {"content": "Hello"})
    assert sent.status_code == 404


async def test_a_run_that_only_names_a_session_is_not_told_what_was_said_in_it(ward: Ward) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    await ward.say(session, "My secret is Quillfeather.")
    message = {"role": "user", "content": [{"type": "text", "text": "What was said?"}]}
    talk = {"sessionId": session, "message": message}
    body = {"sessionId": session, "worker": worker["id"], "conversation": talk}
    run = await ward.desk.execute("careloom-conversation", body)
    assert run["status"] == "succeeded", run["error"]
    asked = ward.ai.script.asked[-1]
    assert "What was said?" in asked.texts
    assert "Quillfeather" not in asked.texts


def _events(text: str) -> list[tuple[str, str, JsonObject]]:
    """(event, id, data) of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            found.append((fields["event"], fields["id"], orjson.loads(fields["data"])))
    return found
