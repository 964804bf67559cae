"""A proxy before PostgreSQL that cuts a connection at a chosen reply, or refuses all of them."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import parse_qs, unquote, urlsplit

BIND = b"B"
"""The message type that begins the call of a prepared statement."""
KEY_DATA = b"K\x00\x00\x00\x0c"
"""BackendKeyData, whose next four bytes are the process id of the backend.
https://www.postgresql.org/docs/current/protocol-message-formats.html"""


def _target(dsn: str) -> tuple[str, int]:
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    host = unquote(query["host"][0]) if "host" in query else parts.hostname or "localhost"
    return host, parts.port or int(query.get("port", ["5432"])[0])


def _through(dsn: str, port: int) -> str:
    """The same database and user, by way of the proxy."""
    parts = urlsplit(dsn)
    query = parse_qs(parts.query)
    user = parts.username or query.get("user", ["postgres"])[0]
    return f"postgresql://{user}@127.0.0.1:{port}{parts.path}"


class CuttingProxy:
    """Forwards bytes; the reply of an armed call never arrives, though the call was carried out."""

    def __init__(self, dsn: str) -> None:
        self._host, self._port = _target(dsn)
        self._given = dsn
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._armed = False
        self._open = True
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.cuts = 0
        self.backends: set[int] = set()
        """Process ids of the backends behind the connections, past and present."""
        self.dsn = ""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.dsn = _through(self._given, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut_all()

    def arm(self) -> None:
        """Cut the connection of the next call when its reply begins to come back."""
        self._armed = True

    def refuse(self) -> None:
        """Be a database that is down."""
        self._open = False
        self.cut_all()

    def accept(self) -> None:
        self._open = True

    def freeze(self) -> None:
        """Be a network that lets nothing through and ends no connection."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Deliver what was held back, and all that follows."""
        self._flowing.set()

    def cut_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        try:
            if self._host.startswith("/"):
                path = f"{self._host}/.s.PGSQL.{self._port}"
                server_reader, server_writer = await asyncio.open_unix_connection(path)
            else:
                server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        except OSError:
            writer.transport.abort()
            return
        ours = {writer, server_writer}
        self._writers |= ours
        doomed = asyncio.Event()
        await asyncio.gather(
            self._requests(reader, server_writer, doomed),
            self._replies(server_reader, writer, server_writer, doomed),
        )
        self._writers -= ours

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, doomed: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                if self._armed and piece.startswith(BIND):
                    self._armed = False
                    doomed.set()
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def _replies(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_writer: asyncio.StreamWriter,
        doomed: asyncio.Event,
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                place = piece.find(KEY_DATA)
                if place >= 0:
                    self.backends.add(int.from_bytes(piece[place + 5 : place + 9], "big"))
                if doomed.is_set():
                    self.cuts += 1
                    writer.transport.abort()
                    server_writer.transport.abort()
                    return
                await self._flowing.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()
