"""Synthea's patients and measurements as a hospital exports them: CSV in, the same FHIR out."""

from __future__ import annotations

import bz2
import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from tests.integration.pipelines.conftest import MRN

from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.pipelines.conftest import Intake

LAB = "https://lab.example/result"
PATIENT: JsonObject = {
    "resourceType": "Patient",
    "identifier": [{"system": MRN, "value": "{{item.mrn}}"}],
    "name": [{"family": "{{item.family}}", "given": ["{{item.given}}"]}],
    "gender": "{{item.gender}}",
    "birthDate": "{{item.born}}",
}
OBSERVATION: JsonObject = {
    "resourceType": "Observation",
    "status": "{{item.status}}",
    "identifier": [{"system": LAB, "value": "{{item.result}}"}],
    "code": {"coding": [{"system": "http://loinc.org", "code": "{{item.loinc}}"}]},
    "subject": {"reference": f"Patient?identifier={MRN}|{{{{item.mrn}}}}"},
    "effectiveDateTime": "{{item.at}}",
    "valueQuantity": {"value": "{{item.value}}", "unit": "{{item.unit}}"},
}
_BUNDLES, _MEASUREMENTS = 4, 40


def _resources(folder: Path) -> list[list[JsonObject]]:
    """The resources of the first bundles that are about a patient."""
    found: list[list[JsonObject]] = []
    for path in sorted(folder.rglob("*.json.bz2")):
        entries = orjson.loads(bz2.decompress(path.read_bytes())).get("entry", [])
        resources = [entry["resource"] for entry in entries if "resource" in entry]
        if any(one["resourceType"] == "Patient" for one in resources):
            found.append(resources)
        if len(found) == _BUNDLES:
            break
    return found


def _rows(bundles: list[list[JsonObject]]) -> tuple[list[JsonObject], list[JsonObject]]:
    patients, results = [], []
    for resources in bundles:
        patient = next(one for one in resources if one["resourceType"] == "Patient")
        name = patient["name"][0]
        patients.append(
            {
                "mrn": patient["id"],
                "family": name["family"],
                "given": name["given"][0],
                "gender": patient["gender"],
                "born": patient["birthDate"],
            }
        )
        measured = [one for one in resources if "valueQuantity" in one][:_MEASUREMENTS]
        results += [
            {
                "result": one["id"],
                "mrn": patient["id"],
                "status": one["status"],
                "loinc": one["code"]["coding"][0]["code"],
                "at": one["effectiveDateTime"],
                "value": one["valueQuantity"]["value"],
                "unit": one["valueQuantity"]["unit"],
            }
            for one in measured
        ]
    return patients, results


def _csv(rows: list[JsonObject]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


async def test_an_export_becomes_the_resources_it_came_from(
    intake: Intake, test_data: Path
) -> None:
    patients, results = _rows(_resources(test_data / "synthea-r4"))
    assert len(patients) == _BUNDLES
    for name, resource, match in (
        ("emr", PATIENT, f"identifier={MRN}|{{{{item.mrn}}}}"),
        ("lab", OBSERVATION, f"identifier={LAB}|{{{{item.result}}}}"),
    ):
        source = {"type": "csv", "files": f"file://emr/{name}.csv"}
        source |= {"types": {"value": "decimal"}} if name == "lab" else {}
        maps = [{"match": match, "resource": resource}]
        await intake.pipeline(name, {"source": source, "maps": maps})
    steps = [{"id": name, "type": "pipeline", "pipeline": name} for name in ("emr", "lab")]
    await intake.desk.deployed({"id": "sync", "steps": steps})
    await intake.file("emr.csv", _csv(patients))
    await intake.file("lab.csv", _csv(results))
    run = await intake.desk.execute("sync", {})
    assert run["status"] == "succeeded", run["error"]
    assert [step["output"]["out"] for step in run["steps"]] == [len(patients), len(results)]
    assert await intake.rejects("lab") == []
    stored = {one["identifier"][0]["value"]: one for one in await intake.patients()}
    assert {number: one["birthDate"] for number, one in stored.items()} == {
        row["mrn"]: row["born"] for row in patients
    }
    found = await intake.desk.search("Observation?_count=1000")
    wanted = {row["result"]: row for row in results}
    assert len(found) == len(wanted)
    for one in found:
        row = wanted[one["identifier"][0]["value"]]
        assert one["valueQuantity"] == {"value": row["value"], "unit": row["unit"]}
        assert one["subject"]["reference"] == f"Patient/{stored[row['mrn']]['id']}"
