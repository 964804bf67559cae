"""PostgreSQL that gives no connection, whatever its reason: said as such, never as our mistake."""

from __future__ import annotations

import asyncpg
import pytest
from tests.conftest import create_database, with_database

from careloom.cli.main import main
from careloom.errors import ConfigurationError, Unavailable
from careloom.store.database import Database
from careloom.store.migrate import migrate

CLOSED = 'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false'
RENAMED = 'ALTER DATABASE "{name}" RENAME TO "{name}_away"'


def _name(dsn: str) -> str:
    return dsn.partition("?")[0].rpartition("/")[2]


@pytest.mark.parametrize("change", [CLOSED, RENAMED], ids=["55000", "3D000"])
async def test_a_database_that_lets_nobody_in_is_unavailable(server_dsn: str, change: str) -> None:
    dsn = await create_database(server_dsn)
    await migrate(dsn)
    db = await Database.open(dsn)
    try:
        assert await db.call("tenant_read", "default")
        await _shut(server_dsn, _name(dsn), change)
        for _ in range(2):
            with pytest.raises(Unavailable) as refused:
                await db.call("tenant_read", "default")
            assert refused.value.fix
        with pytest.raises(Unavailable):
            await db.query("default", "SELECT 1")
        with pytest.raises(Unavailable):
            async with db.connection():
                pytest.fail("there is no connection to have")
    finally:
        await db.close()


async def _shut(server_dsn: str, name: str, change: str) -> None:
    admin = await asyncpg.connect(server_dsn)
    ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1"
    try:
        await admin.execute(CLOSED.format(name=name))
        await admin.fetch(ended, name)
        if change != CLOSED:
            await admin.execute(change.format(name=name))
    finally:
        await admin.close()


async def test_a_database_that_is_not_there_cannot_be_migrated(server_dsn: str) -> None:
    with pytest.raises(Unavailable) as refused:
        await migrate(with_database(server_dsn, "absent"))
    assert "DATABASE_URL" in str(refused.value.fix)


async def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError) as refused:
        await migrate("postgresql://host:notaport/x")
    assert refused.value.fix


def test_the_command_line_says_it_in_a_sentence_with_exit_code_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@127.0.0.1:1/x")
    assert main(["logs"]) == 3
    said = capsys.readouterr().err
    assert "PostgreSQL gives no connection" in said
    assert "DATABASE_URL" in said
    assert "Traceback" not in said
