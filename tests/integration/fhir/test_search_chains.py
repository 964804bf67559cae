"""Chains, _has, composites and places: http://hl7.org/fhir/R4/search.html#chaining"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import Create, Resource

LOINC = "http://loinc.org"


async def names(http: httpx.AsyncClient, query: str, names: dict[str, str]) -> set[str]:
    """What a search finds, by the names that the test gave."""
    answer = await http.get(query, headers={"Prefer": "handling=strict"})
    assert answer.status_code == 200, answer.text
    by_id = {id: name for name, id in names.items()}
    return {
        by_id[e["resource"]["id"]]
        for e in answer.json().get("entry", ())
        if e["search"]["mode"] == "match"
    }


def observation(code: str, **more: Any) -> Resource:
    coding = {"system": LOINC, "code": code}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [coding]},
        **more,
    }


@pytest.fixture
async def ward(create: Create) -> dict[str, str]:
    """Two hospitals, a doctor in each, a patient of each, their observations, one list."""
    made: dict[str, str] = {}

    async def add(name: str, resource: Resource) -> str:
        stored = await create(resource)
        made[name] = stored["id"]
        return f"{stored['resourceType']}/{stored['id']}"

    for number, (city, family) in enumerate((("North", "Adler"), ("South", "Berg"))):
        hospital = await add(
            f"hospital{number}", {"resourceType": "Organization", "name": f"{city} Hospital"}
        )
        doctor = await add(
            f"doctor{number}",
            {"resourceType": "Practitioner", "name": [{"family": f"Doc{city}"}]},
        )
        patient = await add(
            f"patient{number}",
            {
                "resourceType": "Patient",
                "name": [{"family": family}],
                "gender": ("female", "male")[number],
                "managingOrganization": {"reference": hospital},
                "generalPractitioner": [{"reference": doctor}],
            },
        )
        subject = {"reference": patient}
        performer = [{"reference": doctor}]
        await add(
            f"weight{number}",
            observation(
                "29463-7",
                subject=subject,
                performer=performer,
                valueQuantity={"value": 70 + 10 * number},
            ),
        )
        await add(
            f"pressure{number}",
            observation(
                "85354-9",
                subject=subject,
                component=[
                    {
                        "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
                        "valueQuantity": {"value": 120 + 40 * number, "unit": "mm[Hg]"},
                    },
                    {
                        "code": {"coding": [{"system": LOINC, "code": "8462-4"}]},
                        "valueQuantity": {"value": 155 - 70 * number, "unit": "mm[Hg]"},
                    },
                ],
            ),
        )
    await add("dangling", observation("29463-7", subject={"reference": "Patient/not-here"}))
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Observation?subject:Patient.family=adler", "weight0 pressure0"),
        ("Observation?subject.family=berg&code=29463-7", "weight1"),
        ("Observation?patient.gender=male", "weight1 pressure1"),
        ("Observation?patient.gender:not=male", "weight0 pressure0"),
        ("Observation?patient.organization.name=north", "weight0 pressure0"),
        (
            "Observation?subject:Patient.organization:Organization.name:contains=SOUTH",
            "weight1 pressure1",
        ),
        ("Observation?performer:Practitioner.name=docnorth", "weight0"),
        (
            "Observation?patient.general-practitioner:Practitioner.family=docsouth,x",
            "weight1 pressure1",
        ),
        ("Observation?patient.birthdate:missing=true", "weight0 pressure0 weight1 pressure1"),
        ("Observation?patient.organization.name=east", ""),
        ("Patient?_has:Observation:patient:code=29463-7", "patient0 patient1"),
        ("Patient?_has:Observation:subject:value-quantity=gt75", "patient1"),
        ("Patient?_has:Observation:patient:code=none", ""),
        ("Patient?_has:Observation:patient:performer.name=docnorth", "patient0"),
        ("Patient?gender=male&_has:Observation:patient:code=85354-9", "patient1"),
        ("Organization?_has:Patient:organization:gender=female", "hospital0"),
        (
            "Organization?_has:Patient:organization:_has:Observation:patient:value-quantity=gt75",
            "hospital1",
        ),
        ("Practitioner?_has:Patient:general-practitioner:family=berg", "doctor1"),
        ("Patient?organization.name=north&family=adler", "patient0"),
        ("Observation?code-value-quantity=29463-7$gt75", "weight1"),
        ("Observation?code-value-quantity=http://loinc.org|29463-7$70", "weight0"),
        ("Observation?code-value-quantity=85354-9$gt1", ""),
        ("Observation?code-value-quantity=29463-7$gt75,29463-7$lt75", "weight0 weight1"),
        ("Observation?component-code-value-quantity=8480-6$gt140", "pressure1"),
        ("Observation?component-code-value-quantity=8462-4$gt140", "pressure0"),
        ("Observation?component-code-value-quantity=8480-6$120||mm[Hg]", "pressure0"),
        ("Observation?component-code-value-quantity=other|8480-6$120", ""),
        ("Observation?combo-code-value-quantity=8480-6$ge120", "pressure0 pressure1"),
        ("Observation?combo-code-value-quantity=29463-7$80", "weight1"),
        ("Observation?patient.family=berg&component-code-value-quantity=8480-6$160", "pressure1"),
    ],
)
async def test_what_leads_to_what(
    http: httpx.AsyncClient, ward: dict[str, str], query: str, expected: str
) -> None:
    assert await names(http, query, ward) == set(expected.split())


async def test_a_chain_counts_and_sorts_like_any_criterion(
    http: httpx.AsyncClient, ward: dict[str, str]
) -> None:
    counted = await http.get("Observation?patient.gender=male&_summary=count")
    assert counted.json()["total"] == 2
    page = await http.get("Observation?subject:Patient.family=adler&_sort=-code&_count=1")
    assert page.json()["entry"][0]["resource"]["id"] == ward["pressure0"]
    link = next(one["url"] for one in page.json()["link"] if one["relation"] == "next")
    after = await http.get(link)
    assert after.json()["entry"][0]["resource"]["id"] == ward["weight0"]


@pytest.mark.parametrize(
    "query",
    [
        "Observation?" + "subject:Patient.general-practitioner:PractitionerRole.organization."
        "partof.partof.partof.partof.name=x",
        "Observation?component-code-value-quantity=8480-6",
        "Observation?component-code-value-quantity=8480-6$heavy",
        "Observation?subject:Nonsense.name=x",
        "Patient?_has:Observation:encounter:code=x",
    ],
)
async def test_what_cannot_be_followed_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["diagnostics"]


async def test_places_by_distance(http: httpx.AsyncClient, create: Create) -> None:
    made = {}
    for name, latitude, longitude in (
        ("here", 52.52, 13.405),
        ("near", 52.53, 13.42),
        ("far", 48.137, 11.575),
        ("east", 52.52, 14.9),
    ):
        place = {"latitude": latitude, "longitude": longitude}
        stored = await create({"resourceType": "Location", "name": name, "position": place})
        made[name] = stored["id"]
    await create({"resourceType": "Location", "name": "nowhere"})
    for query, expected in (
        ("near=52.52|13.405", {"here", "near"}),
        ("near=52.52|13.405|500|m", {"here"}),
        ("near=52.52|13.405|110|km", {"here", "near", "east"}),
        ("near=52.52|13.405|320|[mi_us]", {"here", "near", "east", "far"}),
        ("near=0|0|10|km", set()),
    ):
        assert await names(http, f"Location?{query}", made) == expected, query
    for wrong in ("near=x|y", "near=100|0|1|km", "near=1|2|3|parsec", "near=1"):
        assert (await http.get(f"Location?{wrong}")).status_code == 400, wrong


async def test_other_composites(http: httpx.AsyncClient, create: Create) -> None:
    first = await create(
        {
            "resourceType": "Group",
            "type": "person",
            "actual": False,
            "characteristic": [
                {
                    "code": {"coding": [{"code": "sex"}]},
                    "valueCodeableConcept": {"coding": [{"code": "female"}]},
                    "exclude": False,
                },
                {
                    "code": {"coding": [{"code": "smoker"}]},
                    "valueBoolean": True,
                    "exclude": False,
                },
            ],
        }
    )
    document = await create(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "content": [{"attachment": {"url": "http://x/1"}}],
            "relatesTo": [{"code": "replaces", "target": {"reference": "DocumentReference/d0"}}],
        }
    )
    made = {"group": first["id"], "document": document["id"]}
    for query, expected in (
        ("Group?characteristic-value=sex$female", {"group"}),
        ("Group?characteristic-value=smoker$true", {"group"}),
        ("Group?characteristic-value=sex$true", set()),
        ("DocumentReference?relationship=replaces$DocumentReference/d0", {"document"}),
        ("DocumentReference?relationship=replaces$d0", {"document"}),
        ("DocumentReference?relationship=appends$d0", set()),
    ):
        assert await names(http, query, made) == expected, query
