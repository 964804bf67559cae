"""Conditional writes with no, one and many matches, alone and in races.

http://hl7.org/fhir/R4/http.html#ccreate, http://hl7.org/fhir/R4/http.html#cond-update
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from careloom.fhir.interactions import delete
from careloom.fhir.store import FhirStore

from .conftest import Create, Resource

CRITERIA = "identifier=urn:mrn|c"
PATIENT: Resource = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "c"}],
    "name": [{"family": "Conditional"}],
}
RACERS = 64


@pytest.fixture
def many(fhir: FhirStore) -> Iterator[None]:
    """A server that is set to delete several matches."""
    fhir.deletes_many = True
    yield
    fhir.deletes_many = False


async def _write(http: httpx.AsyncClient, method: str) -> httpx.Response:
    place = f"Patient?{CRITERIA}"
    if method == "POST":
        return await http.post("Patient", json=PATIENT, headers={"If-None-Exist": CRITERIA})
    if method == "PUT":
        return await http.put(place, json=PATIENT)
    if method == "DELETE":
        return await http.delete(place)
    patch = [{"op": "add", "path": "/gender", "value": "other"}]
    headers = {"Content-Type": "application/json-patch+json"}
    return await http.patch(place, json=patch, headers=headers)


@pytest.mark.parametrize(
    ("method", "statuses"),
    [
        ("POST", (201, 200, 412)),
        ("PUT", (201, 200, 412)),
        ("PATCH", (404, 200, 412)),
        ("DELETE", (204, 204, 412)),
    ],
)
async def test_no_one_and_many_matches(
    http: httpx.AsyncClient, create: Create, method: str, statuses: tuple[int, ...]
) -> None:
    answers = []
    for matches in range(3):
        for found in (await http.get(f"Patient?{CRITERIA}")).json().get("entry", []):
            await http.delete(f"Patient/{found['resource']['id']}")
        for _ in range(matches):
            await create(PATIENT)
        answers.append(await _write(http, method))
    assert tuple(answer.status_code for answer in answers) == statuses
    assert answers[2].json()["issue"][0]["details"]["coding"][0]["code"] == "multiple_matches"


async def test_a_race_of_64_creates_one_resource(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(_write(http, "POST" if number % 2 else "PUT") for number in range(RACERS))
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 200: RACERS - 1}
    assert len({a.json()["id"] for a in answers}) == 1
    assert (await http.get(f"Patient?{CRITERIA}&_summary=count")).json()["total"] == 1


async def test_a_race_of_all_kinds_of_conditional_writes_leaves_at_most_one(
    http: httpx.AsyncClient,
) -> None:
    methods = ("POST", "PUT", "PATCH", "DELETE")
    answers = await asyncio.gather(*(_write(http, methods[number % 4]) for number in range(RACERS)))
    assert {a.status_code for a in answers} <= {200, 201, 204, 404}, Counter(
        a.status_code for a in answers
    )
    assert (await http.get(f"Patient?{CRITERIA}&_summary=count")).json()["total"] <= 1


@pytest.mark.usefixtures("many")
async def test_many_are_deleted_together_where_that_is_set(
    http: httpx.AsyncClient, create: Create, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [(await create(PATIENT))["id"] for _ in range(3)]
    kept = await create({**PATIENT, "identifier": [{"value": "other"}]})
    statement = (await http.get("metadata")).json()
    assert statement["rest"][0]["resource"][0]["conditionalDelete"] == "multiple"
    assert (await http.delete(f"Patient?{CRITERIA}")).status_code == 204
    for id in gone:
        assert (await http.get(f"Patient/{id}")).status_code == 410
    assert (await http.get(f"Patient/{kept['id']}")).status_code == 200
    assert (await http.delete(f"Patient?{CRITERIA}")).status_code == 204
    monkeypatch.setattr(delete, "MOST_DELETED", 2)
    for _ in range(3):
        await create(PATIENT)
    assert (await http.delete(f"Patient?{CRITERIA}")).status_code == 412


@pytest.mark.usefixtures("many")
async def test_deleting_many_races_with_updates(http: httpx.AsyncClient, create: Create) -> None:
    made: list[Any] = [await create(PATIENT) for _ in range(6)]

    async def move(resource: Resource) -> int:
        moved = {**resource, "identifier": [{"value": "moved"}]}
        return (await http.put(f"Patient/{resource['id']}", json=moved)).status_code

    answers = await asyncio.gather(
        http.delete(f"Patient?{CRITERIA}"), *(move(resource) for resource in made)
    )
    assert answers[0].status_code == 204
    assert set(answers[1:]) <= {200, 201}
    assert (await http.get(f"Patient?{CRITERIA}&_summary=count")).json()["total"] == 0
    assert (await http.get("Patient?identifier=moved&_summary=count")).json()["total"] == 6


@pytest.mark.parametrize(
    ("criteria", "status"),
    [
        ("colour=red", 400),
        ("_count=1", 412),
        ("_sort=family&family=x", 400),
        ("family=" + "x" * 5000, 400),
    ],
)
async def test_wrong_criteria_are_refused_by_every_method(
    http: httpx.AsyncClient, criteria: str, status: int
) -> None:
    answers = [
        await http.post("Patient", json=PATIENT, headers={"If-None-Exist": criteria}),
        await http.put(f"Patient?{criteria}", json=PATIENT),
        await http.delete(f"Patient?{criteria}"),
        await http.patch(
            f"Patient?{criteria}",
            content="[]",
            headers={"Content-Type": "application/json-patch+json"},
        ),
    ]
    assert [a.status_code for a in answers] == [status] * 4, [a.text for a in answers]
    assert all(a.json()["resourceType"] == "OperationOutcome" for a in answers)
