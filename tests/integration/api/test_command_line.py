"""The command line says in a sentence what is wrong, and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from tests.conftest import create_database

from careloom.cli.main import main


@pytest.fixture
async def address(
    server_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """An installation of this test alone, in the environment."""
    given = {"CARELOOM_HOME": str(tmp_path), "DATABASE_URL": await create_database(server_dsn)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


async def said(*words: str) -> int:
    """The exit code of a command."""
    return await asyncio.to_thread(main, list(words))


@pytest.mark.parametrize("command", ["serve", "demo"])
async def test_a_taken_port_is_one_sentence_and_what_to_do(
    address: dict[str, str], command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "careloom", command, "--port", port),
            stdout=pipe,
            stderr=pipe,
            env={"PATH": os.environ["PATH"], **address},
        )
        out, err = await process.communicate()
    assert process.returncode == 2, err
    assert err.decode().count("\n") == 2, err
    assert f"Port {port} of 127.0.0.1 cannot be listened on" in err.decode()
    assert "--port" in err.decode()
    assert b"clk_" not in out, "a key that is shown once is not shown by a start that fails"


async def test_a_missing_export_is_said(
    address: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await said("audit", "verify", "--export", "absent.ndjson") == 1
    assert "absent.ndjson cannot be read: No such file" in capsys.readouterr().err
    assert await said("audit", "verify", "--export", address["CARELOOM_HOME"]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["verify", "export"])
async def test_an_unknown_tenant_has_no_clean_trail(
    address: dict[str, str], capsys: pytest.CaptureFixture[str], action: str
) -> None:
    assert await said("audit", action, "--tenant", "unknown") == 1
    shown = capsys.readouterr()
    assert "There is no tenant 'unknown'" in shown.err
    assert shown.out == ""
    assert await said("audit", action) == 0
