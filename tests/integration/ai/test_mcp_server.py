"""Other assistants at /mcp: the official client over real HTTP, within what their keys may do."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import httpx2
import orjson
import pytest
import uvicorn
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextResourceContents
from tests.integration.conftest import Desk, House, _loopback, until

from careloom.api.mcp import workflow_tools
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject

FLOW: JsonObject = {
    "id": "greet",
    "name": "Greet",
    "description": "Says hello.",
    "trigger": {"type": "manual"},
    "input": {
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
    },
    "steps": [{"id": "s", "type": "map", "set": {"said": "Hello {{trigger.name}}"}}],
    "output": "{{steps.s.output.value}}",
}
FIRST: JsonObject = {
    "protocolVersion": "2025-06-18",
    "capabilities": {},
    "clientInfo": {"name": "probe", "version": "1"},
}


@dataclass
class Place:
    """Where the house listens."""

    house: House
    url: str

    @asynccontextmanager
    async def client(self, key: str, **options: Any) -> AsyncIterator[Client]:
        """The official client with a key."""
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            transport = streamable_http_client(f"{self.url}/mcp", http_client=http)
            async with Client(transport, **options) as client:
                yield client

    async def key(self, desk: Desk, *grants: str) -> str:
        """A key beside the desk's, with these grants."""
        identity, name = desk.services.identity, f"guest-{len(grants)}-{hash(grants) & 0xFFFFFF:x}"
        await identity.create_principal(
            desk.scope, name, name=name, grants=grants, actor=SYSTEM_ACTOR
        )
        return (await identity.create_key(desk.scope, name, actor=SYSTEM_ACTOR)).text


@pytest.fixture(scope="module")
async def place(house: House) -> AsyncIterator[Place]:
    listening = _loopback()
    url = f"http://localhost:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield Place(house, url)
    server.should_exit = True
    await serving


def content(result: Any) -> Any:
    """What a successful call gave."""
    assert isinstance(result, CallToolResult), result
    assert not result.is_error, result.content
    return result.structured_content


async def test_an_assistant_searches_reads_and_starts(place: Place, desk: Desk) -> None:
    patient = await desk.patient()
    await desk.deployed(FLOW)
    headers = {"Content-Type": "text/markdown"}
    text = b"# Sepsis\n\nGive antibiotics within one hour of the first signs of sepsis."
    assert (await desk.put("/api/knowledge/rules", json={})).status_code == 200
    kept = await desk.put("/api/knowledge/rules/sepsis", content=text, headers=headers)
    assert kept.status_code == 200, kept.text
    async with place.client(desk.key) as client:
        assert client.protocol_version == "2025-06-18"
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert names == {
            "fhir_search",
            "fhir_read",
            "fhir_create",
            "fhir_update",
            "knowledge_search",
            "start_greet",
            "run_status",
        }
        found = content(
            await client.call_tool(
                "fhir_search", {"resourceType": "Patient", "parameters": {"family": "Brightwater"}}
            )
        )
        assert [one["id"] for one in found["resources"]] == [patient]
        read = content(
            await client.call_tool("fhir_read", {"resourceType": "Patient", "id": patient})
        )
        assert read["resource"]["name"][0]["family"] == "Brightwater"
        told = content(
            await client.call_tool("knowledge_search", {"question": "antibiotics for sepsis"})
        )
        assert "within one hour" in orjson.dumps(told["passages"]).decode()
        started = content(await client.call_tool("start_greet", {"name": "Ada"}))
        status = content(
            await client.call_tool("run_status", {"runId": started["runId"], "waitSeconds": 50})
        )
        assert status["status"] == "succeeded", status
        assert status["output"] == {"said": "Hello Ada"}


