"""A database that is closed while somebody still calls it."""

from __future__ import annotations

import asyncio

import asyncpg

from careloom.store.database import Database

SLOW = "SELECT pg_sleep(0.5)::text"
RUNNING = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event = 'PgSleep'"
)


async def test_a_call_that_ends_while_the_database_closes_does_not_hold_it_open(
    dsn: str, tenant: str
) -> None:
    db = await Database.open(dsn)
    call = asyncio.create_task(db.rows("fhir_find", tenant, "main", SLOW, []))
    watching = await asyncpg.connect(dsn)
    while not call.done() and not await watching.fetchval(RUNNING):  # noqa: ASYNC110 (no signal)
        await asyncio.sleep(0.01)
    await watching.close()
    await asyncio.wait_for(db.close(), 20)
    assert len(await call) == 1
