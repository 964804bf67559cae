"""AuditEvent and Provenance: the audit trail read as resources.

http://hl7.org/fhir/R4/auditevent.html, http://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from careloom.fhir.audited import rows
from careloom.fhir.store import FhirStore
from careloom.fhir.validation import validate
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import ClientOf, Create, Resource

PATIENT: Resource = {"resourceType": "Patient", "name": [{"family": "Trail"}]}
OWN: Resource = {
    "resourceType": "AuditEvent",
    "type": {"system": "urn:x", "code": "login"},
    "recorded": "2020-01-01T00:00:00Z",
    "agent": [{"requestor": True, "who": {"display": "ATNA node"}}],
    "source": {"observer": {"display": "node"}},
}


@pytest.fixture
async def auditor(client_of: ClientOf, scope: Scope) -> httpx.AsyncClient:
    return await client_of(scope, "auditor")


@pytest.fixture
async def admin(client_of: ClientOf, scope: Scope) -> httpx.AsyncClient:
    return await client_of(scope, "admin")


async def found(http: httpx.AsyncClient, query: str) -> list[Resource]:
    answer = await http.get(query)
    assert answer.status_code == 200, answer.text
    return [e["resource"] for e in answer.json().get("entry", []) if e["search"]["mode"] == "match"]


def entities(events: list[Resource]) -> list[str]:
    return [e["entity"][0].get("what", {}).get("reference") for e in events]


async def test_an_auditor_finds_each_write_by_its_entity(
    http: httpx.AsyncClient, create: Create, auditor: httpx.AsyncClient
) -> None:
    patient = await create(PATIENT)
    await create(PATIENT)
    place = f"Patient/{patient['id']}"
    await http.put(place, json=patient)
    await http.delete(place)
    events = await found(auditor, f"AuditEvent?entity={place}")
    assert entities(events) == [f"{place}/_history/{n}" for n in (3, 2, 1)]
    assert [e["action"] for e in events] == ["D", "U", "C"]
    assert all(not [i for i in validate(e) if i.severity == "error"] for e in events)
    assert len(await found(auditor, f"AuditEvent?entity={place}/_history/2")) == 1
    assert await found(auditor, f"AuditEvent?entity={place}&action=C") == events[2:]
    assert await found(auditor, f"AuditEvent?entity={place}&subtype=delete&type=rest") == events[:1]
    read = await auditor.get(f"AuditEvent/{events[0]['id']}")
    assert read.json() == events[0]
    assert (await auditor.get(f"AuditEvent/{uuid.uuid4()}")).status_code == 404
    assert (await auditor.get("AuditEvent/x")).status_code == 404


async def test_events_are_found_by_time_agent_and_patient(
    http: httpx.AsyncClient, create: Create, auditor: httpx.AsyncClient
) -> None:
    mine, other = await create(PATIENT), await create(PATIENT)
    pulse = await create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{mine['id']}"},
        }
    )
    events = await found(auditor, f"AuditEvent?patient={mine['id']}")
    assert entities(events) == [
        f"Observation/{pulse['id']}/_history/1",
        f"Patient/{mine['id']}/_history/1",
    ]
    agent = events[0]["agent"][0]["who"]["identifier"]["value"]
    asked = f"AuditEvent?agent={agent}&entity=Patient/{other['id']}"
    assert len(await found(auditor, asked)) == 1
    assert await found(auditor, f"AuditEvent?agent=nobody&entity=Patient/{other['id']}") == []
    place = f"AuditEvent?entity=Patient/{mine['id']}"
    assert len(await found(auditor, f"{place}&date=ge2020-01-01&date=lt2999")) == 1
    assert await found(auditor, f"{place}&date=lt2020") == []
    assert await found(auditor, f"{place}&date=gt2998-12-31") == []


async def test_pages_of_the_trail_hold_each_event_once(
    create: Create, auditor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [f"Patient/{(await create(PATIENT))['id']}/_history/1" for _ in range(5)]
    monkeypatch.setattr(rows, "WINDOW", 3)
    link, seen, notes = "AuditEvent?type=rest&_count=2", [], 0
    while link:
        bundle = (await auditor.get(link)).json()
        entries = bundle.get("entry", [])
        seen += entities([e["resource"] for e in entries if e["search"]["mode"] == "match"])
        notes += sum(e["search"]["mode"] == "outcome" for e in entries)
        link = next((n["url"] for n in bundle["link"] if n["relation"] == "next"), "")
    assert seen == made[::-1]
    assert notes


async def test_stored_audit_events_of_clients_come_behind_the_trail(
    admin: httpx.AsyncClient, create: Create, auditor: httpx.AsyncClient
) -> None:
    patient = await create(PATIENT)
    stored = await create(OWN)
    events = await found(admin, "AuditEvent?type=rest,login&_sort=-date")
    assert events[-1]["id"] == stored["id"]
    assert f"Patient/{patient['id']}/_history/1" in entities(events[:-1])
    assert (await admin.get(f"AuditEvent/{stored['id']}")).json() == stored
    assert (await auditor.get(f"AuditEvent/{stored['id']}")).status_code == 404


async def test_what_the_trail_is_not_searched_by_is_said(
    admin: httpx.AsyncClient, auditor: httpx.AsyncClient, create: Create
) -> None:
    await create(OWN)
    bundle = (await admin.get("AuditEvent?site=x")).json()
    assert "not searched by site" in bundle["entry"][-1]["resource"]["issue"][0]["diagnostics"]
    strict = await auditor.get("AuditEvent?site=x", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    for wrong in ("date=yesterday", "entity=x", "action=Q", "_count=x", "_trail=x", "patient=a b"):
        assert (await auditor.get(f"AuditEvent?{wrong}")).status_code == 400, wrong


async def test_the_trail_is_for_those_who_may_read_it(
    http: httpx.AsyncClient, create: Create, auditor: httpx.AsyncClient, client_of: ClientOf
) -> None:
    await create(PATIENT)
    event = (await found(auditor, "AuditEvent"))[0]
    assert await found(http, "AuditEvent") == []
    assert (await http.get(f"AuditEvent/{event['id']}")).status_code == 404
    assert (await auditor.put(f"AuditEvent/{event['id']}", json=event)).status_code == 403
    assert (await auditor.delete(f"AuditEvent/{event['id']}")).status_code == 403
    other = f"other{event['id'][-12:]}"
    database: Database = http._transport.app.state.services.fhir.context.db  # type: ignore[attr-defined]
    await database.call("tenant_create", other, "Other", "development")
    stranger = await client_of(Scope(other, "main"), "auditor")
    assert (await stranger.get(f"AuditEvent/{event['id']}")).status_code == 404


async def _written_by_a_run(database: Database, fhir: FhirStore, scope: Scope) -> tuple[str, str]:
    """A Patient that a run wrote, with the run as the engine records it."""
    run = uuid.uuid4()
    actor = {"principal": "someone", "kind": "run", "run_id": str(run), "step": "write"}

    async def plan() -> Any:
        return await fhir.plan_create(scope, dict(PATIENT))

    written = await fhir.write(scope, plan, actor)
    return f"Patient/{written[0].id}", f"run_{run.hex}"


async def test_a_run_s_write_has_a_provenance(
    http: httpx.AsyncClient, create: Create, database: Database, fhir: FhirStore, scope: Scope
) -> None:
    place, run = await _written_by_a_run(database, fhir, scope)
    patient = await create(PATIENT)
    [made] = await found(http, f"Provenance?target={place}")
    assert made["target"] == [{"reference": f"{place}/_history/1"}]
    assert made["entity"][0]["what"]["identifier"]["value"] == run
    assert made["agent"][0]["onBehalfOf"]["identifier"]["value"] == "someone"
    assert made["agent"][0]["role"][0]["coding"][0]["code"] == "write"
    assert not [i for i in validate(made) if i.severity == "error"]
    assert (await http.get(f"Provenance/{made['id']}")).json() == made
    assert await found(http, f"Provenance?target=Patient/{patient['id']}") == []
    told = {
        "resourceType": "Provenance",
        "target": [{"reference": place}],
        "recorded": "2020-01-01T00:00:00Z",
        "agent": [{"who": {"display": "somebody"}}],
    }
    stored = await create(told)
    both = await found(http, f"Provenance?target={place}")
    assert [one["id"] for one in both] == [made["id"], stored["id"]]
    assert [one["id"] for one in await found(http, "Provenance")] == [stored["id"]]


async def test_a_provenance_is_not_shown_to_who_may_not_see_its_target(
    client_of: ClientOf, database: Database, fhir: FhirStore, scope: Scope, http: httpx.AsyncClient
) -> None:
    place, _ = await _written_by_a_run(database, fhir, scope)
    [made] = await found(http, f"Provenance?target={place}")
    device = await client_of(scope, "device")
    assert (await device.get(f"Provenance?target={place}")).status_code == 403
    assert (await device.get(f"Provenance/{made['id']}")).status_code == 403