async def test_pages_and_addresses(place: Place, desk: Desk) -> None:
    made = {await desk.patient() for _ in range(3)}
    await desk.deployed(FLOW)
    seen, page = [], None
    async with place.client(desk.key) as client:
        for _ in range(3):
            asked: JsonObject = {"resourceType": "Patient"}
            asked |= {"page": page} if page else {"limit": 1, "elements": ["gender"]}
            found = content(await client.call_tool("fhir_search", asked))
            seen += [one["id"] for one in found["resources"]]
            page = found.get("nextPage")
        assert (set(seen), len(seen), page) == (made, 3, None)
        [listed] = (await client.list_resources()).resources
        assert listed.uri == "careloom://workflows/greet"
        [definition] = (await client.read_resource(listed.uri)).contents
        assert isinstance(definition, TextResourceContents)
        assert orjson.loads(definition.text)["steps"][0]["id"] == "s"
        templates = (await client.list_resource_templates()).resource_templates
        assert {one.name for one in templates} == {"fhir", "workflow"}
        [one] = (await client.read_resource(f"careloom://fhir/Patient/{seen[0]}")).contents
        assert isinstance(one, TextResourceContents)
        assert orjson.loads(one.text)["name"][0]["family"] == "Brightwater"
        for absent in ("careloom://fhir/Patient/absent", "careloom://workflows/absent", "file://x"):
            with pytest.raises(MCPError) as raised:
                await client.read_resource(absent)
            assert raised.value.error.code == -32002


async def test_a_write_is_a_draft_for_a_person(place: Place, desk: Desk) -> None:
    patient = await desk.patient()
    current = (await desk.get(f"/fhir/Patient/{patient}")).json()
    async with place.client(desk.key) as client:
        change = {"resource": {**current, "gender": "other"}, "reason": "It was asked for"}
        drafted = content(await client.call_tool("fhir_update", change))
        wrong = {"resource": {"resourceType": "Patient", "gender": "none"}, "reason": "x"}
        assert (await client.call_tool("fhir_create", wrong)).is_error

    async def look() -> list[JsonObject] | None:
        found: list[JsonObject] = await desk.data("/api/tasks?queue=drafts&status=open")
        return found or None

    [task] = await until(look)
    assert "gender" not in (await desk.get(f"/fhir/Patient/{patient}")).json()
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert answer.status_code == 200, answer.text
    assert (await desk.ended(drafted["runId"]))["status"] == "succeeded"
    assert (await desk.get(f"/fhir/Patient/{patient}")).json()["gender"] == "other"
    found = await desk.search(f"Provenance?target=Patient/{patient}")
    who = [[agent["who"].get("display", "") for agent in one["agent"]] for one in found]
    [named] = [names for names in who if len(names) == 3]
    assert named[0].startswith("mcp ")
    assert named[1].startswith("MCP, with the key of admin-")


async def test_a_key_sees_no_more_than_it_may(place: Place, desk: Desk) -> None:
    mine, other = await desk.patient("Mine"), await desk.patient("Other")
    await desk.deployed({**FLOW, "trigger": {"type": "manual", "allow": ["admin"]}})
    run = (await desk.post("/api/workflows/greet/execute", {"name": "A"})).json()["data"]["runId"]
    guest = await place.key(desk, "mcp:use", f"fhir:read/Patient?compartment=Patient/{mine}")
    starter = await place.key(desk, "mcp:use", "workflow:run")
    stranger = await place.house.desk()
    async with place.client(guest) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert tools.keys() == {"fhir_search", "fhir_read"}
        types = tools["fhir_read"].input_schema["properties"]["resourceType"]
        assert types["enum"] == ["Patient"]
        found = content(await client.call_tool("fhir_search", {"resourceType": "Patient"}))
        assert [one["id"] for one in found["resources"]] == [mine]
        for asked in (
            {"resourceType": "Patient", "id": other},
            {"resourceType": "Observation", "id": other},
        ):
            assert (await client.call_tool("fhir_read", asked)).is_error
        search = {"resourceType": "Patient", "page": "_has:Observation:subject:status=final"}
        assert (await client.call_tool("fhir_search", search)).is_error
        for name in ("start_greet", "run_status", "fhir_create"):
            with pytest.raises(MCPError):
                await client.call_tool(name, {})
        with pytest.raises(MCPError):
            await client.read_resource(f"careloom://fhir/Patient/{other}")
        assert (await client.list_resources()).resources == []
    async with place.client(starter) as client:
        assert (await client.list_tools()).tools == []
    async with place.client(stranger.key) as client:
        assert (await client.call_tool("run_status", {"runId": run})).is_error
        found = content(await client.call_tool("fhir_search", {"resourceType": "Patient"}))
        assert found["count"] == 0
    rows = await audited(desk, "mcp.call")
    assert {(row["tool"], row["outcome"]) for row in rows} >= {
        ("fhir_search", "ok"),
        ("fhir_read", "not_found"),
        ("fhir_read", "invalid_arguments"),
        ("fhir_search", "insufficient_permissions"),
        ("start_greet", "unknown_tool"),
    }
    assert other not in orjson.dumps(rows).decode()
    assert await audited(stranger, "mcp.call")


