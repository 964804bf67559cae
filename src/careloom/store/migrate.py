"""Migrations: forward only, each in one transaction, then the SQL functions as they are now.

Objects belong to `careloom_owner`; the run-time role `careloom_app` owns nothing. Neither is a
superuser, so forced row-level security holds for both.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

import asyncpg

from careloom.errors import ConfigurationError, Unavailable

FUNCTION_FILES = (
    "scope.sql",
    "keys.sql",
    "identity.sql",
    "sessions.sql",
    "stores.sql",
    "audit.sql",
    "changes.sql",
    "events.sql",
    "schedules.sql",
    "studies.sql",
    "webhooks.sql",
    "fhir.sql",
    "fhir_rest.sql",
    "fhir_conformance.sql",
    "fhir_search.sql",
    "fhir_async.sql",
    "dicom.sql",
    "deidentify.sql",
    "tasks.sql",
    "worklist.sql",
    "forms.sql",
    "messages.sql",
    "pipelines.sql",
    "work.sql",
    "effect.sql",
    "placed_effects.sql",
    "engine.sql",
    "control.sql",
    "flush.sql",
    "admission.sql",
    "run_control.sql",
    "analytics.sql",
    "kpis.sql",
    "versions.sql",
    "components.sql",
    "drafts.sql",
    "ai.sql",
    "policy.sql",
    "knowledge.sql",
    "evaluation.sql",
    "mcp.sql",
    "drift.sql",
    "learning.sql",
    "operation.sql",
    "grants.sql",
    "audit_revokes.sql",
)
_ROLES = """
DO $$ BEGIN CREATE ROLE careloom_owner NOLOGIN; EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE careloom_app NOLOGIN; EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE careloom_scheduler NOLOGIN; EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN
  IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    EXECUTE format('GRANT careloom_owner, careloom_app, careloom_scheduler TO %I', current_user);
  END IF;
  IF NOT pg_has_role('careloom_owner', 'careloom_scheduler', 'MEMBER') THEN
    GRANT careloom_scheduler TO careloom_owner;
  END IF;
END $$;
"""
# A function whose result changed cannot be replaced; callers see old or new, never none.
_DROP_FUNCTIONS = """
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'careloom'::regnamespace LOOP
    EXECUTE format('DROP FUNCTION %s', f);
  END LOOP;
END $$;
"""


def migrations() -> list[tuple[str, str]]:
    """Every migration as (name, SQL), in order."""
    folder = files("careloom.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, (folder / name).read_text("utf-8")) for name in names]


def functions() -> tuple[str, str]:
    """All SQL functions as one script, and its content hash."""
    folder = files("careloom.store") / "sql"
    present = [folder / name for name in FUNCTION_FILES if (folder / name).is_file()]
    script = "\n".join(entry.read_text("utf-8") for entry in present)
    return script, hashlib.sha256(script.encode()).hexdigest()


async def migrate(dsn: str) -> list[str]:
    """Bring the database to this version; returns the names of the migrations applied.

    Several processes may call it at once: one works, the others wait and find nothing to do.
    """
    connection = await _connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('careloom.migrate'))")
        version = int(await connection.fetchval("SHOW server_version_num"))
        if version < 150000:
            raise ConfigurationError(
                f"PostgreSQL {version // 10000} is too old",
                fix="use PostgreSQL 15 or newer, or unset DATABASE_URL for the embedded server",
            )
        return await _apply(connection)
    finally:
        await connection.close()


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(dsn, server_settings={"client_min_messages": "warning"})
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"PostgreSQL gives no connection ({type(error).__name__})",
            fix="check the address, the user and the database in DATABASE_URL, and that the server"
            " runs; or unset it to use the embedded server",
        ) from error
    except (asyncpg.ClientConfigurationError, ValueError) as error:
        raise ConfigurationError(
            "DATABASE_URL is not the address of a PostgreSQL database",
            fix="write it as postgresql://user:password@host:5432/database",
        ) from error


async def _apply(connection: asyncpg.Connection) -> list[str]:
    script, digest = functions()
    if await _is_current(connection, digest):
        return []
    async with connection.transaction():
        await connection.execute(_ROLES)
        await connection.execute(
            "CREATE SCHEMA IF NOT EXISTS careloom AUTHORIZATION careloom_owner"
        )
        await _let_vectors_in(connection)
        await connection.execute("SET LOCAL ROLE careloom_owner; SET LOCAL search_path TO careloom")
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version"
            " (name text PRIMARY KEY, digest text NOT NULL, at timestamptz NOT NULL DEFAULT now())"
        )
        done = {r["name"] for r in await connection.fetch("SELECT name FROM schema_version")}
        applied = []
        for name, sql in migrations():
            if name in done:
                continue
            await connection.execute(sql)
            await _record(connection, name, hashlib.sha256(sql.encode()).hexdigest())
            applied.append(name)
        await connection.execute(_DROP_FUNCTIONS)
        await connection.execute("SET LOCAL check_function_bodies TO off")
        await connection.execute(script)
        await _record(connection, "functions", digest)
    return applied


async def _let_vectors_in(connection: asyncpg.Connection) -> None:
    """Install pgvector where the server has it and the role may: it ranks passages of knowledge
    in the database. Nothing needs it."""
    known = (
        "SELECT FROM pg_available_extensions WHERE name = 'vector' AND installed_version IS NULL"
    )
    if not await connection.fetch(known):
        return
    try:
        async with connection.transaction():
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
    except asyncpg.PostgresError:
        # Without the right to, or without the schema: knowledge is ranked by this process.
        return


async def _is_current(connection: asyncpg.Connection, digest: str) -> bool:
    if await connection.fetchval("SELECT to_regclass('careloom.schema_version')") is None:
        return False
    rows = await connection.fetch("SELECT name, digest FROM careloom.schema_version")
    known = {row["name"]: row["digest"] for row in rows}
    newer = sorted(set(known) - {name for name, _ in migrations()} - {"functions"})
    if newer:
        raise ConfigurationError(
            f"The database has migrations that this version does not know: {', '.join(newer)}",
            fix="install the newer version of careloom that wrote this database",
        )
    return known.get("functions") == digest and all(name in known for name, _ in migrations())


async def _record(connection: asyncpg.Connection, name: str, digest: str) -> None:
    await connection.execute(
        "INSERT INTO schema_version (name, digest) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, at = now()",
        name,
        digest,
    )
