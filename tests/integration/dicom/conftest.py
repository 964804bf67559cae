"""The archive on real parts: database, blobs in a folder, reading processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from careloom.dicom.archive import DicomArchive
from careloom.dicom.patient_link import IssuerMap
from careloom.dicom.sandbox import Sandbox
from careloom.store.blobs import Blobs, FolderStore
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope


@pytest.fixture(scope="session")
def blob_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="session")
def blobs(blob_folder: Path, keyring: Keyring) -> Blobs:
    return Blobs(FolderStore.open(blob_folder), keyring)


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    pool = Sandbox(processes=2)
    yield pool
    await pool.close()


@dataclass
class PatientBook:
    """Patients by tenant, answering as the FHIR search by identifier does."""

    patients: dict[str, list[JsonObject]] = field(default_factory=dict)

    def add(self, scope: Scope, patient: JsonObject) -> None:
        self.patients.setdefault(scope.tenant, []).append(patient)

    async def find(self, scope: Scope, system: str | None, value: str) -> list[JsonObject]:
        return [
            patient
            for patient in self.patients.get(scope.tenant, [])
            for identifier in patient["identifier"]
            if identifier["value"] == value and system in (None, identifier["system"])
        ]


@pytest.fixture
def patient_book() -> PatientBook:
    return PatientBook()


@pytest.fixture
def issuers() -> IssuerMap:
    return IssuerMap({"HOSPITAL": "urn:hospital:mrn"}, "urn:default:mrn")


@pytest.fixture
def archive(
    database: Database,
    blobs: Blobs,
    keyring: Keyring,
    sandbox: Sandbox,
    patient_book: PatientBook,
    issuers: IssuerMap,
) -> DicomArchive:
    return DicomArchive(
        database, blobs, keyring, sandbox, find_patients=patient_book.find, issuers=issuers
    )