async def audited(desk: Desk, action: str) -> list[JsonObject]:
    """The details of the tenant's audit rows of an action."""
    sql = "SELECT content FROM audit WHERE tenant = $1 AND action = $2 ORDER BY audit_id"
    rows = await desk.services.db.query(desk.scope.tenant, sql, desk.scope.tenant, action)
    return [orjson.loads(row["content"])["detail"] for row in rows]


@dataclass
class Raw:
    """Messages by hand."""

    desk: Desk
    session: str | None = None
    number: int = 0

    async def send(self, body: Any, **headers: str) -> httpx.Response:
        given = {"Accept": "application/json, text/event-stream", **headers}
        if self.session is not None:
            given.setdefault("Mcp-Session-Id", self.session)
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        given = {"Content-Type": "application/json"} | given
        return await self.desk.client.post("/mcp", content=content, headers=given)

    async def ask(self, method: str, params: JsonObject | None = None) -> JsonObject:
        self.number += 1
        body = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params or {}}
        answer = await self.send(body)
        assert answer.status_code == 200, answer.text
        said: JsonObject = answer.json()
        assert said["id"] == self.number
        self.session = answer.headers.get("mcp-session-id", self.session)
        return said


def ping(**more: Any) -> JsonObject:
    return {"jsonrpc": "2.0", "id": 1, "method": "ping", **more}


async def test_what_is_refused_at_the_door(
    house: House, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, viewer = Raw(desk), await house.desk("viewer", scope=desk.scope)
    nobody = await house.client()
    without = await nobody.post("/mcp", json=ping())
    assert without.status_code == 401
    assert without.headers["www-authenticate"].startswith("Bearer")
    assert without.json()["error"]["data"]["code"] == "unauthenticated"
    assert (await Raw(viewer).send(ping())).status_code == 403
    assert (await raw.send(ping())).status_code == 400  # No session yet.
    assert "result" in await raw.ask("initialize", FIRST)
    faults: list[tuple[int, Any, dict[str, str]]] = [
        (403, ping(), {"Origin": "https://evil.example"}),
        (404, ping(), {"Mcp-Session-Id": "0" * 48}),
        (400, ping(), {"MCP-Protocol-Version": "1999-01-01"}),
        (415, ping(), {"Content-Type": "text/plain"}),
        (406, ping(), {"Accept": "text/html"}),
        (400, b"{", {}),
        (400, b"[" * 300 + b"]" * 300, {}),
        (400, {"jsonrpc": "1.0", "id": 1, "method": "ping"}, {}),
        (400, {"jsonrpc": "2.0", "id": True, "method": "ping"}, {}),
        (400, [ping()], {}),
        (413, b" " * (2 << 20), {}),
    ]
    for status, body, headers in faults:
        answer = await raw.send(body, **headers)
        assert answer.status_code == status, (body, headers, answer.text)
        assert answer.json()["error"]["code"] < 0
    told = await raw.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (told.status_code, told.content) == (202, b"")
    assert (await raw.ask("ping"))["result"] == {}
    assert (await raw.ask("sampling/createMessage"))["error"]["code"] == -32601
    assert (await raw.ask("tools/call", {"name": 1}))["error"]["code"] == -32602
    assert (await raw.ask("tools/list", {"cursor": "x"}))["error"]["code"] == -32602
    beside = Raw(await house.desk(scope=desk.scope), raw.session)
    assert (await beside.send(ping())).status_code == 404  # Another's session.
    headers = {"Mcp-Session-Id": raw.session or ""}
    assert (await desk.client.get("/mcp", headers=headers)).status_code == 406
    assert (await desk.client.delete("/mcp", headers=headers)).status_code == 204
    assert (await raw.send(ping())).status_code == 404
    services = house.services
    monkeypatch.setattr(services, "settings", replace(services.settings, mcp=False))
    assert (await raw.send(ping())).status_code == 404


async def test_an_older_client_sends_several_at_once(desk: Desk) -> None:
    raw = Raw(desk)
    said = await raw.ask("initialize", {**FIRST, "protocolVersion": "2025-03-26"})
    assert said["result"]["protocolVersion"] == "2025-03-26"
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await raw.send([note])).status_code == 202
    waits = {"name": "run_status", "arguments": {"runId": f"run_{'0' * 32}", "waitSeconds": 50}}
    several = [
        note,
        ping(id="a"),
        ping(id="b", method="nothing"),
        ping(id="c", method="tools/call", params=waits),
    ]
    answer = (await raw.send(several)).json()
    assert [one["id"] for one in answer] == ["a", "b", "c"]
    assert answer[1]["error"]["code"] == -32601
    assert "a batch does not wait" in answer[2]["error"]["message"]


