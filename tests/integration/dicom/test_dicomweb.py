"""DICOMweb through an independent client (dicomweb-client) against a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest
import uvicorn
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from PIL import Image
from requests.exceptions import HTTPError
from starlette.applications import Starlette
from starlette.routing import Mount

from careloom.api.dicomweb.multipart import PartReader
from careloom.api.dicomweb.routes import routes
from careloom.dicom.archive import DicomArchive
from careloom.dicom.limits import DicomLimits
from careloom.dicom.sandbox import Sandbox
from careloom.identity.service import SYSTEM_ACTOR, Identity
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope

PATIENT = StudyPatient("Müller^Ana", "MRN-1", "19700203", "F", "HOSPITAL")
PIXELS = np.linspace(0, 4095, 64 * 48).astype(np.uint16).reshape(64, 48)
Run = Callable[..., Awaitable[Any]]


def chest(study: str, **changes: object) -> bytes:
    data = synthetic_chest_study(PIXELS, PATIENT, study=study, accession_number=f"A-{study}")
    if not changes:
        return data
    dataset = pydicom.dcmread(BytesIO(data))
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def read(data: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(BytesIO(data))


@pytest.fixture
def identity(database: Database, keyring: Keyring) -> Identity:
    return Identity(database, keyring)


@pytest.fixture
async def address(archive: DicomArchive, identity: Identity) -> AsyncIterator[str]:
    app = Starlette(routes=[Mount("/dicomweb", routes=routes)])
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    root = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app.state.services = SimpleNamespace(
        identity=identity, dicom=archive, settings=SimpleNamespace(public_url=root)
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"{root}/dicomweb"
    server.should_exit = True
    await serving


async def key_of(identity: Identity, scope: Scope, role: str) -> str:
    await identity.create_principal(scope, role, name=role, roles=[role], actor=SYSTEM_ACTOR)
    return (await identity.create_key(scope, role, actor=SYSTEM_ACTOR)).text


@pytest.fixture
async def key(identity: Identity, scope: Scope) -> str:
    return await key_of(identity, scope, "engineer")


@pytest.fixture
def client(address: str, key: str) -> DICOMwebClient:
    return DICOMwebClient(url=address, session=create_session_from_user_pass("key", key))


@pytest.fixture
async def http(address: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=address, headers=headers) as session:
        yield session


async def test_a_stored_instance_comes_back_and_can_be_found(client: DICOMwebClient) -> None:
    data = chest("one")
    sent = read(data)
    answer = await asyncio.to_thread(client.store_instances, [sent])
    assert len(answer.ReferencedSOPSequence) == 1
    assert answer.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == sent.SOPInstanceUID
    assert "FailedSOPSequence" not in answer

    uids = (sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
    back = await asyncio.to_thread(client.retrieve_instance, *uids)
    assert back.PatientName == "Müller^Ana"
    assert back.PixelData == sent.PixelData

    studies = await asyncio.to_thread(
        client.search_for_studies, search_filters={"PatientID": "MRN-1"}
    )
    assert [study["0020000D"]["Value"] for study in studies] == [[sent.StudyInstanceUID]]
    assert studies[0]["00080061"]["Value"] == ["DX"]
    assert studies[0]["00201208"]["Value"] == [1]
    series = await asyncio.to_thread(client.search_for_series, sent.StudyInstanceUID)
    assert series[0]["00080060"]["Value"] == ["DX"]
    found = await asyncio.to_thread(client.search_for_instances, *uids[:2])
    assert found[0]["00080018"]["Value"] == [sent.SOPInstanceUID]
    assert found[0]["00280010"]["Value"] == [64]


async def test_metadata_names_bulk_data_that_can_be_retrieved(client: DICOMwebClient) -> None:
    sent = read(chest("meta"))
    await asyncio.to_thread(client.store_instances, [sent])
    uids = (sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
    model = await asyncio.to_thread(client.retrieve_instance_metadata, *uids)
    assert model["00100010"]["Value"] == [{"Alphabetic": "Müller^Ana"}]
    assert model["00082218"]["Value"][0]["00080104"]["Value"] == ["Chest"]
    url = model["7FE00010"]["BulkDataURI"]
    bulk = await asyncio.to_thread(client.retrieve_bulkdata, url)
    assert bulk == [sent.PixelData]
    assert len(await asyncio.to_thread(client.retrieve_study_metadata, uids[0])) == 1


async def test_frames_and_rendered_pictures(client: DICOMwebClient) -> None:
    sent = read(chest("frames"))
    await asyncio.to_thread(client.store_instances, [sent])
    uids = (sent.StudyInstanceUID, sent.SeriesInstanceUID, sent.SOPInstanceUID)
    frames = await asyncio.to_thread(client.retrieve_instance_frames, *uids, [1])
    assert np.array_equal(np.frombuffer(frames[0], "<u2").reshape(64, 48), PIXELS)
    png = await asyncio.to_thread(
        client.retrieve_instance_rendered, *uids, media_types=("image/png",)
    )
    shown = np.asarray(Image.open(BytesIO(png)))
    assert shown.shape == (64, 48)
    assert shown[0, 0] == 0
    assert shown[-1, -1] == 255
    wide = await asyncio.to_thread(
        client.retrieve_instance_rendered,
        *uids,
        media_types=("image/png",),
        params={"window": "0,8192,linear"},
    )
    assert int(np.asarray(Image.open(BytesIO(wide)))[-1, -1]) == 255
    assert int(np.asarray(Image.open(BytesIO(wide)))[0, 0]) == 128
    frame = await asyncio.to_thread(
        client.retrieve_instance_frames_rendered, *uids, [1], media_types=("image/jpeg",)
    )
    assert Image.open(BytesIO(frame)).format == "JPEG"


async def test_the_stored_bytes_are_retrieved_byte_for_byte(http: httpx.AsyncClient) -> None:
    data = chest("bytes")
    answer = await http.post(
        "/studies", content=data, headers={"Content-Type": "application/dicom"}
    )
    assert answer.status_code == 200
    url = answer.json()["00081199"]["Value"][0]["00081190"]["Value"][0]
    back = await http.get(url, headers={"Accept": "application/dicom; transfer-syntax=*"})
    assert back.content == data
    assert (
        await http.get(url, headers={"Accept": "application/dicom; transfer-syntax=1.2.3"})
    ).status_code == 406


def multipart(*parts: bytes) -> tuple[bytes, dict[str, str]]:
    body = b"".join(
        b"--X\r\nContent-Type: application/dicom\r\n\r\n" + part + b"\r\n" for part in parts
    )
    kind = 'multipart/related; type="application/dicom"; boundary=X'
    return body + b"--X--\r\n", {"Content-Type": kind}


async def test_each_instance_of_a_request_succeeds_or_fails_on_its_own(
    http: httpx.AsyncClient,
) -> None:
    good, twin = chest("part"), chest("part", PatientComments="other bytes")
    body, headers = multipart(good, b"no DICOM file", good)
    answer = await http.post("/studies", content=body, headers=headers)
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 2
    assert answer.json()["0008119A"]["Value"] == [{"00081197": {"vr": "US", "Value": [0xC000]}}]
    assert "not a DICOM file" in answer.headers["Warning"]

    body, headers = multipart(twin)
    answer = await http.post("/studies", content=body, headers=headers)
    assert answer.status_code == 409
    failed = answer.json()["00081198"]["Value"][0]
    assert failed["00081197"]["Value"] == [0x0111]
    assert failed["00081155"]["Value"] == [read(twin).SOPInstanceUID]


async def test_an_instance_of_another_study_is_not_stored_under_the_address(
    http: httpx.AsyncClient,
) -> None:
    body, headers = multipart(chest("mine"))
    answer = await http.post("/studies/1.2.3", content=body, headers=headers)
    assert answer.status_code == 409
    assert answer.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0xA900]


BODIES = (
    (b"{}", "application/json", 415),
    (b"", 'multipart/related; type="application/dicom+json"; boundary=X', 415),
    (b"", 'multipart/related; type="application/dicom"; boundary=X', 400),
    (b"--X\r\n\r\nabc", 'multipart/related; type="application/dicom"; boundary=X', 400),
    (b"--X--", 'multipart/related; type="application/dicom"; boundary=X', 400),
    (b"--X", 'multipart/related; type="application/dicom"', 400),
)


async def test_a_body_that_is_not_stow_is_refused(http: httpx.AsyncClient) -> None:
    for body, kind, status in BODIES:
        answer = await http.post("/studies", content=body, headers={"Content-Type": kind})
        assert answer.status_code == status, (body, kind)
        assert answer.json()["message"]


@pytest.fixture
async def three(http: httpx.AsyncClient) -> list[pydicom.FileDataset]:
    files = [
        chest("a", StudyDate="20240101", PatientID="P1", PatientName="Alder^Amy"),
        chest("b", StudyDate="20240615", PatientID="P2", PatientName="Birch^Bo"),
        chest("c", StudyDate="20250101", PatientID="P_3", PatientName="Birch^Cy", Modality="CR"),
    ]
    body, headers = multipart(*files)
    assert (await http.post("/studies", content=body, headers=headers)).status_code == 200
    return [read(data) for data in files]


MATCHES = (
    ("", "cba"),
    ("PatientID=P1", "a"),
    ("00100020=P2", "b"),
    ("PatientID=P*", "cba"),
    ("PatientID=P?", "ba"),
    ("PatientID=P_*", "c"),
    ("PatientName=birch*", "cb"),
    ("StudyDate=20240615", "b"),
    ("StudyDate=20240601-20241231", "b"),
    ("StudyDate=-20240615", "ba"),
    ("StudyDate=20240602-", "cb"),
    ("ModalitiesInStudy=CR", "c"),
    ("PatientID=none", ""),
    ("AccessionNumber=A-a", "a"),
    ("PatientName=", "cba"),
    ("limit=1", "c"),
    ("limit=1&offset=1", "b"),
    ("limit=5&offset=3", ""),
    ("StudyTime=0900-1000", "cba"),
    ("PatientID=P1'%20OR%20''='", ""),
)


async def test_studies_are_matched_as_the_standard_says(
    http: httpx.AsyncClient, three: list[pydicom.FileDataset]
) -> None:
    for query, found in MATCHES:
        answer = await http.get(f"/studies?{query}")
        assert answer.status_code == (200 if found else 204), (query, answer.text)
        accessions = [s["00080050"]["Value"][0] for s in answer.json()] if found else []
        assert accessions == [f"A-{letter}" for letter in found], query
        assert ("more results" in answer.headers.get("Warning", "")) == query.startswith("limit=1")


async def test_a_list_of_uids_and_lower_levels_match(
    http: httpx.AsyncClient, three: list[pydicom.FileDataset]
) -> None:
    uids = ",".join(dataset.StudyInstanceUID for dataset in three[:2])
    assert len((await http.get(f"/studies?StudyInstanceUID={uids}")).json()) == 2
    assert len((await http.get("/series?Modality=DX")).json()) == 2
    instances = (await http.get("/instances?InstanceNumber=1&PatientID=P2")).json()
    assert [i["00080018"]["Value"] for i in instances] == [[three[1].SOPInstanceUID]]
    study = three[0].StudyInstanceUID
    assert len((await http.get(f"/studies/{study}/instances")).json()) == 1


async def test_fields_outside_the_index_can_be_included(
    http: httpx.AsyncClient, three: list[pydicom.FileDataset]
) -> None:
    [study] = (await http.get("/studies?PatientID=P1&includefield=InstitutionName")).json()
    assert study["00080080"]["Value"] == ["Careloom Synthetic Hospital"]
    [instance] = (await http.get("/instances?PatientID=P1&includefield=all")).json()
    assert instance["00180060"]["Value"] == [120]


UNANSWERABLE = (
    ("/studies?NoSuchKeyword=1", 400),
    ("/studies?InstanceNumber=1", 400),
    ("/studies?StudyDate=yesterday", 400),
    ("/studies?limit=many", 400),
    ("/studies/1.2.3", 404),
    ("/studies/1.2.3/metadata", 404),
    ("/studies/abc/metadata", 400),
)


async def test_what_cannot_be_answered_says_why(http: httpx.AsyncClient) -> None:
    for path, status in UNANSWERABLE:
        answer = await http.get(path)
        assert answer.status_code == status, path
        assert answer.json()["message"]


async def test_a_representation_that_is_not_offered_is_406(
    http: httpx.AsyncClient, three: list[pydicom.FileDataset]
) -> None:
    study = f"/studies/{three[0].StudyInstanceUID}"
    for path, accept in (
        ("/studies", 'multipart/related; type="application/dicom+xml"'),
        (study, "image/png"),
        (f"{study}/metadata", "text/html"),
    ):
        assert (await http.get(path, headers={"Accept": accept})).status_code == 406


async def test_compressed_frames_are_given_as_stored_or_decoded(
    http: httpx.AsyncClient, archive: DicomArchive, scope: Scope
) -> None:
    dataset = read(chest("rle"))
    dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    stored = await archive.store(scope, out.getvalue(), {"principal": "t"}, source="sample")
    base = f"/studies/{stored.study}/series/{stored.series}/instances/{stored.instance}"
    plain = await http.get(f"{base}/frames/1", headers={"Accept": "application/octet-stream"})
    assert plain.content == PIXELS.tobytes()
    kept = await http.get(f"{base}/frames/1", headers={"Accept": "image/dicom-rle"})
    assert kept.headers["Content-Type"].endswith("transfer-syntax=1.2.840.10008.1.2.5")
    assert len(kept.content) < len(plain.content)
    accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
    converted = read((await http.get(base, headers={"Accept": accept})).content)
    assert converted.PixelData == PIXELS.tobytes()
    assert converted.SOPInstanceUID == stored.instance
    assert (await http.get(f"{base}/frames/2")).status_code == 404


async def test_frames_of_a_series_of_pictures_come_in_the_order_asked(
    http: httpx.AsyncClient, archive: DicomArchive, scope: Scope
) -> None:
    dataset = read(chest("many"))
    pictures = [np.full((64, 48), number, np.uint16) for number in range(20)]
    dataset.NumberOfFrames = len(pictures)
    dataset.PixelData = np.stack(pictures).tobytes()
    for compressed in (False, True):
        if compressed:
            dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=True)
        out = BytesIO()
        dataset.save_as(out, enforce_file_format=True)
        stored = await archive.store(scope, out.getvalue(), {"principal": "t"}, source="sample")
        assert (await archive.pixels(scope, stored.uri, 19)).shape == (64, 48)
        base = f"/studies/{stored.study}/series/{stored.series}/instances/{stored.instance}"
        wanted = [20, 1, *range(2, 19)]
        answer = await http.get(f"{base}/frames/{','.join(map(str, wanted))}")
        boundary = answer.headers["Content-Type"].split("boundary=")[1]
        parts = PartReader(one(answer.content), boundary, 1 << 20).parts()
        frames = [np.frombuffer(data, "<u2")[0] + 1 async for _, data in parts]
        assert frames == wanted
        kept = await http.get(f"{base}/frames/7", headers={"Accept": "*/*; transfer-syntax=*"})
        assert kept.status_code == 200
        assert (await http.get(f"{base}/frames/21")).status_code == 404


async def one(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_another_tenant_sees_nothing_and_grants_are_needed(
    address: str, identity: Identity, database: Database, three: list[pydicom.FileDataset]
) -> None:
    other = Scope("t-other-dicomweb", "main")
    await database.call("tenant_create", other.tenant, "Other", "development")
    study = three[0].StudyInstanceUID
    async with httpx.AsyncClient(base_url=address) as nobody:
        assert (await nobody.get("/studies")).status_code == 401
        reader = {"Authorization": f"Bearer {await key_of(identity, other, 'viewer')}"}
        assert (await nobody.get("/studies", headers=reader)).status_code == 204
        assert (await nobody.get(f"/studies/{study}", headers=reader)).status_code == 404
        body, headers = multipart(chest("x"))
        answer = await nobody.post("/studies", content=body, headers={**headers, **reader})
        assert answer.status_code == 403
        device = {"Authorization": f"Bearer {await key_of(identity, other, 'device')}"}
        assert (await nobody.get("/studies", headers=device)).status_code == 403


async def test_a_client_that_is_refused_learns_the_status(client: DICOMwebClient) -> None:
    with pytest.raises(HTTPError, match="404"):
        await asyncio.to_thread(client.retrieve_study_metadata, "1.2.3.4")


async def test_a_part_beyond_the_limit_is_413(
    http: httpx.AsyncClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "limits", DicomLimits(max_bytes=1000))
    body, headers = multipart(chest("large"))
    assert (await http.post("/studies", content=body, headers=headers)).status_code == 413
    headers = {"Content-Type": "application/dicom"}
    answer = await http.post("/studies", content=chest("large"), headers=headers)
    assert answer.status_code == 413
