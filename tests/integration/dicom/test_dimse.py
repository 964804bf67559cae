"""C-ECHO and C-STORE with dcmtk's tools, and with pynetdicom where a peer must misbehave."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import DigitalXRayImageStorageForPresentation as DX

from careloom.dicom.archive import DicomArchive
from careloom.errors import ConfigurationError, Unavailable
from careloom.listeners.dimse import Caller, DimseListener, DimseSettings
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.store.database import Database
from careloom.types import Scope

PATIENT = StudyPatient("Doe^Jane", "MRN-9", "19800101", "F")
PIXELS = np.full((32, 32), 7, np.uint16)


def chest(study: str) -> bytes:
    return synthetic_chest_study(PIXELS, PATIENT, study=study)


def tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        assert os.environ.get("CI") != "true", f"CI must have dcmtk's {name}"
        pytest.skip(f"dcmtk's {name} is not installed")
    return path


@pytest.fixture
async def listener(archive: DicomArchive, scope: Scope) -> AsyncIterator[DimseListener]:
    caller = Caller(scope, {"principal": "modality", "kind": "service"})
    serving = DimseListener(archive, DimseSettings(port=0, callers={"MODALITY": caller}))
    serving.start(asyncio.get_running_loop())
    yield serving
    await asyncio.to_thread(serving.stop)


async def run(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, output.decode(errors="replace")


def titles(calling: str = "MODALITY", called: str = "CARELOOM") -> tuple[str, ...]:
    return ("-aet", calling, "-aec", called, "127.0.0.1")


async def test_echoscu_gets_an_answer(listener: DimseListener) -> None:
    code, output = await run(tool("echoscu"), "-v", *titles(), str(listener.port))
    assert code == 0, output
    assert "Received Echo Response (Success)" in output


@pytest.mark.parametrize(("calling", "called"), [("STRANGER", "CARELOOM"), ("MODALITY", "OTHER")])
async def test_unknown_titles_are_rejected(
    listener: DimseListener, calling: str, called: str
) -> None:
    code, output = await run(tool("echoscu"), *titles(calling, called), str(listener.port))
    assert code != 0
    assert "Rejected" in output


async def test_storescu_stores_and_a_repeat_changes_nothing(
    listener: DimseListener,
    archive: DicomArchive,
    scope: Scope,
    database: Database,
    tmp_path: Path,
) -> None:
    names = []
    for number in range(3):
        names.append(tmp_path / f"{number}.dcm")
        names[-1].write_bytes(chest(f"store-{number}"))
    for _ in range(2):
        code, output = await run(
            tool("storescu"), "-v", *titles(), str(listener.port), *map(str, names)
        )
        assert code == 0, output
        assert output.count("Received Store Response (Success)") == 3
    for name in names:
        sent = pydicom.dcmread(name)
        uri = f"dicom://{sent.StudyInstanceUID}/{sent.SeriesInstanceUID}/{sent.SOPInstanceUID}"
        back = pydicom.dcmread(BytesIO(await archive.open(scope, uri)))
        assert back == sent
        assert back.file_meta.MediaStorageSOPInstanceUID == sent.SOPInstanceUID
        assert back.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    events = await database.rows("events_pending", scope.tenant, 100)
    assert len(events) == 3


async def test_a_file_uploaded_before_may_be_sent_again(
    listener: DimseListener, archive: DicomArchive, scope: Scope
) -> None:
    data = chest("both")
    stored = await archive.store(scope, data, {"principal": "t"}, source="upload")
    assert await asyncio.to_thread(send, listener.port, data) == 0x0000
    assert await archive.open(scope, stored.uri) == data


def send(port: int, data: bytes, **changes: object) -> int:
    dataset = pydicom.dcmread(BytesIO(data))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    entity = AE(ae_title="MODALITY")
    entity.add_requested_context(DX, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title="CARELOOM")
    assert association.is_established
    try:
        return int(association.send_c_store(dataset).Status)
    finally:
        association.release()


async def test_refusals_carry_a_failure_status(listener: DimseListener) -> None:
    data = chest("refuse")
    assert await asyncio.to_thread(send, listener.port, data) == 0x0000
    assert await asyncio.to_thread(send, listener.port, data, PatientComments="new") == 0x0111
    missing = await asyncio.to_thread(send, listener.port, chest("x"), StudyInstanceUID="")
    assert missing == 0xA900


async def test_the_acknowledgement_is_withheld_while_the_store_is_down(
    listener: DimseListener, archive: DicomArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise Unavailable("PostgreSQL does not answer")

    data = chest("down")
    with monkeypatch.context() as patch:
        patch.setattr(archive._db, "call", down)
        assert await asyncio.to_thread(send, listener.port, data) == 0xA700
    assert await asyncio.to_thread(send, listener.port, data) == 0x0000


async def test_a_pdu_of_a_claimed_gigabyte_ends_the_connection(listener: DimseListener) -> None:
    def attack() -> bytes:
        with socket.create_connection(("127.0.0.1", listener.port), timeout=30) as peer:
            peer.sendall(struct.pack(">BBL", 4, 0, 1 << 30))
            return peer.recv(1)

    assert await asyncio.to_thread(attack) == b""
    code, output = await run(tool("echoscu"), *titles(), str(listener.port))
    assert code == 0, output


async def test_a_listener_without_callers_does_not_start(archive: DicomArchive) -> None:
    with pytest.raises(ConfigurationError):
        DimseListener(archive, DimseSettings(port=0)).start(asyncio.get_running_loop())
