"""A database that is closed while somebody still calls it."""

from __future__ import annotations

import asyncio

from careloom.store.database import Database


async def test_a_call_that_ends_while_the_database_closes_does_not_hold_it_open(
    dsn: str, tenant: str
) -> None:
    db = await Database.open(dsn)
    await asyncio.gather(*(db.query(tenant, "SELECT 1") for _ in range(3)))
    calls = [
        asyncio.create_task(db.rows("fhir_read", tenant, "main", "Patient", str(number)))
        for number in range(4)
    ]
    await asyncio.sleep(0)
    await asyncio.wait_for(db.close(), 30)
    await asyncio.gather(*calls, return_exceptions=True)
