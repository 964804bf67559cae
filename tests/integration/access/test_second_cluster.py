"""Dedicated stores on another PostgreSQL server than the home database: two embedded clusters."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import create_database
from tests.integration.conftest import House, opened, until

from careloom.store.placement import at_database
from careloom.store.postgres_server import EmbeddedServer

PATIENT = {"resourceType": "Patient", "name": [{"family": "Faraway"}]}


def _home() -> Path:
    """A folder that another user's PostgreSQL can reach."""
    home = Path(tempfile.mkdtemp(prefix="careloom-second-"))
    home.chmod(0o711)
    return home


@pytest.fixture
async def second() -> AsyncIterator[EmbeddedServer]:
    """An embedded server beside the one of the tests."""
    home = _home()
    server = await EmbeddedServer.attach(home)
    yield server
    await server.detach()
    shutil.rmtree(home, ignore_errors=True)


async def stored_in(dsn: str, database: str, tenant: str) -> int:
    """How many resources of a tenant lie in a database of a server."""
    connection = await asyncpg.connect(at_database(dsn, database))
    try:
        sql = "SELECT count(*) FROM careloom.resource WHERE tenant = $1"
        return int(await connection.fetchval(sql, tenant))
    finally:
        await connection.close()


async def databases(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
    finally:
        await connection.close()


async def test_a_store_lives_on_the_second_cluster(
    house_env: dict[str, str], server_dsn: str, second: EmbeddedServer, tmp_path: Path
) -> None:
    env = {
        **house_env,
        "CARELOOM_HOME": str(tmp_path),
        "DATABASE_URL": await create_database(server_dsn),
        "CARELOOM_DEDICATED_DATABASE_URL": second.dsn,
    }
    async with opened(env) as house:
        desk = await house.desk()
        given = {"name": "far", "type": "dedicated"}
        answer = await desk.post("/api/fhirserver/create", given)
        assert answer.status_code == 201, answer.text
        store = answer.json()["data"]
        base, client = f"/fhir/stores/{store['id']}", await house.client(store["apiKey"])
        made = await client.post(f"{base}/Patient", json=PATIENT)
        assert made.status_code == 201, made.text
        place = f"{base}/Patient/{made.json()['id']}"
        entry = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        assert (await client.post(base, json=bundle)).status_code == 200
        assert (await client.get(f"{base}/Patient?family=Faraway")).json()["total"] == 2
        later = await client.get(f"{base}/Patient", headers={"Prefer": "respond-async"})
        assert later.status_code == 202
        status = later.headers["content-location"].partition("/fhir/")[2]

        async def answered() -> bool:
            return (await client.get(f"/fhir/{status}")).status_code == 200

        await until(answered)
        [row] = await desk.services.db.query(
            desk.scope.tenant, "SELECT database FROM placement WHERE store = $1", store["id"]
        )
        name = row["database"]
        assert name in await databases(second.dsn)
        assert name not in await databases(server_dsn)
        assert await stored_in(second.dsn, name, desk.scope.tenant) == 2
        assert (await desk.post("/fhir/Patient", PATIENT)).status_code == 201
    async with opened(env, work=False) as again:
        await _still_there(again, store["apiKey"], place, made.json())


async def _still_there(house: House, key: str, place: str, expected: object) -> None:
    """Another process finds it there."""
    client = await house.client(key)
    read = await client.get(place)
    assert (read.status_code, read.json()) == (200, expected)


async def test_what_is_at_home_goes_on_without_the_second_cluster(
    house_env: dict[str, str], server_dsn: str, second: EmbeddedServer, tmp_path: Path
) -> None:
    env = {
        **house_env,
        "CARELOOM_HOME": str(tmp_path),
        "DATABASE_URL": await create_database(server_dsn),
        "CARELOOM_DEDICATED_DATABASE_URL": at_database(second.dsn, "postgres"),
    }
    async with opened(env, work=False) as house:
        desk = await house.desk()
        given = {"name": "far", "type": "dedicated"}
        store = (await desk.post("/api/fhirserver/create", given)).json()["data"]
    gone = {**env, "CARELOOM_DEDICATED_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/postgres"}
    async with opened(gone, work=False) as house:
        client = await house.client(store["apiKey"])
        away = await client.get(f"/fhir/stores/{store['id']}/Patient")
        assert away.status_code == 503, away.text
        desk = await house.desk()
        assert (await desk.post("/fhir/Patient", PATIENT)).status_code == 201
        assert (await desk.get("/fhir/Patient?family=Faraway")).json()["total"] == 1
