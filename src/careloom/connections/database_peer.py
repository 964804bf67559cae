"""A PostgreSQL database elsewhere: one statement a call, bound parameters, bounded answers.

The host is looked up once, checked as every outgoing call is, and that address is connected to;
the name is what its certificate must carry. Reading happens in a read-only transaction.
"""

from __future__ import annotations

import asyncio
import base64
import math
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
import httpx
import orjson

from careloom.connections.call import CallFailed
from careloom.connections.gateway import Gateway
from careloom.connections.guard import Guard
from careloom.connections.statement import Statement
from careloom.types import Json, JsonObject

Tls = Literal["verify-full", "require", "off"]
_CONNECT_S = 10.0
_AS_TEXT = ("date", "time", "timetz", "interval", "uuid", "inet", "cidr", "macaddr", "money")
_WORDS = frozenset({"text", "varchar", "bpchar", "name", "citext"})
_EXACT = 2**53
_FAULTS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, ValueError)
_TABLE = re.compile(r"[A-Za-z_][\w$]{0,62}(\.[A-Za-z_][\w$]{0,62})?\Z")
_PASSING = ("40", "08", "53", "57P", "55P03", "25006")
"""SQLSTATEs that pass: rolled back, connection, resources, shutdown, lock, read-only standby.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a statement gave."""

    rows: list[JsonObject]
    count: int
    truncated: bool = False
    repeated: bool = False
    """The dedupe table knew the key: nothing was written this time."""


@dataclass(slots=True)
class DatabasePeer:
    """Runs statements in one database; each call has a connection of its own."""

    gateway: Gateway
    name: str
    guard: Guard
    host: str
    port: int
    database: str
    user: str
    password: str | None
    tls: Tls = "verify-full"
    ca: str | None = None
    timeout_s: float = 30.0
    phi: bool = False

    async def query(self, statement: Statement, values: JsonObject, *, most_rows: int) -> Rows:
        """Rows of a reading statement, at most `most_rows`; raises CallFailed."""
        async with self._session(sent="refused") as connection:
            async with connection.transaction(readonly=True):
                prepared = await connection.prepare(statement.sql)
                bound = _bound(prepared, statement, values)
                cursor = await prepared.cursor(*bound)
                found = await cursor.fetch(most_rows + 1)
            rows = [_row(record) for record in found[:most_rows]]
            return Rows(rows, len(rows), truncated=len(found) > most_rows)

    async def execute(
        self,
        statement: Statement,
        values: JsonObject,
        *,
        most_rows: int,
        key: str,
        dedupe: str | None = None,
    ) -> Rows:
        """Write in one transaction. With `dedupe` the key is kept in that table in the same
        transaction, so that a repeat writes nothing and gives the first result; raises CallFailed.
        """
        async with self._session(sent="unknown") as connection, connection.transaction():
            if dedupe is not None:
                known = await _claim(connection, dedupe, key)
                if known is not None:
                    return Rows(known["rows"], known["count"], known["truncated"], repeated=True)
            prepared = await connection.prepare(statement.sql)
            found = await prepared.fetch(*_bound(prepared, statement, values))
            status = prepared.get_statusmsg()
            count = int(status.rsplit(" ", 1)[-1]) if status[-1:].isdigit() else len(found)
            kept = [_row(record) for record in found[:most_rows]]
            result = Rows(kept, count, truncated=len(found) > most_rows)
            if dedupe is not None:
                await _keep(connection, dedupe, key, result)
            return result

    async def version(self) -> str:
        """The server's version; raises CallFailed."""
        async with self._session(sent="refused") as connection:
            return str(await connection.fetchval("SHOW server_version"))

    @asynccontextmanager
    async def _session(self, *, sent: Literal["refused", "unknown"]) -> AsyncIterator[Any]:
        async with self.guard.passage():
            connection = await self._connect()
            try:
                async with asyncio.timeout(self.timeout_s):
                    yield connection
                    await connection.close(timeout=self.timeout_s)
            except _FAULTS as error:
                raise self._failure(error, sent) from None
            finally:
                connection.terminate()

    async def _connect(self) -> Any:
        try:
            address = await self.gateway.resolve(self.host, self.port)
            connection = await asyncpg.connect(
                host=address,
                port=self.port,
                database=self.database,
                user=self.user,
                password=self.password,
                ssl=self._context(),
                timeout=min(_CONNECT_S, self.timeout_s),
                command_timeout=self.timeout_s,
                statement_cache_size=0,
                server_settings={
                    "application_name": "careloom",
                    "timezone": "UTC",
                    "datestyle": "ISO",
                    "intervalstyle": "iso_8601",
                    "statement_timeout": str(int(self.timeout_s * 1000)),
                },
            )
        except _FAULTS as error:
            raise self._failure(error, "no") from None
        except httpx.ConnectError:
            raise CallFailed(
                f"{self.name}: the host does not resolve",
                code="peer_unreachable",
                retryable=True,
                sent="no",
            ) from None
        await _read_as_json(connection)
        return connection

    def _context(self) -> ssl.SSLContext | bool:
        if self.tls == "off":
            return False
        context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
        context.name = self.host
        if self.tls == "require":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca is not None:
            context.load_verify_locations(cadata=self.ca)
        else:
            context.load_default_certs()
        return context

    def _failure(self, error: Exception, sent: Literal["no", "refused", "unknown"]) -> CallFailed:
        """Only the SQLSTATE is said: a database's messages quote values."""
        if isinstance(error, asyncpg.PostgresError):
            state = error.sqlstate or "XX000"
            lost = state.startswith(("08", "57P"))
            # A write in a query's own read-only transaction will be one next time too.
            passing = state.startswith(_PASSING) and not (state == "25006" and sent == "refused")
            late = state == "57014"
            return CallFailed(
                f"{self.name} answered SQLSTATE {state} ({type(error).__name__})",
                code="timed_out" if late else "sql_error",
                retryable=passing or late,
                sent=sent if lost or sent == "no" else "refused",
            )
        late = isinstance(error, TimeoutError)
        if isinstance(error, ValueError) and sent != "no":
            return CallFailed(
                f"{self.name}: a parameter does not fit its place in the statement",
                code="sql_parameter",
                retryable=False,
                sent="refused",
            )
        return CallFailed(
            f"{self.name} did not answer"
            + (f" within {self.timeout_s:g} s" if late else f" ({type(error).__name__})"),
            code="timed_out" if late else "peer_unreachable",
            retryable=True,
            sent=sent,
        )


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against the host's name, while the address is what is connected to."""

    name: str = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        return super().wrap_bio(incoming, outgoing, server_side, self.name, session)


