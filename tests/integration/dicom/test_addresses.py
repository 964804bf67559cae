"""dicom:// addresses, names in buckets, and what happens when the same thing comes again."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pydicom
import pytest

from careloom.dicom.archive import DicomArchive, Refused
from careloom.errors import Conflict, InvalidInput, Unavailable, Unprocessable
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.store.database import Database
from careloom.types import JsonObject, Scope

ACTOR: JsonObject = {"principal": "tester", "kind": "user"}
PATIENT = StudyPatient("Doe^Jane", "MRN-CANARY", "19800101", "F")
PIXELS = np.linspace(0, 4095, 256).astype(np.uint16).reshape(16, 16)


def chest(study: str, comment: str = "") -> bytes:
    data = synthetic_chest_study(PIXELS, PATIENT, study=study)
    if not comment:
        return data
    dataset = pydicom.dcmread(BytesIO(data))
    dataset.PatientComments = comment
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def kept(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def test_a_named_upload_opens_by_its_name_and_by_its_uids(
    archive: DicomArchive, scope: Scope
) -> None:
    data = chest("named")
    stored = await archive.store(
        scope, data, ACTOR, source="upload", bucket="uploads", name="study123.dcm"
    )
    for uri in (
        "dicom://uploads/study123.dcm",
        stored.uri,
        f"dicom://{stored.study}",
        f"dicom://{stored.study}/{stored.series}",
    ):
        assert await archive.open(scope, uri) == data
        assert (await archive.describe(scope, uri))["uri"] == stored.uri
    assert (await archive.pixels(scope, stored.uri)).shape == (16, 16)


async def test_what_is_not_there_is_422(archive: DicomArchive, scope: Scope) -> None:
    await archive.store(scope, chest("there"), ACTOR, source="upload", bucket="uploads", name="a")
    for uri in ("dicom://uploads/missing.dcm", "dicom://other/a", "dicom://1.2.3/4.5/6.7"):
        with pytest.raises(Unprocessable):
            await archive.open(scope, uri)
    with pytest.raises(Unprocessable):
        await archive.open(Scope(scope.tenant, "second"), "dicom://uploads/a")
    with pytest.raises(Unprocessable):
        await archive.open(Scope("default", "main"), "dicom://uploads/a")


@pytest.mark.parametrize(
    "uri",
    [
        "dicom://uploads/../secret",
        "dicom://uploads/..",
        "dicom://uploads/a/b",
        "dicom:///etc/passwd",
        "dicom://uploads/%2e%2e",
        "dicom://Uploads/a",
        "file:///etc/passwd",
        "dicom://",
        "dicom://uploads/a\x00b",
        "dicom://uploads/" + "a" * 200,
    ],
)
async def test_other_forms_are_refused(archive: DicomArchive, scope: Scope, uri: str) -> None:
    with pytest.raises(InvalidInput):
        await archive.resolve(scope, uri)


async def test_a_name_keeps_its_meaning(archive: DicomArchive, scope: Scope) -> None:
    first = chest("first")
    await archive.store(scope, first, ACTOR, source="upload", bucket="uploads", name="x.dcm")
    again = await archive.store(
        scope, first, ACTOR, source="upload", bucket="uploads", name="x.dcm"
    )
    assert not again.created
    with pytest.raises(Conflict):
        await archive.store(
            scope, chest("other"), ACTOR, source="upload", bucket="uploads", name="x.dcm"
        )
    assert await archive.open(scope, "dicom://uploads/x.dcm") == first


async def test_ten_at_once_store_one_object_and_one_event(
    archive: DicomArchive, scope: Scope, database: Database, blob_folder: Path
) -> None:
    data = chest("ten")
    before = kept(blob_folder)
    stored = await asyncio.gather(
        *(archive.store(scope, data, ACTOR, source="stow") for _ in range(10))
    )
    assert sum(instance.created for instance in stored) == 1
    assert len(await database.rows("events_pending", scope.tenant, 100)) == 1
    audits = await database.query(
        scope.tenant, "SELECT entity, content FROM audit WHERE action = 'dicom.store'"
    )
    assert [row["entity"] for row in audits] == [stored[0].uri]
    assert "CANARY" not in audits[0]["content"]
    assert len(kept(blob_folder)) == len(before) + 1


async def test_of_two_contents_under_one_uid_exactly_one_wins(
    archive: DicomArchive, scope: Scope, database: Database
) -> None:
    versions = [chest("uid", f"version {number}") for number in range(6)]
    results = await asyncio.gather(
        *(archive.store(scope, data, ACTOR, source="stow") for data in versions),
        return_exceptions=True,
    )
    won = [n for n, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert all(isinstance(r, Conflict) for n, r in enumerate(results) if n != won[0])
    winner: Any = results[won[0]]
    assert await archive.open(scope, winner.uri) == versions[won[0]]


async def test_metadata_is_sealed_in_the_database(
    archive: DicomArchive, scope: Scope, database: Database
) -> None:
    await archive.store(scope, chest("sealed"), ACTOR, source="upload")
    [row] = await database.query(scope.tenant, "SELECT metadata FROM dicom_instance")
    assert b"CANARY" not in row["metadata"]
    assert b"Careloom Synthetic" not in row["metadata"]


async def test_a_store_that_is_down_is_not_acknowledged_and_loses_nothing(
    archive: DicomArchive, scope: Scope, blob_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = chest("down")
    call = archive._db.call

    async def cut(function: str, *args: Any) -> Any:
        await call(function, *args)
        raise Unavailable("The database did not confirm the operation")

    with monkeypatch.context() as patch:
        patch.setattr(archive._db, "call", cut)
        with pytest.raises(Unavailable):
            await archive.store(scope, data, ACTOR, source="stow")
    again = await archive.store(scope, data, ACTOR, source="stow")
    assert not again.created
    assert await archive.open(scope, again.uri) == data


async def test_row_level_security_holds_without_the_filter(
    archive: DicomArchive, scope: Scope, dsn: str
) -> None:
    await archive.store(scope, chest("fence"), ACTOR, source="upload", bucket="b", name="n")
    connection = await asyncpg.connect(
        dsn, server_settings={"role": "careloom_app", "search_path": "careloom"}
    )
    try:
        for table in ("dicom_study", "dicom_series", "dicom_instance", "dicom_name"):
            async with connection.transaction():
                for tenant, rows in ((scope.tenant, 1), ("default", 0), ("", 0)):
                    await connection.execute("SELECT set_config('app.tenant', $1, true)", tenant)
                    assert await connection.fetchval(f"SELECT count(*) FROM {table}") == rows
    finally:
        await connection.close()


async def test_a_refused_file_leaves_no_trace(
    archive: DicomArchive, scope: Scope, database: Database, blob_folder: Path
) -> None:
    before = kept(blob_folder)
    with pytest.raises(Refused) as refused:
        await archive.store(scope, b"MZ" * 500, ACTOR, source="upload")
    assert refused.value.status == 400
    assert kept(blob_folder) == before
    assert await database.rows("events_pending", scope.tenant, 10) == []
