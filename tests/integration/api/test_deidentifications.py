"""/api/deidentifications: a study of the archive, its copy without its patient, and who may."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pydicom
from tests.integration.conftest import until
from tests.integration.dicom.burned import as_file, ground, strokes, ultrasound, with_words

from careloom.audit.trail import Selection
from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

STUDY = "1.2.826.13.1"
SECRETS = ("Zzkanarie", "ZZKANARIE", "Brunhild", "4711-0815", "0815")


async def stored_study(desk: Desk) -> None:
    """An ultrasound with words burned in, and a report that is refused."""
    picture = with_words(ground(), strokes())
    image = as_file(ultrasound(picture, StudyDescription="US ABDOMEN Zzkanarie"))
    report = ultrasound(
        picture, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", SOPInstanceUID="1.2.826.13.3"
    )
    for data in (image, as_file(report)):
        await desk.services.dicom.store(desk.scope, data, SYSTEM_ACTOR, source="stow")


async def ended(desk: Desk, name: str) -> JsonObject:
    async def look() -> JsonObject | None:
        order: JsonObject = await desk.data(f"/api/deidentifications/{name}")
        return order if order["status"] != "running" else None

    return await until(look)


async def test_a_study_has_a_copy_without_its_patient_and_a_report(
    desk: Desk, house: House
) -> None:
    await stored_study(desk)
    await desk.services.dicom.settle()
    incidents = len(await desk.data("/api/incidents"))
    body = {"studyInstanceUid": STUDY, "options": {"cleanDescriptors": True}}
    once = {"Idempotency-Key": "once"}
    begun = await desk.post("/api/deidentifications", body, headers=once)
    assert begun.status_code == 202, begun.text
    name = begun.json()["data"]["deidentificationId"]
    repeated = await desk.post("/api/deidentifications", body, headers=once)
    assert repeated.json()["data"]["deidentificationId"] == name
    order = await ended(desk, name)
    assert (order["status"], order["summary"]) == ("done", {"stored": 1, "refused": 1}), order
    assert order["progress"] == {"done": 2, "of": 2}
    stored, refused = sorted(order["objects"], key=lambda one: str(one["outcome"]), reverse=True)
    assert stored["pixels"]["areas"] >= 1
    assert stored["methods"] == ["113100", "113101", "113105"]
    assert "takes radiological" in refused["reason"]
    assert not [secret for secret in SECRETS if secret in str(order)]
    listed = await desk.data("/api/deidentifications")
    assert [one["deidentificationId"] for one in listed] == [name]

    copy = order["copyStudyInstanceUid"]
    answer = await desk.get(f"/api/deidentifications/{name}/content")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(BytesIO(answer.content)) as packed:
        (place,) = packed.namelist()
        inside = packed.read(place)
    assert place.split("/")[0] == copy
    assert not [secret for secret in SECRETS if secret.encode() in inside]
    read = pydicom.dcmread(BytesIO(inside))
    assert (read.pixel_array[strokes()] == read.pixel_array.min()).all()
    assert read.StudyDescription == "US ABDOMEN"
    found = await desk.get(f"/dicomweb/studies?StudyInstanceUID={copy}")
    assert found.status_code == 200
    await desk.services.dicom.settle()
    assert "subject" in (await desk.get(f"/fhir/ImagingStudy/{copy}")).json()
    # A copy is no arrival: no incident for want of a patient.
    assert len(await desk.data("/api/incidents")) == incidents

    # The same order again stores nothing new; another project has other UIDs.
    again = await desk.post("/api/deidentifications", body)
    order = await ended(desk, again.json()["data"]["deidentificationId"])
    assert (order["copyStudyInstanceUid"], order["summary"]["stored"]) == (copy, 1)
    apart = await desk.post("/api/deidentifications", {**body, "project": "other"})
    order = await ended(desk, apart.json()["data"]["deidentificationId"])
    assert order["copyStudyInstanceUid"] not in (None, copy)

    rows = await desk.services.trail.page(desk.scope.tenant, Selection())
    mine = [row.values for row in rows if row.values["action"].startswith("dicom.deid")]
    assert [row["action"] for row in mine][:3] == [
        *("dicom.deidentify", "dicom.deidentified", "dicom.deidentified.read"),
    ]
    assert not [secret for secret in SECRETS if secret in str(mine)]
    await _only_who_may(desk, house, name)


async def _only_who_may(desk: Desk, house: House, name: str) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    path = f"/api/deidentifications/{name}"
    assert (await viewer.get(path)).status_code == 403
    order = {"studyInstanceUid": STUDY}
    assert (await viewer.post("/api/deidentifications", order)).status_code == 403
    stranger = await house.desk()
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.get(f"{path}/content")).status_code == 404
    assert (await stranger.post("/api/deidentifications", order)).status_code == 404


async def test_an_order_whose_process_stopped_is_taken_up_and_one_can_be_stopped(
    desk: Desk,
) -> None:
    await stored_study(desk)
    service = desk.services.deidentifications
    begun = await desk.post("/api/deidentifications", {"studyInstanceUid": STUDY})
    name = begun.json()["data"]["deidentificationId"]
    stopped = await desk.post(f"/api/deidentifications/{name}/cancel")
    assert stopped.json()["data"]["status"] == "cancelled"
    begun = await desk.post("/api/deidentifications", {"studyInstanceUid": STUDY})
    name = begun.json()["data"]["deidentificationId"]
    await service.stop()
    silence = "UPDATE deidentification SET beat_at = beat_at - interval '2 minutes'"
    await desk.services.db.query(desk.scope.tenant, silence)
    order = await ended(desk, name)
    assert order["summary"] == {"stored": 1, "refused": 1}


async def test_what_is_no_order_is_refused_in_words(desk: Desk) -> None:
    for body in (
        {"studyInstanceUid": "x"},
        {"studyInstanceUid": STUDY, "options": {"keepUids": True}},
        {"studyInstanceUid": STUDY, "options": {"cleanPixelData": 1}},
        {"studyInstanceUid": STUDY, "project": "No Such"},
        {"studyInstanceUid": STUDY, "patient": "x"},
    ):
        answer = await desk.post("/api/deidentifications", body)
        assert answer.status_code == 400, answer.text
    missing = await desk.get("/api/deidentifications/dei_" + "0" * 32)
    assert missing.status_code == 404
