"""Requests made to break something: every answer is a refusal in the envelope, none a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NUL, LONG = "a\x00b", "x" * 70_000
WORDS = [NUL, LONG, "'; DROP TABLE run; --", "../../etc/passwd", "{{trigger}}", "‮", " "]
NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


def _is_answer(answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    body = answer.json()
    assert body["success"] is (answer.status_code < 400)
    if answer.status_code >= 400:
        assert body["error"]["code"]


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_strange_words_in_addresses_and_queries(desk: Desk, word: str) -> None:
    queries = [
        ("/api/messages", "run"),
        ("/api/workflows/runs", "workflow"),
        ("/api/workflows/runs", "status"),
        ("/api/workflows/runs", "before"),
        ("/api/tasks", "status"),
    ]
    for path, name in queries:
        _is_answer(await desk.get(path, params={name: word[:2000]}))
    escaped = "".join(f"%{byte:02x}" for byte in word[:200].encode())
    for prefix in ("/api/workflows/", "/api/workflows/runs/", "/api/sessions/", "/api/tasks/"):
        answer = await desk.get(prefix + escaped)
        assert answer.status_code == 404, answer.text
        _is_answer(answer)
    _is_answer(await desk.put(f"/api/files/{escaped}/{escaped}", content=b"x"))
    slack = {"kind": "slack", "secret": {"botToken": "x"}}
    _is_answer(await desk.put(f"/api/connections/{escaped}", json=slack))


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_strange_words_in_definitions(desk: Desk, word: str) -> None:
    flows: list[dict[str, Any]] = [
        {"id": word, "steps": [NAP]},
        {"name": word, "steps": [NAP]},
        {"id": "a", "description": word, "steps": [NAP]},
        {"id": "a", "steps": [{**NAP, "id": word}]},
        {"id": "a", "steps": [{**NAP, "type": word}]},
        {"id": "a", "steps": [{**NAP, "when": word}]},
        {"id": "a", "steps": [{**NAP, word: word}]},
        {"id": "a", "steps": [NAP], "output": {"x": word}},
        {"id": "a", "trigger": {"type": word}, "steps": [NAP]},
        {"id": "a", "trigger": {"type": "fhir", "event": word}, "steps": [NAP]},
    ]
    for flow in flows:
        for address in ("/api/workflows/validate", "/api/workflows"):
            _is_answer(await desk.client.post(address, json=flow))


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
async def test_strange_words_in_the_input_of_a_run_pass_through(desk: Desk, word: str) -> None:
    flow = {"id": "say", "steps": [NAP], "output": {"said": "{{trigger.said}}"}}
    await desk.deployed(flow)
    run = await desk.execute("say", {"said": word, "patientId": word, word: word, "source": word})
    assert run["status"] == "succeeded", run
    assert run["output"] == {"said": word}
    assert run["source"] == "manual"


async def test_text_that_is_no_unicode_is_refused(desk: Desk) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b'{"said": "\\ud800"}', b'{"said": "\xff"}', b"[" * 100_000, b'{"a":' * 5000):
        for address in ("/api/workflows", "/api/workflows/say/execute"):
            answer = await desk.client.post(address, content=body, headers=headers)
            assert 400 <= answer.status_code < 500, answer.text
            _is_answer(answer)


@pytest.mark.parametrize("word", [NUL, LONG[:3000], "{{x}}"], ids=["nul", "long", "template"])
async def test_strange_words_in_what_steps_write(desk: Desk, word: str) -> None:
    data = {"status": "preliminary", "code": {"text": "{{trigger.said}}"}}
    write = {"id": "w", "type": "fhir", "action": "create", "resourceType": "Observation"}
    ask = {"id": "ask", "type": "task", "title": "{{trigger.said}}", "queue": "{{trigger.said}}"}
    tell = {"id": "tell", "type": "bot", "tool": "Email.send"}
    params = {"to": "{{trigger.said}}", "subject": "{{trigger.said}}", "body": "{{trigger.said}}"}
    for step in ({**write, "data": data}, {**tell, "params": params}, ask):
        await desk.deployed({"id": f"flow-{step['id']}", "steps": [step]})
        answer = await desk.post(f"/api/workflows/flow-{step['id']}/execute", {"said": word})
        assert answer.status_code == 202, answer.text
        run = await desk.reached(
            answer.json()["data"]["runId"], lambda run: run["status"] != "running"
        )
        assert run["status"] in ("succeeded", "waiting", "failed"), run
        if run["status"] == "failed":
            assert run["error"]["message"]
            assert run["error"]["code"] != "dead_letter"
    for path in ("/api/tasks", "/api/messages", "/api/incidents", "/api/workflows/runs"):
        await desk.data(path)


async def test_a_decision_may_say_anything(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "?"}
    await desk.deployed({"id": "ask", "steps": [ask]})
    answer = await desk.post("/api/workflows/ask/execute", {})
    run_id = answer.json()["data"]["runId"]
    await desk.reached(run_id, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks")
    decision = {"decision": "approve", "comment": NUL, "data": {NUL: LONG, "reason": "x"}}
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", decision)
    assert answer.status_code == 200, answer.text
    run = await desk.ended(run_id)
    assert run["steps"][0]["output"]["data"] == {NUL: LONG, "reason": "x"}


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("0022-07-11T05:09:33+23:25", 200),
        ("3967-10-17T17:53:09-18:40", 200),
        ("0001-01-01T00:00:00+14:00", 400),
        ("9999-12-31T23:59:59-14:00", 400),
    ],
)
async def test_times_far_away_and_of_odd_zones(desk: Desk, moment: str, status: int) -> None:
    for name in ("from", "to"):
        answer = await desk.get("/api/workflows/runs", params={name: moment})
        assert answer.status_code == status, answer.text
        _is_answer(answer)
    await desk.deployed({"id": "say", "steps": [NAP]})
    replay = await desk.post("/api/workflows/say/replay", {"last": 1, "from": moment})
    _is_answer(replay)
