"""The document's own curls, and an image from a modality, against a real server process."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pydicom
import pytest
from pynetdicom import AE
from pynetdicom.sop_class import DigitalXRayImageStorageForPresentation as DX

if TYPE_CHECKING:
    from tests.integration.conftest import Serve, Server

HOST = "https://api.engine.boolbyte.com"
WORKFLOW = "radiology-ai-workflow"


@pytest.fixture
async def modality_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def server(serve: Serve, modality_port: int, indented: Callable[[str], str]) -> Server:
    """A server with the radiology workflow, that the modality XRAY may call."""
    server = await serve(
        {"CARELOOM_DIMSE_CALLERS": "XRAY", "CARELOOM_DIMSE_PORT": str(modality_port)}
    )
    async with server.client() as client:
        answer = await client.post(
            "/api/workflows",
            content=indented("radiology"),
            headers={"Content-Type": "application/yaml"},
        )
        assert answer.status_code == 201, answer.text
        patient = {
            "resourceType": "Patient",
            "id": "789",
            "identifier": [{"system": "urn:hospital", "value": "SYN1"}],
            "birthDate": "1967-09-30",
        }
        answer = await client.put("/fhir/Patient/789", json=patient)
        assert answer.status_code == 201, answer.text
    return server


def _curl(document: str, path: str) -> str:
    """The command of the document that calls this path, as it is printed."""
    start = document.rindex("curl", 0, document.index(f"{HOST}{path} "))
    lines = document[start:].splitlines()
    length = next(n for n, line in enumerate(lines) if not line.strip() or line == "Response:")
    return "\n".join(lines[:length])


async def _run(server: Server, command: str) -> Any:
    command = command.replace(HOST, server.address).replace("<ACCESS_TOKEN>", server.key)
    process = await asyncio.create_subprocess_shell(
        f"{command} --silent --show-error", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return orjson.loads(out)


async def _closed(client: httpx.AsyncClient) -> list[Any]:
    async with asyncio.timeout(60):
        while True:
            runs: list[Any] = (await client.get("/api/workflows/runs")).json()["data"]
            if runs and all(run["finishedAt"] for run in runs):
                return runs
            await asyncio.sleep(0.02)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_curls_of_the_document(
    server: Server, document: str, study: Callable[..., bytes]
) -> None:
    data = study("curls", number="UNKNOWN")
    async with server.client() as client:
        answer = await client.put("/api/files/uploads/study123.dcm", content=data)
        assert answer.status_code == 201, answer.text
        await _closed(client)
    started = await _run(server, _curl(document, f"/api/workflows/{WORKFLOW}/execute"))
    assert started["success"] is True
    assert {"runId", "status", "message", "createdAt"} <= started["data"].keys()
    run_id = started["data"]["runId"]
    async with server.client() as client:
        await _closed(client)
    shown = await _run(
        server, _curl(document, "/api/workflows/runs/run_5678").replace("run_5678", run_id)
    )
    assert shown["data"]["status"] == "succeeded", shown
    audit = _curl(document, "/api/workflows/runs/run_5678/audit").replace("run_5678", run_id)
    lines = (await _run(server, audit))["data"]["lines"]
    assert any('"run.start"' in line.get("content", "") for line in lines)
    async with server.client() as client:
        found = (await client.get("/fhir/Observation?subject=Patient/789")).json()
    assert len(found["entry"]) == 1


async def test_an_image_from_a_modality_starts_the_workflow(
    server: Server, modality_port: int, study: Callable[..., bytes]
) -> None:
    dataset = pydicom.dcmread(BytesIO(study("modality")))
    entity = AE(ae_title="XRAY")
    entity.add_requested_context(DX)

    def send() -> int:
        association = entity.associate("127.0.0.1", modality_port, ae_title="CARELOOM")
        assert association.is_established
        status = int(association.send_c_store(dataset).Status)
        association.release()
        return status

    assert await asyncio.to_thread(send) == 0
    async with server.client() as client:
        [run] = await _closed(client)
        assert (run["workflowId"], run["status"]) == (WORKFLOW, "succeeded")
        assert run["source"] == "dicom"
        found = (await client.get("/fhir/Observation?subject=Patient/789")).json()
        assert len(found["entry"]) == 1
        refused = AE(ae_title="STRANGER")
        refused.add_requested_context(DX)
        association = await asyncio.to_thread(
            refused.associate, "127.0.0.1", modality_port, ae_title="CARELOOM"
        )
        assert association.is_rejected
