"""`careloom serve` in several processes: one that is killed is replaced, none is left behind."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import psutil
from tests.integration.conftest import Serve, Server, until


def answering(server: Server) -> list[psutil.Process]:
    """The processes beside the first one."""
    found = []
    for process in psutil.Process(server.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # also one that has just ended
            if "careloom.cli.web_process" in process.cmdline():
                found.append(process)
    return found


async def both(server: Server) -> list[psutil.Process]:
    """Both of them, once both take connections (each then watches the socket with others)."""

    async def look() -> list[psutil.Process] | None:
        found = answering(server)
        return found if len(found) == 2 else None

    return await until(look)


async def stored(client: httpx.AsyncClient, count: int) -> int:
    """Patients written on connections of their own; how many a search then finds."""
    for number in range(count):
        async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers) as other:
            answer = await other.post("/fhir/Patient", json={"resourceType": "Patient"})
            assert answer.status_code == 201, (number, answer.text)
    found = await client.get("/fhir/Patient?_summary=count")
    return int(found.json()["total"])


async def test_a_killed_process_is_replaced_and_nothing_written_is_lost(serve: Serve) -> None:
    server = await serve({"CARELOOM_HTTP_PROCESSES": "3"})
    async with server.client() as client:
        before = await both(server)
        assert await stored(client, 8) == 8
        before[0].kill()

        async def replaced() -> bool | None:
            now = {p.pid for p in answering(server)}
            return True if len(now) == 2 and before[0].pid not in now else None

        assert await until(replaced)
        assert await stored(client, 8) == 16
    assert any("ended with -9; another starts" in line for line in server.lines)
    left = answering(server)
    assert await server.stop() == 0
    assert psutil.wait_procs(left, timeout=0)[1] == []


async def test_none_outlives_a_first_process_that_was_killed(serve: Serve) -> None:
    server = await serve({"CARELOOM_HTTP_PROCESSES": "2"})
    [beside] = await _some(server)
    server.process.kill()
    await server.process.wait()
    gone, _ = await asyncio.to_thread(psutil.wait_procs, [beside], 30)
    assert gone == [beside]


async def _some(server: Server) -> list[psutil.Process]:
    async def look() -> list[psutil.Process] | None:
        return answering(server) or None

    return await until(look)
