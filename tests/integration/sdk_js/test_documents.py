"""The scripts of source documents 000 and 003 with only import, key and address changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from careloom_client import EngineClient
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import Desk

from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject, Scope

from .conftest import Served, node
from .scripts import IMPORT, KEY, blocks, whole

Cut = Callable[[str], str]
STORE = "fhir-server-123"
ADVICE = "The pressure is within its range."
PATIENT = {"resourceType": "Patient", "id": "patient-123", "name": [{"family": "Doe"}]}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "obs-456",
    "status": "final",
    "code": {"text": "Pulse"},
    "subject": {"reference": "Patient/patient-123"},
}


@pytest.fixture(scope="session")
def stores_document(seeds: Path) -> str:
    """The text of source document 003."""
    return next(seeds.glob("003*.txt")).read_text()


async def _run(served: Served, project: Path, script: str) -> str:
    """Run a script with the address in the environment; what it printed."""
    path = project / "script.mjs"
    path.write_text(script, "utf-8")
    code, out, err = await node(path, env={"CARELOOM_URL": served.url})
    assert code == 0, err
    return out


async def test_the_script_of_the_workflows_document_creates_what_runs(
    served: Served, project: Path, document: str, study: Callable[..., bytes]
) -> None:
    [block] = blocks(document)
    assert IMPORT in block
    assert KEY in block
    script = block.replace("@boolbyte/engine", "careloom-client")
    out = await _run(served, project, script.replace(KEY, f"'{served.desk.key}'"))
    assert out == "Workflow created: radiology-ai-workflow\n"

    desk = served.desk
    kept = await desk.put("/api/files/uploads/study123.dcm", content=study("javascript"))
    assert kept.status_code == 201, kept.text
    await desk.events_matched()
    patient = await desk.patient()
    body = {"file": "dicom://uploads/study123.dcm", "patientId": f"Patient/{patient}"}
    run = await desk.execute("radiology-ai-workflow", body)
    assert run["status"] == "succeeded", run
    assert [step["id"] for step in run["steps"]] == ["analyze-image", "store-observation"]
    [observation] = await desk.search(f"Observation?subject=Patient/{patient}")
    assert observation["valueString"] == run["steps"][0]["output"]["analysisResult"]


def _by_python(served: Served, definition: JsonObject | str) -> str:
    with EngineClient(api_key=served.desk.key, base_url=served.url) as client:
        return str(client.workflow.create_workflow(definition).data.hash)


async def _by_javascript(served: Served, project: Path, definition: JsonObject | str) -> str:
    script = f"""import {{ EngineClient }} from 'careloom-client';
        const client = new EngineClient({{ apiKey: '{served.desk.key}' }});
        const workflow = await client.workflow.createWorkflow({json.dumps(definition)});
        console.log(workflow.data.hash);"""
    return (await _run(served, project, script)).strip()


async def _four_forms(served: Served, project: Path, text: str) -> set[str]:
    """The content hashes of one workflow by YAML, JSON and both clients."""
    definition = yaml.safe_load(text)
    return {
        (await served.desk.deploy(text)).json()["data"]["hash"],
        (await served.desk.post("/api/workflows", definition)).json()["data"]["hash"],
        await asyncio.to_thread(_by_python, served, definition),
        await asyncio.to_thread(_by_python, served, text),
        await _by_javascript(served, project, definition),
        await _by_javascript(served, project, text),
    }


async def test_four_forms_of_the_radiology_workflow_have_one_hash(
    served: Served, project: Path, indented: Cut
) -> None:
    assert len(await _four_forms(served, project, indented("radiology"))) == 1


async def test_the_object_of_the_script_has_the_hash_of_its_other_forms(
    served: Served, project: Path, document: str
) -> None:
    [block] = blocks(document)
    begin = block.index("createWorkflow(") + len("createWorkflow(")
    literal = block[begin : block.index("\n});", begin) + 2]
    out = await _run(served, project, f"console.log(JSON.stringify({literal}));")
    by_script = await _run(
        served,
        project,
        block.replace("@boolbyte/engine", "careloom-client")
        .replace(KEY, f"'{served.desk.key}'")
        .replace("workflow.data.id", "workflow.data.hash"),
    )
    hashes = await _four_forms(served, project, yaml.safe_dump(json.loads(out)))
    assert by_script == f"Workflow created: {hashes.pop()}\n"
    assert hashes == set()


async def _store_of_the_document(desk: Desk) -> str:
    """The store that the document speaks of, with the resources that it reads; its path."""
    scope = Scope(desk.scope.tenant, STORE)
    wanted = {
        "name": "my-fhir-server",
        "description": None,
        "region": "global",
        "fhirVersion": "R4",
        "infrastructure": "serverless",
        "settings": {},
    }
    await desk.services.db.call("store_create", scope.tenant, STORE, wanted, SYSTEM_ACTOR)
    await desk.services.identity.open_store(scope, actor=SYSTEM_ACTOR)
    path = f"/fhir/stores/{STORE}"
    for resource in (PATIENT, OBSERVATION):
        place = f"{path}/{resource['resourceType']}/{resource['id']}"
        answer = await desk.put(place, json=resource)
        assert answer.status_code == 201, answer.text
    return path


async def _the_worker_has_read(ward: Ward, by_name: dict[str, Any]) -> None:
    """What became of the message that the document sends: asked with the patient's own results."""
    [worker], [clinical] = by_name["fhirWorker"], by_name["clinicalWorker"]
    assert worker["data"]["defaultModelName"] == "openai/gpt-4"
    [tool] = clinical["data"]["toolConfigs"]["tools"]
    assert tool["config"]["permissions"] == ["read"]
    [session], [message] = by_name["session"], by_name["message"]
    assert session["data"]["workerId"] == worker["data"]["id"]
    assert session["data"]["patientId"] == "patient-123"
    task = await ward.settled(session["data"]["id"], message["data"]["taskId"])
    assert task["status"] == "completed", task
    assert task["answer"]["content"] == ADVICE
    first, second = ward.ai.script.asked
    assert "recent lab results for patient-123" in first.texts
    offered = {one["function"]["name"] for one in first.body["tools"]}
    assert offered == {"fhir_search", "fhir_read", "fhir_create", "fhir_update"}
    assert "Systolic blood pressure" in second.texts


