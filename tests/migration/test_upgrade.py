"""A database of every released schema, with runs in flight, comes to this version and goes on."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.conftest import create_database

from careloom.audit.verify import verify
from careloom.bootstrap import open_services
from careloom.settings import Settings
from careloom.store.postgres_binaries import client_program
from careloom.types import DEFAULT_SCOPE, JsonObject

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = sorted(path.name for path in FIXTURES.iterdir())
ACTOR: JsonObject = {"principal": "tester", "kind": "system"}


def test_there_is_a_fixture() -> None:
    assert VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
async def test_runs_in_flight_go_on_after_the_upgrade(
    version: str, server_dsn: str, dsn: str, tmp_path: Path
) -> None:
    address = await create_database(server_dsn)
    dump = gzip.decompress((FIXTURES / version / "dump.sql.gz").read_bytes())
    program = client_program("psql")
    command = [program, "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={address}"]
    await asyncio.to_thread(subprocess.run, command, input=dump, check=True, capture_output=True)
    home = tmp_path / "home"
    (home / "keys").mkdir(parents=True)
    for name in ("master.key", "audit.pem"):
        shutil.copy(FIXTURES / version / name, home / "keys" / name)
        (home / "keys" / name).chmod(0o600)
    settings = Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": address})
    async with open_services(settings, listen=False) as services:
        (task,) = await services.tasks.page(DEFAULT_SCOPE, state="requested")
        decision = {"decision": "approve", "comment": "after"}
        await services.tasks.decide(DEFAULT_SCOPE, task["id"], decision, ACTOR)
        async with asyncio.timeout(60):
            while True:
                status = await services.runs.status(DEFAULT_SCOPE, task["runId"])
                if status["status"] not in ("running", "waiting"):
                    break
                await asyncio.sleep(0.05)
        assert status["status"] == "succeeded", status["error"]
        found = await services.fhir.search(DEFAULT_SCOPE, "Observation", [("_sort", "_id")])
        texts = [entry["resource"]["code"]["text"] for entry in found["entry"]]
        assert sorted(texts) == ["after", "before"]
        await services.sealer.seal_once(DEFAULT_SCOPE.tenant)
        await services.sealer.sign_once(DEFAULT_SCOPE.tenant)
        report = await verify(address, DEFAULT_SCOPE.tenant)
        assert report.ok, report.findings
