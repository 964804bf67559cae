"""A pipeline over CSV files, and the doors to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.pipelines.emr import Emr, open_emr

from careloom.types import JsonObject

MRN = "https://emr.example/mrn"
PATIENTS: JsonObject = {
    "source": {"type": "csv", "files": "file://emr/patients*.csv", "types": {"born": "date"}},
    "batch": 10,
    "maps": [
        {
            "match": f"identifier={MRN}|{{{{item.mrn}}}}",
            "resource": {
                "resourceType": "Patient",
                "identifier": [{"system": MRN, "value": "{{item.mrn}}"}],
                "name": [{"family": "{{item.family}}"}],
                "gender": "{{item.gender}}",
                "birthDate": "{{item.born}}",
            },
        }
    ],
}
SYNC: JsonObject = {
    "id": "sync",
    "steps": [{"id": "sync", "type": "pipeline", "pipeline": "emr", "action": "sync"}],
    "output": {"moved": "{{steps.sync.output}}"},
}


def csv_of(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["mrn,family,gender,born", *(",".join(row) for row in rows)]
    return "\n".join(lines) + "\n"


def people(first: int, count: int) -> list[tuple[str, str, str, str]]:
    return [(f"M{n}", f"Family{n}", "female", "1970-01-01") for n in range(first, first + count)]


class Intake:
    """A desk with a pipeline."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk

    async def pipeline(self, name: str, definition: JsonObject) -> JsonObject:
        answer = await self.desk.put(f"/api/pipelines/{name}", json=definition)
        assert answer.status_code == 200, answer.text
        kept: JsonObject = answer.json()["data"]
        return kept

    async def file(self, name: str, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        answer = await self.desk.put(f"/api/files/emr/{name}", content=data)
        assert answer.status_code == 201, answer.text

    async def sync(self) -> JsonObject:
        """Run the workflow to its end; what the step moved."""
        run = await self.desk.execute("sync", {})
        assert run["status"] == "succeeded", run["error"]
        moved: JsonObject = run["output"]["moved"]
        return moved

    async def patients(self) -> list[JsonObject]:
        found: list[JsonObject] = await self.desk.search("Patient?_count=1000")
        return found

    async def rejects(self, name: str = "emr") -> list[JsonObject]:
        found: list[JsonObject] = await self.desk.data(f"/api/pipelines/{name}/rejects?limit=500")
        return found


@pytest.fixture
async def intake(desk: Any) -> Intake:
    """The pipeline `emr` and the workflow `sync` over it."""
    intake = Intake(desk)
    await intake.pipeline("emr", PATIENTS)
    await desk.deployed(SYNC)
    return intake


@pytest.fixture
async def emr(server_dsn: str) -> AsyncIterator[Emr]:
    """A foreign database with a table of people."""
    async with open_emr(server_dsn) as emr:
        await emr.run(
            "CREATE TABLE person (id int PRIMARY KEY, mrn text, family text, born date,"
            " changed_at timestamptz NOT NULL)"
        )
        yield emr
