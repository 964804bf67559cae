"""The radiograph that no model can read: who is asked sees whose it is and what deciding does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.demo import IDENTIFIER_SYSTEM, demo_patients
from careloom.samples.templates import template
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

ACTOR: JsonObject = {"principal": "tester", "kind": "system"}


async def _asked(desk: Desk, body: JsonObject) -> JsonObject:
    """The task of a run over a picture of stripes, which is no radiograph."""
    await desk.deployed(template("radiology-triage"))
    stripes = np.tile(np.arange(256, dtype=np.uint16) % 32 * 100, (256, 1))
    someone = StudyPatient("Brightwater^Thomas", "SYN100231", "19670930", "M", IDENTIFIER_SYSTEM)
    data = synthetic_chest_study(stripes, someone, study="stripes")
    stored = await desk.services.dicom.store(desk.scope, data, ACTOR, source="upload")
    await desk.events_matched()
    answer = await desk.post("/api/workflows/radiology-triage/execute", {"file": stored.uri} | body)
    assert answer.status_code == 202, answer.text
    run = answer.json()["data"]["runId"]
    assert (await desk.reached(run, lambda now: now["status"] != "running"))["status"] == "waiting"
    tasks = await desk.data("/api/tasks")
    return next(one for one in tasks if one["runId"] == run)


async def test_a_known_patient_is_named_to_the_person_who_is_asked(desk: Desk) -> None:
    created = await desk.post("/fhir/Patient", demo_patients()[0])
    patient = created.json()["id"]
    task = await _asked(desk, {"patientId": patient})
    shown = task["show"]
    assert shown["patient"] == f"Patient/{patient}"
    assert (shown["familyName"], shown["birthDate"]) == ("Brightwater", "1967-09-30")
    assert shown["why"] == "The model could not assess the image"
    assert "Approve" in task["description"]
    assert "Reject" in task["description"]


async def test_an_unknown_patient_is_said_to_be_unknown(desk: Desk) -> None:
    shown = (await _asked(desk, {"patientId": None}))["show"]
    assert shown["patient"] == "not known here"
    assert shown["familyName"] == "not known"
