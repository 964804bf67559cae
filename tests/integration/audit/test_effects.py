"""Effects against audit rows: a row deleted before it was sealed shows here."""

from __future__ import annotations

import hashlib

import asyncpg
import pytest

from careloom.audit.verify import verify
from careloom.store.database import Database

BODY = b"sealed bytes"
DETAIL = {"sha256": hashlib.sha256(BODY).hexdigest()}


async def write(database: Database, owner: asyncpg.Connection, tenant: str) -> None:
    """Two versions of one Observation, each with its audit row."""
    for table, version in (("resource_history", 1), ("resource", 2)):
        await owner.execute(
            f"INSERT INTO {table} (tenant, store, rtype, rid, version, method, updated_at, body)"
            " VALUES ($1, 'main', 'Observation', 'o1', $2, 'PUT', now(), $3)",
            tenant,
            version,
            BODY,
        )
        entity = f"Observation/o1/_history/{version}"
        args = (tenant, "main", "fhir.update", entity, {"principal": "x", "kind": "user"}, DETAIL)
        await database.call("audit_note", *args)


async def test_each_version_has_its_audit_row(
    database: Database, owner: asyncpg.Connection, tenant: str
) -> None:
    await write(database, owner, tenant)
    report = await verify(database, tenant)
    assert report.findings == []
    assert report.effects == 2


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (
            "WITH gone AS (DELETE FROM audit WHERE tenant = $1 AND entity LIKE '%/2'"
            " RETURNING audit_id) DELETE FROM audit_queue WHERE audit_id IN (SELECT * FROM gone)",
            "effect_without_audit",
        ),
        ("DELETE FROM resource_history WHERE tenant = $1", "audit_without_effect"),
        ("DELETE FROM resource WHERE tenant = $1", "audit_without_effect"),
        ("UPDATE resource SET version = 3 WHERE tenant = $1", "effect_without_audit"),
        ("UPDATE resource SET body = body || 'x' WHERE tenant = $1", "effect_changed"),
        ("UPDATE resource_history SET body = body || 'x' WHERE tenant = $1", "effect_changed"),
        ("UPDATE resource SET body = NULL, method = 'DELETE' WHERE tenant = $1", "effect_changed"),
    ],
)
async def test_an_effect_that_does_not_agree_is_found(
    database: Database, owner: asyncpg.Connection, tenant: str, tamper: str, kind: str
) -> None:
    await write(database, owner, tenant)
    await owner.execute(tamper, tenant)
    assert kind in (await verify(database, tenant)).kinds()


async def test_a_step_without_audit_row_is_found(
    database: Database, owner: asyncpg.Connection, tenant: str
) -> None:
    run = await owner.fetchval("SELECT gen_random_uuid()")
    await owner.execute(
        "INSERT INTO definition (tenant, hash, canonical) VALUES ($1, 'h', '{}')", tenant
    )
    columns = await owner.fetch(
        "SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute"
        " WHERE attrelid = 'run'::regclass AND attnum > 0 AND attnotnull AND NOT atthasdef"
    )
    known = {"tenant": tenant, "run_id": run, "origin_run": run, "def_hash": "h", "store": "main"}
    blank = {"text": "x", "integer": 1, "jsonb": "{}", "uuid": run, "bytea": b""}
    names = [column["name"] for column in columns]
    values = [known.get(column["name"], blank.get(column["type"])) for column in columns]
    places = ", ".join(f"${i}" for i in range(1, len(names) + 1))
    await owner.execute(f"INSERT INTO run ({', '.join(names)}) VALUES ({places})", *values)
    await owner.execute(
        "INSERT INTO step (tenant, run_id, path, seq, attempt, outcome, fence, batch, started_at)"
        " VALUES ($1, $2, 'a', 1, 1, 'done', 1, $2, now())",
        tenant,
        run,
    )
    (finding,) = (await verify(database, tenant)).findings
    assert (finding.kind, finding.where) == ("effect_without_audit", f"Run/{run}/a")
    actor = {"principal": "x", "kind": "run", "run_id": str(run)}
    await database.call("audit_note", tenant, "main", "step.done", f"Run/{run}/a", actor, {})
    assert (await verify(database, tenant)).ok
