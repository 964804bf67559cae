"""An address in a run's input is looked up before the run is accepted, however deep it stands."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.conftest import Desk

from careloom.types import JsonObject

NAP: JsonObject = {
    "id": "nap",
    "trigger": {"type": "manual"},
    "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
}
MISSING = "file://uploads/" + "0" * 64 + ".pdf"


@pytest.mark.parametrize(
    "body",
    [
        {"file": MISSING},
        {"letter": {"pages": [{"file": MISSING}]}},
        {"files": ["file", [MISSING]]},
        {"image": {"file": "dicom://studies/1.2.3"}},
    ],
)
async def test_what_is_not_there_is_said_at_once(desk: Desk, body: Any) -> None:
    await desk.deployed(NAP)
    answer = await desk.post("/api/workflows/nap/execute", body)
    assert answer.status_code in (404, 422), answer.text
    assert answer.json()["success"] is False
    assert await desk.data("/api/workflows/runs") == []


async def test_what_is_there_is_taken(desk: Desk) -> None:
    await desk.deployed(NAP)
    answer = await desk.client.post("/api/files", files={"file": ("a.pdf", b"%PDF-1.7 x")})
    uri = answer.json()["data"]["uri"]
    run = await desk.execute("nap", {"letter": {"pages": [uri]}, "note": "no address"})
    assert run["status"] == "succeeded", run["error"]
