"""A server on loopback, and Node with the client as a package beside the script."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from tests.integration.ai.conftest import provider, ward
from tests.integration.conftest import Desk, House, _loopback
from tests.integration.seeds.conftest import document, flattened, indented, study

__all__ = ["document", "flattened", "indented", "provider", "study", "ward"]

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "sdk" / "js"
HERE = Path(__file__).parent
NODE = Path(sys.executable).parent / "node"
PATIENCE_S = 900


@dataclass
class Served:
    """A server on loopback, and a key for it."""

    url: str
    desk: Desk


@pytest.fixture
async def served(house: House, desk: Desk) -> AsyncIterator[Served]:
    listening = _loopback()
    # A poll for work is answered half a minute later, though nobody waits for it any more.
    config = uvicorn.Config(
        house.app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield Served(f"http://localhost:{listening.getsockname()[1]}", desk)
    server.should_exit = True
    await serving


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder in which the client is installed."""
    packages = tmp_path / "node_modules"
    packages.mkdir()
    (packages / "careloom-client").symlink_to(PACKAGE, target_is_directory=True)
    return tmp_path


async def node(
    script: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run a script; exit code, output and what it complained of."""
    process = await asyncio.create_subprocess_exec(
        NODE,
        script,
        *arguments,
        env={**os.environ, **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def checked(script: str, *arguments: str) -> dict[str, str]:
    """What became of each check of a script."""
    code, out, err = await node(HERE / script, *arguments)
    assert code == 0, err
    told: dict[str, str] = json.loads(out.splitlines()[-1])
    return told
