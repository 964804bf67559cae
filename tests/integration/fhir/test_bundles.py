"""Transaction and batch over HTTP: http://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from careloom.store.database import Database
from careloom.types import Scope

from .conftest import ClientOf, Create, Resource

NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"
PATIENT: Resource = {"resourceType": "Patient", "name": [{"family": "Bundle"}]}


def observation(reference: str) -> Resource:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": reference},
    }


def entry(method: str, url: str, resource: Resource | None = None, **more: Any) -> Resource:
    full_url = more.pop("fullUrl", None)
    made: Resource = {"request": {"method": method, "url": url, **more}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


async def send(http: httpx.AsyncClient, content: Resource, **headers: str) -> httpx.Response:
    return await http.post("", json=content, headers=headers)


async def count(http: httpx.AsyncClient, query: str) -> int:
    total: int = (await http.get(f"{query}&_summary=count")).json()["total"]
    return total


async def test_urn_references_become_the_new_ids_in_any_order(http: httpx.AsyncClient) -> None:
    response = await send(
        http,
        bundle(
            "transaction",
            entry(
                "POST", "Observation", observation("urn:uuid:5d2f6a1c-0000-4000-8000-000000000001")
            ),
            entry(
                "POST",
                "Patient",
                {
                    **PATIENT,
                    "identifier": [{"value": "urn:uuid:5d2f6a1c-0000-4000-8000-000000000001"}],
                },
                fullUrl="urn:uuid:5d2f6a1c-0000-4000-8000-000000000001",
            ),
        ),
        Prefer="return=representation",
    )
    assert response.status_code == 200, response.text
    made = response.json()
    assert made["type"] == "transaction-response"
    stored, subject = (e["resource"] for e in made["entry"])
    assert stored["subject"]["reference"] == f"Patient/{subject['id']}"
    assert subject["identifier"][0]["value"].startswith("urn:uuid:")
    assert [e["response"]["status"] for e in made["entry"]] == ["201 Created"] * 2
    assert made["entry"][1]["response"]["location"].endswith(f"Patient/{subject['id']}/_history/1")
    assert await count(http, f"Observation?patient={subject['id']}") == 1


async def test_links_and_images_of_a_narrative_become_the_new_ids(http: httpx.AsyncClient) -> None:
    urn = "urn:uuid:5d2f6a1c-0000-4000-8000-000000000001"
    other = "urn:uuid:5d2f6a1c-0000-4000-8000-000000000002"
    div = (
        '<div xmlns="http://www.w3.org/1999/xhtml"><a href="{0}">one</a>'
        "<img src='{0}' alt='{1}'/><a href='{2}'>two</a></div>"
    )
    about = observation(urn)
    about["text"] = {"status": "generated", "div": div.format(urn, urn, other)}
    response = await send(
        http,
        bundle(
            "transaction",
            entry("POST", "Observation", about),
            entry("POST", "Patient", PATIENT, fullUrl=urn),
        ),
        Prefer="return=representation",
    )
    assert response.status_code == 200, response.text
    stored, subject = (e["resource"] for e in response.json()["entry"])
    place = f"Patient/{subject['id']}"
    assert stored["text"]["div"] == div.format(place, urn, other)


async def test_relative_references_follow_a_restful_full_url(http: httpx.AsyncClient) -> None:
    response = await send(
        http,
        bundle(
            "transaction",
            entry("POST", "Patient", PATIENT, fullUrl="http://old.org/fhir/Patient/7"),
            entry(
                "POST",
                "Observation",
                observation("Patient/7"),
                fullUrl="http://old.org/fhir/Observation/8",
            ),
        ),
        Prefer="return=representation",
    )
    subject, stored = (e["resource"] for e in response.json()["entry"])
    assert stored["subject"]["reference"] == f"Patient/{subject['id']}"


async def test_one_bad_entry_leaves_nothing(http: httpx.AsyncClient, create: Create) -> None:
    kept = await create(PATIENT)
    bad = observation("Patient/1")
    del bad["status"]
    response = await send(
        http,
        bundle(
            "transaction",
            entry("POST", "Patient", {"resourceType": "Patient", "name": [{"family": "Never"}]}),
            entry("DELETE", f"Patient/{kept['id']}"),
            entry("POST", "Observation", bad),
        ),
    )
    assert response.status_code == 422
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[2].resource.status"]
    assert await count(http, "Patient?family=never") == 0
    assert (await http.get(f"Patient/{kept['id']}")).status_code == 200


async def test_a_stale_version_rolls_everything_back(
    http: httpx.AsyncClient, create: Create
) -> None:
    kept = await create(PATIENT)
    response = await send(
        http,
        bundle(
            "transaction",
            entry("POST", "Patient", {"resourceType": "Patient", "name": [{"family": "Never"}]}),
            entry("PUT", f"Patient/{kept['id']}", kept, ifMatch='W/"9"'),
        ),
    )
    assert response.status_code == 412
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1].request.ifMatch"]
    assert await count(http, "Patient?family=never") == 0


async def test_conditional_references_and_creates_are_resolved(
    http: httpx.AsyncClient, create: Create
) -> None:
    doctor = await create(
        {"resourceType": "Practitioner", "identifier": [{"system": "urn:npi", "value": "1"}]}
    )
    known = await create({**PATIENT, "identifier": [{"system": "urn:mrn", "value": "1"}]})
    content = observation("urn:uuid:00000000-0000-4000-8000-00000000000a")
    content["performer"] = [{"reference": "Practitioner?identifier=urn:npi|1"}]
    posted = bundle(
        "transaction",
        entry(
            "POST",
            "Patient",
            PATIENT,
            ifNoneExist="identifier=urn:mrn|1",
            fullUrl="urn:uuid:00000000-0000-4000-8000-00000000000a",
        ),
        entry("POST", "Observation", content),
    )
    made = (await send(http, posted, Prefer="return=representation")).json()["entry"]
    assert made[0]["response"]["status"] == "200 OK"
    assert made[1]["resource"]["subject"]["reference"] == f"Patient/{known['id']}"
    assert made[1]["resource"]["performer"][0]["reference"] == f"Practitioner/{doctor['id']}"
    content["performer"] = [{"reference": "Practitioner?identifier=urn:npi|none"}]
    refused = await send(http, posted)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource"]


async def test_racing_transactions_create_a_conditional_resource_once(
    http: httpx.AsyncClient,
) -> None:
    posted = bundle(
        "transaction",
        entry(
            "POST",
            "Patient",
            {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "race"}]},
            ifNoneExist="identifier=urn:mrn|race",
            fullUrl="urn:uuid:00000000-0000-4000-8000-00000000000b",
        ),
        entry("POST", "Observation", observation("urn:uuid:00000000-0000-4000-8000-00000000000b")),
    )
    answers = await asyncio.gather(*(send(http, posted) for _ in range(12)))
    assert [a.status_code for a in answers] == [200] * 12
    assert await count(http, "Patient?identifier=urn:mrn|race") == 1
    found = (await http.get("Patient?identifier=urn:mrn|race")).json()["entry"][0]["resource"]
    assert await count(http, f"Observation?patient={found['id']}") == 12


async def test_deletes_come_before_creates_and_reads_come_last(
    http: httpx.AsyncClient, create: Create
) -> None:
    old = await create({**PATIENT, "identifier": [{"system": "urn:mrn", "value": "order"}]})
    response = await send(
        http,
        bundle(
            "transaction",
            entry("GET", "Patient?identifier=urn:mrn|order"),
            entry("PUT", "Patient/own-id", {**PATIENT, "id": "own-id"}),
            entry("GET", "Patient/own-id"),
            entry(
                "POST",
                "Patient",
                {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "order"}]},
            ),
            entry("DELETE", f"Patient/{old['id']}"),
        ),
    )
    entries = response.json()["entry"]
    assert [e["response"]["status"][:3] for e in entries] == ["200", "201", "200", "201", "204"]
    found = entries[0]["resource"]
    assert found["total"] == 1
    assert found["entry"][0]["resource"]["id"] != old["id"]
    assert entries[2]["resource"]["id"] == "own-id"


@pytest.mark.parametrize(
    ("entries", "status", "place"),
    [
        ([entry("PUT", "Patient/1", {**PATIENT, "id": "1"})] * 2, 400, "Bundle.entry[1]"),
        (
            [entry("POST", "Observation", observation(NOWHERE))],
            422,
            "Bundle.entry[0].resource",
        ),
        ([entry("GET", "Patient/never")], 404, "Bundle.entry[0]"),
        ([entry("PATCH", "Patient/1", PATIENT)], 400, "Bundle.entry[0].resource"),
        ([entry("TRACE", "Patient/1")], 400, "Bundle.entry[0].request.method"),
        ([entry("POST", "Patient/1", PATIENT)], 400, "Bundle.entry[0].request.url"),
        ([entry("PUT", "Patient", PATIENT)], 400, "Bundle.entry[0].request.url"),
        ([entry("POST", "Observation", PATIENT)], 400, "Bundle.entry[0]"),
        ([{"resource": PATIENT}], 400, "Bundle.entry[0].request"),
        (
            [
                entry("POST", "Patient", PATIENT, ifNoneExist="identifier=a"),
                entry("POST", "Patient", PATIENT, ifNoneExist="identifier=a"),
            ],
            400,
            "Bundle.entry[1].request",
        ),
    ],
)  # fmt: skip
async def test_a_wrong_entry_is_named(
    http: httpx.AsyncClient, entries: list[Resource], status: int, place: str
) -> None:
    response = await send(http, bundle("transaction", *entries))
    assert response.status_code == status, response.text
    assert response.json()["issue"][0]["expression"] == [place]
    assert await count(http, "Patient?") == 0


async def test_batch_entries_stand_alone(http: httpx.AsyncClient, create: Create) -> None:
    kept = await create(PATIENT)
    bad = observation("Patient/1")
    del bad["status"]
    response = await send(
        http,
        bundle(
            "batch",
            entry("POST", "Patient", PATIENT),
            entry("POST", "Observation", bad),
            entry("GET", f"Patient/{kept['id']}"),
            entry("GET", "Patient/never"),
            entry("GET", "Patient?family=bundle&_summary=count"),
            entry("PATCH", "Patient/1"),
        ),
    )
    entries = response.json()["entry"]
    assert [e["response"]["status"][:3] for e in entries] == [
        "201", "422", "200", "404", "200", "400",
    ]  # fmt: skip
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["id"] == kept["id"]


async def test_bundles_obey_the_grants(
    client_of: ClientOf, scope: Scope, http: httpx.AsyncClient, create: Create
) -> None:
    kept = await create(PATIENT)
    viewer = await client_of(scope, "viewer")
    whole = bundle(
        "transaction", entry("GET", f"Patient/{kept['id']}"), entry("POST", "Patient", PATIENT)
    )
    assert (await send(viewer, whole)).status_code == 403
    entries = (await send(viewer, {**whole, "type": "batch"})).json()["entry"]
    assert [e["response"]["status"][:3] for e in entries] == ["200", "403"]
    assert await count(http, "Patient?") == 1


@pytest.mark.parametrize(
    "content",
    [
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "transaction", "entry": {}},
        PATIENT,
        [],
    ],
)
async def test_only_batches_and_transactions_are_taken(
    http: httpx.AsyncClient, content: Any
) -> None:
    response = await send(http, content)
    assert response.status_code == 400
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_a_transaction_leaves_an_audit_row_for_each_write(
    http: httpx.AsyncClient, database: Database, scope: Scope
) -> None:
    await send(http, bundle("transaction", *[entry("POST", "Patient", PATIENT)] * 3))
    rows = await database.query(
        scope.tenant, "SELECT entity FROM careloom.audit WHERE action = 'fhir.create'"
    )
    assert len({row["entity"] for row in rows}) == 3
