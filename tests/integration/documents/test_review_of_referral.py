"""The shipped referral workflow after a person's decision: it is carried out and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from careloom.samples.demo import LETTER, demo_patients
from careloom.samples.referral_pdf import digital_pdf
from careloom.samples.templates import template
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

ACTOR: JsonObject = {"principal": "tester", "kind": "system"}
UNSURE = LETTER + "\nObservations: HR 72. Later HR 131.\n"


async def _asked(desk: Desk, text: str, *, known: bool = True) -> tuple[JsonObject, JsonObject]:
    """A run that waits for a person, and its task."""
    await desk.deployed(template("referral-triage"))
    if known:
        created = await desk.post("/fhir/Patient", demo_patients()[1])
        assert created.status_code == 201, created.text
    put = desk.services.uploads.put
    await put(desk.scope, "referrals", "a.pdf", digital_pdf(text), "application/pdf", ACTOR)
    await desk.events_matched()
    [run] = await desk.data("/api/workflows/runs?workflow=referral-triage")
    run = await desk.reached(run["runId"], lambda now: now["status"] != "running")
    assert run["status"] == "waiting", run
    [task] = await desk.data("/api/tasks")
    return run, task


async def _decide(desk: Desk, run: JsonObject, task: JsonObject, **decision: str) -> JsonObject:
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", decision)
    assert answer.status_code == 200, answer.text
    ended = await desk.ended(run["runId"])
    assert ended["status"] == "succeeded", ended
    return ended


async def _resources(desk: Desk, kind: str) -> list[Any]:
    answer = await desk.get(f"/fhir/{kind}")
    return [entry["resource"] for entry in answer.json().get("entry", [])]


async def test_an_accepted_referral_of_a_known_patient_becomes_a_request(desk: Desk) -> None:
    run, task = await _asked(desk, UNSURE)
    shown = task["show"]
    assert shown["familyName"] == "Elderwood"
    assert (shown["birthDate"], shown["patientHere"]) == ("1954-04-23", "found")
    assert shown["why"] == "The letter gives the heart rate in more than one way"
    assert all(isinstance(value, str | int | float) for value in shown.values())
    assert "Approve" in task["description"]
    assert "Reject" in task["description"]
    assert await _resources(desk, "ServiceRequest") == []
    ended = await _decide(desk, run, task, decision="approve")
    [request] = await _resources(desk, "ServiceRequest")
    [patient] = await _resources(desk, "Patient")
    assert request["status"] == "active"
    assert request["subject"]["reference"] == f"Patient/{patient['id']}"
    [kept] = await _resources(desk, "Task")
    assert (kept["status"], kept["meta"]["versionId"]) == ("completed", "2")
    assert ended["output"]["decision"] == "approve"
    [message] = await desk.data("/api/messages")
    assert message["subject"] == "A referral was accepted after review"


async def test_a_rejected_referral_says_why_and_becomes_no_request(desk: Desk) -> None:
    run, task = await _asked(desk, UNSURE)
    await _decide(desk, run, task, decision="reject", comment="Sent to us by mistake")
    assert await _resources(desk, "ServiceRequest") == []
    [kept] = await _resources(desk, "Task")
    assert kept["status"] == "rejected"
    assert kept["statusReason"]["text"] == "Sent to us by mistake"
    [message] = await desk.data("/api/messages")
    assert message["subject"] == "A referral was rejected after review"
    assert message["text"] == f"{message['subject']}. Open run {run['runId']} in Careloom."


async def test_an_accepted_referral_of_an_unknown_patient_closes_the_task_alone(
    desk: Desk,
) -> None:
    run, task = await _asked(desk, UNSURE, known=False)
    assert task["show"]["patientHere"] == "not found"
    await _decide(desk, run, task, decision="approve")
    assert await _resources(desk, "ServiceRequest") == []
    [kept] = await _resources(desk, "Task")
    assert kept["status"] == "completed"


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_blank_page_is_reviewed_as_urgent(desk: Desk, decision: str) -> None:
    run, task = await _asked(desk, "\n")
    assert task["priority"] == "urgent"
    assert task["show"]["urgency"] == "unknown"
    assert task["show"]["familyName"] == task["show"]["reason"] == "not found"
    assert task["show"]["why"].startswith("Hardly any text was found")
    await _decide(desk, run, task, decision=decision)
    [kept] = await _resources(desk, "Task")
    assert kept["priority"] == "urgent"
    assert await _resources(desk, "ServiceRequest") == []


async def test_a_sure_referral_needs_no_person(desk: Desk) -> None:
    await desk.deployed(template("referral-triage"))
    assert (await desk.post("/fhir/Patient", demo_patients()[1])).status_code == 201
    put = desk.services.uploads.put
    await put(desk.scope, "referrals", "a.pdf", digital_pdf(LETTER), "application/pdf", ACTOR)
    [run] = await desk.runs_of("referral-triage", 1)
    assert run["status"] == "succeeded"
    [request] = await _resources(desk, "ServiceRequest")
    assert request["status"] == "active"
    [message] = await desk.data("/api/messages")
    assert message["subject"] == "A referral was triaged"
