"""The graphql step against graphql-core behind a real HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import uvicorn
from graphql import GraphQLError, build_schema, graphql_sync
from tests.integration.conftest import _loopback
from tests.integration.connections.calling import connect, example

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, Peer

SCHEMA = build_schema(
    """
    type Device { ward: String! serial: String! }
    type Query { device(serial: String!): Device broken: String count: Int! }
    type Mutation { move(serial: String!, ward: String!): Device! }
    """
)
RETRY = {"attempts": 3, "initial": "5ms", "jitter": 0}
JSON = {"Content-Type": "application/json"}


class Assets:
    """Devices by serial number."""

    def __init__(self) -> None:
        self.wards = {"d-1": "A"}
        self.keys: list[str] = []

    def device(self, _info: Any, serial: str) -> dict[str, str] | None:
        return {"serial": serial, "ward": self.wards[serial]} if serial in self.wards else None

    def broken(self, _info: Any) -> str:
        raise GraphQLError("out of order", extensions={"code": "DEVICE_OFFLINE"})

    def count(self, _info: Any) -> int:
        return len(self.wards)

    def move(self, _info: Any, serial: str, ward: str) -> dict[str, str]:
        self.wards[serial] = ward
        return {"serial": serial, "ward": ward}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.keys.append(dict(scope["headers"])[b"idempotency-key"].decode())
        asked = orjson.loads(body)
        result = graphql_sync(
            SCHEMA,
            asked["query"],
            root_value=self,
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
        )
        status = 200 if result.data is not None else 400
        headers = [(b"content-type", b"application/graphql-response+json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": orjson.dumps(result.formatted)})


@pytest.fixture
async def assets(desk: Desk) -> AsyncIterator[Assets]:
    app = Assets()
    listening = _loopback()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    url = f"http://localhost:{listening.getsockname()[1]}"
    await connect(desk, "assets", "http", {"url": url})
    yield app
    server.should_exit = True
    await serving


async def _run(desk: Desk, **step: Any) -> dict[str, Any]:
    ask = {"id": "ask", "type": "graphql", "connection": "assets", "retry": RETRY, **step}
    await desk.deployed({"id": "ask", "steps": [ask]})
    return await desk.execute("ask", {})


async def test_the_example_of_the_page(desk: Desk, assets: Assets) -> None:
    await desk.deployed(example("graphql", "device-location"))
    run = await desk.execute("device-location", {"serial": "d-1"})
    assert run["output"] == {"ward": "A"}, run


async def test_a_mutation_carries_the_calls_key(desk: Desk, assets: Assets) -> None:
    document = """
        query Unused { count }
        mutation Move($ward: String!) { move(serial: "d-1", ward: $ward) { ward } }
    """
    run = await _run(desk, query=document, operationName="Move", variables={"ward": "B"})
    assert run["steps"][0]["output"]["data"] == {"move": {"ward": "B"}}, run
    assert assets.wards == {"d-1": "B"}
    assert "steps/ask" in assets.keys[0]


async def test_errors_fail_the_step_with_their_codes(desk: Desk, assets: Assets) -> None:
    run = await _run(desk, query="{ count broken }")
    error = run["error"]
    assert (error["code"], error["codes"]) == ("graphql_errors", ["DEVICE_OFFLINE"])
    assert error["errors"][0]["path"] == ["broken"]
    assert run["attempts"] == []


async def test_partial_data_where_it_is_asked_for(desk: Desk, assets: Assets) -> None:
    run = await _run(desk, query="{ count broken }", partial=True)
    output = run["steps"][0]["output"]
    assert output["data"] == {"count": 1, "broken": None}
    assert output["errors"][0]["code"] == "DEVICE_OFFLINE"


@pytest.mark.parametrize("query", ["{ nothing }", "{ device }", "{", "query A { count } query B"])
async def test_a_document_that_is_refused(desk: Desk, assets: Assets, query: str) -> None:
    run = await _run(desk, query=query, partial=True)
    assert run["error"]["code"] == "graphql_errors", run


@pytest.mark.parametrize(
    ("answer", "code", "calls"),
    [
        ((503, JSON, b"{}"), None, 2),
        ((200, JSON, b"<html>"), "bad_answer", 1),
        ((404, JSON, b"nothing"), "http_status", 1),
        ((200, JSON, b"[]"), "bad_answer", 1),
    ],
)
async def test_an_answer_that_is_no_graphql(
    desk: Desk, peer: Peer, answer: Any, code: str | None, calls: int
) -> None:
    await connect(desk, "assets", "http", {"url": peer.url})
    peer.answers = [answer, (200, JSON, b'{"data": {"count": 1}}')]
    run = await _run(desk, query="{ count }")
    assert (run["error"] or {}).get("code") == code
    assert len(peer.received) == calls
