"""Which version a filter reads, and what a fault in one event leaves of the others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import create_database
from tests.integration.conftest import Desk, OpenHouse

from careloom.bootstrap import Services
from careloom.store.database import Database
from careloom.types import JsonObject
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.triggers import Matcher


@pytest.fixture
async def still(open_house: OpenHouse, server_dsn: str) -> Desk:
    """A desk in a house of its own where nobody matches events but the test."""
    return await (await open_house({"DATABASE_URL": await create_database(server_dsn)})).desk()


def _flow(event: str, **conditions: str) -> JsonObject:
    return {
        "id": "react",
        "trigger": {"type": "fhir", "event": event, **conditions},
        "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
    }


def _observation(status: str) -> JsonObject:
    return {"resourceType": "Observation", "status": status, "code": {"text": "x"}}


async def _written_and_changed(desk: Desk) -> None:
    """A final observation that is amended before anybody looks at its event."""
    services, scope = desk.services, desk.scope
    actor = {"principal": "tester", "kind": "system"}
    made = _observation("final")
    [written] = await services.fhir.write(
        scope, lambda: services.fhir.plan_create(scope, made), actor
    )
    changed = {**_observation("amended"), "id": written.id}
    await services.fhir.write(scope, lambda: services.fhir.plan_update(scope, changed), actor)


def _matcher(services: Services, load_event: Any, **changes: Any) -> Matcher:
    parts = {
        "db": services.db,
        "notices": services.notices,
        "registry": services.registry,
        "worker": services.worker,
        "payloads": services.payloads,
        "load_event": load_event,
        "matches_search": services.matcher._matches_search,
    }
    return Matcher(**{**parts, **changes})


async def test_a_filter_reads_the_version_of_the_event(still: Desk) -> None:
    desk, services, tenant = still, still.services, still.scope.tenant
    await desk.deployed({**_flow("Observation.create", filter="status=final"), "id": "made"})
    await desk.deployed({**_flow("Observation.update", filter="status=final"), "id": "changed"})
    await _written_and_changed(desk)
    assert await services.matcher.match(tenant) == 2
    assert len(await desk.data("/api/workflows/runs?workflow=made")) == 1
    assert await desk.data("/api/workflows/runs?workflow=changed") == []


@pytest.mark.parametrize(("wanted", "runs"), [("final", 1), ("amended", 0)])
async def test_a_filter_of_a_deletion_reads_what_was_deleted(
    desk: Desk, wanted: str, runs: int
) -> None:
    await desk.deployed(_flow("Observation.delete", filter=f"status={wanted}"))
    made = await desk.post("/fhir/Observation", _observation("final"))
    await desk.client.delete(f"/fhir/Observation/{made.json()['id']}")
    await desk.events_matched()
    assert len(await desk.data("/api/workflows/runs")) == runs


class _Odd:
    """Loads events; fails on one type of resource in a way that nobody foresaw."""

    def __init__(self, load: Any) -> None:
        self._load = load

    async def __call__(self, scope: Any, kind: str, name: str, ref: JsonObject) -> Any:
        if ref["resourceType"] == "Patient":
            raise ZeroDivisionError("Jane Doe")
        return await self._load(scope, kind, name, ref)


async def test_a_fault_that_nobody_foresaw_blocks_no_other_event(still: Desk) -> None:
    desk, services, tenant = still, still.services, still.scope.tenant
    await desk.deployed({**_flow("Patient.create"), "id": "odd"})
    await desk.deployed(_flow("Observation.create"))
    await desk.patient()
    await desk.post("/fhir/Observation", _observation("final"))
    matcher = _matcher(services, _Odd(services.matcher._load_event))
    assert await matcher.match(tenant) == 2
    assert await matcher.match(tenant) == 0
    assert len(await desk.data("/api/workflows/runs?workflow=react")) == 1
    incident = await desk.incident("trigger.filter_failed")
    assert (incident["cause"], incident["count"]) == ("odd: ZeroDivisionError", 1)


class _Erased(Payloads):
    """Seals nothing, as for a patient whose key was destroyed."""

    def __init__(self) -> None:
        """No keyring is needed to fail."""

    async def seal(self, *_: object) -> bytes:
        raise RuntimeError("no key")


async def test_an_input_that_cannot_be_sealed_blocks_no_queue(still: Desk) -> None:
    desk, services, tenant = still, still.services, still.scope.tenant
    await desk.deployed(_flow("Observation.create"))
    await desk.post("/fhir/Observation", _observation("final"))
    matcher = _matcher(services, services.matcher._load_event, payloads=_Erased())
    assert await matcher.match(tenant) == 1
    assert await matcher.match(tenant) == 0
    assert (await desk.incident("trigger.filter_failed"))["cause"] == "react: RuntimeError"


class _Refusing:
    """The database, which refuses the run of one resource as it would a value it cannot keep."""

    def __init__(self, db: Database, refused: str) -> None:
        self._db = db
        self._refused = refused

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def call(self, function: str, tenant: str, *args: Any) -> Any:
        if function == "events_dispatch":
            patients = [entry["run"]["patient"] for entry in args[4]]
            if self._refused in patients:
                # Rolled back as a whole, by the database itself.
                args = (*args[:4], [{**args[4][0], "run": {"id": "no uuid"}}], *args[5:])
        return await self._db.call(function, tenant, *args)


async def test_an_event_that_the_database_refuses_is_put_aside_alone(still: Desk) -> None:
    desk, services, tenant = still, still.services, still.scope.tenant
    await desk.deployed(_flow("Patient.create"))
    patients = [await desk.patient(f"Family{number}") for number in range(5)]
    db = _Refusing(services.db, patients[2])
    matcher = _matcher(services, services.matcher._load_event, db=db)
    assert await matcher.match(tenant) == 5
    assert await matcher.match(tenant) == 0
    assert len(await desk.data("/api/workflows/runs")) == 4
    incident = await desk.incident("trigger.filter_failed")
    assert (incident["count"], incident["cause"].split(":")[0]) == (1, "react")
    rows = await services.db.query(tenant, "SELECT ref FROM event_aside")
    assert [row["ref"]["id"] for row in rows] == [patients[2]]
