"""An AI's decision explained: from the server's trail, and the same from an export alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import Desk, House, until

from careloom.audit.export import export
from careloom.audit.trail import AuditTrail, Selection
from careloom.cli.main import main
from careloom.types import JsonObject

CANARY = "Zanthippe-Quillfeather"
TABLE: JsonObject = {
    "hitPolicy": "first",
    "inputs": [{"field": "confidence", "type": "number", "min": 0, "max": 1}],
    "outputs": ["path"],
    "rows": [
        {"id": "sure", "when": {"confidence": ">= 0.9"}, "then": {"path": "store"}},
        {"id": "unsure", "when": {}, "then": {"path": "ask"}},
    ],
}
READ: JsonObject = {
    "id": "read",
    "type": "worker",
    "worker": "helper",
    "input": {"text": "{{trigger.text}}", "of": "{{trigger.patient}}"},
}
GRADE: JsonObject = {
    "id": "grade",
    "type": "rules",
    "table": TABLE,
    "data": {"confidence": "{{steps.read.output.confidence}}"},
    "output": "way",
}
ASK: JsonObject = {
    "id": "review",
    "type": "task",
    "title": "Look at this",
    "suggestion": {"finding": "{{steps.read.output.finding}}"},
}
STORE: JsonObject = {
    "id": "store",
    "type": "fhir",
    "action": "create",
    "resourceType": "Observation",
    "data": {
        "resourceType": "Observation",
        "status": "preliminary",
        "code": {"text": "Finding"},
        "valueString": "{{steps.review.output.data.finding}}",
    },
}
WORKFLOW: JsonObject = {
    "id": "explained",
    "steps": [
        READ,
        GRADE,
        {
            "id": "sure",
            "type": "if",
            "condition": "steps.grade.output.way.path = 'ask'",
            "then": [ASK, STORE],
            "else": [{"id": "nap", "type": "wait", "duration": "1s"}],
        },
    ],
}
PATH = "steps/read"
STORED = "steps/sure/then/store"


async def explained(ward: Ward) -> tuple[JsonObject, str]:
    """A run whose decision was edited by a person and stored; the run and its patient."""
    await ward.model(region="eu")
    schema = {"type": "object", "properties": {"finding": {"type": "string"}}}
    await ward.worker(outputSchema=schema, retries=1)
    patient = await ward.desk.patient(CANARY)
    await ward.desk.deployed(WORKFLOW)
    answer = json.dumps({"finding": f"{CANARY} is unwell", "confidence": 0.7})
    ward.ai.script.then(Say(status=503), Say(answer))
    about = {"resourceType": "Patient", "id": patient, "meta": {"versionId": "1"}}
    started = await ward.desk.post(
        "/api/workflows/explained/execute", {"text": f"About {CANARY}", "patient": about}
    )

    async def asked() -> str | None:
        tasks = await ward.desk.data("/api/tasks")
        return next((str(one["id"]) for one in tasks), None)

    task = await until(asked)
    decided = await ward.desk.post(
        f"/api/tasks/{task}/decision",
        {"decision": "approve", "data": {"finding": "All is well"}},
    )
    assert decided.status_code == 200, decided.text
    run = await ward.desk.ended(started.json()["data"]["runId"])
    assert run["status"] == "succeeded", run["error"]
    return run, patient


async def sealed(desk: Desk, run: str) -> JsonObject:
    """The explanation once every row is signed."""

    async def look() -> JsonObject | None:
        found: JsonObject = await desk.data(f"/api/decisions/{run}/{PATH}")
        return found if found["proof"]["signed"] == found["proof"]["rows"] else None

    return await until(look)


async def saved(desk: Desk) -> bytes:
    """The whole trail of the tenant."""
    services = desk.services
    pieces = export(
        AuditTrail(services.db),
        desk.scope.tenant,
        Selection(),
        "ndjson",
        key=services.signing_key,
    )
    return b"".join([piece async for piece in pieces])


async def test_a_decision_is_explained_alike_by_the_server_and_from_the_export(
    ward: Ward, house: House, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run, patient = await explained(ward)
    name = run["runId"]
    said = await sealed(ward.desk, name)
    assert_what_it_says(said, patient)
    [listed] = await ward.desk.data(f"/api/decisions?run={name}")
    assert (listed["path"], listed["review"], listed["worker"]) == (PATH, "edited", "helper")

    auditor = await house.desk("auditor", scope=ward.desk.scope)
    assert (await auditor.get(f"/api/decisions/{name}/{PATH}")).status_code == 200
    device = await house.desk("device", scope=ward.desk.scope)
    assert (await device.get(f"/api/decisions/{name}/{PATH}")).status_code == 403
    stranger = await house.desk()
    assert (await stranger.get(f"/api/decisions/{name}/{PATH}")).status_code == 404
    gone = await ward.desk.get(f"/api/decisions/{name}/steps/grade")
    assert gone.json()["error"]["code"] == "decision_not_found"

    trail = tmp_path / "trail.ndjson"
    trail.write_bytes(await saved(ward.desk))
    whole = (await ward.desk.get(f"/api/decisions/{name}/{PATH}")).content
    capfdbinary.readouterr()
    html = tmp_path / "decision.html"
    order = ["audit", "explain", str(trail), name, PATH, "--json", "--html", str(html)]
    assert main(order) == 0
    printed = capfdbinary.readouterr()
    assert whole == b'{"success":true,"data":' + printed.out.strip() + b"}"
    assert b"The export is whole." in printed.err
    assert f"The explanation is in {html}.".encode() in printed.err
    assert main(order[:5]) == 0
    told = capfdbinary.readouterr().out.decode()
    assert "answered by:\n  worker: helper\n" in told
    assert ", state edited, by admin-" in told
    assert "{" not in told
    page = html.read_text("utf-8")
    assert "The export is whole." in page
    assert "A person approved it with changes." in page
    assert "<script" not in page
    for text in (page, whole.decode(), trail.read_text("utf-8")):
        assert CANARY not in text
        assert "All is well" not in text

    assert_a_tampered_export_says_so(trail, order, capfdbinary, html)


def assert_what_it_says(said: JsonObject, patient: str) -> None:
    """Everything that led to the decision and came of it."""
    assert (said["type"], said["outcome"], said["review"]) == ("worker", "succeeded", "edited")
    assert said["workflow"]["version"] == 1
    assert len(said["workflow"]["hash"]) == 64
    assert said["workflow"]["deployedBy"].startswith("admin-")
    assert said["startedBy"].startswith("admin-")
    assert said["answeredBy"]["worker"] == "helper"
    assert said["answeredBy"]["workerVersion"] == 1
    assert len(said["answeredBy"]["workerHash"]) == 64
    assert said["answeredBy"]["model"] == "openai/gpt-4"
    assert said["confidence"] == {"value": 0.7, "threshold": None, "calibrated": False}
    assert said["inputs"]["named"] == [{"reference": f"Patient/{patient}/_history/1"}]
    assert len(said["journalSha256"]) == 64
    events = [call["event"] for call in said["calls"]]
    assert events == ["ai.call.failed", "ai.call"]
    assert said["calls"][1]["promptSha256"] == said["answer"]["promptSha256"][0]
    assert said["calls"][1]["answerSha256"] == said["answer"]["answerSha256"]
    [rule] = said["rules"]
    assert (rule["step"], rule["rows"], rule["onThis"]) == ("steps/grade", ["unsure"], True)
    [branch] = said["branches"]
    assert branch["branch"] == "then"
    assert branch["condition"] == "steps.grade.output.way.path = 'ask'"
    [review] = said["reviews"]
    assert (review["state"], review["edited"]) == ("edited", ["finding"])
    assert review["by"].startswith("admin-")
    assert said["decidedAt"] < review["askedAt"] < review["decidedAt"]
    written = {one["entity"].partition("/")[0]: one for one in said["effects"]}
    assert written["Observation"]["step"] == STORED
    assert written["Observation"]["entity"].endswith("/_history/1")
    assert len(written["Observation"]["sha256"]) == 64
    proof = said["proof"]
    assert proof["intact"] is True
    assert proof["signed"] == proof["rows"] == len(proof["drawnOn"]) > 8


def assert_a_tampered_export_says_so(
    trail: Path, order: list[str], capfdbinary: Any, html: Path
) -> None:
    """Another model's name is put in: the row is not what was signed, nor is the file whole."""
    text = trail.read_text("utf-8")
    forged = text.replace('\\"model\\": \\"openai/gpt-4\\"', '\\"model\\": \\"openai/gpt-9\\"')
    forged = forged.replace('\\"model\\":\\"openai/gpt-4\\"', '\\"model\\":\\"openai/gpt-9\\"')
    assert forged != text
    trail.write_text(forged, "utf-8")
    assert main(order) == 1
    printed = capfdbinary.readouterr()
    assert b"The export is NOT whole" in printed.err
    said = json.loads(printed.out)
    assert said["answeredBy"]["model"] == "openai/gpt-9"
    assert said["proof"]["intact"] is False
    assert "changed" in {one["standing"] for one in said["proof"]["drawnOn"]}
    assert "The export is NOT whole" in html.read_text("utf-8")
