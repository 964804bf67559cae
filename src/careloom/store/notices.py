"""Who has something to do: NOTIFY after commit, coalesced, on a connection of its own.

Inside a writing transaction NOTIFY takes a global lock at commit; here it never does. A notice is
a hint only: every reader also polls, so a lost notice costs time, never work.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable

import asyncpg

from careloom.store.database import run_time_settings

_CHANNEL = "careloom"
_COALESCE_S = 0.005
_PING_S = 10.0
_LOST = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)


class Notices:
    """Publishes and receives notices of the form (topic, tenant)."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._self = uuid.uuid4().hex[:12]
        self._subscribers: dict[str, list[Callable[[str], None]]] = {}
        self._pending: set[tuple[str, str]] = set()
        self._names: list[str] = []
        self._connection: asyncpg.Connection | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect and listen; later losses of the connection heal by themselves."""
        await self._connect()
        self._task = asyncio.create_task(self._run(), name="careloom-notices")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            with contextlib.suppress(*_LOST):
                await self._flush(self._connection)
                await self._connection.close()

    def subscribe(self, topic: str, callback: Callable[[str], None]) -> None:
        """Call back with the tenant for each notice of the topic."""
        self._subscribers.setdefault(topic, []).append(callback)

    def unsubscribe(self, topic: str, callback: Callable[[str], None]) -> None:
        """Call back no more; unknown callbacks are left alone."""
        known = self._subscribers.get(topic, [])
        if callback in known:
            known.remove(callback)

    def publish(self, topic: str, tenant: str) -> None:
        """Tell this process at once and the others within milliseconds."""
        self._deliver(topic, tenant)
        self._pending.add((topic, tenant))
        self._wake.set()

    async def hold(self, name: str) -> None:
        """Hold an advisory lock that vanishes with this process, to show that it lives."""
        self._names.append(name)
        if self._connection is not None:
            await self._lock(self._connection, name)

    def _deliver(self, topic: str, tenant: str) -> None:
        for callback in self._subscribers.get(topic, ()):
            callback(tenant)

    async def _connect(self) -> None:
        connection = await asyncpg.connect(
            self._dsn, server_settings={**run_time_settings(), "synchronous_commit": "off"}
        )
        await connection.add_listener(_CHANNEL, self._received)
        for name in self._names:
            await self._lock(connection, name)
        self._connection = connection

    @staticmethod
    async def _lock(connection: asyncpg.Connection, name: str) -> None:
        await connection.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", name)

    def _received(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        sender, _, rest = str(payload).partition("|")
        if sender == self._self:
            return
        topic, _, tenant = rest.partition("|")
        self._deliver(topic, tenant)

    async def _flush(self, connection: asyncpg.Connection) -> None:
        pending, self._pending = self._pending, set()
        if pending:
            payloads = [f"{self._self}|{topic}|{tenant}" for topic, tenant in sorted(pending)]
            await connection.execute(
                "SELECT pg_notify($1, p) FROM unnest($2::text[]) p", _CHANNEL, payloads
            )

    async def _run(self) -> None:
        while True:
            try:
                if self._connection is None:
                    await self._connect()
                await self._serve()
            except _LOST:
                self._connection = None
                await asyncio.sleep(0.5)

    async def _serve(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            async with asyncio.timeout(_PING_S):
                await self._wake.wait()
        except TimeoutError:
            await connection.fetchval("SELECT 1", timeout=5)
            return
        await asyncio.sleep(_COALESCE_S)
        self._wake.clear()
        await self._flush(connection)
