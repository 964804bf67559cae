"""The dispatch port: who works on which run, and when. The ledger stays the same behind any.

`PostgresDispatch` is the default: leases with a fence token, SKIP LOCKED, woken by notices with a
slow poll behind them.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Protocol

import asyncpg

from careloom.store.database import Database


class Dispatch(Protocol):
    """What a worker needs to get, keep and hand back runs."""

    async def tenants(self) -> list[tuple[str, bool, bool]]:
        """(tenant, has events, has due runs) for every tenant with work."""

    async def claim(self, tenant: str, limit: int) -> list[asyncpg.Record]:
        """Take due runs of the tenant with a lease."""

    async def renew(self, tenant: str, held: dict[uuid.UUID, int]) -> dict[uuid.UUID, int]:
        """Keep leases; answers the control flag of each run still held."""

    async def release(self, tenant: str, held: dict[uuid.UUID, int]) -> None:
        """Hand runs back at once."""

    async def waits(self, tenant: str, run: uuid.UUID, fence: int) -> list[asyncpg.Record]:
        """Waits of a held run that ended, and how often it was woken."""

    async def rest(self, tenant: str, held: dict[uuid.UUID, int]) -> None:
        """Let go of paused runs; they are claimed again when they are resumed."""

    async def disown(self, tenant: str, held: list[uuid.UUID]) -> int:
        """Hand back every run of this worker but these: the reply that gave them was lost."""

    async def tenants_leased(self) -> list[str]:
        """Tenants that have runs under a lease."""

    async def tenants_alive(self) -> list[str]:
        """Tenants that have any unfinished run."""

    async def sweep(self, tenant: str) -> int:
        """Free runs that wait for nothing; how many there were."""

    async def reap(self, tenant: str) -> int:
        """Expire the leases of workers that died."""


class PostgresDispatch:
    """Dispatching from the database that holds the journal."""

    def __init__(self, db: Database, worker_id: str, lease: timedelta, lane: str = "main") -> None:
        self._db = db
        self._worker = worker_id
        self._lease = lease
        self._lane = lane

    async def tenants(self) -> list[tuple[str, bool, bool]]:
        rows = await self._db.rows("tenants_with_work", self._lane)
        return [(row["tenant"], row["events"], row["runs"]) for row in rows]

    async def claim(self, tenant: str, limit: int) -> list[asyncpg.Record]:
        return await self._db.rows(
            "engine_claim", tenant, self._worker, self._lane, self._lease, limit
        )

    async def renew(self, tenant: str, held: dict[uuid.UUID, int]) -> dict[uuid.UUID, int]:
        rows = await self._db.rows(
            "engine_renew", tenant, self._worker, self._lease, list(held), list(held.values())
        )
        return {row["run_id"]: row["ctl"] for row in rows}

    async def release(self, tenant: str, held: dict[uuid.UUID, int]) -> None:
        await self._db.call("engine_release", tenant, self._worker, list(held), list(held.values()))

    async def waits(self, tenant: str, run: uuid.UUID, fence: int) -> list[asyncpg.Record]:
        return await self._db.rows("run_waits", tenant, self._worker, run, fence)

    async def rest(self, tenant: str, held: dict[uuid.UUID, int]) -> None:
        await self._db.call("runs_rest", tenant, self._worker, list(held), list(held.values()))

    async def disown(self, tenant: str, held: list[uuid.UUID]) -> int:
        return int(await self._db.call("engine_disown", tenant, self._worker, held))

    async def tenants_leased(self) -> list[str]:
        rows = await self._db.rows("tenants_leased", self._lane)
        return [row["tenant"] for row in rows]

    async def tenants_alive(self) -> list[str]:
        return [row["tenant"] for row in await self._db.rows("tenants_alive", self._lane)]

    async def sweep(self, tenant: str) -> int:
        return int(await self._db.call("engine_sweep", tenant))

    async def reap(self, tenant: str) -> int:
        return int(await self._db.call("engine_reap", tenant))
