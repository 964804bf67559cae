"""Fixtures until the shared ones exist, and the archive on real parts."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from careloom.dicom.archive import DicomArchive
from careloom.dicom.patient_link import IssuerMap
from careloom.dicom.sandbox import Sandbox
from careloom.store import migrate as m
from careloom.store.blobs import Blobs, FolderStore
from careloom.store.database import Database
from careloom.store.key_provider import FileKeyProvider
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

SERVER = os.environ.get("CARELOOM_TEST_SERVER", "postgresql://postgres@127.0.0.1:54329")
ACTOR: JsonObject = {"principal": "tester", "kind": "user"}


@pytest.fixture(scope="session")
async def dsn() -> AsyncIterator[str]:
    name = f"dicom_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(f"{SERVER}/postgres")
    await admin.execute(f'CREATE DATABASE "{name}"')
    try:
        await m.migrate(f"{SERVER}/{name}")
        yield f"{SERVER}/{name}"
    finally:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


@pytest.fixture(scope="session")
async def database(dsn: str) -> AsyncIterator[Database]:
    db = await Database.open(dsn, max_size=8)
    yield db
    await db.close()


@pytest.fixture
async def tenant(database: Database) -> str:
    name = f"t-{secrets.token_hex(6)}"
    await database.call("tenant_create", name, name, "development")
    return name


@pytest.fixture
def scope(tenant: str) -> Scope:
    return Scope(tenant, "main")


@pytest.fixture(scope="session")
def keyring(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring(database, FileKeyProvider.create(tmp_path_factory.mktemp("keys") / "master.key"))


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
