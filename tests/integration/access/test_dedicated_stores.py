"""A dedicated store has a database of its own: its resources, workflows and runs are there."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from tests.integration.conftest import Desk, House, opened, until

from careloom.cli import reindex
from careloom.errors import CareloomError
from careloom.identity.service import SYSTEM_ACTOR
from careloom.store.placement import Placements, at_database
from careloom.types import Scope

PATIENT = {"resourceType": "Patient", "name": [{"family": "Dedicated"}]}
FLAG = {
    "id": "flag",
    "trigger": {"type": "fhir", "event": "Patient.create"},
    "steps": [
        {
            "id": "note",
            "type": "fhir",
            "action": "create",
            "data": {
                "resourceType": "Flag",
                "status": "active",
                "code": {"text": "new"},
                "subject": {"reference": "Patient/{{trigger.resource.id}}"},
            },
        }
    ],
}


async def make(desk: Desk) -> dict[str, Any]:
    given = {"name": "own", "type": "dedicated"}
    answer = await desk.post("/api/fhirserver/create", given)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def database_of(desk: Desk, store: str) -> str:
    """The address of the store's database, from its placement row."""
    [row] = await desk.services.db.query(
        desk.scope.tenant,
        "SELECT database FROM placement WHERE tenant = $1 AND store = $2",
        desk.scope.tenant,
        store,
    )
    assert row["database"].startswith("careloom_")
    return at_database(desk.services.db.dsn, row["database"])


async def count(dsn: str, table: str, scope: Scope) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        sql = f"SELECT count(*) FROM careloom.{table} WHERE tenant = $1 AND store = $2"
        return int(await connection.fetchval(sql, scope.tenant, scope.store))
    finally:
        await connection.close()


async def test_what_is_stored_lies_in_the_stores_own_database(house: House, desk: Desk) -> None:
    store = await make(desk)
    assert (store["infrastructure"], store["status"]) == ("dedicated", "running")
    base, client = f"/fhir/stores/{store['id']}", await house.client(store["apiKey"])
    made = await client.post(f"{base}/Patient", json=PATIENT)
    assert made.status_code == 201, made.text
    place = f"{base}/Patient/{made.json()['id']}"
    changed = await client.put(place, json={**made.json(), "active": True})
    assert changed.status_code == 200
    found = await client.get(f"{base}/Patient?family=Dedicated")
    assert found.json()["total"] == 1
    history = await client.get(f"{place}/_history")
    assert history.json()["total"] == 2
    entry = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    assert (await client.post(base, json=bundle)).status_code == 200
    assert (await desk.get(place)).status_code == 200
    own, scope = await database_of(desk, store["id"]), Scope(desk.scope.tenant, store["id"])
    for table in ("resource", "resource_history", "idx_string", "audit"):
        assert await count(own, table, scope) > 0, table
    assert await count(desk.services.db.dsn, "resource", scope) == 0


async def test_its_events_start_its_workflows_and_their_runs_live_there(
    house: House, desk: Desk
) -> None:
    store = await make(desk)
    scope = Scope(desk.scope.tenant, store["id"])
    there = await house.desk("engineer", scope=scope)
    await there.deployed(FLAG)
    client = await house.client(store["apiKey"])
    base = f"/fhir/stores/{store['id']}"
    made = (await client.post(f"{base}/Patient", json=PATIENT)).json()

    async def flagged() -> bool:
        found = await client.get(f"{base}/Flag?patient={made['id']}")
        return bool(found.json()["total"] == 1)

    await until(flagged)
    [run] = await there.runs_of("flag", 1)
    assert run["status"] == "succeeded"
    assert [one["id"] for one in await there.data("/api/workflows")] == ["flag"]
    assert await desk.data("/api/workflows") == []
    own = await database_of(desk, store["id"])
    assert await count(own, "run", scope) == 1
    assert await count(desk.services.db.dsn, "run", scope) == 0


async def test_another_process_finds_the_store_and_its_work(
    house_env: dict[str, str], house: House, desk: Desk
) -> None:
    store = await make(desk)
    client = await house.client(store["apiKey"])
    base = f"/fhir/stores/{store['id']}"
    made = (await client.post(f"{base}/Patient", json=PATIENT)).json()
    async with opened(house_env, work=False) as other:
        elsewhere = await other.client(store["apiKey"])
        read = await elsewhere.get(f"{base}/Patient/{made['id']}")
        assert (read.status_code, read.json()) == (200, made)


