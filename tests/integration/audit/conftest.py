"""A database of this room's own: another test's sealer would sign these tenants with its key."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest

from careloom.store.database import Database
from careloom.store.migrate import migrate


@pytest.fixture(scope="session")
async def dsn(server_dsn: str) -> str:
    name = f"t_audit_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server_dsn)
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    address = urlsplit(server_dsn)._replace(path=f"/{name}").geturl()
    await migrate(address)
    return address


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    db = await Database.open(dsn)
    yield db
    await db.close()


@pytest.fixture
async def owner(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "careloom"})
    yield connection
    await connection.close()
