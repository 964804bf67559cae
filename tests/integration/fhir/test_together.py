"""Requests that arrive together share a call of the database, and each is answered as if alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from careloom.audit.checkpoint_file import CheckpointFiles
from careloom.audit.sealer import Sealer
from careloom.audit.signing import load_signing_key
from careloom.audit.verify import verify
from careloom.fhir.store import FhirStore
from careloom.types import Scope


def patient(number: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"value": f"n{number}"}]}


def observation(subject: str, number: int) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
        "subject": {"reference": f"Patient/{subject}"},
        "component": [
            {
                "code": {"coding": [{"system": "urn:parts", "code": f"part-{number}"}]},
                "valueQuantity": {"value": number},
            }
        ],
    }


async def test_creates_that_come_together_share_transactions_and_are_found(
    http: httpx.AsyncClient, fhir: FhirStore, scope: Scope
) -> None:
    made = await asyncio.gather(*(http.post("Patient", json=patient(n)) for n in range(40)))
    assert [answer.status_code for answer in made] == [201] * 40
    ids = [answer.json()["id"] for answer in made]
    assert len(set(ids)) == 40
    rows = await fhir.context.db.query(
        scope.tenant,
        "SELECT count(DISTINCT xmin::text) AS transactions, count(*) AS rows FROM resource"
        " WHERE tenant = $1 AND rtype = 'Patient'",
        scope.tenant,
    )
    assert rows[0]["rows"] == 40
    assert rows[0]["transactions"] < 20
    for number, id in enumerate(ids):
        found = (await http.get("Patient", params={"identifier": f"n{number}"})).json()
        assert [entry["resource"]["id"] for entry in found["entry"]] == [id]


async def test_rows_of_every_kind_are_written_for_creates_that_share_a_transaction(
    http: httpx.AsyncClient,
) -> None:
    subject = (await http.post("Patient", json=patient(0))).json()["id"]
    made = await asyncio.gather(
        *(http.post("Observation", json=observation(subject, n)) for n in range(1, 9))
    )
    assert [answer.status_code for answer in made] == [201] * 8
    for number in range(1, 9):
        query = {
            "subject": f"Patient/{subject}",
            "component-code-value-quantity": f"urn:parts|part-{number}${number}",
        }
        assert (await http.get("Observation", params=query)).json()["total"] == 1


async def test_one_that_is_refused_is_refused_alone(http: httpx.AsyncClient) -> None:
    wrong = {"resourceType": "Patient", "gender": "none of these"}
    bodies = [wrong if n % 5 == 0 else patient(100 + n) for n in range(20)]
    made = await asyncio.gather(*(http.post("Patient", json=body) for body in bodies))
    assert [answer.status_code for answer in made] == [
        422 if n % 5 == 0 else 201 for n in range(20)
    ]


async def test_each_create_has_its_audit_row_and_its_event(
    http: httpx.AsyncClient, fhir: FhirStore, scope: Scope
) -> None:
    made = await asyncio.gather(*(http.post("Patient", json=patient(n)) for n in range(12)))
    places = sorted(f"Patient/{answer.json()['id']}/_history/1" for answer in made)
    audited = await fhir.context.db.query(
        scope.tenant,
        "SELECT entity FROM audit WHERE tenant = $1 AND action = 'fhir.create' ORDER BY entity",
        scope.tenant,
    )
    assert [row["entity"] for row in audited] == places
    events = await fhir.context.db.query(
        scope.tenant,
        "SELECT ref->>'id' AS id FROM event_queue WHERE tenant = $1 AND name = 'Patient.create'",
        scope.tenant,
    )
    assert sorted(row["id"] for row in events) == sorted(a.json()["id"] for a in made)


async def test_reads_that_come_together_are_each_answered(http: httpx.AsyncClient) -> None:
    made = await asyncio.gather(*(http.post("Patient", json=patient(n)) for n in range(10)))
    ids = [answer.json()["id"] for answer in made]
    await http.delete(f"Patient/{ids[3]}")
    wanted = [*ids, "nobody", *ids]
    read = await asyncio.gather(*(http.get(f"Patient/{id}") for id in wanted))
    assert [answer.status_code for answer in read] == [
        404 if id == "nobody" else 410 if id == ids[3] else 200 for id in wanted
    ]
    for id, answer in zip(wanted, read, strict=True):
        if answer.status_code == 200:
            assert answer.json()["id"] == id


async def test_creates_that_share_a_transaction_are_audited_one_by_one(
    http: httpx.AsyncClient, fhir: FhirStore, scope: Scope, tmp_path: Path
) -> None:
    made = await asyncio.gather(*(http.post("Patient", json=patient(n)) for n in range(9)))
    assert [answer.status_code for answer in made] == [201] * 9
    db = fhir.context.db
    key = await load_signing_key(db, tmp_path / "audit.pem")
    sealer = Sealer(db, key, CheckpointFiles(tmp_path / "audit"))
    while await sealer.seal_once(scope.tenant):
        pass
    report = await verify(db.dsn, scope.tenant)
    assert report.findings == []
    assert report.rows >= 9