async def test_the_same_call_again_starts_one_run(desk: Desk) -> None:
    await desk.deployed(FLOW)
    raw = Raw(desk)
    await raw.ask("initialize", FIRST)
    meta = {"careloom/idempotency-key": "once"}
    call = {"name": "start_greet", "arguments": {"name": "Ada"}, "_meta": meta}
    runs = {
        (await raw.ask("tools/call", call))["result"]["structuredContent"]["runId"]
        for _ in range(2)
    }
    assert len(runs) == 1
    wrong = await raw.ask("tools/call", {"name": "start_greet", "arguments": {"name": 5}})
    assert wrong["result"]["isError"]
    status = {"name": "run_status", "arguments": {"runId": runs.pop(), "name": "Ada"}}
    extra = (await raw.ask("tools/call", status))["result"]["content"][0]["text"]
    assert orjson.loads(extra)["message"] == "Leave out name; there is runId, waitSeconds"


async def test_a_call_makes_no_other_tool_and_hides_its_arguments(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = [await house.desk() for _ in range(2)]
    marks = []
    for desk in desks:
        for name in ("greet", "wave"):
            await desk.deployed({**FLOW, "id": name})
        raw = Raw(desk)
        await raw.ask("initialize", FIRST)
        asked: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(workflow_tools, "_starter", _counting(asked, workflow_tools._starter))
            call = {"name": "start_greet", "arguments": {"name": "Ada"}}
            started = [(await raw.ask("tools/call", call))["result"] for _ in range(2)]
        assert not any(one.get("isError") for one in started)
        assert asked == ["greet", "greet"]
        rows = await audited(desk, "mcp.call")
        marks.append({row["argumentsHmac"] for row in rows})
    # The same of the same in one tenant, and nothing that can be tried elsewhere.
    assert [len(one) for one in marks] == [1, 1]
    assert marks[0] != marks[1]
    guess = hashlib.sha256(orjson.dumps({"name": "Ada"})).hexdigest()
    assert guess not in marks[0] | marks[1]


def _counting(asked: list[str], make: Any) -> Any:
    def made(workflow: Any, program: Any) -> Any:
        asked.append(workflow.id)
        return make(workflow, program)

    return made


async def test_streams_tell_what_changes_and_waits_are_called_off(place: Place, desk: Desk) -> None:
    step = {"id": "s", "type": "task", "title": "Wait"}
    queue = {"id": "queue", "trigger": {"type": "manual"}, "concurrency": 1, "steps": [step]}
    await desk.deployed(queue)
    first = (await desk.post("/api/workflows/queue/execute", {})).json()["data"]["runId"]
    await desk.reached(first, lambda run: run["status"] == "waiting")
    raw = Raw(desk)
    await raw.ask("initialize", FIRST)
    started = await raw.ask("tools/call", {"name": "start_queue", "arguments": {}})
    run = started["result"]["structuredContent"]["runId"]
    headers = {
        "Authorization": f"Bearer {desk.key}",
        "Mcp-Session-Id": raw.session or "",
        "Accept": "application/json, text/event-stream",
    }
    call = {"name": "run_status", "arguments": {"runId": run, "waitSeconds": 50}}
    wait = ping(id="w", method="tools/call", params={**call, "_meta": {"progressToken": "p"}})
    async with httpx.AsyncClient(base_url=place.url, headers=headers, timeout=60) as http:
        async with http.stream("POST", "/mcp", json=wait) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            told = [await anext(lines), await anext(lines)][1]
            assert orjson.loads(told.removeprefix("data: "))["params"]["progressToken"] == "p"
            off = {"method": "notifications/cancelled", "params": {"requestId": "w"}}
            assert (await http.post("/mcp", json={"jsonrpc": "2.0", **off})).status_code == 202
            rest = [line async for line in lines]
        assert not any('"result"' in line for line in rest)
        async with http.stream("GET", "/mcp") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == ": listening"
            await desk.deployed(FLOW)
            async for line in lines:
                if "notifications/tools/list_changed" in line:
                    break
