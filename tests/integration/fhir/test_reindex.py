"""Rows of an earlier version are made anew, and until then nothing is answered wrongly."""

from __future__ import annotations

import httpx

from careloom.fhir.search.reindex import reindex
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import Create

BLOOD_PRESSURE = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
    "subject": {"reference": "Patient/p1"},
    "effectiveDateTime": "2024-05-01",
    "component": [
        {
            "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
            "valueQuantity": {"value": 150},
        }
    ],
}
COMPOSITE = "Observation?component-code-value-quantity=8480-6$gt140"
PAIR = "Observation?patient=p1&code=85354-9&date=2024"


async def found(http: httpx.AsyncClient, query: str) -> int:
    answer = await http.get(query)
    assert answer.status_code == 200, answer.text
    return len(answer.json().get("entry", ()))


async def test_a_store_of_an_earlier_version(
    http: httpx.AsyncClient, create: Create, database: Database, scope: Scope, fhir: FhirStore
) -> None:
    await create(BLOOD_PRESSURE)
    async with database.transaction(scope.tenant) as connection:
        await connection.execute("DELETE FROM idx_composite")
        await connection.execute("UPDATE resource SET keys = keys - 'c' - 'x'")
        await connection.execute(
            "INSERT INTO search_stale (tenant, store) VALUES ($1, $2)", scope.tenant, scope.store
        )
    assert await found(http, PAIR) == 1
    refused = await http.get(COMPOSITE)
    assert refused.status_code == 503
    assert "careloom reindex" in refused.text

    steps = [step async for step in reindex(fhir.context, scope)]
    assert steps == [(1, 1)]
    assert await found(http, COMPOSITE) == 1
    assert await found(http, PAIR) == 1
    assert [step async for step in reindex(fhir.context, scope)] == [(1, 0)]
