"""Values nested beyond what can be kept: refused at the door, or one failed step, never a worker
that stumbles over its run again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, Peer

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
MOST = 200
SENT = {"id": "ask", "type": "http", "url": "http://127.0.0.1:1/", "method": "POST"}


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def wrapped(inner: Any, levels: int) -> Any:
    for _ in range(levels):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize("levels", [MOST, 300, 900, 100_000])
async def test_a_body_nested_too_deep_is_refused_with_the_limit(desk: Desk, levels: int) -> None:
    await desk.deployed({"id": "flow", "steps": [NAP]})
    json_type = {"Content-Type": "application/json"}
    body = b'{"data": ' + nested(levels) + b"}"
    for method, path in (
        ("POST", "/api/workflows/flow/execute"),
        ("POST", "/api/events/sample"),
        ("POST", "/api/workflows/validate"),
        ("PUT", "/api/components/wait/nap"),
        ("PUT", "/api/pipelines/p"),
        ("PUT", "/api/decision-tables/t"),
        ("PUT", "/api/connections/c"),
    ):
        answer = await desk.client.request(method, path, content=body, headers=json_type)
        assert answer.status_code == 400, (path, answer.text)
        assert answer.json()["error"]["fix"]


async def test_a_run_takes_what_is_nested_to_the_limit(desk: Desk) -> None:
    await desk.deployed({"id": "say", "steps": [NAP], "output": {"said": "{{trigger.said}}"}})
    deep = orjson.loads(nested(MOST - 1))
    run = await desk.execute("say", {"said": deep})
    assert run["status"] == "succeeded", run["error"]
    assert run["output"] == {"said": deep}


@pytest.mark.parametrize("levels", [260, 1000, 50_000])
async def test_an_answer_of_a_peer_nested_too_deep_fails_its_step_after_one_call(
    desk: Desk, peer: Peer, levels: int
) -> None:
    peer.answers = [(200, {"Content-Type": "application/json"}, nested(levels))] * 3
    step = {"id": "ask", "type": "http", "url": f"{peer.url}/deep"}
    await desk.deployed({"id": "ask", "steps": [step]})
    run = await desk.execute("ask", {})
    assert run["status"] == "failed"
    assert run["error"]["code"] in ("cannot_be_kept", "bad_answer"), run["error"]
    assert len(peer.received) == 1


@pytest.mark.parametrize("way", ["output", "task", "external", "http"])
async def test_what_a_run_wraps_too_deep_ends_it_with_a_clear_error(desk: Desk, way: str) -> None:
    deep = wrapped("{{trigger.said}}", 58)
    flows: dict[str, dict[str, Any]] = {
        "output": {"steps": [NAP], "output": deep},
        "task": {"steps": [{"id": "ask", "type": "task", "title": "?", "show": deep}]},
        "external": {"steps": [{"id": "ask", "type": "external", "queue": "q", "input": deep}]},
        "http": {"steps": [{**SENT, "body": deep}]},
    }
    await desk.deployed({"id": "wrap", **flows[way]})
    run = await desk.execute("wrap", {"said": orjson.loads(nested(MOST - 1))})
    assert run["status"] == "failed", run
    code = "cannot_be_kept" if way == "output" else "step_input"
    assert run["error"]["code"] == code, run
    assert "nested too deep" in run["error"]["message"]