def is_table(name: str) -> bool:
    """Whether this may stand as a table's name, with or without its schema."""
    return _TABLE.match(name) is not None


def _quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))


async def _claim(connection: Any, table: str, key: str) -> JsonObject | None:
    """Take the key; the kept result when it was taken before. A racing taker is waited for."""
    # The table's name was checked by `is_table` and is quoted; values are bound.
    insert = f"INSERT INTO {_quoted(table)} (key) VALUES ($1) ON CONFLICT (key) DO NOTHING"  # noqa: S608
    if (await connection.execute(insert, key)).endswith(" 1"):
        return None
    kept = await connection.fetchval(
        f"SELECT result FROM {_quoted(table)} WHERE key = $1",  # noqa: S608
        key,
    )
    known: JsonObject = kept if isinstance(kept, dict) else {}
    return {"rows": [], "count": 0, "truncated": False} | known


async def _keep(connection: Any, table: str, key: str, result: Rows) -> None:
    kept = {"rows": result.rows, "count": result.count, "truncated": result.truncated}
    await connection.execute(
        f"UPDATE {_quoted(table)} SET result = $2 WHERE key = $1",  # noqa: S608
        key,
        kept,
    )


async def _read_as_json(connection: Any) -> None:
    """Let every usual type travel as the JSON value that a workflow has for it."""
    for name in _AS_TEXT:
        await _codec(connection, name, str, str)
    for name in ("timestamp", "timestamptz"):
        await _codec(connection, name, str, _instant)
    for name in ("json", "jsonb"):
        await _codec(connection, name, lambda value: orjson.dumps(value).decode(), orjson.loads)
    await _codec(connection, "numeric", str, _decimal)
    await _codec(connection, "bytea", _to_bytea, _from_bytea)


async def _codec(connection: Any, name: str, encoder: Any, decoder: Any) -> None:
    await connection.set_type_codec(
        name, schema="pg_catalog", encoder=encoder, decoder=decoder, format="text"
    )


def _instant(text: str) -> str:
    """`2026-03-01 12:00:00+00` as ISO 8601 has it."""
    moment = text.replace(" ", "T", 1)
    return moment.removesuffix("+00") + "Z" if moment.endswith("+00") else moment


def _decimal(text: str) -> Json:
    """A number where JSON's number says the same; else the text, so that no digit is lost."""
    if text.lstrip("-").isdigit():
        return int(text) if abs(int(text)) <= _EXACT else text
    number = float(text)
    return number if math.isfinite(number) and repr(number) == text else text


def _to_bytea(value: Any) -> str:
    return "\\x" + base64.b64decode(str(value), validate=True).hex()


def _from_bytea(text: str) -> str:
    return base64.b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


def _bound(prepared: Any, statement: Statement, values: JsonObject) -> list[Any]:
    """The values in the statement's order, in the form that the server expects there."""
    kinds = prepared.get_parameters()
    return [
        _fitted(values[name], kind.name) for name, kind in zip(statement.names, kinds, strict=True)
    ]


def _fitted(value: Any, kind: str) -> Any:
    if value is None or kind in ("json", "jsonb"):
        return value
    if kind in _WORDS and isinstance(value, int | float) and not isinstance(value, bool):
        return orjson.dumps(value).decode()
    if kind in ("int2", "int4", "int8") and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind in ("float4", "float8") and isinstance(value, str):
        return float(value)
    return value


def _row(record: Any) -> JsonObject:
    return {name: _json(value) for name, value in record.items()}


def _json(value: Any) -> Json:
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool | dict):
        return None if isinstance(value, float) and not math.isfinite(value) else value
    return str(value)
