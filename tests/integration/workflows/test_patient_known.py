"""A run learns its patient from a step: what it journals then belongs to that patient."""

from __future__ import annotations

import asyncpg
from tests.integration.conftest import Desk

from careloom.types import JsonObject

FIND: JsonObject = {
    "id": "find",
    "name": "Find",
    "trigger": {"type": "manual"},
    "steps": [
        {"id": "before", "type": "fhir", "action": "search", "resourceType": "Organization"},
        {
            "id": "who",
            "type": "fhir",
            "action": "search",
            "resourceType": "Patient",
            "query": {"family": "{{trigger.family}}"},
            "output": "found",
        },
        {
            "id": "tell",
            "type": "bot",
            "tool": "Slack.send",
            "params": {"channel": "#ward", "message": "About {{steps.who.output.found[0].id}}"},
        },
    ],
}


async def _subjects(desk: Desk) -> dict[str, str]:
    """Path of every journaled step → the subject whose data key seals its payload."""
    connection = await asyncpg.connect(desk.services.db.dsn)
    try:
        tenant = desk.scope.tenant
        rows = await connection.fetch(
            "SELECT path, result FROM careloom.step WHERE tenant = $1", tenant
        )
        keys = await connection.fetch(
            "SELECT key_id, subject FROM careloom.data_key WHERE tenant = $1", tenant
        )
    finally:
        await connection.close()
    subjects = {key["key_id"]: key["subject"] for key in keys}
    return {
        row["path"]: subjects[int.from_bytes(row["result"][1:9], "big", signed=True)]
        for row in rows
    }


async def test_what_a_run_journals_after_it_found_its_patient_is_that_patients(desk: Desk) -> None:
    patient = await desk.patient("Marchbanks")
    await desk.deployed(FIND)
    run = await desk.execute("find", {"family": "Marchbanks"})
    assert run["status"] == "succeeded", run["error"]
    assert await _subjects(desk) == {
        "steps/before": "",
        "steps/who": patient,
        "steps/tell": patient,
    }
    assert [note["code"] for note in run["steps"][2]["notes"]] == ["W-PHI"]


async def test_several_patients_are_nobodys_run(desk: Desk) -> None:
    for given in ("Ada", "Ben"):
        await desk.patient("Twyford", name=[{"family": "Twyford", "given": [given]}])
    await desk.deployed(FIND)
    run = await desk.execute("find", {"family": "Twyford"})
    assert run["status"] == "succeeded", run["error"]
    assert set((await _subjects(desk)).values()) == {""}
