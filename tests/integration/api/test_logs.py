"""What a real server writes to its log while patients pass through it: nothing about them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import orjson
import pytest

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.referral_pdf import digital_pdf

if TYPE_CHECKING:
    from tests.integration.conftest import Serve, Server

CANARY = "Quetzalina"
NUMBER = "CANARY774411"
TOKEN = "hook-token-canary"


@pytest.fixture
async def server(serve: Serve) -> Server:
    return await serve({"CARELOOM_LOG_LEVEL": "debug", "CARELOOM_OUTGOING_ALLOW": "localhost"})


def _flows() -> list[dict[str, Any]]:
    retry = {"attempts": 2, "initial": "5ms"}
    hook = {"id": "tell", "type": "bot", "tool": "Webhook.send", "retry": retry}
    patient = {"name": [{"family": "{{trigger.family}}"}], "birthDate": "{{trigger.family}}"}
    write = {"id": "w", "type": "fhir", "action": "create", "resourceType": "Patient"}
    return [
        {"id": "unreachable", "steps": [{**hook, "params": {"message": "{{trigger.family}}"}}]},
        {"id": "never-valid", "steps": [{**write, "data": patient}]},
        {"id": "asks", "steps": [{"id": "ask", "type": "task", "title": "{{trigger.family}}"}]},
        {
            "id": "reacts",
            "trigger": {"type": "fhir", "event": "Patient.create", "where": "name.family > 5"},
            "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
        },
    ]


async def _flow_through(client: httpx.AsyncClient) -> None:
    """Patients, images, letters and runs, the good and the bad."""
    hook = {"kind": "webhook", "settings": {"url": "http://localhost:1/x"}}
    await client.put("/api/connections/webhook", json={**hook, "secret": {"token": TOKEN}})
    await client.put(
        "/api/connections/slack",
        json={"kind": "slack", "secret": {"webhookUrl": f"http://localhost:1/{TOKEN}"}},
    )
    for flow in _flows():
        answer = await client.post("/api/workflows", json=flow)
        assert answer.status_code in (201, 422), answer.text
    answer = await client.post("/fhir/Patient", json=_patient())
    assert answer.status_code == 201, answer.text
    for path, body in _requests():
        await client.post(path, json=body)
    await client.get(f"/fhir/Patient?family={CANARY}&wrong-{CANARY}=1")
    await client.get(f"/{CANARY}/{NUMBER}")
    await client.post("/fhir/Patient", content=f'{{"name": "{CANARY}'.encode())
    await client.put("/api/files/uploads/a.dcm", content=_study())
    await client.put("/api/files/uploads/b.dcm", content=_study()[:900])
    for path in ("/upload-referral/", "/triage-referral/"):
        letter = digital_pdf(f"Re: Mrs {CANARY} Bird\nHospital number: {NUMBER}\nurgent\n")
        for data in (letter, letter[:300]):
            await client.post(path, files={"file": (f"{CANARY}.pdf", data)})
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    await client.post("/api/files", content=f"--{CANARY}\r\n".encode(), headers=form)
    stranger = httpx.AsyncClient(base_url=client.base_url)
    await stranger.get("/fhir/Patient", headers={"Authorization": f"Bearer {CANARY}"})
    await stranger.aclose()


def _patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "name": [{"family": CANARY}],
        "identifier": [{"system": "urn:h", "value": NUMBER}],
    }


def _requests() -> list[tuple[str, Any]]:
    run = {"family": CANARY, "patientId": f"Patient/{NUMBER}"}
    return [
        *((f"/api/workflows/{flow['id']}/execute", run) for flow in _flows()),
        ("/fhir/Patient", {**_patient(), "birthDate": CANARY, CANARY: 1}),
        ("/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [{CANARY: 1}]}),
        (f"/api/workflows/{CANARY}/execute", run),
    ]


def _study() -> bytes:
    pixels = np.zeros((32, 32), np.uint16)
    return synthetic_chest_study(
        pixels, StudyPatient(f"{CANARY}^Bird", NUMBER, "19700101", "F"), study="log"
    )


async def _settled(client: httpx.AsyncClient, check: Callable[[list[Any]], bool]) -> list[Any]:
    async with asyncio.timeout(60):
        while True:
            runs: list[Any] = (await client.get("/api/workflows/runs")).json()["data"]
            if check(runs):
                return runs
            await asyncio.sleep(0.05)


def _at_rest(runs: list[Any]) -> bool:
    return len(runs) >= 3 and all(run["status"] != "running" for run in runs)


async def test_no_patient_and_no_secret_reaches_the_log(server: Server) -> None:
    async with server.client() as client:
        await _flow_through(client)
        runs = await _settled(
            client,
            lambda found: len(found) >= 3 and not any(r["status"] == "running" for r in found),
        )
        assert {"failed", "waiting"} <= {run["status"] for run in runs}
        told = (await client.get("/fhir/Patient", params={"family": CANARY})).json()
        assert told["entry"][0]["resource"]["name"][0]["family"] == CANARY
    assert await server.stop() == 0
    written = "".join(server.lines)
    for secret in (CANARY, NUMBER, TOKEN):
        assert secret.lower() not in written.lower()
    # As itself and in the link that opens the screens with it, and nowhere else.
    assert (written.count(server.key), written.count(f"#key={server.key}")) == (2, 1)
    for line in server.lines:
        if line.startswith("{"):
            assert orjson.loads(line).keys() <= {"at", "level", "logger", "message", "error"}
