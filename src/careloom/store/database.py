"""A pool of connections to one PostgreSQL, as the run-time role.

One operation is one function call: it sets the tenant, does its work under row-level security
and commits. So the second fence costs no round trip and no caller can forget it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson

from careloom.errors import CareloomError, InvalidInput, Unavailable
from careloom.store.packed import PLACES
from careloom.store.verdicts import verdict_error

RUNTIME_ROLE = "careloom_app"
_AT_HAND = 3
"""Connections that are kept out of the pool between calls: getting one costs nothing."""
_IDLE_S = 240.0
"""A connection that was idle for longer may have been cut on its way, and is not used again."""
_RETRY_STATES = {"40001", "40P01", "55P03", "57014"}
_UNKEPT_STATES = {"22021", "22P05"}
"""Characters that text or JSON of PostgreSQL cannot hold."""
_LOST_STATES = ("08", "57P01", "57P02", "57P03", "25006")
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    asyncio.TimeoutError,
)


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + orjson.dumps(value)


def _decode_jsonb(value: bytes) -> Any:
    return orjson.loads(value[1:])


async def prepare_connection(connection: asyncpg.Connection) -> None:
    """Let jsonb travel as Python values, encoded once by orjson."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_encode_jsonb,
        decoder=_decode_jsonb,
        format="binary",
    )


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Every setting we make ends with its transaction, so a release costs no round trip."""


def run_time_settings() -> dict[str, str]:
    """Session settings of every run-time connection: no role that owns a table, no JIT."""
    return {
        "role": RUNTIME_ROLE,
        "search_path": "careloom",
        "jit": "off",
        "application_name": "careloom",
        "timezone": "UTC",
    }


class DatabaseUnavailable(Unavailable):
    """PostgreSQL did not answer, or cut the connection: the fault of no caller."""


class Database:
    """One PostgreSQL database holding the whole schema."""

    def __init__(self, pool: asyncpg.Pool, dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn
        self._statements: dict[tuple[str, int, bool], str] = {}
        self._publish: Callable[[str, str], None] | None = None
        self._at_hand: list[tuple[asyncpg.Connection, float]] = []
        """Idle connections, and since when."""
        self._waiting = 0
        """Who waits for a connection of the pool."""
        self._is_closing = False

    @classmethod
    async def open(cls, dsn: str, *, min_size: int = 1, max_size: int = 6) -> Database:
        """Open the pool; raises `Unavailable` when the server does not answer."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=min_size,
                max_size=max_size,
                init=prepare_connection,
                reset=_nothing_to_reset,
                server_settings=run_time_settings(),
                command_timeout=60,
            )
        except (*_LOST, asyncpg.PostgresError) as error:
            raise DatabaseUnavailable(
                "PostgreSQL does not answer",
                fix="check DATABASE_URL, or unset it to use the embedded server",
            ) from error
        return cls(pool, dsn)

    async def close(self) -> None:
        """Wait for the calls that are under way, and close the pool."""
        self._is_closing = True
        await self.let_go()
        await self._pool.close()

    async def let_go(self) -> None:
        """Give back what is kept at hand, for a pool that others use, too."""
        while self._at_hand:
            await self._pool.release(self._at_hand.pop()[0])

    def publish_with(self, publish: Callable[[str, str], None]) -> None:
        """Where `notify` goes: `Notices.publish`, wired by bootstrap."""
        self._publish = publish

    def notify(self, tenant: str, topic: str) -> None:
        """Say, after a commit, that the tenant has something to do under this topic."""
        if self._publish is not None:
            self._publish(topic, tenant)

    async def call(self, function: str, tenant: str, *args: Any) -> Any:
        """Call one SQL function of schema careloom inside the tenant; returns its single value.

        Repeats what PostgreSQL rolled back (serialisation, deadlock, lock time-out) three times.
        Raises the error kind of a verdict (see verdicts.py), or `Unavailable` when the
        connection was lost, in which case it is unknown whether the call took effect.
        """
        return await self._repeat(self._sql(function, len(args) + 1, False), tenant, *args)

    async def rows(self, function: str, tenant: str, *args: Any) -> list[asyncpg.Record]:
        """Call one set-returning SQL function inside the tenant."""
        sql = self._sql(function, len(args) + 1, True)
        return list(await self._repeat(sql, tenant, *args))

    async def query(self, tenant: str, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement made by code (never by a user) inside the tenant."""
        async with self.transaction(tenant) as connection:
            return list(await connection.fetch(sql, *args))

    async def select(
        self, tenant: str, sql: str, *args: Any, timeout: float
    ) -> list[asyncpg.Record]:
        """Run one reading statement made by code, kept prepared. It enters the tenant ($1) itself,
        by set_config in a row that all else depends on. Raises TimeoutError after `timeout` s.
        """
        for attempt in range(4):
            try:
                async with self._acquired() as connection:
                    return list(await connection.fetch(sql, tenant, *args, timeout=timeout))
            except TimeoutError:
                raise
            except asyncpg.PostgresError as error:
                if error.sqlstate not in _RETRY_STATES or attempt == 3:
                    raise translate(error) from error
                await asyncio.sleep(random.uniform(0.005, 0.02) * (attempt + 1))  # noqa: S311
            except _LOST as error:
                raise translate(error) from error
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def transaction(self, tenant: str) -> AsyncIterator[asyncpg.Connection]:
        """A transaction inside the tenant, for reads that need several statements."""
        try:
            async with self._acquired() as connection, connection.transaction():
                await connection.execute("SELECT set_config('app.tenant', $1, true)", tenant)
                yield connection
        except (*_LOST, asyncpg.PostgresError) as error:
            raise translate(error) from error

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A bare run-time connection; without a tenant row-level security shows nothing."""
        try:
            async with self._acquired() as connection:
                yield connection
        except _LOST as error:
            raise translate(error) from error

    @asynccontextmanager
    async def _acquired(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await self._take()
        try:
            yield connection
        except BaseException:
            await self._pool.release(connection)
            raise
        else:
            await self._give_back(connection)

    async def _take(self) -> asyncpg.Connection:
        """A connection. Whatever PostgreSQL says while we get one, it is not the caller's fault and
        nothing was begun: a refused login, a database that is closed, no room."""
        while self._at_hand:
            connection, since = self._at_hand.pop()
            if _is_open(connection):
                if time.monotonic() - since < _IDLE_S:
                    return connection
                connection.terminate()
            await self._pool.release(connection)
        self._waiting += 1
        try:
            return await self._pool.acquire()
        except (*_LOST, asyncpg.PostgresError) as error:
            raise DatabaseUnavailable(
                "PostgreSQL gives no connection", fix="nothing was begun; repeat the request"
            ) from error
        finally:
            self._waiting -= 1

    async def _give_back(self, connection: asyncpg.Connection) -> None:
        """Keep a sound connection at hand, unless somebody waits for one of the pool."""
        is_wanted = not self._is_closing and not self._waiting and len(self._at_hand) < _AT_HAND
        if not is_wanted or not _is_open(connection):
            await self._pool.release(connection)
        else:
            self._at_hand.append((connection, time.monotonic()))

    def _sql(self, function: str, count: int, is_set: bool) -> str:
        key = (function, count, is_set)
        sql = self._statements.get(key)
        if sql is None:
            given = PLACES.get(function) or ("${}",) * count
            places = ",".join(place.format(n) for n, place in enumerate(given, 1))
            sql = f"SELECT {'* FROM ' if is_set else ''}careloom.{function}({places})"  # noqa: S608
            self._statements[key] = sql
        return sql

    async def _repeat(self, sql: str, *args: Any) -> Any:
        single = not sql.startswith("SELECT * FROM")
        for attempt in range(4):
            connection = await self._take()
            try:
                if single:
                    found = await connection.fetchval(sql, *args)
                else:
                    found = await connection.fetch(sql, *args)
            except BaseException as error:
                await self._pool.release(connection)
                if isinstance(error, _LOST):
                    raise translate(error) from error
                if not isinstance(error, asyncpg.PostgresError):
                    raise
                if error.sqlstate not in _RETRY_STATES or attempt == 3:
                    raise translate(error) from error
                await asyncio.sleep(random.uniform(0.005, 0.02) * (attempt + 1))  # noqa: S311
            else:
                await self._give_back(connection)
                return found
        raise AssertionError("unreachable")


def _is_open(connection: asyncpg.Connection) -> bool:
    """No for one that was cut, which the pool takes away from us."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


def translate(error: BaseException) -> CareloomError:
    """Turn a PostgreSQL error into one of our kinds; what is unknown stays unknown, never OK."""
    state = getattr(error, "sqlstate", None) or ""
    if state.startswith("CL"):
        return verdict_error(state, getattr(error, "detail", None))
    if isinstance(error, _LOST) or state.startswith(_LOST_STATES) or state.startswith("53"):
        return DatabaseUnavailable(
            "The database did not confirm the operation",
            fix="repeat the request; use If-None-Exist or an Idempotency-Key for creates",
        )
    if state in _RETRY_STATES:
        return DatabaseUnavailable("The database was too busy to finish the operation")
    if state in _UNKEPT_STATES:
        return InvalidInput(
            "A text has a character in it that the database cannot keep: U+0000",
            fix="send the text without it",
        )
    return CareloomError(
        f"The database refused the operation (SQLSTATE {state or 'none'})",
        details={"sqlstate": state},
    )
