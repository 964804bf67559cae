"""The second AI workflow of source document 000, alone and together with the first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

Cut = Callable[[str], str]
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
DIAGNOSTICS = "ai-diagnostics-workflow"


def _observation(patient: str, category: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"text": "Chest radiograph"},
        "subject": {"reference": f"Patient/{patient}"},
        "valueString": "No focal consolidation",
    }


def _codes(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["code"] for entry in entries]


@pytest.mark.parametrize("form", ["flattened", "indented"])
async def test_an_imaging_observation_starts_one_run_and_another_starts_none(
    form: str, desk: Desk, request: pytest.FixtureRequest
) -> None:
    patient = await desk.patient()
    deployed = await desk.deployed(request.getfixturevalue(form)("diagnostics"))
    assert {"W-COERCE", "W-REQUIRED"} <= set(_codes(deployed["receipts"]))
    for category in ("laboratory", "imaging"):
        answer = await desk.post("/fhir/Observation", _observation(patient, category))
        assert answer.status_code == 201, answer.text
    imaging = answer.json()["id"]

    [summary] = await desk.runs_of(DIAGNOSTICS, 1)
    run = await desk.run(summary["runId"])
    assert run["status"] == "succeeded", run
    analysis, created = run["steps"]
    assert analysis["input"]["input"]["observation"]["id"] == imaging
    assert "W-MODELFALLBACK" in _codes(analysis["notes"])
    [report] = await desk.search(f"DiagnosticReport?subject=Patient/{patient}")
    assert report["id"] == created["output"]["id"]
    assert report["subject"] == {"reference": f"Patient/{patient}"}
    assert report["conclusion"] == analysis["output"]["diagnosis"]
    assert "No focal consolidation" in report["conclusion"]
    assert report["category"][0]["coding"][0]["code"] == "RAD"
    assert report["category"][0]["coding"][0]["system"].endswith("/v2-0074")
    [absent] = report["code"]["extension"]
    assert absent["url"].endswith("/data-absent-reason")
    await desk.events_matched()
    assert len(await desk.data(f"/api/workflows/runs?workflow={DIAGNOSTICS}")) == 1


async def test_strict_refuses_the_report_without_code(desk: Desk, indented: Cut) -> None:
    answer = await desk.deploy(indented("diagnostics"), mode="strict")
    assert answer.status_code == 422
    findings = answer.json()["error"]["details"]["findings"]
    errors = {f["path"] for f in findings if f["severity"] == "error"}
    assert any("code" in path for path in errors), errors
    assert any("category" in path for path in errors), errors


async def test_deploying_both_shows_that_the_first_starts_the_second(
    desk: Desk, indented: Cut
) -> None:
    await desk.deployed(indented("diagnostics"))
    deployed = await desk.deployed(indented("radiology"))
    assert {
        "source": "radiology-ai-workflow",
        "step": "steps/store-observation",
        "event": "Observation.create",
        "target": DIAGNOSTICS,
    } in deployed["triggerGraph"]["cascades"]
    assert deployed["triggerGraph"]["cycles"] == []


async def test_the_first_really_starts_the_second(
    desk: Desk, indented: Cut, study: Callable[..., bytes]
) -> None:
    await desk.deployed(indented("diagnostics"))
    await desk.deployed(indented("radiology"))
    patient = await desk.patient()
    answer = await desk.put("/api/files/uploads/both.dcm", content=study("both"))
    assert answer.status_code == 201
    first = await desk.execute(
        "radiology-ai-workflow",
        {"file": "dicom://uploads/both.dcm", "patientId": f"Patient/{patient}"},
    )
    [second] = await desk.runs_of(DIAGNOSTICS, 1)
    run = await desk.run(second["runId"])
    assert run["status"] == "succeeded", run
    [report] = await desk.search(f"DiagnosticReport?subject=Patient/{patient}")
    assert first["steps"][0]["output"]["analysisResult"] in report["conclusion"]


async def test_the_sync_workflow_is_refused_with_what_is_missing(
    desk: Desk, flattened: Cut
) -> None:
    answer = await desk.deploy(flattened("sync"))
    assert answer.status_code == 422
    errors = [
        finding
        for finding in answer.json()["error"]["details"]["findings"]
        if finding["severity"] == "error"
    ]
    assert [(error["code"], error["path"]) for error in errors] == [
        ("E-PIPELINE", "steps/sync-patients/pipeline"),
        ("E-PIPELINE", "steps/sync-observations/pipeline"),
    ]
