"""The radiology workflow of source document 000, as YAML and as the SDK's object, for real."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from careloom.audit.verify_export import verify_export

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

Cut = Callable[[str], str]
Study = Callable[..., bytes]
UPLOAD = "/api/files/uploads/study123.dcm"
URI = "dicom://uploads/study123.dcm"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
EXECUTE = "/api/workflows/radiology-ai-workflow/execute"


async def _uploaded(desk: Desk, data: bytes) -> None:
    """Stored, and its event matched: what is deployed after this is not started by it."""
    answer = await desk.put(UPLOAD, content=data)
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["uri"] == URI
    await desk.events_matched()


def _codes(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["code"] for entry in entries]


@pytest.mark.parametrize("form", ["flattened", "indented"])
async def test_the_curl_of_the_document_runs_the_workflow(
    form: str, desk: Desk, study: Study, request: pytest.FixtureRequest
) -> None:
    await _uploaded(desk, study("curl"))
    patient = await desk.patient()
    source = request.getfixturevalue(form)("radiology")
    deployed = await desk.deployed(source)
    assert deployed["id"] == "radiology-ai-workflow"
    assert ("W-INDENT" in _codes(deployed["receipts"])) is (form == "flattened")

    answer = await desk.post(EXECUTE, {"file": URI, "patientId": f"Patient/{patient}"})
    assert answer.status_code == 202, answer.text
    body = answer.json()
    assert body["success"] is True
    assert {"runId", "status", "message", "createdAt"} <= body["data"].keys()
    assert body["data"]["runId"].startswith("run_")
    assert body["data"]["status"] == "running"
    assert body["data"]["message"] == "Workflow execution started"

    run = await desk.ended(body["data"]["runId"])
    assert run["status"] == "succeeded", run
    assert [step["id"] for step in run["steps"]] == [
        "analyze-image",
        "store-observation",
        "notify-radiologist",
    ]
    await _stored_as_written(desk, run, patient)
    await _captured_as_written(desk, run, patient)


async def _stored_as_written(desk: Desk, run: dict[str, Any], patient: str) -> None:
    analysis, stored, _ = run["steps"]
    assert "W-REFPREFIX" in _codes(stored["notes"])
    assert "W-AIFINAL" in _codes(stored["notes"])
    [observation] = await desk.search(f"Observation?subject=Patient/{patient}&category=imaging")
    assert observation["id"] == stored["output"]["id"]
    assert observation["subject"] == {"reference": f"Patient/{patient}"}
    assert observation["status"] == "final"
    assert observation["code"] == {"text": "AI Analysis Result"}
    assert observation["valueString"] == analysis["output"]["analysisResult"]
    assert "pneumonia" in observation["valueString"]
    told = await desk.search(f"Provenance?target=Observation/{observation['id']}")
    # The trail tells of the run that wrote it; the stored one names the model.
    [provenance] = [one for one in told if "identifier" not in one["agent"][0]["who"]]
    assert "careloom-chest-xray" in provenance["agent"][0]["who"]["display"]


async def _captured_as_written(desk: Desk, run: dict[str, Any], patient: str) -> None:
    [message] = await desk.messages(run["runId"])
    assert message["status"] == "captured"
    assert message["channel"] == "slack"
    assert message["to"] == ["#radiology"]
    assert message["text"] == f"AI detected potential issue for Patient Patient/{patient}"
    assert _codes(message["warnings"]) == ["W-PHI"]
    assert "W-PHI" in _codes(run["steps"][2]["notes"])


async def test_deploying_says_what_was_repaired_and_what_is_doubtful(
    desk: Desk, flattened: Cut
) -> None:
    deployed = await desk.deployed(flattened("radiology"))
    receipts = {receipt["code"]: receipt for receipt in deployed["receipts"]}
    assert receipts["W-COERCE"]["path"].startswith("steps/store-observation/data")
    assert receipts["W-COERCE"]["before"] == "imaging"
    assert "observation-category" in receipts["W-COERCE"]["after"]
    findings = _codes(deployed["findings"])
    assert {"W-AIFINAL", "W-PHI", "I-CODING"} <= set(findings)
    kept = await desk.data("/api/workflows/radiology-ai-workflow")
    assert kept["source"] == flattened("radiology")
    assert kept["receipts"] == deployed["receipts"]


async def test_strict_refuses_the_flattened_text_with_line_and_column(
    desk: Desk, flattened: Cut
) -> None:
    answer = await desk.deploy(flattened("radiology"), mode="strict")
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "E-INDENT"
    assert error["details"]["line"] > 0
    assert error["details"]["column"] > 0
    patch = error["details"]["patch"]
    assert yaml.safe_load(patch)["workflow"]["trigger"]["type"] == "dicom"
    missing = await desk.get("/api/workflows/radiology-ai-workflow")
    assert missing.status_code == 404


async def test_strict_refuses_what_compat_would_coerce(desk: Desk, indented: Cut) -> None:
    answer = await desk.deploy(indented("radiology"), mode="strict")
    assert answer.status_code == 422
    body = answer.json()
    findings = [f for f in body["error"]["details"]["findings"] if f["severity"] == "error"]
    assert any("category" in finding["path"] for finding in findings), findings
    assert all(finding["fix"] for finding in findings)
    assert body["error"]["path"]


async def test_the_trigger_of_example_one_is_nested_again(desk: Desk, document: str) -> None:
    start = document.index('trigger:\ntype: fhir\nevent: "Patient.create"')
    text = document[start : document.index("Building a Workflow via YAML")].strip()
    steps = "steps:\n- id: look\ntype: wait\nduration: 1ms\n"
    source = f"id: on-patient\n{text}\n{steps}"
    answer = await desk.deploy(source, mode="strict")
    assert answer.status_code == 422
    assert answer.json()["error"]["details"]["line"] >= 1
    deployed = await desk.deployed(source)
    assert "W-INDENT" in _codes(deployed["receipts"])
    kept = await desk.data("/api/workflows/on-patient")
    assert kept["triggers"] == [{"type": "fhir", "event": "Patient.create"}]


async def test_the_object_of_the_sdk_is_the_same_workflow(
    desk: Desk, indented: Cut, study: Study
) -> None:
    form = yaml.safe_load(indented("radiology"))["workflow"]
    form["name"] = form.pop("id")
    del form["steps"][0]["output"], form["steps"][2]
    deployed = await desk.deployed(form)
    assert deployed["id"] == "radiology-ai-workflow"
    await _uploaded(desk, study("object"))
    patient = await desk.patient()
    run = await desk.execute("radiology-ai-workflow", {"file": URI, "patientId": patient})
    assert run["status"] == "succeeded", run
    [observation] = await desk.search(f"Observation?subject=Patient/{patient}")
    assert observation["valueString"] == run["steps"][0]["output"]["analysisResult"]


async def test_yaml_and_json_of_one_workflow_have_one_hash(desk: Desk, indented: Cut) -> None:
    by_yaml = await desk.deployed(indented("radiology"))
    by_json = await desk.deploy(yaml.safe_load(indented("radiology")))
    assert by_json.status_code == 200, by_json.text
    assert by_json.json()["data"]["hash"] == by_yaml["hash"]
    assert by_json.json()["data"]["created"] is False


async def test_another_workflow_of_the_same_name_is_a_conflict(desk: Desk) -> None:
    first = {"name": "Night Round", "steps": [{"id": "a", "type": "wait", "duration": "1ms"}]}
    assert (await desk.deployed(first))["id"] == "night-round"
    other = {"name": "night round", "steps": [{"id": "b", "type": "wait", "duration": "1ms"}]}
    answer = await desk.deploy(other)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "workflow_exists"
    assert "night-round" in answer.json()["error"]["fix"]


async def test_a_file_that_is_not_there_is_refused_before_the_run(
    desk: Desk, indented: Cut
) -> None:
    await desk.deployed(indented("radiology"))
    patient = await desk.patient()
    for uri in ("dicom://uploads/absent.dcm", "dicom://other/study123.dcm"):
        answer = await desk.post(EXECUTE, {"file": uri, "patientId": patient})
        assert answer.status_code == 422, answer.text
    for uri in ("dicom://uploads/../../etc/passwd", "dicom://../uploads/study123.dcm", "dicom://"):
        answer = await desk.post(EXECUTE, {"file": uri, "patientId": patient})
        assert answer.status_code in (400, 422), answer.text
        assert answer.json()["success"] is False
    assert await desk.data("/api/workflows/runs") == []


@pytest.mark.parametrize("missing", ["file", "patientId"])
async def test_input_that_misses_a_field_is_refused_before_any_step(
    missing: str, desk: Desk, indented: Cut, study: Study
) -> None:
    await _uploaded(desk, study("missing"))
    await desk.deployed(indented("radiology"))
    body = {"file": URI, "patientId": "Patient/1"}
    del body[missing]
    answer = await desk.post(EXECUTE, body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "input_missing"
    assert error["path"] == f"/{missing}"
    assert error["details"] == {"missing": [missing]}
    assert await desk.data("/api/workflows/runs") == []


@pytest.mark.parametrize("name", ["..%2Fstudy.dcm", "%2Fetc%2Fpasswd", "a%00b", ".hidden"])
async def test_names_that_leave_the_bucket_are_refused(name: str, desk: Desk, study: Study) -> None:
    for content in (study("traversal"), b"plain text"):
        answer = await desk.put(f"/api/files/uploads/{name}", content=content)
        assert answer.status_code in (400, 404, 422), answer.text
        assert answer.json()["success"] is False


async def test_an_absolute_reference_is_kept(desk: Desk, indented: Cut, study: Study) -> None:
    await _uploaded(desk, study("absolute"))
    await desk.deployed(indented("radiology"))
    given = "https://fhir.other.example/r4/Patient/77"
    run = await desk.execute("radiology-ai-workflow", {"file": URI, "patientId": given})
    assert run["status"] == "succeeded", run
    [observation] = await desk.search("Observation")
    assert observation["subject"] == {"reference": given}


async def test_a_reference_to_another_type_is_an_error(
    desk: Desk, indented: Cut, study: Study
) -> None:
    await _uploaded(desk, study("othertype"))
    await desk.deployed(indented("radiology"))
    run = await desk.execute("radiology-ai-workflow", {"file": URI, "patientId": "Group/1"})
    assert run["status"] == "failed"
    assert run["error"]["code"] == "reference_types"
    assert run["error"]["path"] == "steps/store-observation"


@pytest.mark.parametrize("way", ["upload", "stow"])
async def test_a_new_image_starts_the_workflow_once(
    way: str, desk: Desk, indented: Cut, study: Study
) -> None:
    identifier = [{"system": "urn:hospital", "value": "SYN1"}]
    patient = await desk.patient(identifier=identifier, birthDate="1967-09-30")
    await desk.deployed(indented("radiology"))
    data = study(f"trigger-{way}")
    for _ in range(2):
        await _handed_in(desk, way, data)
    [run] = await desk.runs_of("radiology-ai-workflow", 1)
    shown = await desk.run(run["runId"])
    assert shown["status"] == "succeeded", shown
    assert shown["source"] == "dicom"
    await desk.events_matched()
    assert len(await desk.data("/api/workflows/runs?workflow=radiology-ai-workflow")) == 1
    [observation] = await desk.search(f"Observation?subject=Patient/{patient}")
    assert observation["subject"]["reference"] == f"Patient/{patient}"


async def _handed_in(desk: Desk, way: str, data: bytes) -> None:
    if way == "upload":
        await _uploaded(desk, data)
        return
    head = b"--part\r\nContent-Type: application/dicom\r\n\r\n"
    answer = await desk.client.post(
        "/dicomweb/studies",
        content=head + data + b"\r\n--part--\r\n",
        headers={
            "Content-Type": 'multipart/related; type="application/dicom"; boundary=part',
            "Accept": "application/dicom+json",
        },
    )
    assert answer.status_code == 200, answer.text


async def test_an_image_of_nobody_known_is_an_incident_and_no_new_patient(
    desk: Desk, indented: Cut, study: Study
) -> None:
    await desk.deployed(indented("radiology"))
    await _uploaded(desk, study("unknown", number="NOBODY"))
    await desk.events_matched()
    assert await desk.search("Patient") == []
    incidents = await desk.data("/api/incidents")
    assert any("patient" in incident["kind"] for incident in incidents), incidents


async def test_the_run_and_its_audit_in_every_form(
    desk: Desk, indented: Cut, study: Study, tmp_path: Path
) -> None:
    await _uploaded(desk, study("audit"))
    patient = await desk.patient()
    await desk.deployed(indented("radiology"))
    run = await desk.execute("radiology-ai-workflow", {"file": URI, "patientId": patient})
    assert {"runId", "workflowId", "version", "status", "steps", "createdAt"} <= run.keys()
    assert all(step["durationMs"] >= 0 for step in run["steps"])
    for step in (desk.services.sealer.seal_once, desk.services.sealer.sign_once):
        await step(desk.scope.tenant)
    address = f"/api/workflows/runs/{run['runId']}/audit"
    lines = (await desk.data(address))["lines"]
    rows = [line for line in lines if line["type"] == "row"]
    actions = [json.loads(row["content"])["action"] for row in rows]
    assert actions[0] == "run.start"
    assert {"step.succeeded", "fhir.create", "message.captured"} <= set(actions)
    assert all(row["proof"] is not None and row["chain_hash"] for row in rows)
    assert any(line["type"] == "checkpoint" for line in lines)

    ndjson = await desk.get(address, headers={"Accept": "application/x-ndjson"})
    assert ndjson.headers["content-type"].startswith("application/x-ndjson")
    exported = tmp_path / "audit.ndjson"
    exported.write_bytes(ndjson.content)
    report = verify_export(exported, public_keys=[desk.services.signing_key.public])
    assert report.ok, report.findings
    assert report.rows == len(rows)
    sheet = await desk.get(address, headers={"Accept": "text/csv"})
    assert [row["action"] for row in csv.DictReader(io.StringIO(sheet.text))] == actions
    bundle = (await desk.get(address, headers={"Accept": "application/fhir+json"})).json()
    assert bundle["resourceType"] == "Bundle"
    events = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert events == ["AuditEvent"] * len(rows)
    refused = await desk.get(address, headers={"Accept": "application/pdf"})
    assert refused.status_code == 406


async def test_production_refuses_what_development_warns_of(house: House, indented: Cut) -> None:
    desk = await house.desk(environment="production")
    answer = await desk.deploy(indented("radiology"), mode="compat")
    assert answer.status_code == 422
    findings = answer.json()["error"]["details"]["findings"]
    errors = {finding["code"] for finding in findings if finding["severity"] == "error"}
    assert {"E-AIFINAL", "E-PHI", "E-CONNECTION"} <= errors
    refused = await desk.deploy(indented("radiology"))
    assert refused.status_code == 422


async def test_a_persons_review_makes_the_result_final_in_production(
    house: House, indented: Cut, study: Study
) -> None:
    desk = await house.desk(environment="production")
    await _uploaded(desk, study("reviewed"))
    form = yaml.safe_load(indented("radiology"))["workflow"]
    form["steps"][1]["data"]["category"] = [{"coding": [{"system": CATEGORY, "code": "imaging"}]}]
    said = "{{steps.analyze-image.output.analysisResult}}"
    ask = {"id": "review", "type": "task", "title": "Is it so?", "show": {"reading": said}}
    form["steps"][1]["when"] = "steps.review.output.approved"
    form["steps"][1:] = [ask, form["steps"][1]]
    await desk.deployed(form)
    patient = await desk.patient()
    answer = await desk.post(EXECUTE, {"file": URI, "patientId": patient})
    run_id = answer.json()["data"]["runId"]
    await desk.reached(run_id, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks")
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    run = await desk.ended(run_id)
    assert run["status"] == "succeeded", run
    [observation] = await desk.search(f"Observation?subject=Patient/{patient}")
    assert observation["status"] == "final"


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [("worker", "radiology-asistant", "E-WORKER"), ("model", "gpt-17", "E-MODEL")],
)
async def test_a_worker_or_model_that_is_not_here_is_refused_with_a_proposal(
    desk: Desk, indented: Cut, key: str, value: str, code: str
) -> None:
    form = yaml.safe_load(indented("radiology"))["workflow"]
    form["steps"][0][key] = value
    answer = await desk.deploy(form)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["path"]) == (code, f"steps/analyze-image/{key}")
    assert error["fix"]


async def test_names_that_the_worker_does_not_give_are_a_step_error(
    desk: Desk, indented: Cut, study: Study
) -> None:
    """One unknown name stands for the worker's result; of two, none can."""
    await _uploaded(desk, study("names"))
    form = yaml.safe_load(indented("radiology"))["workflow"]
    del form["steps"][0]["output"], form["steps"][2]
    form["steps"][1]["data"]["note"] = [{"text": "{{steps.analyze-image.output.impression}}"}]
    await desk.deployed(form)
    run = await desk.execute("radiology-ai-workflow", {"file": URI, "patientId": "p"})
    assert run["status"] == "failed", run
    assert run["error"]["code"] == "missing_output"
    assert "impression" in run["error"]["message"]
    assert await desk.search("Observation") == []
