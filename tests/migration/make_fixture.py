"""Make the fixture of this version: a dump of a database with runs in flight, and its keys.

python tests/migration/make_fixture.py VERSION. Run once for each released schema, on a quiet
database; the test beside it upgrades every fixture there is.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from careloom.bootstrap import open_services
from careloom.samples.demo import demo_patients
from careloom.settings import Settings
from careloom.store.postgres_binaries import client_program
from careloom.types import DEFAULT_SCOPE, JsonObject

HERE = Path(__file__).parent
ACTOR: JsonObject = {"principal": "fixture", "kind": "system"}
FLOW = """
workflow:
  id: in-flight
  name: In flight
  trigger: {type: manual}
  steps:
    - id: note
      type: fhir
      action: create
      resourceType: Observation
      data:
        status: preliminary
        code: {text: "{{trigger.text}}"}
    - {id: ask, type: task, title: Go on?}
    - {id: rest, type: wait, duration: 1s}
    - id: more
      type: fhir
      action: create
      resourceType: Observation
      data:
        status: preliminary
        code: {text: "{{steps.ask.output.comment}}"}
"""


async def fill(home: Path) -> str:
    """Resources with history, a finished run, and one that waits for a person."""
    settings = Settings.from_environment({"CARELOOM_HOME": str(home)})
    async with open_services(settings, listen=False) as services:
        await services.deployment.deploy(DEFAULT_SCOPE, FLOW, ACTOR)
        for patient in demo_patients():

            async def plan(resource: JsonObject = patient) -> object:
                return await services.fhir.plan_create(DEFAULT_SCOPE, resource)

            await services.fhir.write(DEFAULT_SCOPE, plan, ACTOR)  # type: ignore[arg-type]
        started = await services.runs.start(DEFAULT_SCOPE, "in-flight", {"text": "before"}, ACTOR)
        while True:
            status = await services.runs.status(DEFAULT_SCOPE, started["runId"])
            if status["status"] == "waiting":
                break
            await asyncio.sleep(0.05)
        await services.sealer.seal_once(DEFAULT_SCOPE.tenant)
        await services.sealer.sign_once(DEFAULT_SCOPE.tenant)
        program = client_program("pg_dump")
        command = [program, "--schema=careloom", f"--dbname={services.db.dsn}"]
        done = await asyncio.to_thread(
            subprocess.run, command, check=True, capture_output=True, text=True
        )
        return done.stdout


def main() -> None:
    version = sys.argv[1]
    folder = HERE / "fixtures" / version
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="careloom-fixture-"))
    home.chmod(0o711)
    dump = asyncio.run(fill(home))
    with gzip.GzipFile(folder / "dump.sql.gz", "wb", mtime=0) as file:
        file.write(dump.encode())
    for name in ("master.key", "audit.pem"):
        shutil.copy(home / "keys" / name, folder / name)
    shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
