"""Modifiers that need more than the value: http://hl7.org/fhir/R4/search.html#modifiers"""

from __future__ import annotations

import httpx
import pytest

from .conftest import Create
from .test_search_chains import names

V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
OWN = "http://example.org/cs/animals"


@pytest.fixture
async def made(create: Create) -> dict[str, str]:
    """Patients, encounters, value sets and observations by name."""
    found: dict[str, str] = {}
    for name, resource in {
        "typed": {
            "resourceType": "Patient",
            "identifier": [
                {
                    "type": {"coding": [{"system": V2, "code": "MR"}], "text": "Record no"},
                    "value": "1",
                },
                {"type": {"coding": [{"system": V2, "code": "SS"}]}, "value": "2"},
            ],
            "maritalStatus": {"text": "It is Complicated"},
        },
        "untyped": {"resourceType": "Patient", "identifier": [{"value": "1"}]},
        "inpatient": {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": ACT, "code": "ACUTE"},
        },
        "ambulatory": {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": ACT, "code": "AMB", "display": "ambulatory"},
        },
        "base": {"resourceType": "ValueSet", "status": "draft", "url": "http://example.org/vs/a"},
        "deep": {"resourceType": "ValueSet", "status": "draft", "url": "http://example.org/vs/a/b"},
        "beside": {
            "resourceType": "ValueSet",
            "status": "draft",
            "url": "http://example.org/vs/ab",
        },
        "animals": {
            "resourceType": "CodeSystem",
            "status": "active",
            "url": OWN,
            "content": "complete",
            "hierarchyMeaning": "is-a",
            "concept": [
                {"code": "mammal", "concept": [{"code": "cat"}, {"code": "dog"}]},
                {"code": "bird"},
            ],
        },
        "pets": {
            "resourceType": "ValueSet",
            "status": "active",
            "url": "http://example.org/vs/pets",
            "compose": {
                "include": [{"system": OWN, "concept": [{"code": "cat"}, {"code": "dog"}]}]
            },
        },
        **{
            animal: {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": OWN, "code": animal, "display": f"A {animal}"}]},
            }
            for animal in ("mammal", "cat", "bird")
        },
    }.items():
        found[name] = (await create(resource))["id"]
    return found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"Patient?identifier:of-type={V2}|MR|1", "typed"),
        (f"Patient?identifier:of-type={V2}|MR|2", ""),
        (f"Patient?identifier:of-type={V2}|SS|2", "typed"),
        ("Patient?identifier=1", "typed untyped"),
        ("Patient?identifier:text=record", "typed"),
        ("Encounter?class:text=AMBUL", "ambulatory"),
        ("Observation?code:text=a cat", "cat"),
        ("ValueSet?url:below=http://example.org/vs/a", "base deep"),
        ("ValueSet?url:above=http://example.org/vs/a/b/c", "base deep"),
        ("ValueSet?url=http://example.org/vs/a", "base"),
        ("Observation?code:in=http://example.org/vs/pets", "cat"),
        ("Observation?code:not-in=http://example.org/vs/pets", "mammal bird"),
        (f"Observation?code:below={OWN}|mammal", "mammal cat"),
        (f"Observation?code:above={OWN}|cat", "mammal cat"),
        (f"Observation?code:below={OWN}|bird", "bird"),
        (f"Encounter?class:below={ACT}|IMP", "inpatient"),
        (
            "Encounter?class:in=http://terminology.hl7.org/ValueSet/v3-ActEncounterCode",
            "inpatient ambulatory",
        ),
    ],
)
async def test_modifiers(
    http: httpx.AsyncClient, made: dict[str, str], query: str, expected: str
) -> None:
    assert await names(http, query, made) == set(expected.split())


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Observation?code:in=http://example.org/vs/unknown", 404),
        ("Observation?code:below=http://example.org/cs/unknown|x", 404),
        ("Observation?code:below=cat", 400),
        ("Patient?identifier:of-type=MR|1", 400),
        ("Patient?gender:of-type=a|b|c", 400),
        ("Observation?status:text=final", 400),
        ("Patient?birthdate:not=2000", 400),
        ("Patient?_id:text=x", 400),
    ],
)
async def test_what_a_modifier_cannot_say_is_refused(
    http: httpx.AsyncClient, query: str, status: int
) -> None:
    answer = await http.get(query)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
