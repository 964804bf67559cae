"""The examples of every step type's page, taken from the page and run on a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from careloom.errors import Conflict
from careloom.samples.demo import LETTER, demo_patients, demo_study
from careloom.types import DEFAULT_SCOPE, JsonObject

STEPS = Path(__file__).resolve().parents[3] / "src" / "careloom" / "steps"
ACTOR: JsonObject = {"principal": "dr.marlowe", "kind": "user"}
RUN_HERE = {
    "off-label",
    "consent-by-mail",
    "csv-to-fhir",
    "nightly-patients",
    "keep-in-mind",
    "echo-in-a-sandbox",
    "copay",
    "two-readers",
    "record-weights",
    "tell-the-ward",
    "admit-and-tell",
    "wait-for-sample",
    "score-sample",
    "report-is-ready",
    "admission-webhook",
    "high-glucose",
    "route-by-priority",
    "read-a-letter",
    "second-look",
    "read-radiograph",
    "discharge-check",
    "call-back",
    "record-call",
    "register-once",
    "admit",
    "complete-task",
    "mark-deceased",
    "report-to-registry",
    "device-location",
    "free-beds",
    "take-bed-once",
    "check-observation",
    "known-status",
    "order-lab-test",
    "book-bed-once",
    "list-devices",
}


def pages() -> dict[str, str]:
    """Every whole workflow of the pages, by id."""
    found: dict[str, str] = {}
    for page in sorted(STEPS.glob("*/README.md")):
        for block in re.findall(r"^```yaml\n(workflow:.*?)^```", page.read_text(), re.M | re.S):
            match = re.search(r"^  id: (\S+)$", block, re.M)
            assert match is not None, page
            found[match[1]] = block
    return found


@pytest.fixture
async def deployed(stage: Any) -> Any:
    """Deploys an example of a page by its id."""

    async def deploy(name: str) -> str:
        return str(await stage.deploy(pages()[name]))

    return deploy


async def _succeeds(stage: Any, run: str) -> JsonObject:
    status: JsonObject = await stage.finished(run)
    assert status["status"] == "succeeded", status["error"]
    return status


def test_every_example_of_the_pages_is_run_here() -> None:
    assert pages().keys() == RUN_HERE


async def test_a_final_report_is_told_by_its_address(stage: Any, deployed: Any) -> None:
    await deployed("report-is-ready")
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "Chest"}}
    stored = await stage.create(report)
    run = await stage.run_of("report-is-ready")
    await _succeeds(stage, run)
    [message] = await stage.messages(run)
    assert f"DiagnosticReport/{stored['id']}" in message["text"]


async def test_a_webhook_carries_the_payload_of_the_definition(stage: Any, deployed: Any) -> None:
    await deployed("admission-webhook")
    visit = {
        "resourceType": "Encounter",
        "status": "arrived",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    }
    stored = await stage.create(visit)
    run = await stage.run_of("admission-webhook")
    await _succeeds(stage, run)
    [message] = await stage.messages(run)
    assert message["payload"]["encounter"] == stored["id"]
    assert message["payload"]["run"] == run


@pytest.mark.parametrize(("value", "messages"), [(310, 1), (90, 0)])
async def test_if_goes_on_only_where_the_condition_holds(
    stage: Any, deployed: Any, value: int, messages: int
) -> None:
    workflow = await deployed("high-glucose")
    quantity = {"value": value, "unit": "mg/dL"}
    resource = {"resourceType": "Observation", "status": "final", "valueQuantity": quantity}
    run = await stage.start(workflow, {"resource": resource})
    await _succeeds(stage, run)
    assert len(await stage.messages(run)) == messages


@pytest.mark.parametrize(
    ("priority", "channels"), [("stat", ["slack"]), ("urgent", ["email"]), ("routine", [])]
)
async def test_switch_goes_on_with_the_case_that_equals_the_value(
    stage: Any, deployed: Any, priority: str, channels: list[str]
) -> None:
    workflow = await deployed("route-by-priority")
    run = await stage.start(workflow, {"resource": {"priority": priority}})
    await _succeeds(stage, run)
    assert [message["channel"] for message in await stage.messages(run)] == channels


async def test_an_uploaded_letter_is_triaged(stage: Any, deployed: Any) -> None:
    await deployed("read-a-letter")
    await stage.services.uploads.put(
        DEFAULT_SCOPE, "letters", "one.txt", LETTER.encode(), "text/plain", ACTOR
    )
    run = await stage.run_of("read-a-letter")
    status = await stage.settled(run, {"running"})
    letter = next(step for step in status["steps"] if step["id"] == "letter")
    assert letter["output"]["path"] == "text"
    assert letter["output"]["specialty"] == "cardiology"
    assert (status["status"] == "waiting") == letter["output"]["needsReview"]


async def test_a_radiograph_is_read_and_then_decided_by_a_person(stage: Any, deployed: Any) -> None:
    await deployed("read-radiograph")
    second_look = await deployed("second-look")
    await stage.create(demo_patients()[0])
    stored = await stage.services.dicom.store(DEFAULT_SCOPE, demo_study(), ACTOR, source="upload")
    run = await stage.run_of("read-radiograph")
    assert (await stage.settled(run, {"running"}))["status"] == "waiting"
    open_tasks = await stage.services.tasks.page(DEFAULT_SCOPE, state="requested")
    task = next(task for task in open_tasks if task["runId"] == run)
    await stage.services.tasks.decide(DEFAULT_SCOPE, task["id"], {"decision": "approve"}, ACTOR)
    status = await _succeeds(stage, run)
    assert status["output"] == {"reading": task["show"]["reading"], "decision": "approve"}
    again = await stage.start(second_look, {"file": stored.uri})
    answer = (await _succeeds(stage, again))["output"]
    assert answer["label"] == "pneumonia"
    assert 0.5 < answer["confidence"] <= 1


async def test_a_task_is_decided_once(stage: Any, deployed: Any) -> None:
    workflow = await deployed("discharge-check")
    run = await stage.start(workflow, {"encounter": "e1"})
    assert (await stage.settled(run, {"running"}))["status"] == "waiting"
    open_tasks = await stage.services.tasks.page(DEFAULT_SCOPE, state="requested")
    task = next(task for task in open_tasks if task["runId"] == run)
    decide = stage.services.tasks.decide
    await decide(DEFAULT_SCOPE, task["id"], {"decision": "reject", "comment": "Not yet"}, ACTOR)
    with pytest.raises(Conflict):
        await decide(DEFAULT_SCOPE, task["id"], {"decision": "approve"}, ACTOR)
    status = await _succeeds(stage, run)
    assert status["output"] == {"approved": False}
    check = next(step for step in status["steps"] if step["id"] == "check")
    assert check["output"]["by"] == "dr.marlowe"
    assert check["output"]["comment"] == "Not yet"
    assert len(await stage.messages(run)) == 1


async def test_two_different_people_approve(stage: Any, deployed: Any) -> None:
    workflow = await deployed("off-label")
    run = await stage.start(workflow, {"drug": "C01AA05"})
    assert (await stage.settled(run, {"running"}))["status"] == "waiting"
    tasks = stage.services.tasks
    [task] = await tasks.page(DEFAULT_SCOPE, state="open", filters={"run": run[4:]})
    for name in ("ada", "grace"):
        who = {"principal": name, "roles": ["clinician"], "all": False, "assign": False}
        actor = {"principal": name, "kind": "user"}
        await tasks.decide(DEFAULT_SCOPE, task["id"], {"decision": "approve"}, actor, who)
    status = await _succeeds(stage, run)
    assert status["output"]["approved"] is True
    assert [vote["by"] for vote in status["output"]["votes"]] == ["ada", "grace"]
    assert len(await stage.messages(run)) == 1


async def test_a_form_is_asked_by_mail_and_filled_by_its_link(stage: Any, deployed: Any) -> None:
    workflow = await deployed("consent-by-mail")
    patient = await stage.create({"resourceType": "Patient", "name": [{"family": "Brightwater"}]})
    asked = {"patientId": patient["id"], "email": "ada@example.org"}
    run = await stage.start(workflow, asked)
    assert (await stage.settled(run, {"running"}))["status"] == "waiting"
    [message] = await stage.messages(run)
    token = message["text"].rpartition("#")[2]
    forms = stage.services.people.forms
    assert (await forms.read(token))["title"] == "Consent to treatment"
    await forms.fill(token, {"data": {"agree": False, "questions": "The anaesthetic"}})
    output = (await _succeeds(stage, run))["output"]
    assert output["agreed"] is False
    kind, _, name = output["response"].partition("/")
    stored = await stage.services.fhir.read(DEFAULT_SCOPE, kind, name)
    assert stored["subject"] == {"reference": f"Patient/{patient['id']}"}


async def test_a_wait_parks_the_run(stage: Any, deployed: Any) -> None:
    workflow = await deployed("call-back")
    run = await stage.start(workflow, {"patientId": "p1"})
    assert (await stage.settled(run, {"running"}))["status"] == "waiting"
    assert await stage.messages(run) == []


async def test_a_write_names_the_patient_of_the_run(stage: Any, deployed: Any) -> None:
    workflow = await deployed("record-call")
    patient = await stage.create({"resourceType": "Patient"})
    body = {"patientId": f"Patient/{patient['id']}", "text": "Called back"}
    status = await _succeeds(stage, await stage.start(workflow, body))
    kind, id_ = status["output"]["communication"].split("/")
    stored = await stage.services.fhir.read(DEFAULT_SCOPE, kind, id_)
    assert stored["subject"] == {"reference": f"Patient/{patient['id']}"}


async def test_a_patient_is_registered_once(stage: Any, deployed: Any) -> None:
    workflow = await deployed("register-once")
    body = {"number": "A1234", "family": "Example"}
    first = await _succeeds(stage, await stage.start(workflow, body))
    second = await _succeeds(stage, await stage.start(workflow, body))
    assert [first["output"], second["output"]] == [{"found": 0}, {"found": 1}]


async def test_a_transaction_writes_all_and_links_them(stage: Any, deployed: Any) -> None:
    workflow = await deployed("admit")
    status = await _succeeds(stage, await stage.start(workflow, {"family": "Example"}))
    patient, encounter = status["output"]["written"]
    kind, id_ = encounter.split("/")
    stored = await stage.services.fhir.read(DEFAULT_SCOPE, kind, id_)
    assert stored["subject"]["reference"] == patient


async def test_an_update_makes_the_next_version(stage: Any, deployed: Any) -> None:
    workflow = await deployed("complete-task")
    task = await stage.create({"resourceType": "Task", "status": "requested", "intent": "plan"})
    status = await _succeeds(stage, await stage.start(workflow, {"task": f"Task/{task['id']}"}))
    assert status["output"] == {"version": "2"}
    stored = await stage.services.fhir.read(DEFAULT_SCOPE, "Task", task["id"])
    assert (stored["status"], stored["intent"]) == ("completed", "plan")


async def test_a_write_that_the_store_refuses_fails_the_step_and_leaves_nothing(
    stage: Any, deployed: Any
) -> None:
    workflow = await deployed("record-call")
    before = await stage.services.fhir.search(DEFAULT_SCOPE, "Communication", [])
    run = await stage.start(workflow, {"patientId": "not an id", "text": "Called back"})
    status = await stage.finished(run)
    assert status["status"] == "failed"
    assert status["error"]["code"]
    after = await stage.services.fhir.search(DEFAULT_SCOPE, "Communication", [])
    assert after["total"] == before["total"]


async def test_the_first_of_two_readers_decides(stage: Any, deployed: Any) -> None:
    workflow = await deployed("two-readers")
    run = await stage.start(workflow, {"study": "one"})
    people = stage.services.tasks

    async def both() -> Any:
        asked = await people.page(DEFAULT_SCOPE, state="requested")
        own = [task for task in asked if task["runId"] == run]
        return own if len(own) == 2 else None

    tasks = await stage.until(both)
    await people.decide(DEFAULT_SCOPE, tasks[0]["id"], {"decision": "approve"}, ACTOR)
    status = await _succeeds(stage, run)
    assert status["output"] == {"answered": 1}
    every = await people.page(DEFAULT_SCOPE, state=None)
    states = [task["status"] for task in every if task["runId"] == run]
    assert sorted(states) == ["cancelled", "completed"]


async def test_each_item_is_recorded_and_a_wrong_one_stops_no_other(
    stage: Any, deployed: Any
) -> None:
    workflow = await deployed("record-weights")
    patient = await stage.create({"resourceType": "Patient"})
    weights = [
        {"patient": f"Patient/{patient['id']}", "kg": 70},
        {"patient": f"Patient/{patient['id']}"},
        {"patient": f"Patient/{patient['id']}", "kg": 71},
    ]
    run = await stage.start(workflow, {"weights": weights})
    status = await _succeeds(stage, run)
    assert status["output"]["refused"] == 1
    assert [one is None for one in status["output"]["recorded"]] == [False, True, False]


async def test_a_workflow_runs_another_one(stage: Any, deployed: Any) -> None:
    await deployed("tell-the-ward")
    workflow = await deployed("admit-and-tell")
    status = await _succeeds(stage, await stage.start(workflow, {"bed": "12"}))
    [message] = await stage.messages(status["output"]["told"])
    assert message["text"].startswith("Bed 12 is taken")


async def test_a_run_waits_for_an_event_with_its_key(stage: Any, deployed: Any) -> None:
    workflow = await deployed("wait-for-sample")
    run = await stage.start(workflow, {"order": "order-7"})
    signals, actor = stage.services.signals, ACTOR
    await signals.send(DEFAULT_SCOPE, "sample-arrived", "order-8", {"tube": "B"}, actor)
    await signals.send(DEFAULT_SCOPE, "sample-arrived", "order-7", {"tube": "A-12"}, actor)
    assert (await _succeeds(stage, run))["output"] == {"tube": "A-12"}


async def test_a_program_of_ones_own_scores_a_sample(stage: Any, deployed: Any) -> None:
    workflow = await deployed("score-sample")
    run = await stage.start(workflow, {"sample": "S-1"})
    work = stage.services.work
    (given,) = await work.poll(DEFAULT_SCOPE, "lab-robot", 1, 20, ACTOR)
    assert given["input"] == {"sample": "S-1"}
    await work.complete(DEFAULT_SCOPE, given["id"], given["token"], 0.25, ACTOR)
    assert (await _succeeds(stage, run))["output"] == {"score": 0.25}


async def test_a_table_decides_what_is_paid(stage: Any, deployed: Any) -> None:
    workflow = await deployed("copay")
    for body, answer in (
        ({"payer": "medicare", "age": 65}, {"copay": 0, "decidedBy": ["senior"]}),
        ({"payer": "acme", "age": 17}, {"copay": 5, "decidedBy": ["acme"]}),
    ):
        status = await _succeeds(stage, await stage.start(workflow, body))
        assert status["output"] == answer


async def test_a_program_answers_from_its_sandbox(stage: Any, deployed: Any) -> None:
    workflow = await deployed("echo-in-a-sandbox")
    status = await _succeeds(stage, await stage.start(workflow, {"value": 2.5}))
    assert status["output"] == {"value": 2.5}


async def test_the_session_keeps_what_was_said(stage: Any, deployed: Any) -> None:
    workflow = await deployed("keep-in-mind")
    body = {"patient": "Patient/p1", "note": "Allergic to nuts"}
    run = await stage.start(workflow, body)
    status = await _succeeds(stage, run)
    [note] = status["output"]["notes"]
    assert (status["output"]["patient"], note["content"]) == ("p1", "Allergic to nuts")
    session = await stage.services.runs.session(DEFAULT_SCOPE, run)
    assert session["patientId"] == "p1"
    assert [one["step"] for one in session["messages"] if one.get("role") == "person"] == [
        "steps/note"
    ]


async def test_a_pipeline_brings_its_rows(stage: Any, deployed: Any) -> None:
    number = "https://hospital.example/mrn"
    resource = {
        "resourceType": "Patient",
        "identifier": [{"system": number, "value": "{{item.mrn}}"}],
        "name": [{"family": "{{item.family}}"}],
    }
    pipeline = {
        "source": {"type": "csv", "files": "file://legacy/*.csv"},
        "maps": [{"match": f"identifier={number}|{{{{item.mrn}}}}", "resource": resource}],
    }
    await stage.services.computing.pipelines.put(DEFAULT_SCOPE, "legacy-emr", pipeline, ACTOR)
    workflow = await deployed("nightly-patients")
    rows = b"mrn,family\nL1,One\nL2,Two\n,Nobody\n"
    await stage.services.uploads.put(DEFAULT_SCOPE, "legacy", "1.csv", rows, "text/csv", ACTOR)
    status = await _succeeds(stage, await stage.start(workflow, {}))
    assert status["output"] == {"moved": 2, "setAside": 1}


async def test_a_csv_becomes_a_bundle_that_is_written_once(stage: Any, deployed: Any) -> None:
    workflow = await deployed("csv-to-fhir")
    rows = "mrn,family,born\nC1,One,31.12.1999\nC2,Two,\nC3,Three,yesterday\n"
    first = await _succeeds(stage, await stage.start(workflow, {"csv": rows}))
    assert len(first["output"]["written"]) == 2
    assert [(one["line"], one["code"]) for one in first["output"]["rejected"]] == [(4, "csv_type")]
    again = await _succeeds(stage, await stage.start(workflow, {"csv": rows}))
    assert sorted(again["output"]["written"]) == sorted(first["output"]["written"])
