"""Strings that stand for a patient in every class of field, sent through a real server: into
records, searches, runs that fail, tasks, forms, mails, images and conversations.

None comes out in the log, the metrics, an error, an incident, a list of runs, a mail's subject, the
audit trail, or at a model that may see no patient data."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import orjson
import pytest
from tests.ai_server.script import Asked, Say
from tests.integration.conftest import until

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.ai_server.server import AiServer
    from tests.integration.conftest import Mailbox, Serve, Server

WHO = {
    "family": "Quetzalbrunn",
    "given": "Wilhelmgard",
    "middle": "Ottokarine",
    "street": "Zaunkrebsgasse 17",
    "city": "Hinteroberwiesach",
    "postcode": "93718",
    "phone": "0175 55509318",
    "email": "wq.canary@mail.example",
    "mrn": "MRN-QX-558172",
    "insurance": "KV93817264Q",
    "contact": "Ferdinandus Hollerkamp",
    "relative": "Eusebia Quetzalbrunn-Thann",
}
"""What the record knows the patient by: this reaches no model that may not see it."""
TOLD = {
    "note": "CanaryNoteXq",
    "narrative": "CanaryNarrativeXq",
    "attachment": "CanaryAttachmentXq",
    "filename": "CanaryFileXq",
    "title": "CanaryTitleXq",
    "dicom": "CanaryDicomXq",
    "comment": "CanaryCommentXq",
    "answer": "CanaryAnswerXq",
    "trigger": "CanaryTriggerXq",
    "search": "CanarySearchXq",
    "value": "CanaryValueXq",
    "task": "CanaryTaskXq",
    "prompt": "CanaryPromptXq",
    "argument": "CanaryArgumentXq",
    "header": "CanaryHeaderXq",
    "text": "CanaryTextXq",
}
"""What is said or written about the patient."""
ALL = {**WHO, **TOLD}
BORN = "1949-11-23"


def leaks(text: str, canaries: dict[str, str] = ALL) -> list[str]:
    """The classes of which something stands in the text, however it is written."""
    lower = text.lower()
    plain = "".join(one for one in lower if one.isalnum())
    return [
        kind
        for kind, canary in canaries.items()
        if canary.lower() in lower or "".join(c for c in canary.lower() if c.isalnum()) in plain
    ]


def patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{TOLD["narrative"]}</div>',
        },
        "name": [{"family": WHO["family"], "given": [WHO["given"], WHO["middle"]]}],
        "identifier": [
            {"system": "http://hospital.example/mrn", "value": WHO["mrn"]},
            {"system": "http://insurer.example/member", "value": WHO["insurance"]},
        ],
        "telecom": [
            {"system": "phone", "value": WHO["phone"]},
            {"system": "email", "value": WHO["email"]},
        ],
        "address": [{"line": [WHO["street"]], "city": WHO["city"], "postalCode": WHO["postcode"]}],
        "birthDate": BORN,
        "contact": [{"name": {"text": WHO["contact"]}}],
    }


@dataclass
class Scene:
    """A server, a client of it, and every answer that was a refusal."""

    server: Server
    client: httpx.AsyncClient
    refused: list[str] = field(default_factory=list)
    answers: int = 0

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        answer = await self.client.request(method, path, **given)
        self.answers += 1
        if answer.status_code >= 400:
            self.refused.append(f"{method} {answer.status_code} {answer.text}")
        return answer

    async def made(self, path: str, body: Any) -> dict[str, Any]:
        answer = await self.ask("POST", path, json=body)
        assert answer.status_code in (200, 201, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found.get("data", found)

    async def data(self, path: str) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@pytest.fixture
async def scene(serve: Serve, mailbox: Mailbox) -> Any:
    env = {
        "CARELOOM_LOG_LEVEL": "debug",
        "CARELOOM_OUTGOING_ALLOW": "localhost",
        "CARELOOM_SMTP_URL": mailbox.url,
    }
    server = await serve(env)
    async with server.client() as client:
        yield Scene(server, client)


INVALID: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Patient", {"birthDate": TOLD["value"]}),
    ("Patient", {"active": TOLD["value"]}),
    ("Patient", {"gender": TOLD["value"]}),
    ("Patient", {"id": f"{TOLD['value']} !"}),
    ("Patient", {"multipleBirthInteger": TOLD["value"]}),
    ("Patient", {"name": TOLD["value"]}),
    ("Patient", {"name": [{"family": [TOLD["value"]]}]}),
    ("Patient", {"telecom": [{"system": TOLD["value"], "value": WHO["phone"]}]}),
    ("Patient", {"telecom": [{"system": "phone", "rank": TOLD["value"]}]}),
    ("Patient", {"telecom": [{"value": WHO["phone"]}]}),
    ("Patient", {"address": [{"period": {"start": TOLD["value"]}}]}),
    ("Patient", {"address": [{"period": {"start": "2024-05-02", "end": "2023-01-01"}}]}),
    ("Patient", {"photo": [{"data": f"{TOLD['value']}!", "size": TOLD["value"]}]}),
    ("Patient", {"text": {"status": "generated", "div": f"<script>{TOLD['value']}</script>"}}),
    ("Patient", {"text": {"status": TOLD["value"], "div": TOLD["value"]}}),
    ("Patient", {"managingOrganization": {"reference": f"{TOLD['value']}/1"}}),
    ("Patient", {"managingOrganization": {"reference": f"Patient/{TOLD['value']}"}}),
    ("Patient", {"generalPractitioner": [{"reference": f"Patient?name={TOLD['value']}"}]}),
    ("Patient", {"extension": [{"url": "http://x.example/a", "valueOid": TOLD["value"]}]}),
    ("Patient", {"extension": [{"url": "http://x.example/a", "valueUuid": TOLD["value"]}]}),
    ("Patient", {"extension": [{"url": "http://x.example/a", "valueTime": TOLD["value"]}]}),
    ("Patient", {"extension": [{"url": "http://x.example/a", "valueUrl": f"{TOLD['value']} a"}]}),
    ("Patient", {"extension": [{"valueString": TOLD["value"]}]}),
    ("Patient", {"maritalStatus": {"coding": [{"code": f" {TOLD['value']}"}]}}),
    ("Patient", {"contained": [{"resourceType": TOLD["value"], "id": "a"}]}),
    ("Patient", {"language": f"{TOLD['value']}  {TOLD['value']}"}),
    ("Observation", {"status": TOLD["value"], "code": {"text": "x"}}),
    ("Observation", {"status": "final", "code": {"text": "x"}, "issued": TOLD["value"]}),
    ("Observation", {"status": "final", "code": TOLD["value"]}),
    ("Observation", {"status": "final", "effectiveDateTime": TOLD["value"]}),
    ("Observation", {"status": "final", "valueQuantity": {"value": TOLD["value"]}}),
    ("Observation", {"status": "final", "valueRatio": TOLD["value"]}),
    ("Observation", {"status": "final", "valueString": "a", "valueBoolean": TOLD["value"]}),
    ("QuestionnaireResponse", {"status": "completed", "questionnaire": f"{TOLD['value']} a"}),
    ("Appointment", {"status": "booked", "minutesDuration": TOLD["value"]}),
)
"""A value of each type that it cannot be, so that an error speaks of it."""
SEARCHES = (
    f"Patient?birthdate={TOLD['search']}",
    f"Patient?birthdate=gt{TOLD['search']}",
    f"Patient?_include={TOLD['search']}",
    f"Patient?family:{TOLD['search']}=a",
    f"Patient?_lastUpdated={TOLD['search']}",
    f"Patient?_count={TOLD['search']}",
    f"Patient?_summary={TOLD['search']}",
    f"Patient?_filter={TOLD['search']}",
    f"Patient?general-practitioner:{TOLD['search']}=a",
    f"Observation?value-quantity={TOLD['search']}",
    f"Observation?subject={TOLD['search']}|a|b",
    f"Observation?code-value-quantity={TOLD['search']}",
    f"Patient/_history?_since={TOLD['search']}",
)


async def _records(scene: Scene) -> str:
    """The patient's record, whole and in every way that is refused: the patient's id."""
    kept = await scene.ask("POST", "/fhir/Patient", json=patient())
    assert kept.status_code == 201, kept.text
    id = str(kept.json()["id"])
    subject = {"reference": f"Patient/{id}", "display": WHO["given"]}
    related = {"name": [{"text": WHO["relative"]}], "patient": subject}
    note = [{"text": f"{TOLD['note']}, {WHO['contact']}"}]
    stored: list[dict[str, Any]] = [
        {"resourceType": "RelatedPerson", **related},
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "Haemoglobin"},
            "subject": subject,
            "valueString": f"{TOLD['text']} {WHO['family']}",
            "note": note,
        },
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": subject,
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain",
                        "title": f"{TOLD['filename']}.txt",
                        "data": b64encode(TOLD["attachment"].encode()).decode(),
                    }
                }
            ],
        },
        {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "subject": subject,
            "item": [{"linkId": "a", "answer": [{"valueString": TOLD["answer"]}]}],
        },
    ]
    for one in stored:
        answer = await scene.ask("POST", f"/fhir/{one['resourceType']}", json=one)
        assert answer.status_code == 201, answer.text
    for kind, wrong in INVALID:
        answer = await scene.ask("POST", f"/fhir/{kind}", json={"resourceType": kind, **wrong})
        assert answer.status_code >= 400 or kind == "Patient", (wrong, answer.text)
    strict = {"Prefer": "handling=strict"}
    for path in SEARCHES:
        await scene.ask("GET", f"/fhir/{path}", headers=strict)
    # The address that somebody asked for is said to them again, and to nobody else.
    await scene.client.get(f"/fhir/Patient/{TOLD['search']}/_history/{TOLD['search']}")
    await scene.client.get(f"/fhir/{TOLD['search']}?_sort={TOLD['search']}")
    await _refused_writes(scene, id)
    return id


async def _refused_writes(scene: Scene, id: str) -> None:
    """Patches, Bundles, conditions and bodies that cannot be."""
    path = f"/fhir/Patient/{id}"
    patch = [{"op": "test", "path": "/birthDate", "value": TOLD["value"]}]
    as_patch = {"Content-Type": "application/json-patch+json"}
    await scene.ask("PATCH", path, content=orjson.dumps(patch), headers=as_patch)
    await scene.ask("PATCH", path, content=TOLD["value"].encode(), headers=as_patch)
    await scene.ask("PUT", path, json=patient(), headers={"If-Match": f'W/"{TOLD["header"]}"'})
    for other in ({"id": "other"}, {"birthDate": TOLD["value"]}):
        await scene.ask("PUT", path, json={**patient(), **other})
    condition = {"If-None-Exist": f"birthdate={TOLD['header']}"}
    await scene.ask("POST", "/fhir/Patient", json=patient(), headers=condition)
    entry = {"resource": {**patient(), "gender": TOLD["value"]}}
    for url in ("Patient", f"Patient/{TOLD['value']}?"):
        request = {"method": "POST", "url": url}
        bundle = {"resourceType": "Bundle", "entry": [{**entry, "request": request}]}
        for kind in ("transaction", "batch"):
            answer = await scene.ask("POST", "/fhir", json={**bundle, "type": kind})
            scene.refused.append(answer.text)
    await scene.ask("POST", "/fhir/Patient", content=f'{{"a": "{TOLD["value"]}'.encode())
    await scene.ask("POST", "/fhir/Patient/$validate", json={"resourceType": TOLD["value"]})


def _flows() -> list[dict[str, Any]]:
    tell = {"id": "tell", "type": "bot", "tool": "Email.send", "retry": {"attempts": 1}}
    subject = {"to": "team@hospital.example", "subject": "{{trigger.family}}", "message": "x"}
    plain = {"to": "team@hospital.example", "subject": "Look at {{run.id}}", "message": "x"}
    write = {"id": "w", "type": "fhir", "action": "create", "resourceType": "Patient"}
    ask = {"id": "ask", "type": "task", "title": "{{trigger.word}}", "show": "{{trigger}}"}
    form = {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "a", "type": "integer", "required": True, "text": "How many?"}],
    }
    return [
        {"id": "mails-name", "steps": [{**tell, "params": subject}]},
        {"id": "mails", "steps": [{**tell, "params": plain}]},
        {"id": "invalid", "steps": [{**write, "data": {"birthDate": "{{trigger.word}}"}}]},
        {
            "id": "calls",
            "steps": [
                {
                    "id": "call",
                    "type": "http",
                    "connection": "nowhere",
                    "method": "POST",
                    "path": "/{{trigger.word}}",
                    "body": "{{trigger}}",
                    "retry": {"attempts": 1},
                }
            ],
        },
        {
            "id": "computes",
            "steps": [{"id": "m", "type": "map", "set": {"a": "{{1 + trigger.word}}"}}],
        },
        {"id": "asks", "steps": [ask]},
        {"id": "fills", "steps": [{"id": "form", "type": "form", "title": "How", "form": form}]},
    ]


async def _runs(scene: Scene, id: str) -> None:
    """Runs that go well and runs that fail, with the patient in what starts them."""
    nowhere = {"kind": "http", "settings": {"url": "http://localhost:1/x"}, "secret": {}}
    await scene.ask("PUT", "/api/connections/nowhere", json=nowhere)
    deployed = 0
    for flow in _flows():
        answer = await scene.ask("POST", "/api/workflows?mode=strict", json=flow)
        deployed += answer.status_code == 201
        trigger = {"word": TOLD["trigger"], "family": WHO["family"], "patientId": f"Patient/{id}"}
        await scene.ask("POST", f"/api/workflows/{flow['id']}/execute", json=trigger)
    assert deployed >= 6, scene.refused[-8:]

    async def settled() -> list[Any] | None:
        runs: list[Any] = await scene.data("/api/workflows/runs?limit=100")
        return runs if runs and not any(run["status"] == "running" for run in runs) else None

    runs = await until(settled)
    assert sum(run["status"] == "failed" for run in runs) >= 3, runs
    assert any(run["status"] == "waiting" for run in runs), runs
    await _people(scene)


async def _people(scene: Scene) -> None:
    """Tasks decided and forms filled, also wrongly."""
    for task in await scene.data("/api/tasks?limit=50"):
        path = f"/api/tasks/{task['id']}"
        wrong = {"decision": TOLD["task"], "comment": TOLD["task"]}
        await scene.ask("POST", f"{path}/decision", json=wrong)
        link = await scene.ask("POST", f"{path}/link", json={"filler": TOLD["task"]})
        if link.status_code in (200, 201):
            form = (
                "/api"
                + link.json()["data"]["url"].partition("/forms/")[1]
                + (link.json()["data"]["url"].partition("/forms/")[2])
            )
            answers = {"answers": {"a": TOLD["answer"]}, "data": {"a": TOLD["answer"]}}
            await scene.ask("POST", form, json=answers)
        right = {"decision": "approve", "comment": TOLD["task"], "data": {"a": TOLD["answer"]}}
        await scene.ask("POST", f"{path}/decision", json=right)


async def _files(scene: Scene) -> None:
    """Images and letters, whole and broken, under names that say whose they are."""
    pixels = np.zeros((32, 32), np.uint16)
    whom = StudyPatient(f"{TOLD['dicom']}^{WHO['given']}", WHO["mrn"], "19491123", "F")
    study = synthetic_chest_study(pixels, whom, study="canary", reason=TOLD["comment"])
    for name, content in (("a.dcm", study), ("b.dcm", study[:900]), ("c.dcm", b"DICM")):
        await scene.ask("PUT", f"/api/files/uploads/{TOLD['filename']}-{name}", content=content)
    await scene.ask("POST", "/dicomweb/studies", content=study, headers={"Content-Type": "x/y"})
    await scene.ask("GET", f"/dicomweb/studies?PatientName={TOLD['search']}&limit=a")
    letter = digital_pdf(f"Re: Mrs {WHO['family']}\nHospital number: {WHO['mrn']}\n")
    for path in ("/upload-referral/", "/triage-referral/"):
        for data in (letter, letter[:300]):
            await scene.ask("POST", path, files={"file": (f"{TOLD['filename']}.pdf", data)})


async def _configured(scene: Scene, ai: AiServer) -> None:
    settings = {"url": ai.base("openai")}
    kept = await scene.ask(
        "PUT", "/api/connections/llm", json={"kind": "http", "settings": settings, "secret": {}}
    )
    assert kept.status_code == 200, kept.text
    for name in ("phi", "deidentified"):
        facts = {"provider": "openai", "connection": "llm", "dataClass": name}
        facts["contextLength"] = 200_000
        answer = await scene.ask("PUT", f"/api/models/{name}", json=facts)
        assert answer.status_code == 200, answer.text
        types = ["Patient", "Observation", "RelatedPerson", "DocumentReference"]
        config = {"permissions": ["read", "write"], "resourceTypes": types}
        body = {
            "name": f"reads-{name}",
            "defaultModelName": name,
            "instructions": "Help.",
            "toolConfigs": {"tools": [{"toolName": "fhir_access", "config": config}]},
        }
        await scene.made("/api/workers", body)


async def _talks(scene: Scene, ai: AiServer, id: str) -> None:
    """A conversation about the patient with a model that may see it all, and with one that may
    not: both read the record, ask with wrong arguments, and fail in the end."""
    message = (
        f"Frau {WHO['family']} ({WHO['given'][0]}. {WHO['family']}, geb. 23.11.49, {WHO['mrn']})"
        f" aus {WHO['city']} rief an, Tel. {WHO['phone']}."
        f" Ihre Schwester {WHO['relative']} kommt mit."
    )
    for name in ("phi", "deidentified"):
        worker = next(w for w in await scene.data("/api/workers") if w["name"] == f"reads-{name}")
        about = {"workerId": worker["id"], "metadata": {"patientId": id}}
        session = (await scene.made("/api/sessions", about))["id"]
        ai.script.then(
            Say(
                calls=(
                    ("fhir_search", {"resourceType": "Patient", "parameters": {}}),
                    ("fhir_search", {"resourceType": "RelatedPerson", "parameters": {}}),
                    ("fhir_search", {"resourceType": "DocumentReference", "parameters": {}}),
                    (
                        "fhir_search",
                        {"resourceType": "Patient", "parameters": {"birthdate": TOLD["argument"]}},
                    ),
                    ("fhir_read", {"resourceType": "Patient", "id": TOLD["argument"]}),
                    ("nothing_such", {"who": TOLD["argument"]}),
                    ("fhir_create", {"resource": {"resourceType": "Observation"}, "reason": "x"}),
                )
            )
        )
        said = f"/api/sessions/{session}/messages?wait=60"
        done = await scene.made(said, {"content": message, "stream": name == "phi"})
        if done["status"] != "completed":
            raise AssertionError(
                (await scene.data(f"/api/workflows/runs/{done['runId']}"))["error"]
            )
        again = await scene.made(said, {"content": f"Danke. Und {WHO['contact']}?"})
        assert again["status"] == "completed", again
        ai.script.then(Say(status=400, raw=TOLD["prompt"].encode()))
        failed = await scene.made(said, {"content": f"Und {WHO['given']}?"})
        assert failed["status"] == "failed", failed


def _seen(ai: AiServer, model: str) -> list[Asked]:
    return [one for one in ai.script.asked if one.model == model]


async def test_no_canary_leaves_where_it_may_not(
    scene: Scene, provider: AiServer, mailbox: Mailbox
) -> None:
    provider.script.otherwise = lambda asked: Say("Alles gut.")
    id = await _records(scene)
    await _runs(scene, id)
    await _files(scene)
    await _configured(scene, provider)
    await _talks(scene, provider, id)
    places = {f"an error {n}: {said}": said for n, said in enumerate(scene.refused)}
    for path in ("/metrics", "/health/ready", "/api/workflows/runs?limit=100", "/api/incidents"):
        places[path] = (await scene.client.get(path)).text
    for run in await scene.data("/api/workflows/runs?limit=100"):
        lines = {"Accept": "application/x-ndjson"}
        trail = await scene.client.get(f"/api/workflows/runs/{run['runId']}/audit", headers=lines)
        assert trail.status_code == 200
        places[f"the audit trail of {run['workflowId']}"] = trail.text
        whole = await scene.data(f"/api/workflows/runs/{run['runId']}")
        errors = [attempt.get("error") for attempt in whole["attempts"]]
        places[f"the error of {run['workflowId']}"] = orjson.dumps(
            [whole["error"], errors]
        ).decode()
    for place, name in enumerate(("subject", "from", "message-id", "x-mailer")):
        places[f"mail {name} {place}"] = " ".join(str(mail[name]) for mail in mailbox.mails)
    shown = "\n".join(orjson.dumps([one.body]).decode() for one in _seen(provider, "deidentified"))
    assert mailbox.mails, "a mail without the patient was sent"
    assert len(scene.refused) > 60
    assert len(_seen(provider, "deidentified")) >= 3
    assert leaks("\n".join(orjson.dumps(one.body).decode() for one in _seen(provider, "phi")))
    assert await scene.server.stop() == 0
    places["the log"] = "".join(scene.server.lines)
    found = {place: leaks(text) for place, text in places.items()}
    found["the model"] = leaks(
        shown, {**WHO, "narrative": TOLD["narrative"], "born": BORN, "id": id}
    )
    assert {place: kinds for place, kinds in found.items() if kinds} == {}
