"""Every operation of the OpenAPI document with an address that leads somewhere, for tests that ask
the same of all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.api.ai_calls import places as ai_places
from tests.integration.api.evaluation_calls import places as evaluation_places
from tests.integration.api.learning_calls import MODEL
from tests.integration.dicom.burned import as_file, ground, ultrasound

from careloom.identity.permissions import ROLES, allows, grants_of
from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

REFERENCE = Path(__file__).parents[3] / "docs/reference/api.md"
_ROW = re.compile(r"^\| `(\w+)` \| `(\w+) (\S+)` \| (.*?) \|")
OURS = "known-to-nobody-but-this-tenant-alone"
NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
FORM = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [{"linkId": "agree", "type": "boolean", "required": True}],
}
UPLOADS = {
    *("uploadFile", "putFile", "uploadReferral", "triageReferral"),
    *("attachToTask", "attachToForm", "putKnowledgeDocument"),
}
"""These take files; everything else takes at most 1 MB."""


@dataclass(frozen=True)
class Operation:
    """One operation, and in words who may carry it out."""

    name: str
    method: str
    path: str
    permission: str
    """As docs/reference/api.md has it."""

    def address(self, places: dict[str, str]) -> str:
        """Its address with what the places hold for each parameter."""

        def value(found: re.Match[str]) -> str:
            name = found[1]
            return places.get(f"{self.name}.{name}", places[name])

        return re.sub(r"\{(\w+)\}", value, self.path)

    def may(self, role: str) -> bool:
        """Whether the reference lets the role."""
        named = re.findall(r"`([a-z]+:[a-z]+|admin)`", self.permission)
        grants = grants_of([role])
        named = named[:1] if self.name == "controlRuns" else named
        return (any if " or " in self.permission else all)(allows(grants, one) for one in named)

    @property
    def needs_a_key(self) -> bool:
        return "`" in self.permission


def operations() -> list[Operation]:
    """Every row of the reference; another test holds the reference against the document."""
    rows = (_ROW.match(line) for line in REFERENCE.read_text().splitlines())
    return [Operation(*row.groups()) for row in rows if row]


ROLE_NAMES = sorted(ROLES)


async def furnished(desk: Desk) -> dict[str, str]:
    """One of everything in the desk's tenant: what a parameter's name stands for."""
    places = {
        "number": "1",
        "version": "1",
        "kind": "wait",
        "endpoint": "x" * 24,
        "path": "orders",
        "name": OURS,
    }
    places |= await _workflows(desk)
    await _computing(desk)
    places |= await _files(desk)
    hook = {"kind": "webhook", "secret": {"url": "http://localhost:1/x"}}
    await _done(desk.put(f"/api/connections/{OURS}", json=hook))
    await _done(desk.put(f"/api/queues/{OURS}", json={"candidates": ["role:admin"]}))
    await _done(desk.put(f"/api/groups/{OURS}", json={"members": ["ada"]}))
    hours = {"timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}}
    await _done(desk.put(f"/api/calendars/{OURS}", json=hours))
    await _done(desk.put(f"/api/components/wait/{OURS}", json={"duration": "1ms"}))
    await _done(desk.put(f"/api/webhooks/secrets/{OURS}", json={}))
    draft = await _done(desk.post("/api/drafts", {"source": "workflow: {id: begun}"}))
    places["draft_id"] = draft["id"]
    store = await _done(desk.post("/api/fhirserver/create", {"name": OURS}))
    places["server_id"] = store["id"]
    places |= await ai_places(desk)
    places |= await evaluation_places(desk, OURS)
    await _done(desk.put(f"/api/trained-models/{OURS}", json=MODEL))
    return places | {"connection_id": OURS, "queue": OURS, "group": OURS}


async def _done(call: Any) -> Any:
    answer = await call
    assert answer.is_success, answer.text
    return answer.json()["data"]


async def _workflows(desk: Desk) -> dict[str, str]:
    broken = {"id": "gone", "type": "fhir", "action": "read", "resourceId": "absent"}
    await desk.deployed({"id": "fails", "steps": [{**broken, "resourceType": "Patient"}]})
    failed = (await desk.execute("fails", {}))["runId"]
    output = {"said": "{{trigger.said}}"}
    await desk.deployed({"id": OURS, "steps": [NAP], "output": output})
    ended = await desk.execute(OURS, {"said": "well"})
    replay = await _done(desk.post(f"/api/workflows/{OURS}/replay", {"last": 1}))
    form = {"id": "ask", "type": "task", "title": "Well?", "form": FORM}
    await desk.deployed({"id": "ask", "steps": [form]})
    waiting = (await _done(desk.post("/api/workflows/ask/execute", {})))["runId"]
    await desk.reached(waiting, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks")
    link = await _done(desk.post(f"/api/tasks/{task['id']}/link", {}))
    robot = {"id": "do", "type": "external", "queue": "robot", "input": {}}
    await desk.deployed({"id": "robot", "steps": [robot]})
    await desk.post("/api/workflows/robot/execute", {})
    [work] = await _done(desk.post("/api/work/robot/poll", {"wait": 20}))
    incident = await desk.incident("run.failed")
    return {
        "workflow_id": OURS,
        "run_id": waiting,
        "session_id": ended["sessionId"],
        "letter_id": failed,
        "replay_id": replay["replayId"],
        "task_id": task["id"],
        "token": link["token"],
        "attachment_id": "0123abcd-0000-4000-8000-000000000000",
        "key_id": "0123456789",
        "principal_id": "nobody-of-that-name-there",
        "role": "nobody-of-that-name",
        "browser_session_id": "0123456789abcdef",
        "work_id": work["id"],
        "incident_id": incident["id"],
    }


async def _computing(desk: Desk) -> None:
    age = {"field": "age", "type": "integer", "min": 0, "max": 120}
    row = {"when": {"age": "[0..120]"}, "then": {"copay": 5}}
    table = {"inputs": [age], "outputs": ["copay"], "rows": [row]}
    await _done(desk.put(f"/api/decision-tables/{OURS}", json=table))
    resource = {"resourceType": "Patient", "gender": "{{item.gender}}"}
    maps = [{"resource": resource, "match": "identifier=urn:mrn|{{item.mrn}}"}]
    pipeline = {"source": {"type": "csv", "files": "file://emr/*.csv"}, "maps": maps}
    await _done(desk.put(f"/api/pipelines/{OURS}", json=pipeline))


async def _files(desk: Desk) -> dict[str, str]:
    await _done(desk.put("/api/files/letters/a.pdf", content=digital_pdf("A letter")))
    letter = {"file": ("a.pdf", digital_pdf("Dear colleague, please see this patient soon."))}
    answer = await desk.client.post("/triage-referral/", files=letter)
    assert answer.status_code == 200, answer.text
    image = as_file(ultrasound(ground()))
    await _done(desk.put("/api/files/uploads/us.dcm", content=image))
    given = {"studyInstanceUid": "1.2.826.13.1", "options": {"cleanPixelData": False}}
    copies = await _done(desk.post("/api/deidentifications", given))
    return {
        "deidentification_id": copies["deidentificationId"],
        "bucket": "letters",
        "readFile.name": "a.pdf",
        "referral_id": answer.json()["referral_id"],
    }
