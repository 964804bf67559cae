"""Shared fixtures: a real PostgreSQL, a database per test worker, a tenant per test."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from careloom.store.database import Database
from careloom.store.keys import Keyring, load_key_provider
from careloom.store.migrate import migrate
from careloom.store.postgres_server import EmbeddedServer
from careloom.types import Scope


@pytest.fixture(scope="session")
async def server_dsn(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A PostgreSQL server: the one in CARELOOM_TEST_SERVER, else an embedded one of the session."""
    given = os.environ.get("CARELOOM_TEST_SERVER")
    if given:
        yield given
        return
    home = _server_home(tmp_path_factory)
    server = await EmbeddedServer.attach(home)
    yield server.dsn
    await server.detach()
    if not any((home / "pg" / "users").glob("*")):
        shutil.rmtree(home, ignore_errors=True)


def _server_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a session; another user's PostgreSQL can reach it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    memory = Path("/dev/shm")
    root = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    home = root / f"careloom-{hashlib.sha256(str(shared).encode()).hexdigest()[:12]}"
    home.mkdir(mode=0o711, exist_ok=True)
    return home


async def create_database(server_dsn: str) -> str:
    """A new, empty database on the server; returns its address."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server_dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return with_database(server_dsn, name)


def with_database(dsn: str, name: str) -> str:
    """The same server, another database."""
    head, _, query = dsn.partition("?")
    scheme, _, rest = head.partition("://")
    authority = rest.split("/", 1)[0]
    return f"{scheme}://{authority}/{name}" + (f"?{query}" if query else "")


@pytest.fixture(scope="session")
async def dsn(server_dsn: str) -> str:
    """A migrated database of this test worker."""
    address = await create_database(server_dsn)
    await migrate(address)
    return address


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    db = await Database.open(dsn)
    yield db
    await db.close()


@pytest.fixture(scope="session")
async def keyring(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    home = tmp_path_factory.mktemp("keys")
    return Keyring(database, await load_key_provider(database, home / "master.key"))


@pytest.fixture
async def tenant(database: Database) -> str:
    """A tenant of this test alone."""
    name = f"t{uuid.uuid4().hex[:10]}"
    assert await database.call("tenant_create", name, "Test", "development")
    return name


@pytest.fixture
def scope(tenant: str) -> Scope:
    return Scope(tenant, "main")


def _folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of public test data."""
    return _folder("CARELOOM_TEST_DATA")


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The folder of the source documents."""
    return _folder("CARELOOM_SEEDS")
