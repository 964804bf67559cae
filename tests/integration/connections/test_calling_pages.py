"""The examples of the steps that call other systems, against peers on loopback."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.connections.calling import connect, example

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, Peer

JSON = {"Content-Type": "application/json"}
Run = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@pytest.fixture
def run(desk: Desk) -> Run:
    async def run(name: str, given: dict[str, Any]) -> dict[str, Any]:
        ended = await desk.execute(name, given)
        assert ended["status"] == "succeeded", ended["error"]
        return ended

    return run


async def test_a_test_is_ordered_under_one_key(desk: Desk, peer: Peer, run: Run) -> None:
    await connect(desk, "laboratory", "http", {"url": peer.url})
    await desk.deployed(example("http", "order-lab-test").replace("initial: 2s", "initial: 5ms"))
    peer.answers = [(502, {}, b""), (201, JSON, b'{"number": "L-7"}')]
    ended = await run("order-lab-test", {"code": "CBC"})
    assert ended["output"] == {"number": "L-7"}
    assert len({request.headers["idempotency-key"] for request in peer.received}) == 1


async def test_a_bed_is_asked_for_before_it_is_booked_again(
    desk: Desk, peer: Peer, run: Run
) -> None:
    await connect(desk, "beds", "http", {"url": peer.url})
    source = example("http", "book-bed-once")
    await desk.deployed(source.replace("compensate: none", "retry: {initial: 5ms}"))
    peer.answers = [(500, {}, b"lost"), (200, JSON, b'[{"bed": 4}]')]
    ended = await run("book-bed-once", {"ward": "A"})
    assert [request.method for request in peer.received] == ["POST", "GET"]
    assert peer.received[1].query == f"reference={ended['runId']}"
    assert ended["steps"][0]["output"]["delivery"]["verified"] is True


async def test_every_page_of_devices(desk: Desk, peer: Peer, run: Run) -> None:
    await connect(desk, "devices", "http", {"url": peer.url})
    await desk.deployed(example("http", "list-devices"))
    peer.answers = [
        (200, JSON, b'{"data": ["a"], "next": "/devices?page=2"}'),
        (200, JSON, b'{"data": ["b"], "next": null}'),
    ]
    assert (await run("list-devices", {"ward": "A"}))["output"] == {"devices": ["a", "b"]}
