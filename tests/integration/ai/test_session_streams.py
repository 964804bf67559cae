"""The stream of a session over real HTTP: for as long as who listens may, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.integration.conftest import PATIENCE_S, Desk, House, until

from careloom.ai.sessions import stream as told
from careloom.api.platform import conversations, stream
from careloom.cli.serve import HttpServer

from .conftest import Ward


@pytest.fixture
async def address(house: House) -> AsyncIterator[str]:
    server = HttpServer(house.services, "127.0.0.1", 0)
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


class Listening:
    """Somebody who reads the stream of a session; `lines` grows."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.lines: list[str] = []
        self.ended = False

    async def read(self) -> None:
        async for line in self.response.aiter_lines():
            self.lines.append(line)
        self.ended = True

    async def has_ended(self) -> bool:
        return self.ended

    async def heard(self, words: str) -> None:
        async def look() -> bool:
            return words in "".join(self.lines)

        assert await until(look)


@asynccontextmanager
async def listening(address: str, session: str, key: str) -> AsyncIterator[Listening]:
    headers = {"Authorization": f"Bearer {key}", "Accept": "text/event-stream"}
    async with (
        httpx.AsyncClient(base_url=address, headers=headers, timeout=PATIENCE_S) as client,
        client.stream("GET", f"/api/sessions/{session}/stream") as response,
    ):
        found = Listening(response)
        task = asyncio.create_task(found.read())
        try:
            yield found
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def talk(ward: Ward) -> str:
    await ward.model()
    worker = await ward.worker()
    return await ward.session(worker["id"])


async def change(desk: Desk, who: str, **given: object) -> None:
    listed = await desk.services.identity.principals(desk.scope)
    [name] = [one["principal_id"] for one in listed if one["principal_id"].startswith(who)]
    changed = await desk.client.patch(f"/api/principals/{name}", json=given)
    assert changed.status_code == 200, changed.text


@pytest.mark.parametrize("given", [{"disabled": True}, {"roles": [], "grants": ["task:read"]}])
async def test_it_ends_with_a_beat_when_the_listener_may_no_longer(
    address: str,
    house: House,
    ward: Ward,
    given: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(told, "BEAT_S", 0.05)
    monkeypatch.setattr(conversations, "BEAT_S", 0.05)
    session = await talk(ward)
    viewer = await house.desk("viewer", scope=ward.desk.scope)
    async with listening(address, session, viewer.key) as heard:
        await heard.heard(": beat")
        await change(ward.desk, "viewer", **given)
        assert await until(heard.has_ended)


async def test_what_is_said_after_a_key_was_disabled_is_not_told(
    address: str, house: House, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only what is said makes it look again: no beat comes by itself.
    monkeypatch.setattr(conversations, "BEAT_S", 0.0)
    monkeypatch.setattr(told, "BEAT_S", 3600.0)
    session = await talk(ward)
    viewer = await house.desk("viewer", scope=ward.desk.scope)
    async with (
        listening(address, session, viewer.key) as theirs,
        listening(address, session, ward.desk.key) as ours,
    ):
        await ward.say(session, "Fine before")
        await theirs.heard("Fine before")
        await ours.heard("event: done")
        await change(ward.desk, "viewer", disabled=True)

        async def refused() -> bool:
            return (await viewer.get("/api/me")).status_code == 401

        await until(refused)
        await ward.say(session, "Quillfeather afterwards")
        await ours.heard("Quillfeather afterwards")
        assert await until(theirs.has_ended)
        assert "Quillfeather" not in "".join(theirs.lines)


async def test_it_takes_a_place_among_the_streams_and_gives_it_back(
    address: str, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_OF_ONE", 1)
    session = await talk(ward)
    async with (
        listening(address, session, ward.desk.key),
        listening(address, session, ward.desk.key) as second,
    ):
        assert second.response.status_code == 503
        await until(second.has_ended)
        assert "too_many_streams" in "".join(second.lines)

    async def room() -> bool:
        async with listening(address, session, ward.desk.key) as again:
            return again.response.status_code == 200

    assert await until(room)
