"""Stretches: rows of the audit trail that were written together, and are queued and chained so.

The ids of a stretch follow one another; its hashes stand one behind the other (sql/audit.sql). What
was written before there were stretches is stretches of one.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg

DIGEST = 32
_ROWS = 1000
"""Audit rows that are read at a time."""
_ROW_COLUMNS = (
    "tenant, audit_id, store, at, action, entity, run_id, request_id, content, content_hash"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a stretch, as the queue or the chain has it."""

    number: int
    """Its position in the chain, or its number in the queue."""
    audit_id: uuid.UUID
    sealed_hash: bytes
    chain_hash: bytes
    """Empty in the queue."""
    row: asyncpg.Record | None
    """The audit row itself; None when it is gone."""


def digests(joined: bytes) -> list[bytes]:
    """Hashes that stand one behind the other; at least one, and the last may be cut off."""
    return [joined[at : at + DIGEST] for at in range(0, len(joined), DIGEST)] or [b""]


async def places(
    connection: asyncpg.Connection, tenant: str, stretches: AsyncIterator[asyncpg.Record]
) -> AsyncIterator[Place]:
    """The rows of stretches, in order. Each stretch: number (its last position, or its first
    number), is_last (which of the two), audit_id (its first), hashes and chain (or null)."""
    waiting: list[tuple[int, uuid.UUID, bytes, bytes]] = []
    async for stretch in stretches:
        waiting.extend(_parts(stretch))
        if len(waiting) >= _ROWS:
            for place in await _with_rows(connection, tenant, waiting):
                yield place
            waiting = []
    for place in await _with_rows(connection, tenant, waiting):
        yield place


def _parts(stretch: asyncpg.Record) -> Iterator[tuple[int, uuid.UUID, bytes, bytes]]:
    hashes, chain = digests(stretch["hashes"]), digests(stretch["chain"] or b"")
    first = stretch["number"] - (len(hashes) - 1 if stretch["is_last"] else 0)
    for offset, sealed in enumerate(hashes):
        link = chain[offset] if offset < len(chain) else b""
        if offset == len(hashes) - 1:
            # Bytes behind the last chain hash belong to no row: they break the chain here.
            link += b"".join(chain[len(hashes) :])
        yield first + offset, behind(stretch["audit_id"], offset), sealed, link


def behind(first: uuid.UUID, offset: int) -> uuid.UUID:
    """The id that stands so far behind the first of its stretch."""
    return uuid.UUID(int=(first.int + offset) % (1 << 128))


async def _with_rows(
    connection: asyncpg.Connection, tenant: str, parts: list[tuple[int, uuid.UUID, bytes, bytes]]
) -> list[Place]:
    found = await connection.fetch(
        f"SELECT {_ROW_COLUMNS} FROM careloom.audit"  # noqa: S608 (the columns are a constant)
        " WHERE tenant = $1 AND audit_id = ANY ($2)",
        tenant,
        [part[1] for part in parts],
    )
    rows = {row["audit_id"]: row for row in found}
    # asyncpg's UUID is a subclass that equals and hashes as uuid.UUID does.
    return [Place(*part, rows.get(part[1])) for part in parts]
