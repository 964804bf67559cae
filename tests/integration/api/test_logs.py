"""What a real server writes to its log while patients pass through it: nothing about them."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pytest
from tests.conftest import create_database

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.referral_pdf import digital_pdf

CANARY = "Quetzalina"
NUMBER = "CANARY774411"
TOKEN = "hook-token-canary"


@dataclass
class Server:
    """A `careloom serve` process; `lines` grows as it writes."""

    process: asyncio.subprocess.Process
    lines: list[str] = field(default_factory=list)

    async def read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            self.lines.append(line.decode())

    async def said(self, pattern: str) -> str:
        """The first group of the first line that matches, once there is one."""
        async with asyncio.timeout(60):
            while True:
                for line in self.lines:
                    if found := re.search(pattern, line):
                        return found[1]
                assert self.process.returncode is None, self.lines
                await asyncio.sleep(0.02)

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()


@pytest.fixture
async def server(server_dsn: str, tmp_path: Path) -> AsyncIterator[Server]:
    env = {
        "PATH": "/usr/bin:/bin",
        "CARELOOM_HOME": str(tmp_path),
        "DATABASE_URL": await create_database(server_dsn),
        "CARELOOM_LOG_LEVEL": "debug",
        "CARELOOM_OUTGOING_ALLOW": "localhost",
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "careloom", "serve", "--port", "0", stdout=pipe, stderr=pipe, env=env
    )
    assert process.stdout is not None
    assert process.stderr is not None
    server = Server(process)
    readers = [asyncio.create_task(server.read(s)) for s in (process.stdout, process.stderr)]
    yield server
    await server.stop()
    await asyncio.gather(*readers)


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
    async with asyncio.timeout(30):
        while True:
            runs: list[Any] = (await client.get("/api/workflows/runs")).json()["data"]
            if check(runs):
                return runs
            await asyncio.sleep(0.05)


def _at_rest(runs: list[Any]) -> bool:
    return len(runs) >= 3 and all(run["status"] != "running" for run in runs)


async def test_no_patient_and_no_secret_reaches_the_log(server: Server) -> None:
    key = await server.said(r"^\s+(clk_\S+)")
    address = await server.said(r"answers at (http://\S+)/")
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60) as client:
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
    assert written.count(key) == 1
    for line in server.lines:
        if line.startswith("{"):
            assert orjson.loads(line).keys() <= {"at", "level", "logger", "message", "error"}