async def test_a_dedicated_store_is_emptied_and_closed(house: House, desk: Desk) -> None:
    store = await make(desk)
    client = await house.client(store["apiKey"])
    base, address = f"/fhir/stores/{store['id']}", f"/api/fhirserver/{store['id']}"
    await client.post(f"{base}/Patient", json=PATIENT)
    assert (await desk.client.delete(address)).status_code == 409
    deleted = await desk.client.delete(address, params={"confirm": store["id"]})
    assert deleted.status_code == 200, deleted.text
    own, scope = await database_of(desk, store["id"]), Scope(desk.scope.tenant, store["id"])
    assert await count(own, "resource", scope) == 0
    assert await count(own, "idx_string", scope) == 0
    assert await count(own, "audit", scope) > 0
    assert (await client.get(f"{base}/Patient")).status_code == 401


async def test_settings_of_a_dedicated_store_hold_in_its_database(house: House, desk: Desk) -> None:
    store = await make(desk)
    address = f"/api/fhirserver/{store['id']}"
    change = {"settings": {"referenceIntegrity": "enforce"}}
    assert (await desk.client.patch(address, json=change)).status_code == 200
    connection = await asyncpg.connect(await database_of(desk, store["id"]))
    sql = "SELECT settings->>'referenceIntegrity' FROM careloom.store WHERE store = $1"
    assert await connection.fetchval(sql, store["id"]) == "enforce"
    await connection.close()


async def test_a_database_that_cannot_be_made_is_said_so_and_leaves_no_store(
    house: House, desk: Desk
) -> None:
    placements = desk.services.stores.placements
    desk.services.stores.placements = Placements(
        desk.services.db, "postgresql://nobody@127.0.0.1:1/postgres"
    )
    try:
        answer = await desk.post("/api/fhirserver/create", {"name": "x", "type": "dedicated"})
    finally:
        desk.services.stores.placements = placements
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (500, "server_creation_failed")
    assert "CREATEDB" in body["error"]["details"]
    assert [one["id"] for one in await desk.data("/api/fhirserver/list")] == ["main"]


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u:p@h:5/db?sslmode=require", "postgresql://u:p@h:5/new?sslmode=require"),
        ("postgresql:///db?host=/run/x&user=u", "postgresql:///new?host=/run/x&user=u"),
        ("postgresql://h", "postgresql://h/new"),
    ],
)
def test_the_address_of_another_database_keeps_server_and_login(dsn: str, expected: str) -> None:
    assert at_database(dsn, "new") == expected


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(CareloomError):
        at_database("host=x dbname=y", "new")


async def test_the_keys_of_a_dedicated_store_stay_at_home(desk: Desk) -> None:
    store = await make(desk)
    await desk.services.identity.refusals.flush(everything=True)
    own = await asyncpg.connect(await database_of(desk, store["id"]))
    assert await own.fetchval("SELECT count(*) FROM careloom.api_key") == 0
    await own.close()
    assert SYSTEM_ACTOR["principal"] == "system"


async def test_reindex_reaches_every_store_of_a_tenant(
    house_env: dict[str, str],
    house: House,
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = await make(desk)
    client = await house.client(store["apiKey"])
    made = await client.post(f"/fhir/stores/{store['id']}/Patient", json=PATIENT)
    assert made.status_code == 201, made.text
    assert (await desk.post("/fhir/Patient", PATIENT)).status_code == 201
    own = await asyncpg.connect(await database_of(desk, store["id"]))
    await own.execute("DELETE FROM careloom.idx_string")
    await own.execute("UPDATE careloom.resource SET keys = keys - 's'")
    for name, value in house_env.items():
        monkeypatch.setenv(name, value)
    assert await reindex.reindexing(desk.scope.tenant, None) == 0
    told = capsys.readouterr().out.splitlines()
    assert "main: 1 resources looked at, 0 of them with new search rows" in told
    assert f"{store['id']}: 1 resources looked at, 1 of them with new search rows" in told
    assert await own.fetchval("SELECT count(*) FROM careloom.idx_string") > 0
    await own.close()
    assert await reindex.reindexing(desk.scope.tenant, store["id"]) == 0
    assert capsys.readouterr().out.count("0 of them with new") == 1
