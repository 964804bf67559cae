"""What is promised of a call whose answer is lost, and of a worker that dies around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, Peer

JSON = {"Content-Type": "application/json"}
ORDER = {"method": "POST", "url": "/orders", "body": {"code": "CBC"}}


@pytest.fixture
async def linked(desk: Desk, peer: Peer) -> Desk:
    """A desk with an http connection to the peer."""
    body = {"kind": "http", "settings": {"url": peer.url, "breaker": {"failures": 1000}}}
    answer = await desk.put("/api/connections/lab", json=body)
    assert answer.status_code == 200, answer.text
    return desk


async def _started(desk: Desk, **step: Any) -> str:
    retry = {"attempts": 3, "initial": "5ms", "jitter": 0}
    ask = {"id": "ask", "type": "http", "connection": "lab", "retry": retry, **step}
    await desk.deployed({"id": "call", "steps": [ask]})
    answer = await desk.post("/api/workflows/call/execute", {})
    return str(answer.json()["data"]["runId"])


async def _task(desk: Desk, known: frozenset[str] = frozenset()) -> dict[str, Any]:
    async def look() -> dict[str, Any] | None:
        tasks = await desk.data("/api/tasks")
        return next((t for t in tasks if t["id"] not in known and t["status"] == "requested"), None)

    return await until(look)


async def _decide(desk: Desk, task: dict[str, Any], decision: str) -> None:
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": decision})
    assert answer.status_code == 200, answer.text


async def _calls(desk: Desk) -> list[Any]:
    return await desk.services.db.query(desk.scope.tenant, "SELECT * FROM outgoing_call")


@pytest.mark.parametrize("answer", [(500, {}, b""), (504, {}, b"")])
async def test_at_most_once_asks_a_person_and_goes_on_at_their_word(
    linked: Desk, peer: Peer, answer: Any
) -> None:
    peer.answers = [answer]
    run_id = await _started(linked, promise="at-most-once", **ORDER)
    task = await _task(linked)
    assert task["priority"] == "urgent"
    assert (await linked.run(run_id))["status"] == "waiting"
    await _decide(linked, task, "approve")
    run = await linked.ended(run_id)
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 1
    assert run["steps"][0]["output"]["delivery"]["confirmedBy"]
    assert await _calls(linked) == []


async def test_at_most_once_is_made_again_when_a_person_says_that_it_did_not_arrive(
    linked: Desk, peer: Peer
) -> None:
    peer.answers = [(500, {}, b""), (201, JSON, b'{"number": 1}')]
    run_id = await _started(linked, promise="at-most-once", **ORDER)
    await _decide(linked, await _task(linked), "reject")
    run = await linked.ended(run_id)
    assert run["status"] == "succeeded", run
    assert run["steps"][0]["output"]["body"] == {"number": 1}
    assert len(peer.received) == 2
    assert await _calls(linked) == []


async def test_an_older_word_says_nothing_of_a_newer_call(linked: Desk, peer: Peer) -> None:
    peer.answers = [(500, {}, b""), (500, {}, b"")]
    run_id = await _started(linked, promise="at-most-once", **ORDER)
    first = await _task(linked)
    await _decide(linked, first, "reject")
    second = await _task(linked, frozenset({first["id"]}))
    assert len(peer.received) == 2
    await _decide(linked, second, "approve")
    run = await linked.ended(run_id)
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 2


@pytest.mark.parametrize("status", [429, 503])
async def test_at_most_once_repeats_what_the_peer_said_it_did_not_do(
    linked: Desk, peer: Peer, status: int
) -> None:
    peer.answers = [(status, {}, b"")]
    run = await linked.ended(await _started(linked, promise="at-most-once", **ORDER))
    assert run["status"] == "succeeded", run
    assert len(peer.received) == 2


async def test_a_refusal_leaves_no_doubt(linked: Desk, peer: Peer) -> None:
    peer.answers = [(422, {}, b"")]
    run = await linked.ended(await _started(linked, promise="at-most-once", **ORDER))
    assert run["error"]["code"] == "http_status"
    assert await _calls(linked) == []


@pytest.mark.parametrize(("found", "posts"), [(b'{"total": 1}', 1), (b'{"total": 0}', 2)])
async def test_verify_asks_before_it_calls_again(
    linked: Desk, peer: Peer, found: bytes, posts: int
) -> None:
    peer.answers = [(500, {}, b""), (200, JSON, found)]
    verify = {"url": "/orders", "query": {"code": "CBC"}, "found": "/total"}
    run = await linked.ended(await _started(linked, promise="verify", verify=verify, **ORDER))
    assert run["status"] == "succeeded", run
    assert [request.method for request in peer.received][:2] == ["POST", "GET"]
    assert sum(request.method == "POST" for request in peer.received) == posts
    assert await _calls(linked) == []


async def test_a_peer_that_cannot_be_asked_is_not_called_again(linked: Desk, peer: Peer) -> None:
    peer.answers = [(500, {}, b"")] * 3
    verify = {"url": "/orders"}
    run = await linked.ended(await _started(linked, promise="verify", verify=verify, **ORDER))
    assert run["status"] == "failed"
    assert [request.method for request in peer.received] == ["POST", "GET", "GET"]


@pytest.mark.parametrize(
    ("promise", "posts", "decided"),
    [("dedup", 2, False), ("at-least-once", 2, False), ("at-most-once", 1, True)],
)
async def test_a_worker_that_dies_during_the_call(
    linked: Desk, peer: Peer, promise: str, posts: int, decided: bool
) -> None:
    """The worker's task is ended as a kill would, with the call under way; its lease is given
    back, and the run is claimed again."""
    peer.hang = True
    run_id = await _started(linked, promise=promise, **ORDER)

    async def arrived() -> bool:
        return len(peer.received) == 1

    await until(arrived)
    peer.hang = False
    await _kill(linked, run_id)
    if decided:
        await _decide(linked, await _task(linked), "approve")
    run = await linked.ended(run_id)
    assert run["status"] == "succeeded", run
    assert len(peer.received) == posts
    assert len({request.headers["idempotency-key"] for request in peer.received}) == 1


async def _kill(desk: Desk, run_id: str) -> None:
    worker = desk.services.worker
    held = next(entry for key, entry in worker._held.items() if key[1].hex in run_id)
    assert held.task is not None
    held.task.cancel()
    await asyncio.gather(held.task, return_exceptions=True)
    await worker._dispatch.release(desk.scope.tenant, {held.run.run_id: held.run.fence})
    worker.wake(desk.scope.tenant)
