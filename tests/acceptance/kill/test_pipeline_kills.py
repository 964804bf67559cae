"""kill -9 of the worker in the middle of a pipeline: no row is lost, none is there twice."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import TYPE_CHECKING

import pytest
from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.forks import Forks

from careloom.types import JsonObject, Scope

if TYPE_CHECKING:
    from careloom.bootstrap import Services

SEED = 20261121
ACTOR: JsonObject = {"principal": "kill", "kind": "system"}
MRN = "https://emr.example/mrn"
ROWS, BATCH, BAD = 60, 10, (7, 33, 58)
PIPELINE: JsonObject = {
    "source": {"type": "csv", "files": "file://emr/*.csv"},
    "batch": BATCH,
    "maps": [
        {
            "match": f"identifier={MRN}|{{{{item.mrn}}}}",
            "resource": {
                "resourceType": "Patient",
                "identifier": [{"system": MRN, "value": "{{item.mrn}}"}],
                "gender": "{{item.gender}}",
            },
        }
    ],
}
WORKFLOW: JsonObject = {
    "id": "sync",
    "steps": [{"id": "sync", "type": "pipeline", "pipeline": "emr"}],
    "output": {"moved": "{{steps.sync.output}}"},
}


class Case:
    """A tenant of its own with a file, a pipeline and a run that is due."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.scope = Scope(f"p{uuid.uuid4().hex[:10]}", "main")
        self.run = ""

    async def begin(self) -> None:
        services, scope = self.services, self.scope
        await services.db.call("tenant_create", scope.tenant, "Kill", "development")
        await services.computing.pipelines.put(scope, "emr", PIPELINE, ACTOR)
        await services.deployment.deploy(scope, WORKFLOW, ACTOR)
        rows = [f"M{n},{'not-a-code' if n in BAD else 'female'}" for n in range(ROWS)]
        file = "\n".join(["mrn,gender", *rows]).encode()
        await services.uploads.put(scope, "emr", "patients.csv", file, "text/csv", ACTOR)
        self.run = (await services.runs.start(scope, "sync", {}, ACTOR))["runId"]

    async def ended(self) -> JsonObject:
        async with asyncio.timeout(60):
            while True:
                run = await self.services.runs.status(self.scope, self.run)
                if run["status"] not in ("running", "waiting"):
                    return run
                await asyncio.sleep(0.02)

    async def faults(self) -> list[str]:
        """What is not as it must be, however often the worker died."""
        run = await self.ended()
        if run["status"] != "succeeded":
            return [f"the run {run['status']}: {run['error']}"]
        moved = run["output"]["moved"]
        found = [
            f"{name} is {moved[name]}, not {wanted}"
            for name, wanted in (
                ("in", ROWS),
                ("out", ROWS - len(BAD)),
                ("unchanged", 0),
                ("rejected", len(BAD)),
                ("batches", ROWS // BATCH),
            )
            if moved[name] != wanted
        ]
        services, scope = self.services, self.scope
        bundle = await services.fhir.search(scope, "Patient", [("_count", "1000")])
        patients = [entry["resource"] for entry in bundle.get("entry", ())]
        numbers = sorted(one["identifier"][0]["value"] for one in patients)
        wanted = sorted(f"M{n}" for n in range(ROWS) if n not in BAD)
        if numbers != wanted:
            found.append(f"{len(numbers)} patients, {len(set(numbers))} different")
        if any(one["meta"]["versionId"] != "1" for one in patients):
            found.append("a patient was written twice")
        rejects = await services.computing.pipelines.rejects(scope, "emr", limit=100)
        if [one["line"] for one in rejects] != [n + 2 for n in BAD]:
            found.append(f"in quarantine: lines {[one['line'] for one in rejects]}")
        return found


@pytest.mark.parametrize("mode", ["before", "flight", "after"])
async def test_a_pipeline_loses_and_doubles_nothing(
    clinic: Clinic, forks: Forks, mode: str
) -> None:
    chance = random.Random(f"{SEED}{mode}")
    for at in chance.sample(range(1, ROWS // BATCH + 1), 3):
        case = Case(clinic.services)
        await case.begin()
        mortal = await forks.fork(
            case.scope.tenant,
            mode=mode,
            call="pipeline_commit",
            at=at,
            delay=chance.uniform(0, 0.02),
            lease=2,
        )
        assert (await mortal.ended()).signal == 9
        successor = await forks.fork(case.scope.tenant, lease=2)
        try:
            assert await case.faults() == [], f"{mode} commit {at}"
        finally:
            await successor.kill()


async def test_a_worker_that_comes_back_late_finds_its_batch_taken(
    clinic: Clinic, forks: Forks, other_forks: Forks
) -> None:
    """Stopped before a commit, past its lease; another worker finishes; then it goes on."""
    case = Case(clinic.services)
    await case.begin()
    late = await forks.fork(case.scope.tenant, mode="pause", call="pipeline_commit", at=3, lease=1)
    await late.is_stopped()
    successor = await other_forks.fork(case.scope.tenant, lease=1)
    try:
        run = await case.ended()
        assert run["status"] == "succeeded", run["error"]
        late.signal(18)
        assert await case.faults() == []
    finally:
        await late.kill()
        await successor.kill()
