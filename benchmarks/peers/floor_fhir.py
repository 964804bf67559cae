"""The floor beside the FHIR store: one uvicorn process, asyncpg, orjson, and nothing else.

GET /{type}/{id} reads a row; POST /{type} parses, stamps and stores one row and one history row in
a transaction. No validation, no index, no audit, no tenant, no encryption, no credential.

python benchmarks/peers/floor_fhir.py PORT          (DATABASE_URL names an empty database)
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import uvicorn

TABLES = """
CREATE TABLE IF NOT EXISTS floor_resource (
  rtype text, rid text, version int, body jsonb, PRIMARY KEY (rtype, rid));
CREATE TABLE IF NOT EXISTS floor_history (
  rtype text, rid text, version int, body jsonb, PRIMARY KEY (rtype, rid, version));
"""
INSERT = "INSERT INTO {} (rtype, rid, version, body) VALUES ($1, $2, 1, $3::text::jsonb)"
JSON = [(b"content-type", b"application/fhir+json")]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Floor:
    """An ASGI application over one pool."""

    def __init__(self) -> None:
        self.pool: asyncpg.Pool | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["method"] == "GET":
            await self._read(scope["path"], send)
        else:
            await self._create(receive, send)

    async def _lifespan(self, receive: Any, send: Send) -> None:
        await receive()
        self.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=16)
        await self.pool.execute(TABLES)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _read(self, path: str, send: Send) -> None:
        _, kind, name = path.split("/")
        body = await self.pool.fetchval(
            "SELECT body::text FROM floor_resource WHERE rtype = $1 AND rid = $2", kind, name
        )
        await _answer(send, 404 if body is None else 200, (body or "{}").encode())

    async def _create(self, receive: Any, send: Send) -> None:
        chunks, more = [], True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            more = message.get("more_body", False)
        resource = orjson.loads(b"".join(chunks))
        resource["id"] = str(uuid.uuid4())
        now = datetime.now(UTC).isoformat()
        resource["meta"] = {**resource.get("meta", {}), "versionId": "1", "lastUpdated": now}
        body = orjson.dumps(resource)
        row = (resource["resourceType"], resource["id"], body.decode())
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(INSERT.format("floor_resource"), *row)
            await connection.execute(INSERT.format("floor_history"), *row)
        await _answer(send, 201, body)


async def _answer(send: Send, status: int, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*JSON, length]})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(Floor(), port=int(sys.argv[1]), log_level="warning", access_log=False)
