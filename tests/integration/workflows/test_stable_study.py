"""A study that is quiet has one event; the waiting is a row, and so survives its process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid
from tests.conftest import create_database
from tests.integration.conftest import Desk, House, OpenHouse, until

from careloom.dicom.quiet import StudyTimers
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.types import JsonObject

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
PATIENT = StudyPatient("Doe^Jane", "MRN-1", "19800101", "F")
ACTOR: JsonObject = {"principal": "tester", "kind": "user"}


def images(count: int, study: str) -> list[bytes]:
    source = pydicom.dcmread(
        BytesIO(synthetic_chest_study(np.full((16, 16), 9, np.uint16), PATIENT, study=study))
    )
    made = []
    for _ in range(count):
        source.SOPInstanceUID = generate_uid()
        source.file_meta.MediaStorageSOPInstanceUID = source.SOPInstanceUID
        out = BytesIO()
        source.save_as(out, enforce_file_format=True)
        made.append(out.getvalue())
    return made


def _flow(name: str, **trigger: Any) -> JsonObject:
    return {"id": name, "trigger": {"type": "dicom", **trigger}, "steps": [NAP]}


class Bench:
    """A desk in a house where only the test looks at the clock."""

    def __init__(self, house: House, desk: Desk) -> None:
        self.house, self.desk = house, desk
        self.now = datetime.now(UTC)
        self.timers = self.another()

    def another(self) -> StudyTimers:
        return StudyTimers(self.desk.services.db, clock=lambda: self.now)

    async def quiet_for(self, seconds: float) -> int:
        self.now = datetime.now(UTC) + timedelta(seconds=seconds)
        tenant = self.desk.scope.tenant
        count = await self.timers.settle(tenant)
        while await self.desk.services.matcher.match(tenant):
            pass
        return count

    async def triggers(self, workflow: str) -> list[JsonObject]:
        """What the runs of a workflow were started with, the newest first."""
        runs = await self.desk.data(f"/api/workflows/runs?workflow={workflow}")
        return [(await self.desk.run(run["runId"]))["trigger"] for run in runs]


@pytest.fixture
async def bench(open_house: OpenHouse, server_dsn: str) -> Bench:
    house = await open_house({"DATABASE_URL": await create_database(server_dsn)})
    return Bench(house, await house.desk())


async def test_three_instances_by_every_way_in_are_one_event(bench: Bench) -> None:
    desk = bench.desk
    await desk.deployed(_flow("whole", event="NewStudy", quietPeriod="30s"))
    await desk.deployed(_flow("each", event="NewImageUploaded"))
    one, two, three = images(3, "s1")
    archive, scope = desk.services.dicom, desk.scope
    await archive.store(scope, one, ACTOR, source="dimse")
    assert await bench.quiet_for(10) == 0
    sent = await desk.client.post(
        "/dicomweb/studies",
        content=b"--x\r\nContent-Type: application/dicom\r\n\r\n" + two + b"\r\n--x--\r\n",
        headers={
            "Content-Type": 'multipart/related; type="application/dicom"; boundary=x',
            "Accept": "application/dicom+json",
        },
    )
    assert sent.status_code == 200, sent.text
    file = {"file": ("a.dcm", three)}
    uploaded = await desk.client.post("/api/files", files=file)
    assert uploaded.status_code == 201
    assert await bench.quiet_for(29) == 0
    assert await bench.triggers("whole") == []
    assert len(await bench.triggers("each")) == 3
    assert await bench.quiet_for(31) == 1
    assert await bench.quiet_for(3600) == 0
    [trigger] = await bench.triggers("whole")
    counts = (trigger["newInstances"], trigger["instanceCount"], trigger["seriesCount"])
    assert counts == (3, 3, 1)
    assert len(set(trigger["instances"])) == 3
    assert trigger["instances"][0] == trigger["file"]
    assert trigger["again"] is False
    assert trigger["imagingStudy"] == f"ImagingStudy/{trigger['study']}"


async def test_later_instances_are_another_event_with_what_is_new(bench: Bench) -> None:
    desk = bench.desk
    await desk.deployed(_flow("whole", event="StudyStable"))
    first, second, third = images(3, "s1")
    archive, scope = desk.services.dicom, desk.scope
    await archive.store(scope, first, ACTOR, source="upload")
    await bench.quiet_for(61)
    await archive.store(scope, first, ACTOR, source="upload")
    assert await bench.quiet_for(3600) == 0
    await archive.store(scope, second, ACTOR, source="upload")
    await archive.store(scope, third, ACTOR, source="upload")
    # Another process finds the timer where the first one left it.
    bench.timers = bench.another()
    assert await bench.quiet_for(61) == 1
    newest, oldest = await bench.triggers("whole")
    assert (oldest["newInstances"], newest["newInstances"], newest["instanceCount"]) == (1, 2, 3)
    assert not set(oldest["instances"]) & set(newest["instances"])
    assert newest["again"] is True


async def test_each_quiet_period_has_its_own_event_and_two_studies_do_not_mix(
    bench: Bench,
) -> None:
    desk = bench.desk
    await desk.deployed(_flow("soon", event="StudyStable", quietPeriod=10))
    await desk.deployed(_flow("late", event="StudyStable", quietPeriod="5m"))
    for study in ("s1", "s2"):
        for image in images(2, study):
            await desk.services.dicom.store(desk.scope, image, ACTOR, source="upload")
    assert await bench.quiet_for(11) == 2
    assert len(await bench.triggers("soon")) == 2
    assert await bench.triggers("late") == []
    assert await bench.quiet_for(301) == 2
    studies = {trigger["study"] for trigger in await bench.triggers("late")}
    assert len(studies) == 2
    assert [trigger["instanceCount"] for trigger in await bench.triggers("soon")] == [2, 2]


async def test_without_a_workflow_that_waits_nothing_is_kept(bench: Bench) -> None:
    desk = bench.desk
    await desk.deployed(_flow("whole", event="StudyStable"))
    [image] = images(1, "s1")
    await desk.services.dicom.store(desk.scope, image, ACTOR, source="upload")
    await desk.post("/api/workflows/whole/pause")
    assert await bench.quiet_for(61) == 0
    [image] = images(1, "s2")
    await desk.services.dicom.store(desk.scope, image, ACTOR, source="upload")
    assert await bench.quiet_for(3600) == 0


async def test_a_running_house_tells_by_itself(desk: Desk) -> None:
    await desk.deployed(_flow("whole", event="StudyStable", quietPeriod="1s"))
    for image in images(3, "s1"):
        answer = await desk.client.post("/api/files", files={"file": ("a.dcm", image)})
        assert answer.status_code == 201

    async def told() -> bool:
        runs = await desk.data("/api/workflows/runs?workflow=whole")
        triggers = [(await desk.run(run["runId"]))["trigger"] for run in runs]
        return sum(trigger["newInstances"] for trigger in triggers) == 3

    assert await until(told)
