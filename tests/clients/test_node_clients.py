"""fhir-kit-client and @medplum/core against the running server: tests/clients/node.

The packages are installed by `make test` from the lock file beside them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from .conftest import Served

FOLDER = Path(__file__).parent / "node"
NODE = Path(sys.executable).parent / "node"


async def _run(script: str, served: Served) -> dict[str, str]:
    assert (FOLDER / "node_modules").is_dir(), "run `make test`, or npm ci in tests/clients/node"
    process = await asyncio.create_subprocess_exec(
        NODE,
        script,
        served.base,
        served.key,
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told: dict[str, str] = json.loads(out.decode().splitlines()[-1])
    return told


@pytest.mark.parametrize(("script", "checks"), [("fhir_kit.mjs", 15), ("medplum.mjs", 13)])
async def test_a_client_of_another_maker_does_its_work(
    served: Served, script: str, checks: int
) -> None:
    told = await _run(script, served)
    assert {name: said for name, said in told.items() if said != "ok"} == {}
    assert len(told) == checks
