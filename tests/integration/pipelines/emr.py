"""A PostgreSQL database of somebody else, reached over TCP as a connection would reach it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from tests.conftest import create_database

from careloom.types import JsonObject


@dataclass
class Emr:
    """The database, and the connection's settings by which it is reached."""

    database: Any
    settings: JsonObject

    async def run(self, sql: str, *args: Any) -> None:
        await self.database.execute(sql, *args)

    async def connect(self, desk: Any, name: str = "emr-database") -> None:
        """Keep it as a connection of the desk's tenant."""
        body = {"kind": "sql", "settings": self.settings}
        answer = await desk.put(f"/api/connections/{name}", json=body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def open_emr(server_dsn: str) -> AsyncIterator[Emr]:
    """A new database on the server; the relay is there because the server may have no TCP port."""
    dsn = await create_database(server_dsn)
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    folder, port = query.get("host", [None])[0], parts.port or 5432
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if folder is not None:
            inner = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
        else:
            inner = await asyncio.open_connection(parts.hostname, port)
        for source, sink in ((reader, inner[1]), (inner[0], writer)):
            task = asyncio.create_task(_pass_on(source, sink))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    family, kind, _, _, address = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind)
    listening.bind(address)
    server = await asyncio.start_server(relay, sock=listening)
    database = await asyncpg.connect(dsn)
    settings = {
        "host": "localhost",
        "port": listening.getsockname()[1],
        "database": parts.path.lstrip("/"),
        "user": parts.username or query.get("user", ["postgres"])[0],
        "tls": "off",
    }
    try:
        yield Emr(database, settings)
    finally:
        await database.close()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
