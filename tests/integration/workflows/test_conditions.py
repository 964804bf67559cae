"""What an event must be to start a run: changes, deletions, several triggers, files."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.conftest import create_database
from tests.integration.conftest import Desk, House, OpenHouse, until

from careloom.types import JsonObject

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


def _flow(*triggers: JsonObject, name: str = "react") -> JsonObject:
    return {"id": name, "triggers": list(triggers), "steps": [NAP]}


def _on(event: str, **conditions: Any) -> JsonObject:
    return {"type": "fhir", "event": event, **conditions}


def _appointment(status: str, **more: Any) -> JsonObject:
    participant = [{"status": "accepted", "actor": {"display": "somebody"}}]
    times = {"start": "2026-03-02T09:00:00Z", "end": "2026-03-02T09:20:00Z"}
    place = {"resourceType": "Appointment", "status": status, "participant": participant}
    return {**place, **times, **more}


async def _written(desk: Desk, *versions: JsonObject) -> str:
    """One resource in its versions; the id."""
    first, *later = versions
    answer = await desk.post(f"/fhir/{first['resourceType']}", first)
    assert answer.status_code == 201, answer.text
    identity = str(answer.json()["id"])
    for version in later:
        path = f"/fhir/{first['resourceType']}/{identity}"
        changed = await desk.put(path, json={**version, "id": identity})
        assert changed.status_code == 200, changed.text
    return identity


async def _runs(desk: Desk) -> int:
    await desk.events_matched()
    return len(await desk.data("/api/workflows/runs"))


BOOKED = {
    "becomes": {"becomes": {"status": "booked"}},
    "where": {"where": "%previous.status != 'booked' and %current.status = 'booked'"},
    "changed and filter": {"changed": "status", "filter": "status=booked"},
}


@pytest.mark.parametrize("conditions", BOOKED.values(), ids=BOOKED)
@pytest.mark.parametrize(("before", "runs"), [("booked", 0), ("pending", 1)])
async def test_only_a_change_counts(
    desk: Desk, conditions: JsonObject, before: str, runs: int
) -> None:
    await desk.deployed(_flow(_on("Appointment.update", **conditions)))
    await _written(desk, _appointment(before), _appointment("booked", description="again"))
    assert await _runs(desk) == runs


async def test_a_new_resource_becomes_what_it_is(desk: Desk) -> None:
    await desk.deployed(_flow(_on("Appointment.create", becomes={"status": ["booked", "arrived"]})))
    await _written(desk, _appointment("booked"))
    await _written(desk, _appointment("pending"))
    assert await _runs(desk) == 1


async def test_changed_reads_whole_elements(desk: Desk) -> None:
    await desk.deployed(_flow(_on("Patient.update", changed=["name", "birthDate"])))
    named = {"resourceType": "Patient", "name": [{"family": "A"}], "gender": "female"}
    await _written(
        desk,
        named,
        {**named, "gender": "male"},
        {**named, "name": [{"family": "B"}]},
        {**named, "name": [{"family": "B"}], "birthDate": "1980-01-01"},
    )
    assert await _runs(desk) == 0
    await desk.deploy(_flow(_on("Patient.update", changed="name"), name="other"))
    await _written(desk, named, {**named, "name": [{"family": "C"}]})
    assert await _runs(desk) == 1


@pytest.mark.parametrize(("wanted", "runs"), [("final", 1), ("amended", 0)])
async def test_previous_of_a_deletion_is_what_was_deleted(
    desk: Desk, wanted: str, runs: int
) -> None:
    where = f"%previous.status = '{wanted}' and %current.empty()"
    await desk.deployed(_flow(_on("Observation.delete", where=where)))
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    identity = await _written(desk, observation)
    assert (await desk.client.delete(f"/fhir/Observation/{identity}")).status_code in (200, 204)
    assert await _runs(desk) == runs


async def test_each_trigger_that_matches_starts_one_run(desk: Desk) -> None:
    await desk.deployed(
        _flow(
            _on("Appointment.create"),
            _on("Appointment.create", filter="status=booked"),
            _on("Appointment.update"),
            _on("Appointment.create", filter="status=cancelled"),
        )
    )
    await _written(desk, _appointment("booked"))
    assert await _runs(desk) == 2


async def test_two_processes_open_an_incident_once(open_house: OpenHouse, server_dsn: str) -> None:
    env = {"DATABASE_URL": await create_database(server_dsn)}
    first, second = await open_house(env), await open_house(env)
    desk = await first.desk()
    await desk.deployed(_flow(_on("Patient.create", where="name.family + 1 = 2")))
    tenant = desk.scope.tenant
    for number in range(20):
        await desk.patient(f"Family{number}")
    matchers = [house.services.matcher for house in (first, second)]
    while await desk.services.db.rows("events_pending", tenant, 1):
        await desk.services.db.query(tenant, "DELETE FROM duty WHERE tenant = $1", tenant)
        await asyncio.gather(*(matcher.match(tenant) for matcher in matchers))
    incident = await desk.incident("trigger.filter_failed")
    assert incident["count"] == 20
    rows = await desk.services.db.query(tenant, "SELECT count(*) AS n FROM event_aside")
    assert rows[0]["n"] == 20


async def test_one_process_matches_at_a_time_and_a_dead_one_is_replaced(
    open_house: OpenHouse, server_dsn: str
) -> None:
    env = {"DATABASE_URL": await create_database(server_dsn)}
    first, second = await open_house(env), await open_house(env)
    desk, held = await first.desk(), f"worker/{first.services.worker.id}"
    await desk.deployed(_flow(_on("Patient.create")))
    tenant, db = desk.scope.tenant, desk.services.db
    await first.services.notices.hold(held)
    take = ("events_take", tenant, first.services.worker.id)
    await desk.patient()
    assert len(await db.rows(*take, timedelta(seconds=60), 10)) == 1
    assert await second.services.matcher.match(tenant) == 0
    await first.services.notices.stop()
    assert await second.services.matcher.match(tenant) == 1
    assert len(await desk.data("/api/workflows/runs")) == 1


async def test_a_burst_is_matched_in_pieces_and_in_order(
    open_house: OpenHouse, server_dsn: str
) -> None:
    house = await open_house({"DATABASE_URL": await create_database(server_dsn)})
    desk = await house.desk()
    await desk.deployed({**_flow(_on("Patient.create")), "orderBy": "{{trigger.resource.gender}}"})
    tenant, db = desk.scope.tenant, desk.services.db
    identity = await desk.patient(gender="female")
    copies = 2000
    await db.query(
        tenant,
        "INSERT INTO event_queue (tenant, store, kind, name, ref) SELECT tenant, store, kind, name,"
        " ref FROM event_queue, generate_series(2, $2) WHERE tenant = $1",
        tenant,
        copies,
    )
    sizes = []
    while size := await house.services.matcher.match(tenant):
        sizes.append(size)
    assert (sum(sizes), max(sizes)) == (copies, 200)
    rows = await db.query(
        tenant,
        "SELECT r.event_no FROM admission a JOIN run r USING (tenant, run_id)"
        " WHERE a.tenant = $1 ORDER BY a.no",
        tenant,
    )
    assert [row["event_no"] for row in rows] == list(range(1, copies + 1))
    assert identity


FILES = {
    "application/pdf": ("letter.pdf", b"%PDF-1.4\n%%EOF"),
    "image/png": ("scan.png", b"\x89PNG\r\n\x1a\n" + b"0" * 32),
    "text/csv": ("labs.csv", b"id,value\n1,2\n3,4\n"),
    "application/x-ndjson": ("export.ndjson", b'{"a": 1}\n{"a": 2}\n'),
    "application/json": ("one.json", b'{\n "a": 1\n}\n'),
    "text/plain": ("note.txt", b"a note, and a comma\nno more"),
}


@pytest.mark.parametrize("kind", FILES)
async def test_an_upload_starts_a_run_that_knows_the_file(desk: Desk, kind: str) -> None:
    name, data = FILES[kind]
    await desk.deployed(_flow({"type": "file", "event": "NewFileUploaded", "contentType": kind}))
    other = {"type": "file", "contentType": "video/*"}
    await desk.deployed(_flow(other, name="other"))
    answer = await desk.client.put(f"/api/files/inbox/{name}", content=data)
    assert answer.status_code == 201, answer.text
    [run] = await desk.runs_of("react", 1)
    trigger = (await desk.run(run["runId"]))["trigger"]
    assert trigger["file"] == f"file://inbox/{name}"
    assert trigger["sha256"] == answer.json()["data"]["sha256"]
    found = (trigger["contentType"], trigger["name"], trigger["bucket"], trigger["size"])
    assert found == (kind, name, "inbox", len(data))
    assert await desk.data("/api/workflows/runs?workflow=other") == []


@pytest.mark.parametrize(
    ("wanted", "runs"),
    [
        ({"bucket": "inbox"}, 1),
        ({"bucket": ["a", "b"]}, 0),
        ({"name": "*.pdf"}, 1),
        ({"name": ["x*", "LETTER*"]}, 0),
        ({"contentType": ["text/csv", "application/*"], "name": "letter.???"}, 1),
        ({"where": "size > 1000"}, 0),
        ({"where": "name = 'letter.pdf'"}, 1),
    ],
)
async def test_a_file_trigger_is_narrowed(desk: Desk, wanted: JsonObject, runs: int) -> None:
    await desk.deployed(_flow({"type": "file", **wanted}))
    name, data = FILES["application/pdf"]
    await desk.client.put(f"/api/files/inbox/{name}", content=data)
    assert await _runs(desk) == runs


LIMITS = {
    "requires": {"requires": "task:complete"},
    "role": {"allow": ["clinician"]},
    "both": {"requires": "workflow:run", "allow": "clinician"},
}


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("triggers", ["manual", "other"])
async def test_a_limited_workflow_is_started_by_those_it_names(
    house: House, desk: Desk, limit: JsonObject, triggers: str
) -> None:
    manual, other = {"type": "manual", **limit}, {"type": "file", **limit}
    await desk.deployed(_flow(manual if triggers == "manual" else other))
    engineer = await house.desk("engineer", scope=desk.scope)
    denied = await engineer.post("/api/workflows/react/execute", {})
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "trigger_not_allowed")
    clinician = await house.desk("clinician", scope=desk.scope)
    taken = await clinician.post("/api/workflows/react/execute", {})
    assert taken.status_code == 202, taken.text
    assert len(await desk.data("/api/workflows/runs")) == 1
    sql = "SELECT entity FROM audit WHERE action = 'identity.denied'"

    async def look() -> list[str]:
        rows = await desk.services.db.query(desk.scope.tenant, sql)
        return [row["entity"] for row in rows]

    assert await until(look) == ["Permission/workflow:run/Workflow/react"]


async def test_a_limited_file_is_handed_in_by_those_it_names(house: House, desk: Desk) -> None:
    await desk.deployed(_flow({"type": "file", "bucket": "secret", "allow": ["clinician"]}))
    name, data = FILES["application/pdf"]
    device = await house.desk("device", scope=desk.scope)
    denied = await device.client.put(f"/api/files/secret/{name}", content=data)
    assert denied.status_code == 403
    assert (await device.client.put(f"/api/files/open/{name}", content=data)).status_code == 201
    clinician = await house.desk("clinician", scope=desk.scope)
    taken = await clinician.client.put(f"/api/files/secret/{name}", content=data)
    assert taken.status_code == 201
    assert await _runs(desk) == 1


async def test_an_unlimited_manual_trigger_beside_a_limited_one_is_open(
    house: House, desk: Desk
) -> None:
    await desk.deployed(_flow({"type": "manual"}, {"type": "file", "allow": ["clinician"]}))
    engineer = await house.desk("engineer", scope=desk.scope)
    assert (await engineer.post("/api/workflows/react/execute", {})).status_code == 202
