"""fhirpy and fhirclient against the running server: CRUD, search, pages, transaction, patch."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.humanname import HumanName
from fhirclient.models.identifier import Identifier
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from .conftest import Served

URN = "urn:uuid:0d2f6a1c-0000-4000-8000-000000000003"


@pytest.fixture
def fhirpy(served: Served) -> AsyncFHIRClient:
    return AsyncFHIRClient(served.base, authorization=f"Bearer {served.key}")


def patient(fhirpy: AsyncFHIRClient, value: str) -> Any:
    return fhirpy.resource(
        "Patient",
        identifier=[{"system": "urn:mrn", "value": value}],
        name=[{"family": "Pythonic", "given": ["Ada"]}],
    )


def observation(reference: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "pulse"},
        "subject": {"reference": reference},
    }


async def test_fhirpy_creates_reads_updates_patches_and_deletes(fhirpy: AsyncFHIRClient) -> None:
    made = patient(fhirpy, "1")
    await made.create()
    assert made["meta"]["versionId"] == "1"
    read = await fhirpy.get("Patient", made.id)
    assert read == made.serialize()
    made["active"] = True
    await made.update()
    await made.patch(gender="female", active=None)
    now = await fhirpy.get("Patient", made.id)
    assert (now["meta"]["versionId"], now["gender"], "active" in now) == ("3", "female", False)
    await made.delete()
    with pytest.raises(ResourceNotFound):
        await fhirpy.get("Patient", made.id)


async def test_fhirpy_works_with_criteria(fhirpy: AsyncFHIRClient) -> None:
    mine = fhirpy.resources("Patient").search(identifier="urn:mrn|2")
    made, created = await mine.get_or_create(patient(fhirpy, "2"))
    again, twice = await mine.get_or_create(patient(fhirpy, "2"))
    assert (created, twice, again.id) == (True, False, made.id)
    changed = patient(fhirpy, "2")
    changed["gender"] = "male"
    updated, new = await mine.update(changed)
    assert (updated.id, new, updated["gender"]) == (made.id, False, "male")
    patched = await mine.patch(gender="other")
    assert patched["gender"] == "other"
    await patient(fhirpy, "2").create()
    with pytest.raises(MultipleResourcesFound):
        await mine.update(changed)


async def test_fhirpy_searches_in_pages_and_includes(fhirpy: AsyncFHIRClient) -> None:
    made = patient(fhirpy, "3")
    await made.create()
    for _ in range(5):
        await fhirpy.execute("Observation", data=observation(f"Patient/{made.id}"))
    mine = fhirpy.resources("Observation").search(patient=made.id)
    assert len(await mine.limit(2).fetch()) == 2
    assert len(await mine.limit(2).fetch_all()) == 5
    assert await mine.count() == 5
    raw = await mine.include("Observation", "subject").fetch_raw()
    assert {entry.resource["resourceType"] for entry in raw.entry} == {"Observation", "Patient"}
    assert (await fhirpy.resources("Patient").search(identifier="urn:mrn|3").get()).id == made.id


async def test_fhirpy_sends_transactions_and_calls_operations(fhirpy: AsyncFHIRClient) -> None:
    entries = [
        {
            "fullUrl": URN,
            "resource": patient(fhirpy, "4").serialize(),
            "request": {"method": "POST", "url": "/Patient"},
        },
        {"resource": observation(URN), "request": {"method": "POST", "url": "/Observation"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await fhirpy.execute("", method="post", data=bundle)
    assert [e["response"]["status"] for e in answer["entry"]] == ["201 Created"] * 2
    wrong = fhirpy.resource("Patient", gender="unheard-of")
    assert not await wrong.is_valid()
    with pytest.raises(OperationOutcome):
        await wrong.create()
    made = await fhirpy.resources("Patient").search(identifier="urn:mrn|4").get()
    whole = await fhirpy.execute(f"Patient/{made.id}/$everything", method="get")
    assert len(whole["entry"]) == 2


def _with_fhirclient(served: Served) -> None:
    client = FHIRClient(settings={"app_id": "test", "api_base": served.base})
    client.server.session.headers["Authorization"] = f"Bearer {served.key}"
    assert client.prepare()
    assert client.server.capabilityStatement.fhirVersion == "4.0.1"
    made = Patient()
    made.name = [HumanName({"family": "Smart", "given": ["Sam"]})]
    made.identifier = [Identifier({"system": "urn:mrn", "value": "smart"})]
    made.id = made.create(client.server)["id"]
    read = Patient.read(made.id, client.server)
    assert read.name[0].family == "Smart"
    read.active = True
    assert read.update(client.server)["meta"]["versionId"] == "2"
    for _ in range(5):
        seen = Observation(observation(f"Patient/{made.id}"))
        seen.subject = FHIRReference({"reference": f"Patient/{made.id}"})
        seen.create(client.server)
    search = Observation.where(struct={"patient": made.id, "_count": "2"})
    assert len(list(search.perform_resources_iter(client.server))) == 5
    by_identifier = Patient.where(struct={"identifier": "urn:mrn|smart"})
    assert [one.id for one in by_identifier.perform_resources(client.server)] == [made.id]
    sent = Bundle(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": URN,
                    "resource": {"resourceType": "Patient", "name": [{"text": "x"}]},
                    "request": {"method": "POST", "url": "Patient"},
                },
                {
                    "resource": observation(URN),
                    "request": {"method": "POST", "url": "Observation"},
                },
            ],
        }
    )
    answer = Bundle(client.server.post_json("", sent.as_json()).json())
    assert [entry.response.status for entry in answer.entry] == ["201 Created"] * 2
    assert read.delete(client.server) is None


async def test_fhirclient_does_its_work(served: Served) -> None:
    await asyncio.to_thread(_with_fhirclient, served)
