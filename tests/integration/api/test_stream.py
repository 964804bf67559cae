"""The stream of changes over real HTTP: each change in its order, none missed, nobody else's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from tests.integration.conftest import PATIENCE_S, Desk, House, OpenHouse, Serve, until

from careloom.api.platform import stream
from careloom.cli.serve import HttpServer
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject, Scope
from careloom.workflows import changes

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
TWO = {"id": "two", "steps": [NAP, {**NAP, "id": "again"}]}
ASK = {"id": "ask", "steps": [{"id": "sign", "type": "task", "title": "Sign"}]}
GONE = {"type": "fhir", "action": "read", "resourceType": "Patient", "resourceId": "absent"}
FAILS = {"id": "fails", "steps": [{"id": "look", **GONE}]}


@dataclass
class Watch:
    """Somebody who reads a stream; `events` grows."""

    response: httpx.Response
    events: list[tuple[str, JsonObject]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    ended: bool = False

    async def read(self) -> None:
        kind = ""
        async for line in self.response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                self.ids.append(int(value))
            elif name == "event":
                kind = value
            elif name == "data":
                self.events.append((kind, json.loads(value)))
        self.ended = True

    def of(self, kind: str) -> list[JsonObject]:
        return [data for name, data in self.events if name == kind]

    async def has(self, event: str, /, **wanted: Any) -> JsonObject:
        """The first event with these values, once it came."""

        async def look() -> JsonObject | None:
            return next((e for e in self.of(event) if wanted.items() <= e.items()), None)

        return await until(look)


@dataclass
class Door:
    """A house behind a real port."""

    address: str
    stack: list[Any] = field(default_factory=list)

    async def watch(
        self, key: str, topics: str, last: int | None = None, **query: Any
    ) -> Watch | httpx.Response:
        """A stream that has begun, or the refusal."""
        client = httpx.AsyncClient(base_url=self.address, timeout=PATIENCE_S)
        self.stack.append(client)
        headers = {"Authorization": f"Bearer {key}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        request = client.build_request(
            "GET", "/api/stream", params={"topics": topics, **query}, headers=headers
        )
        response = await client.send(request, stream=True)
        if response.status_code != 200:
            await response.aread()
            return response
        watch = Watch(response)
        task = asyncio.create_task(watch.read())
        self.stack.append(task)
        return watch

    async def watching(self, key: str, topics: str, last: int | None = None, **query: Any) -> Watch:
        watch = await self.watch(key, topics, last, **query)
        assert isinstance(watch, Watch), watch.text
        return watch

    async def polled(self, key: str, topics: str, last: int | None = None) -> Watch:
        """What a stream of no length tells."""
        watch = await self.watching(key, topics, last, seconds=0)

        async def ended() -> bool:
            return watch.ended

        await until(ended)
        return watch

    async def close(self) -> None:
        for one in reversed(self.stack):
            if isinstance(one, asyncio.Task):
                one.cancel()
                await asyncio.gather(one, return_exceptions=True)
            else:
                await one.aclose()


async def opened_door(house: House) -> tuple[Door, HttpServer]:
    server = HttpServer(house.services, "127.0.0.1", 0)
    await server.start()
    return Door(f"http://127.0.0.1:{server.port}"), server


@pytest.fixture
async def door(house: House) -> AsyncIterator[Door]:
    door, server = await opened_door(house)
    yield door
    await door.close()
    await server.stop()


async def test_a_run_is_told_from_its_start_to_its_end_in_order(door: Door, desk: Desk) -> None:
    watch = await door.watching(desk.key, "runs,steps,workflows")
    await desk.deployed(TWO)
    run = await desk.execute("two", {"patientName": "Brightwater"})
    await watch.has("run", runId=run["runId"], change="succeeded", status="succeeded")
    assert [e["change"] for e in watch.of("workflow")] == ["deploy"]
    mine = [
        (kind, e.get("path"), e["change"] if kind == "run" else e["status"])
        for kind, e in watch.events
        if e.get("runId") == run["runId"]
    ]
    assert mine[0] == ("run", None, "start")
    assert mine[-1] == ("run", None, "succeeded")
    done = [one for one in mine if one[0] == "step" and one[2] == "succeeded"]
    assert done == [("step", "steps/nap", "succeeded"), ("step", "steps/again", "succeeded")]
    assert all(e["workflowId"] == "two" for e in watch.of("run"))
    assert watch.ids == sorted(watch.ids)
    assert "Brightwater" not in json.dumps(watch.events)


async def test_tasks_messages_and_incidents_are_told(door: Door, desk: Desk) -> None:
    watch = await door.watching(desk.key, "runs,tasks,incidents")
    await desk.deployed(ASK)
    started = (await desk.post("/api/workflows/ask/execute", {})).json()["data"]
    await watch.has("run", runId=started["runId"], status="waiting", change="wait")
    created = await watch.has("task", change="create")
    assert created["runId"] == started["runId"]
    task = f"/api/tasks/{created['taskId']}"
    assert (await desk.post(f"{task}/claim")).is_success
    await watch.has("task", taskId=created["taskId"], change="claim", status="accepted")
    assert (await desk.post(f"{task}/decision", {"decision": "complete"})).is_success
    await watch.has("task", taskId=created["taskId"], change="completed", status="completed")
    await watch.has("run", runId=started["runId"], status="succeeded")
    await desk.deployed(FAILS)
    await desk.execute("fails", {})
    opened = await watch.has("incident", change="open", kind="run.failed", count=1)
    assert (await desk.post(f"/api/incidents/{opened['incidentId']}/close")).is_success
    await watch.has("incident", incidentId=opened["incidentId"], change="close")


async def test_one_run_can_be_watched_alone(door: Door, desk: Desk) -> None:
    await desk.deployed(ASK)
    ids = [
        (await desk.post("/api/workflows/ask/execute", {})).json()["data"]["runId"]
        for _ in range(2)
    ]
    for one in ids:
        await desk.reached(one, lambda run: run["status"] == "waiting")
    watch = await door.watching(desk.key, f"run:{ids[0]}")
    for task in await desk.data("/api/tasks"):
        answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "complete"})
        assert answer.is_success, answer.text
    for one in ids:
        await desk.ended(one)
    await watch.has("run", status="succeeded", change="succeeded")
    assert {e["runId"] for _, e in watch.events} == {ids[0]}
    assert {kind for kind, _ in watch.events} == {"run", "step", "task"}


async def test_who_comes_again_to_another_process_misses_nothing(
    door: Door, desk: Desk, open_house: OpenHouse
) -> None:
    await desk.deployed(TWO)
    first = await door.watching(desk.key, "runs")
    seen = await desk.execute("two", {})
    await first.has("run", runId=seen["runId"], change="succeeded")
    last = first.ids[-1]
    await door.close()
    door.stack.clear()
    missed = [await desk.execute("two", {}) for _ in range(3)]
    other, server = await opened_door(await open_house({}))
    try:
        again = await other.watching(desk.key, "runs", last)
        later = await desk.execute("two", {})
        await again.has("run", runId=later["runId"], change="succeeded")
        changes = [(e["runId"], e["change"]) for e in again.of("run")]
        for run in (*missed, later):
            own = [change for one, change in changes if one == run["runId"]]
            assert (own[0], own[-1]) == ("start", "succeeded"), own
            assert own.count("start") == own.count("succeeded") == 1
        assert seen["runId"] not in {one for one, _ in changes}
        assert not again.of("resync")
    finally:
        await other.close()
        await server.stop()


async def test_rows_of_transactions_that_commit_out_of_order_are_all_told(
    door: Door, desk: Desk
) -> None:
    scope = desk.scope
    watch = await door.watching(desk.key, "workflows")

    async def write(number: int) -> None:
        async with desk.services.db.transaction(scope.tenant) as connection:
            await connection.execute(
                "SELECT audit_record($1, $2, 'workflow.touch', 'Workflow/' || $3, '{}', '{}')",
                *(scope.tenant, scope.store, f"w{number}"),
            )
            await asyncio.sleep(0.002 * (number * 7 % 13))

    gate = asyncio.Semaphore(4)

    async def gated(number: int) -> None:
        async with gate:
            await write(number)

    await asyncio.gather(*(gated(number) for number in range(200)))
    for number in range(200):
        await watch.has("workflow", workflowId=f"w{number}")
    assert len(watch.of("workflow")) == 200
    polled = await door.polled(desk.key, "workflows", watch.ids[0])
    assert polled.of("workflow") == watch.of("workflow")


async def test_a_long_gap_or_an_id_of_nobody_asks_to_look_again(
    door: Door, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.deployed(TWO)
    for last in (10**12, 10**17):
        polled = await door.polled(desk.key, "runs", last)
        assert polled.events == [("resync", {"reason": "gap"})]
    monkeypatch.setattr(changes, "LONGEST_GAP", 3)
    await desk.execute("two", {})
    polled = await door.polled(desk.key, "runs", 0)
    assert polled.events == [("resync", {"reason": "gap"})]
    [place] = polled.ids[-1:]
    assert (await door.polled(desk.key, "runs", place)).events == []


async def test_a_flood_becomes_one_request_to_look_again(
    door: Door, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MOST_WAITING", 5)
    watch = await door.watching(desk.key, "workflows")
    async with desk.services.db.transaction(desk.scope.tenant) as connection:
        await connection.execute(
            "SELECT audit_record($1, $2, 'workflow.touch', 'Workflow/w' || n, '{}', '{}')"
            " FROM generate_series(1, 50) n",
            *(desk.scope.tenant, desk.scope.store),
        )
    await watch.has("resync", reason="many")
    assert watch.of("workflow") == []
    await desk.deployed(TWO)
    await watch.has("workflow", workflowId="two", change="deploy")


async def test_a_topic_needs_its_permission_and_a_run_its_store(
    door: Door, house: House, desk: Desk
) -> None:
    await desk.deployed(TWO)
    run = (await desk.execute("two", {}))["runId"]
    device = await house.desk("device", scope=desk.scope)
    auditor = await house.desk("auditor", scope=desk.scope)
    stranger = await house.desk()
    refused = [
        (device.key, "runs", 403),
        (device.key, "nonsense", 403),
        (auditor.key, "workflows,runs", 403),
        (auditor.key, f"run:{run}", 403),
        (auditor.key, "tasks", 403),
        (stranger.key, f"run:{run}", 404),
        (desk.key, "", 400),
        (desk.key, "nonsense", 400),
        (desk.key, ",".join(["runs"] * 51), 400),
        ("wrong", "runs", 401),
    ]
    for key, topics, status in refused:
        answer = await door.watch(key, topics)
        assert isinstance(answer, httpx.Response), topics
        assert answer.status_code == status, (topics, answer.text)
    assert (await door.polled(auditor.key, "workflows,incidents")).ended


async def test_tenants_and_stores_see_their_own(door: Door, house: House, desk: Desk) -> None:
    other = await house.desk()
    await desk.post("/api/fhirserver/create", {"name": "second"})
    watches = [await door.watching(one.key, "runs,workflows") for one in (desk, other)]
    await desk.services.db.call(
        "audit_note",
        desk.scope.tenant,
        "elsewhere",
        "workflow.touch",
        "Workflow/x",
        SYSTEM_ACTOR,
        {},
    )
    for one in (desk, other):
        await one.deployed({**TWO, "id": f"of-{one.scope.tenant}"})
    for one, watch in zip((desk, other), watches, strict=True):
        await watch.has("workflow", workflowId=f"of-{one.scope.tenant}")
        assert {e["workflowId"] for e in watch.of("workflow")} == {f"of-{one.scope.tenant}"}


async def test_the_stream_of_a_revoked_key_ends(
    door: Door, house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.05)
    identity = house.services.identity
    key = await identity.create_key(
        Scope(desk.scope.tenant, "main"), await _principal(desk), actor=SYSTEM_ACTOR
    )
    watch = await door.watching(key.text, "runs")
    await identity.revoke(desk.scope, key.key_id, actor=SYSTEM_ACTOR)

    async def ended() -> bool:
        return watch.ended

    assert await until(ended)


async def test_the_stream_of_a_principal_with_other_grants_ends(
    door: Door, house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT_S", 0.05)
    viewer = await house.desk("viewer", scope=desk.scope)
    watch = await door.watching(viewer.key, "runs,workflows")
    listed = await desk.services.identity.principals(desk.scope)
    [name] = [one["principal_id"] for one in listed if one["principal_id"].startswith("viewer")]
    roles = {"roles": [], "grants": ["task:read"]}
    changed = await desk.client.patch(f"/api/principals/{name}", json=roles)
    assert changed.status_code == 200, changed.text

    async def ended() -> bool:
        return watch.ended

    assert await until(ended)
    again = await door.watch(viewer.key, "runs,workflows")
    assert isinstance(again, httpx.Response)
    assert again.status_code == 403


async def _principal(desk: Desk) -> str:
    [principal] = await desk.services.identity.principals(desk.scope)
    return str(principal["principal_id"])


async def test_streams_are_counted_and_given_back(
    door: Door, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_OF_ONE", 2)
    for _ in range(2):
        await door.watching(desk.key, "runs")
    answer = await door.watch(desk.key, "runs")
    assert isinstance(answer, httpx.Response)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "too_many_streams"
    await door.close()
    door.stack.clear()

    async def room() -> bool:
        again = await door.watch(desk.key, "runs", seconds=0)
        return isinstance(again, Watch)

    assert await until(room)


async def test_a_server_that_stops_ends_its_streams(house: House, desk: Desk) -> None:
    door, server = await opened_door(house)
    watch = await door.watching(desk.key, "runs")
    async with asyncio.timeout(PATIENCE_S):
        await server.stop()

    async def ended() -> bool:
        return watch.ended

    assert await until(ended)
    await door.close()


async def test_several_processes_tell_the_same(serve: Serve) -> None:
    server = await serve({"CARELOOM_HTTP_PROCESSES": "3"})
    door = Door(server.address)
    async with server.client() as client:
        answer = await client.post("/api/workflows", json=TWO)
        assert answer.status_code == 201, answer.text
        watches = [await door.watching(server.key, "runs") for _ in range(6)]
        started = await client.post("/api/workflows/two/execute", json={})
        run = started.json()["data"]["runId"]
        for watch in watches:
            await watch.has("run", runId=run, change="succeeded")
    await door.close()
    assert await server.stop() == 0
