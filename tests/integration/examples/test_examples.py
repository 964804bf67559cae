"""Every workflow of examples/, deployed strictly and run on a real PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from careloom.errors import Unprocessable
from careloom.types import DEFAULT_SCOPE, JsonObject

ROOT = Path(__file__).resolve().parents[3]
ACTOR: JsonObject = {"principal": "dr.marlowe", "kind": "user"}
LOINC = "http://loinc.org"


def _potassium(patient: str, value: float, status: str = "final") -> JsonObject:
    return {
        "resourceType": "Observation",
        "status": status,
        "code": {"coding": [{"system": LOINC, "code": "2823-3", "display": "Potassium"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "mmol/L"},
    }


async def _patient(stage: Any) -> str:
    resource = {"resourceType": "Patient", "name": [{"family": "Example"}], "active": True}
    return str((await stage.create(resource))["id"])


async def _order(stage: Any) -> tuple[str, JsonObject]:
    """A run of approve-order that waits, and its task."""
    patient = await _patient(stage)
    body = {
        "patientId": patient,
        "examination": "MRI of the knee",
        "requestedBy": "dr.ash@hospital.example",
    }
    run = await stage.start("approve-order", body)
    waiting = await stage.settled(run, {"running"})
    assert waiting["status"] == "waiting"
    tasks = await stage.services.tasks.page(DEFAULT_SCOPE, state="requested")
    return run, next(task for task in tasks if task["runId"] == run)


def test_every_example_is_run_here() -> None:
    names = {path.stem for path in (ROOT / "examples").glob("*.yaml")}
    assert names == {"patient-welcome", "lab-alert", "approve-order", "wait-and-remind"}


async def test_a_new_patient_is_told_without_a_name(stage: Any) -> None:
    await stage.deploy_file("examples/patient-welcome.yaml")
    await _patient(stage)
    run = await stage.run_of("patient-welcome")
    status = await stage.finished(run)
    assert status["status"] == "succeeded", status["error"]
    [message] = await stage.messages(run)
    assert message["status"] == "captured"
    assert message["to"] == ["frontdesk@hospital.example"]
    assert run in message["text"]
    assert "Example" not in message["text"] + message["subject"]


async def test_a_high_potassium_flags_the_chart_and_a_lower_one_does_not(stage: Any) -> None:
    await stage.deploy_file("examples/lab-alert.yaml")
    patient = await _patient(stage)
    await stage.create(_potassium(patient, 7.5, status="preliminary"))
    await stage.create(_potassium(patient, 4.1))
    quiet = await stage.run_of("lab-alert")
    status = await stage.finished(quiet)
    assert status["output"] == {"alerted": False}
    assert await stage.messages(quiet) == []
    await stage.create(_potassium(patient, 6.4))

    async def newer() -> str | None:
        run = await stage.run_of("lab-alert")
        return None if run == quiet else str(run)

    status = await stage.finished(await stage.until(newer))
    assert status["output"] == {"alerted": True}, status["error"]
    flags = await stage.services.fhir.search(DEFAULT_SCOPE, "Flag", [("patient", patient)])
    assert flags["total"] == 1
    assert flags["entry"][0]["resource"]["subject"] == {"reference": f"Patient/{patient}"}
    [message] = await stage.messages(status["runId"])
    assert f"Flag/{flags['entry'][0]['resource']['id']}" in message["text"]
    runs = await stage.services.runs.page(DEFAULT_SCOPE, workflow_id="lab-alert", limit=10)
    assert len(runs) == 2, "the preliminary result must start no run"


async def test_an_order_is_written_once_a_person_approves(stage: Any) -> None:
    await stage.deploy_file("examples/approve-order.yaml")
    run, task = await _order(stage)
    assert task["title"] == "An order needs your approval"
    assert task["show"]["examination"] == "MRI of the knee"
    await stage.services.tasks.decide(DEFAULT_SCOPE, task["id"], {"decision": "approve"}, ACTOR)
    status = await stage.finished(run)
    assert status["status"] == "succeeded", status["error"]
    assert status["output"]["approved"] is True
    kind, id_ = status["output"]["order"].split("/")
    order = await stage.services.fhir.read(DEFAULT_SCOPE, kind, id_)
    assert order["status"] == "active"
    assert order["note"] == [{"text": "Approved by dr.marlowe"}]


async def test_a_refused_order_is_told_and_not_written(stage: Any) -> None:
    await stage.deploy_file("examples/approve-order.yaml")
    run, task = await _order(stage)
    before = await stage.services.fhir.search(DEFAULT_SCOPE, "ServiceRequest", [])
    await stage.services.tasks.decide(DEFAULT_SCOPE, task["id"], {"decision": "reject"}, ACTOR)
    status = await stage.finished(run)
    assert status["output"] == {"approved": False, "order": "none"}
    [message] = await stage.messages(run)
    assert message["to"] == ["dr.ash@hospital.example"]
    after = await stage.services.fhir.search(DEFAULT_SCOPE, "ServiceRequest", [])
    assert after["total"] == before["total"]


async def test_an_order_without_its_fields_is_refused_before_any_step(stage: Any) -> None:
    await stage.deploy_file("examples/approve-order.yaml")
    with pytest.raises(Unprocessable) as refused:
        await stage.start("approve-order", {"examination": "MRI"})
    assert refused.value.code == "input_invalid"


@pytest.mark.parametrize(("task_status", "reminders"), [("requested", 1), ("completed", 0)])
async def test_an_open_task_is_reminded_of_after_the_wait(
    stage: Any, task_status: str, reminders: int
) -> None:
    await stage.deploy_file("examples/wait-and-remind.yaml")
    task = await stage.create({"resourceType": "Task", "status": task_status, "intent": "order"})
    run = await stage.start("wait-and-remind", {"task": task["id"], "after": "50ms"})
    status = await stage.finished(run)
    assert status["status"] == "succeeded", status["error"]
    assert status["output"] == {"status": task_status}
    assert len(await stage.messages(run)) == reminders