async def test_the_script_of_the_stores_document_runs(
    served: Served, project: Path, stores_document: str, ward: Ward
) -> None:
    desk = served.desk
    await ward.model("openai/gpt-4")
    ward.ai.script.then(Say(calls=(("fhir_search", {"resourceType": "Observation"}),)), Say(ADVICE))
    path = await _store_of_the_document(desk)
    script = whole(stores_document, desk.key, refused="fhirClient.update(")
    told: list[Any] = json.loads(await _run(served, project, script))
    by_name: dict[str, Any] = {}
    for one in told:
        by_name |= {name: [*by_name.get(name, []), value] for name, value in one.items()}

    created, read = by_name["server"]
    assert created["message"] == "FHIR server created successfully"
    assert created["data"]["infrastructure"] == "serverless"
    assert read["data"]["id"] == STORE
    [servers] = by_name["servers"]
    assert [one["id"] for one in servers["data"]] == ["main", STORE, created["data"]["id"]]
    first, smith = by_name["patient"]
    assert (first["id"], smith["name"][0]["family"]) == ("patient-123", "Smith")
    [found], [vital] = by_name["patientBundle"], by_name["observationBundle"]
    assert (found["total"], vital["total"]) == (0, 0)
    [doe], [pressure] = by_name["createdPatient"], by_name["createdObservation"]
    assert doe["meta"]["versionId"] == pressure["meta"]["versionId"] == "1"
    assert by_name["capabilities"][0]["fhirVersion"] == "4.0.1"
    entries = by_name["resultBundle"][0]["entry"]
    assert [one["response"]["status"] for one in entries] == ["201 Created", "201 Created"]
    assert by_name["labResult"][0]["valueQuantity"] == {"value": 145, "unit": "mg/dL"}
    assert by_name["medication"][0]["resourceType"] == "MedicationStatement"
    await _the_worker_has_read(ward, by_name)
    # The document updates an Observation that it never gave an id.
    [refused] = by_name["refused"]
    assert refused["status"] == 400
    assert "id" in refused["message"]
    versions = (await desk.get(f"{path}/Patient/patient-123/_history")).json()
    methods = [entry["request"]["method"] for entry in versions["entry"]]
    assert methods == ["DELETE", "PUT", "PUT"]
    assert (await desk.get(f"{path}/Observation/obs-456")).status_code == 410
