"""Requests drawn by chance are answered as by a store in memory; `make fhir-model` draws many."""

from __future__ import annotations

import asyncio

from tests.integration.fhir.model.walk import Walk

from careloom.store.database import Database
from careloom.types import Scope

from .conftest import ClientOf

WALKS, STEPS = 6, 120


async def test_the_store_and_the_model_agree(
    client_of: ClientOf, database: Database, scope: Scope
) -> None:
    walks = []
    for number in range(WALKS):
        tenant = f"{scope.tenant}w{number}"
        assert await database.call("tenant_create", tenant, "Test", "development")
        walks.append(Walk(await client_of(Scope(tenant, "main"), "engineer"), f"ci-{number}"))
    await asyncio.gather(*(walk.steps(STEPS) for walk in walks))
    assert [one for walk in walks for one in walk.divergences] == []
    assert sum(walk.counted["operations"] for walk in walks) > WALKS * STEPS
