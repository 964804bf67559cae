"""Each study has one ImagingStudy resource that shows every stored image."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from careloom.dicom.archive import DicomArchive
from careloom.dicom.publication import StudyPublisher
from careloom.dicom.sandbox import Sandbox
from careloom.errors import Unavailable
from careloom.fhir.store import FhirStore
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.store.blobs import Blobs
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

ACTOR: JsonObject = {"principal": "tester", "kind": "user"}
PATIENT = StudyPatient("Doe^Jane", "MRN-1", "19800101", "F")
PIXELS = np.full((16, 16), 9, np.uint16)


@pytest.fixture(scope="session")
def fhir(database: Database, keyring: Keyring) -> FhirStore:
    return FhirStore(database, keyring)


@pytest.fixture
async def archives(
    database: Database,
    blobs: Blobs,
    keyring: Keyring,
    sandbox: Sandbox,
    patient_book: Any,
    fhir: FhirStore,
) -> AsyncIterator[list[DicomArchive]]:
    """Two archives on one database, as two processes have them."""
    made = [
        DicomArchive(
            database,
            blobs,
            keyring,
            sandbox,
            find_patients=patient_book.find,
            publisher=StudyPublisher(database, fhir),
        )
        for _ in range(2)
    ]
    yield made
    for archive in made:
        await archive.settle()


def images(count: int, study: str, modality: str = "DX") -> list[bytes]:
    source = pydicom.dcmread(BytesIO(synthetic_chest_study(PIXELS, PATIENT, study=study)))
    source.Modality = modality
    made = []
    for number in range(count):
        source.SOPInstanceUID = generate_uid()
        source.InstanceNumber = number + 1
        source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
        if number % 2:
            source.SeriesInstanceUID = f"{source.StudyInstanceUID[:60]}.2"
        out = BytesIO()
        source.save_as(out, enforce_file_format=True)
        made.append(out.getvalue())
    return made


async def test_the_resource_describes_the_study(
    archives: list[DicomArchive], fhir: FhirStore, scope: Scope, patient_book: Any
) -> None:
    archive = archives[0]
    patient_book.add(
        scope,
        {
            "id": "jane",
            "identifier": [{"system": "urn:any", "value": "MRN-1"}],
            "name": [{"family": "Doe", "given": ["Jane"]}],
        },
    )
    data = synthetic_chest_study(PIXELS, PATIENT, study="described")
    stored = await archive.store(scope, data, ACTOR, source="upload")
    await archive.settle()
    reference = (await archive.describe(scope, stored.uri))["imagingStudy"]
    resource = await fhir.read(scope, *reference.split("/"))
    assert resource["identifier"][0]["value"] == f"urn:oid:{stored.study}"
    assert resource["subject"] == {"reference": "Patient/jane"}
    assert resource["status"] == "available"
    assert resource["started"] == "2026-01-15"
    assert resource["modality"][0]["code"] == "DX"
    assert (resource["numberOfSeries"], resource["numberOfInstances"]) == (1, 1)
    series = resource["series"][0]
    assert series["uid"] == stored.series
    assert series["instance"][0]["uid"] == stored.instance
    assert series["instance"][0]["sopClass"]["code"] == f"urn:oid:{stored.sop_class}"


async def test_no_image_is_lost_when_many_arrive_at_once(
    archives: list[DicomArchive], fhir: FhirStore, scope: Scope
) -> None:
    made = images(24, "race")
    stored = await asyncio.gather(
        *(
            archives[number % 2].store(scope, data, ACTOR, source="stow")
            for number, data in enumerate(made)
        )
    )
    for archive in archives:
        await archive.settle()
    resource = await fhir.read(scope, "ImagingStudy", stored[0].study)
    assert resource["numberOfInstances"] == 24
    assert resource["numberOfSeries"] == 2
    listed = {i["uid"] for series in resource["series"] for i in series["instance"]}
    assert listed == {instance.instance for instance in stored}


async def test_what_a_crash_left_unpublished_is_published_later(
    archive: DicomArchive,
    database: Database,
    fhir: FhirStore,
    scope: Scope,
) -> None:
    [data] = images(1, "crash")
    stored = await archive.store(scope, data, ACTOR, source="stow")
    publisher = StudyPublisher(database, fhir)
    await publisher.recover(scope)
    await publisher.settle()
    resource = await fhir.read(scope, "ImagingStudy", stored.study)
    assert resource["numberOfInstances"] == 1
    assert await database.rows("dicom_unpublished", scope.tenant, scope.store, 10) == []


async def test_a_lost_race_begins_again_from_the_newer_index(
    archive: DicomArchive, database: Database, fhir: FhirStore, scope: Scope
) -> None:
    first, second = images(2, "again")
    stored = await archive.store(scope, first, ACTOR, source="stow")
    slow, quick = StudyPublisher(database, fhir), StudyPublisher(database, fhir)
    plan = slow._write
    interrupted = False

    async def late(scope: Scope, resource: JsonObject, version: int) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            await archive.store(scope, second, ACTOR, source="stow")
            await quick.publish(scope, stored.study)
        await plan(scope, resource, version)

    slow._write = late  # type: ignore[method-assign]
    assert await slow.publish(scope, stored.study) == 2
    resource = await fhir.read(scope, "ImagingStudy", stored.study)
    assert resource["numberOfInstances"] == 2


async def test_publishing_waits_for_a_store_that_is_down(
    archive: DicomArchive,
    database: Database,
    fhir: FhirStore,
    scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("careloom.dicom.publication._RETRY_SECONDS", 0.01)
    [data] = images(1, "later")
    stored = await archive.store(scope, data, ACTOR, source="stow")
    publisher = StudyPublisher(database, fhir)
    read, failures = fhir.read, iter([True, True, False])

    async def flaky(*place: Any) -> JsonObject:
        if next(failures, False):
            raise Unavailable("PostgreSQL does not answer")
        return await read(*place)

    with monkeypatch.context() as patch:
        patch.setattr(fhir, "read", flaky)
        publisher.mark(scope, stored.study)
        await publisher.settle()
    assert (await fhir.read(scope, "ImagingStudy", stored.study))["numberOfInstances"] == 1
