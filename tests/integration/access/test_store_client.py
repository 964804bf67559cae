"""Seed 003's FHIR client in Python form, on loopback, with the document's resources."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from careloom_client import AsyncEngineClient, EngineClient, EngineError
from tests.integration.conftest import Desk, House, _loopback

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
async def address(house: House) -> AsyncIterator[str]:
    listening = _loopback()
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://localhost:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture(scope="session")
def resources(seeds: Path) -> list[dict[str, Any]]:
    """Every resource that the document writes, as its JavaScript has it."""
    [text] = [path.read_text() for path in seeds.glob("003_*.txt")]
    found = []
    for at in re.finditer(r"resourceType: '(?:Patient|Observation|MedicationStatement)',\n", text):
        literal = _literal(text, text.rfind("{", 0, at.start()))
        if literal is not None and len(literal) > 2 and "searchParams" not in literal:
            found.append(literal)
    assert len(found) >= 5
    return found


def _literal(text: str, start: int) -> dict[str, Any] | None:
    """A JavaScript object literal of strings, numbers, lists and objects."""
    depth = 0
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            named = re.sub(r"(?m)([{,]\s*)(\w+):", r"\1'\2':", text[start : end + 1])
            try:
                value = ast.literal_eval(named)
            except (SyntaxError, ValueError):
                return None
            return value if isinstance(value, dict) else None
    return None


async def test_what_the_document_does_with_its_client(
    address: str, desk: Desk, resources: list[dict[str, Any]]
) -> None:
    def scenario() -> None:
        with EngineClient(api_key=desk.key, base_url=address) as client:
            server = client.data_store.create_fhir_store(
                {
                    "name": "my-fhir-server",
                    "region": "global",
                    "fhirVersion": "R4",
                    "type": "serverless",
                }
            )
            assert server.data.infrastructure == "serverless"
            names = [one.id for one in client.data_store.list_fhir_stores().data]
            assert names == ["main", server.data.id]
            client.data_store.initialize_fhir_store_client(server.data.id)
            fhir = client.data_store.get_fhir_store_client()
            for resource in resources:
                made = fhir.create({"resource": resource})
                kind, sent = resource["resourceType"], {"resourceType": resource["resourceType"]}
                assert {key: made[key] for key in resource} == resource
                again = fhir.create({**sent, "body": resource})
                assert again.id != made.id
                read = fhir.read({"resourceType": kind, "id": made.id})
                assert read == made
                updated = fhir.update({"resource": {**read, "language": "en"}})
                assert updated.meta.version_id == "2"
                same = fhir.update({**sent, "id": made.id, "body": resource})
                assert same.meta.version_id == "3"
                fhir.delete({"resourceType": kind, "id": again.id})
            smiths = fhir.search(
                {
                    "resourceType": "Patient",
                    "searchParams": {"family": "Smith", "gender": "female"},
                }
            )
            assert [entry.resource.name[0].family for entry in smiths.entry] == ["Smith"]
            vital = fhir.search(
                {
                    "resourceType": "Observation",
                    "searchParams": {
                        "patient": "Patient/patient-123",
                        "category": "vital-signs",
                    },
                }
            )
            assert vital.total == 0
            assert fhir.capability_statement().fhir_version == "4.0.1"

    await asyncio.to_thread(scenario)


async def test_an_update_without_an_id_is_400_and_says_so(
    address: str, desk: Desk, resources: list[dict[str, Any]]
) -> None:
    async with AsyncEngineClient(api_key=desk.key, base_url=address) as client:
        fhir = await client.data_store.initialize_fhir_store_client("main")
        with pytest.raises(EngineError) as refused:
            await fhir.update({"resource": resources[0]})
        assert refused.value.status == 400
        assert "id" in str(refused.value)


async def test_a_transaction_is_whole_and_names_the_entry_whose_reference_finds_nothing(
    address: str, desk: Desk, resources: list[dict[str, Any]]
) -> None:
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    observation = next(one for one in resources if one["resourceType"] == "Observation")
    assert observation["subject"]["reference"] == "Patient/patient-123"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": patient, "request": {"method": "POST", "url": "Patient"}},
            {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
        ],
    }
    async with AsyncEngineClient(api_key=desk.key, base_url=address) as client:
        strict = await client.data_store.create_fhir_store(
            {"name": "strict", "settings": {"referenceIntegrity": "enforce"}}
        )
        fhir = await client.data_store.initialize_fhir_store_client(strict.data.id)
        with pytest.raises(EngineError) as refused:
            await fhir.transaction({"bundle": bundle})
        assert refused.value.status == 422
        [issue] = refused.value.body["issue"]
        assert issue["expression"][0].startswith("Bundle.entry[1]")
        kept = await fhir.search({"resourceType": "Patient", "searchParams": {}})
        assert kept.total == 0
        with_id = {**patient, "id": "patient-123"}
        await fhir.update({"resource": with_id})
        done = await fhir.transaction({"body": bundle})
        assert [entry.response.status for entry in done.entry] == ["201 Created", "201 Created"]
        loose = await client.data_store.create_fhir_store({"name": "loose"})
        fhir = await client.data_store.initialize_fhir_store_client(loose.data.id)
        assert len((await fhir.transaction({"bundle": bundle})).entry) == 2


async def test_a_store_key_opens_its_store_without_the_platform(
    address: str, desk: Desk, resources: list[dict[str, Any]]
) -> None:
    async with AsyncEngineClient(api_key=desk.key, base_url=address) as client:
        made = (await client.data_store.create_fhir_store({"name": "keyed"})).data
        with pytest.raises(RuntimeError):
            client.data_store.get_fhir_store_client()
        with pytest.raises(EngineError) as absent:
            await client.data_store.initialize_fhir_store_client("fhir-server-123")
        assert absent.value.code == "fhir_server_not_found"
    async with AsyncEngineClient(api_key=made["apiKey"], base_url=address) as client:
        fhir = await client.data_store.initialize_fhir_store_client(
            made["id"], api_key=made["apiKey"]
        )
        assert (await fhir.create({"resource": resources[0]}))["id"]
