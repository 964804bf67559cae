"""Tries a connection: does the peer answer, and does it take the credentials?

http: GET of `healthPath` or of the address itself; fhir: GET metadata; sql: the server's version;
slack, email and webhook: the host is reached, and nothing is sent.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import orjson

from careloom.connections.call import CallFailed
from careloom.connections.database_peer import DatabasePeer
from careloom.connections.gateway import Refused
from careloom.connections.http_peer import HttpPeer
from careloom.connections.registry import Connection, Connections
from careloom.types import JsonObject, Scope

_REACH_S = 5.0


async def trial(connections: Connections, scope: Scope, name: str) -> JsonObject:
    """{id, ok, milliseconds, message, code, details}; raises NotFound for an unknown name."""
    peer = await connections.any(scope, name)
    begun = time.monotonic()
    code: str | None = None
    details: JsonObject = {}
    try:
        message, details = await _look(connections, peer)
        ok = True
    except (CallFailed, Refused) as error:
        ok, message, code = False, error.message, error.code
    spent = round((time.monotonic() - begun) * 1000, 1)
    return {
        "id": name,
        "ok": ok,
        "milliseconds": spent,
        "message": message,
        "code": code,
        "details": details,
    }


async def _look(
    connections: Connections, peer: Connection | HttpPeer | DatabasePeer
) -> tuple[str, JsonObject]:
    if isinstance(peer, DatabasePeer):
        return "The database answers", {"version": await peer.version()}
    if isinstance(peer, Connection):
        await _reach(connections, peer)
        return "The host is reached; nothing was sent", {}
    if peer.kind == "fhir":
        return await _fhir(peer)
    answer = await peer.call("GET", peer.health_path)
    _require(answer.status)
    return f"The peer answers {answer.status}", {"status": answer.status}


async def _fhir(peer: HttpPeer) -> tuple[str, JsonObject]:
    headers = {"Accept": "application/fhir+json"}
    answer = await peer.call("GET", "metadata", headers=headers)
    _require(answer.status)
    try:
        said: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or said.get("resourceType") != "CapabilityStatement":
        raise CallFailed("There is no CapabilityStatement", code="not_fhir", retryable=False)
    version = str(said.get("fhirVersion"))
    if not version.startswith("4."):
        raise CallFailed("The server does not speak FHIR R4", code="not_fhir", retryable=False)
    return "The server speaks FHIR", {"fhirVersion": version}


def _require(status: int) -> None:
    if status >= 400 and status not in (404, 405):
        refused = status in (401, 403)
        raise CallFailed(
            f"The peer answered {status}"
            + (": it does not take the credentials" if refused else ""),
            code="credentials_refused" if refused else "http_status",
            retryable=False,
            status=status,
        )


async def _reach(connections: Connections, connection: Connection) -> None:
    """Open a connection and close it."""
    try:
        async with asyncio.timeout(_REACH_S):
            address, port = await connections.resolve(connection)
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError, httpx.ConnectError) as error:
        raise CallFailed(
            f"The host is not reached ({type(error).__name__})",
            code="peer_unreachable",
            retryable=True,
            sent="no",
        ) from error
    writer.close()
