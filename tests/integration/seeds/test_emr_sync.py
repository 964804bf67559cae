"""The data synchronization workflow of source document 000, over a database and over files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.pipelines.emr import Emr, open_emr

from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

MRN = "https://emr.example/mrn"
LAB = "https://lab.example/result"
LEGACY_EMR: JsonObject = {
    "source": {
        "type": "sql",
        "connection": "legacy-emr",
        "query": "select id, mrn, family, given, born, changed_at from patient",
        "key": "id",
        "cursor": "changed_at",
    },
    "maps": [
        {
            "match": f"identifier={MRN}|{{{{item.mrn}}}}",
            "resource": {
                "resourceType": "Patient",
                "identifier": [{"system": MRN, "value": "{{item.mrn}}"}],
                "name": [{"family": "{{item.family}}", "given": ["{{item.given}}"]}],
                "birthDate": "{{item.born}}",
            },
        }
    ],
}
LAB_RESULTS: JsonObject = {
    "source": {"type": "csv", "files": "file://lab/*.csv", "types": {"value": "decimal"}},
    "maps": [
        {
            "match": f"identifier={LAB}|{{{{item.result}}}}",
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "identifier": [{"system": LAB, "value": "{{item.result}}"}],
                "code": {"coding": [{"system": "http://loinc.org", "code": "{{item.loinc}}"}]},
                "subject": {"reference": f"Patient?identifier={MRN}|{{{{item.mrn}}}}"},
                "valueQuantity": {"value": "{{item.value}}", "unit": "{{item.unit}}"},
            },
        }
    ],
}


@pytest.fixture
async def emr(server_dsn: str) -> Any:
    async with open_emr(server_dsn) as emr:
        await emr.run(
            "CREATE TABLE patient (id int PRIMARY KEY, mrn text, family text, given text,"
            " born date, changed_at timestamptz DEFAULT clock_timestamp());"
            " INSERT INTO patient (id, mrn, family, given, born)"
            " SELECT n, 'E' || n, 'F' || n, 'Given', '1950-06-07' FROM generate_series(1, 30) n"
        )
        yield emr


async def _kept(desk: Desk, name: str, definition: JsonObject) -> None:
    answer = await desk.put(f"/api/pipelines/{name}", json=definition)
    assert answer.status_code == 200, answer.text


async def test_it_is_refused_until_its_pipelines_exist(
    desk: Desk, flattened: Callable[[str], str]
) -> None:
    answer = await desk.deploy(flattened("sync"))
    assert answer.status_code == 422
    findings = answer.json()["error"]["details"]["findings"]
    assert {one["code"] for one in findings if one["severity"] == "error"} == {"E-PIPELINE"}
    await _kept(desk, "legacy-emr-pipeline", LAB_RESULTS)
    await _kept(desk, "lab-results-pipeline", LAB_RESULTS)
    answer = await desk.deploy(flattened("sync"))
    assert answer.json()["error"]["code"] == "E-PIPELINETYPE"


@pytest.mark.parametrize("form", ["flattened", "indented"])
async def test_it_brings_patients_and_their_results_again_and_again(
    desk: Desk, emr: Emr, form: str, request: pytest.FixtureRequest
) -> None:
    await emr.connect(desk, "legacy-emr")
    await _kept(desk, "legacy-emr-pipeline", LEGACY_EMR)
    await _kept(desk, "lab-results-pipeline", LAB_RESULTS)
    deployed = await desk.deployed(request.getfixturevalue(form)("sync"))
    assert deployed["id"] == "emr-sync-workflow"
    lines = ["result,mrn,loinc,value,unit", *(f"R{n},E{n},718-7,{n}.5,g/dL" for n in range(1, 21))]
    file = "\n".join([*lines, "R99,E99,718-7,1,g/dL"]).encode()
    assert (await desk.put("/api/files/lab/day-1.csv", content=file)).status_code == 201

    run = await desk.execute("emr-sync-workflow", {})
    assert run["status"] == "succeeded", run["error"]
    assert _moved(run) == {"sync-patients": (30, 30, 0, 0), "sync-observations": (21, 20, 0, 1)}
    patients = {one["id"] for one in await desk.search("Patient?_count=1000")}
    assert len(patients) == 30
    results = await desk.search("Observation?_count=1000")
    assert {one["subject"]["reference"].removeprefix("Patient/") for one in results} <= patients
    assert len(results) == 20

    change = "UPDATE patient SET family = 'Married', changed_at = clock_timestamp() WHERE id = 7"
    await emr.run(change)
    again = await desk.execute("emr-sync-workflow", {})
    assert _moved(again) == {"sync-patients": (1, 1, 0, 0), "sync-observations": (0, 0, 0, 0)}
    [married] = await desk.search("Patient?family=Married")
    assert married["meta"]["versionId"] == "2"


def _moved(run: JsonObject) -> dict[str, tuple[int, ...]]:
    names = ("in", "out", "unchanged", "rejected")
    return {step["id"]: tuple(step["output"][name] for name in names) for step in run["steps"]}
