"""The second fence: with the application's filter taken out of every function of the database,
forced row-level security shows a tenant nothing of another. Without both, the same calls leak."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.conftest import create_database

from careloom.fhir.search.query import QueryReader
from careloom.fhir.search.sql import SqlBuilder, Statement, Way
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.store.keys import Keyring, load_key_provider
from careloom.store.migrate import migrate
from careloom.types import Scope

OWNER, STRANGER = Scope("owner", "main"), Scope("stranger", "main")
ACTOR = {"principal": "test", "kind": "system"}
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_FILTER = re.compile(r"\b(?:\w+\.)?tenant\s*=\s*p_tenant\b")


@dataclass
class House:
    """A database with two tenants, in which the filter can be taken out."""

    db: Database
    dsn: str
    fhir: FhirStore
    patient: str
    observation: str

    async def take_filters_out(self) -> int:
        """Every `tenant = p_tenant` of every function, and of statements handed to one, is true."""
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": "careloom"})
        rows = await connection.fetch(
            "SELECT p.oid, p.proname, pg_get_functiondef(p.oid) AS text FROM pg_proc p"
            " WHERE p.pronamespace = 'careloom'::regnamespace AND p.prokind = 'f'"
        )
        changed = 0
        await connection.execute("SET check_function_bodies TO off")
        for row in rows:
            text = _FILTER.sub("true", row["text"])
            text = re.sub(
                r"EXECUTE p_sql",
                r"EXECUTE regexp_replace(p_sql, '(\\w+\\.)?tenant = \\$1', 'true', 'g')",
                text,
            )
            if text != row["text"]:
                await connection.execute(text)
                changed += 1
        await connection.close()
        return changed

    async def take_row_level_security_off(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        for row in await connection.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relrowsecurity"
        ):
            await connection.execute(f"ALTER TABLE {row['name']} DISABLE ROW LEVEL SECURITY")
        await connection.close()

    async def seen_by_stranger(self) -> dict[str, list[Any]]:
        """What each way of reading shows the stranger of the owner's resources."""
        tenant, store = STRANGER.tenant, STRANGER.store
        found = "SELECT i.rid FROM idx_reference i WHERE i.tenant = $1 AND i.store = $2"
        calls: dict[str, tuple[str, tuple[Any, ...]]] = {
            "reads": ("fhir_reads", (["Patient"], [self.patient])),
            "reads_of_two": ("fhir_reads", (["Patient"] * 2, [self.patient, "none"])),
            "versions": ("fhir_versions", (["Patient"], [self.patient])),
            "vread": ("fhir_vread", ("Patient", self.patient, 1)),
            "history": ("fhir_history", ("Patient", self.patient, FIRST, LAST, "", 0, 10)),
            "find": ("fhir_find", (found, [])),
        }
        seen = {
            name: await self.db.rows(function, tenant, store, *args)
            for name, (function, args) in calls.items()
        }
        builder = self.builder()
        seen["matches"] = await self.searched(builder.matches())
        seen["search"] = await self.searched(builder.page(Way(), 10, None, keys=True))
        seen["count"] = [row for row in await self.searched(builder.count()) if row["n"]]
        return {name: [row for row in rows if row] for name, rows in seen.items()}

    def builder(self) -> SqlBuilder:
        """A search compiled as ever."""
        index = self.fhir.context.index
        query = QueryReader(index, "Patient", strict=True).read([("family", "Canary")])
        return SqlBuilder(query, index)

    async def searched(self, statement: Statement) -> list[Any]:
        """What a compiled statement finds for the stranger, its filters taken out."""
        sql, filters = re.subn(r"\b\w+\.tenant = (?:e\.tenant|\$1)", "true", statement.sql)
        assert filters > 0
        return await self.db.select(
            STRANGER.tenant, sql, STRANGER.store, statement.args, timeout=10
        )

    async def strangers_rows(self) -> list[str]:
        """Tables that show the stranger rows of others, by statements that name no tenant."""
        async with self.db.transaction(STRANGER.tenant) as connection:
            tables = await connection.fetch(
                "SELECT c.relname AS name FROM pg_class c"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant'"
                " WHERE c.relnamespace = 'careloom'::regnamespace AND c.relkind IN ('r', 'p', 'v')"
                " AND NOT c.relispartition"
            )
            assert len(tables) > 40
            leaking = []
            for table in tables:
                name = table["name"]
                text = f"SELECT count(*) FROM {name} WHERE tenant <> '{STRANGER.tenant}'"
                if await connection.fetchval(text):
                    leaking.append(name)
        return leaking


@pytest.fixture
async def house(server_dsn: str, tmp_path: Path) -> AsyncIterator[House]:
    dsn = await create_database(server_dsn)
    await migrate(dsn)
    db = await Database.open(dsn, max_size=2)
    fhir = FhirStore(db, Keyring(db, await load_key_provider(db, tmp_path / "master.key")))
    for scope in (OWNER, STRANGER):
        assert await db.call("tenant_create", scope.tenant, scope.tenant, "development")
    patient = {"resourceType": "Patient", "id": "known", "name": [{"family": "Canary"}]}
    await fhir.write(OWNER, lambda: fhir.plan_update(OWNER, patient), ACTOR)
    await fhir.write(OWNER, lambda: fhir.plan_update(OWNER, {**patient, "active": True}), ACTOR)
    observation = {
        "resourceType": "Observation",
        "id": "seen",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/known"},
    }
    await fhir.write(OWNER, lambda: fhir.plan_update(OWNER, observation), ACTOR)
    yield House(db, dsn, fhir, "known", "seen")
    await db.close()


async def test_the_fence_holds_with_the_filters_taken_out(house: House) -> None:
    assert await house.take_filters_out() > 100
    seen = await house.seen_by_stranger()
    assert {name: rows for name, rows in seen.items() if rows} == {}
    assert await house.strangers_rows() == []


async def test_a_stranger_changes_nothing_with_the_filters_taken_out(house: House) -> None:
    await house.take_filters_out()
    fhir, patient = house.fhir, {"resourceType": "Patient", "id": "known"}
    await fhir.write(STRANGER, lambda: fhir.plan_delete(STRANGER, "Patient", "known"), ACTOR)
    await fhir.write(STRANGER, lambda: fhir.plan_update(STRANGER, patient), ACTOR)
    kept = await fhir.read(OWNER, "Patient", "known")
    assert (kept["name"][0]["family"], kept["meta"]["versionId"]) == ("Canary", "2")


async def test_without_filters_and_fence_the_same_calls_leak(house: House) -> None:
    """So the tests above look at what would be there to see."""
    await house.take_filters_out()
    await house.take_row_level_security_off()
    seen = await house.seen_by_stranger()
    assert [name for name, rows in seen.items() if not rows] == []
    assert "resource" in await house.strangers_rows()
