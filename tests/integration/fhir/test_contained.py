"""Search among contained resources: http://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careloom.fhir.interactions import contained
from careloom.fhir.search.reindex import reindex
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import Create, Resource

DRUGS = "http://drugs.example"


def medication(id: str, code: str) -> Resource:
    return {
        "resourceType": "Medication",
        "id": id,
        "status": "active",
        "code": {"coding": [{"system": DRUGS, "code": code}]},
    }


def request(*codes: str) -> Resource:
    """A request that contains a medication for each code."""
    return {
        "resourceType": "MedicationRequest",
        "contained": [medication(f"m{n}", code) for n, code in enumerate(codes)],
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": "#m0"},
        "supportingInformation": [{"reference": f"#m{n}"} for n in range(len(codes))],
    }


@pytest.fixture
async def ward(create: Create) -> dict[str, str]:
    """Two requests that contain medications, a dispense, and a medication of its own."""
    made = {
        "aspirin": await create(request("aspirin")),
        "both": await create(request("ibuprofen", "aspirin")),
        "dispense": await create(
            {
                "resourceType": "MedicationDispense",
                "contained": [medication("m", "aspirin")],
                "status": "completed",
                "medicationReference": {"reference": "#m"},
            }
        ),
        "own": await create({k: v for k, v in medication("", "aspirin").items() if k != "id"}),
    }
    return {name: f"{r['resourceType']}/{r['id']}" for name, r in made.items()}


async def pages(http: httpx.AsyncClient, query: str) -> list[Resource]:
    """The matches of all pages; each page is a searchset with a self link."""
    found: list[Resource] = []
    following: str | None = query
    while following is not None:
        answer = await http.get(following)
        assert answer.status_code == 200, answer.text
        content = answer.json()
        found += [e for e in content.get("entry", []) if e["search"]["mode"] == "match"]
        links = {one["relation"]: one["url"] for one in content["link"]}
        following = links.get("next")
    return found


def places(entries: list[Resource]) -> list[str]:
    return [entry["fullUrl"].partition("/fhir/")[2] for entry in entries]


async def test_those_that_contain_a_match(http: httpx.AsyncClient, ward: dict[str, str]) -> None:
    found = await pages(http, f"Medication?code={DRUGS}|aspirin&_contained=true")
    assert set(places(found)) == {ward["aspirin"], ward["both"], ward["dispense"]}
    assert all(one["resource"]["contained"] for one in found)
    few = await pages(http, "Medication?code=ibuprofen&status=active&_contained=true")
    assert places(few) == [ward["both"]]
    assert await pages(http, "Medication?code=ibuprofen&status=inactive&_contained=true") == []
    every = (await http.get("Medication?_contained=true")).json()
    assert every["total"] == 3
    assert "_contained=true" in every["link"][0]["url"]


async def test_the_contained_matches_themselves(
    http: httpx.AsyncClient, ward: dict[str, str]
) -> None:
    query = "Medication?code=aspirin&_contained=true&_containedType=contained"
    found = await pages(http, query)
    assert set(places(found)) == {
        f"{ward['aspirin']}#m0",
        f"{ward['both']}#m1",
        f"{ward['dispense']}#m",
    }
    assert {one["resource"]["resourceType"] for one in found} == {"Medication"}
    short = await pages(http, f"{query}&_elements=status")
    assert all("code" not in one["resource"] for one in short)
    by_id = await pages(http, "Medication?_id=m1&_contained=true&_containedType=contained")
    assert places(by_id) == [f"{ward['both']}#m1"]


async def test_both_are_contained_ones_and_others(
    http: httpx.AsyncClient, ward: dict[str, str]
) -> None:
    found = await pages(http, "Medication?code=aspirin&_contained=both")
    assert set(places(found)) == set(ward.values())
    assert len(found) == 4
    none = (await http.get("Medication?code=aspirin&_contained=both&_id=none")).json()
    assert none["total"] == 0
    only = await http.get(f"Medication?_id={ward['own'].partition('/')[2]}&_contained=both")
    assert only.json()["total"] == 1
    assert "_contained=both" in only.json()["link"][0]["url"]
    plain = await pages(http, "Medication?code=aspirin&_contained=false")
    assert places(plain) == [ward["own"]]


async def test_pages_hold_every_contained_match_once(
    http: httpx.AsyncClient, ward: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, at_once in ((2000, 100), (1, 1), (2, 100)):
        monkeypatch.setattr(contained, "MOST_OPENED", most)
        monkeypatch.setattr(contained, "AT_ONCE", at_once)
        for mode, count in (("true", 3), ("both", 4)):
            found = await pages(http, f"Medication?code=aspirin&_contained={mode}&_count=1")
            assert len(places(found)) == len(set(places(found))) == count, (most, mode)


async def test_an_update_and_a_deletion_change_what_is_contained(
    http: httpx.AsyncClient, ward: dict[str, str]
) -> None:
    bare = {**request("none"), "id": ward["both"].partition("/")[2]}
    changed = await http.put(ward["both"], json=bare)
    assert changed.status_code == 200, changed.text
    assert (await http.delete(ward["dispense"])).status_code == 204
    found = await pages(http, "Medication?code=aspirin&_contained=true")
    assert places(found) == [ward["aspirin"]]


@pytest.mark.parametrize(
    "query",
    [
        "Medication?_contained=maybe",
        "Medication?_contained=true&_containedType=other",
        "Medication?_contained=true&_sort=code",
        "Medication?_contained=true&_total=accurate",
        "Medication?_contained=true&_summary=count",
        "Medication?_contained=true&_lastUpdated=gt2020",
        "Medication?_contained=true&_include=Medication:manufacturer",
        "Medication?_contained=true&manufacturer.name=x",
        "Medication?_contained=true&code:in=http://hl7.org/fhir/ValueSet/medication-codes",
        "?_type=Medication&_contained=true",
        "Patient/p/MedicationRequest?_contained=true",
        "Medication?_within=xyz",
    ],
)
async def test_what_is_not_served_with_it_is_refused(http: httpx.AsyncClient, query: str) -> None:
    answer = await http.get(query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["issue"][0]["diagnostics"]


async def test_a_parameter_that_is_not_known_is_told(
    http: httpx.AsyncClient, ward: dict[str, str]
) -> None:
    strict: dict[str, Any] = {"headers": {"Prefer": "handling=strict"}}
    query = "Medication?_contained=true&colour=red"
    assert (await http.get(query, **strict)).status_code == 400
    lenient = (await http.get(query)).json()
    assert lenient["entry"][-1]["search"]["mode"] == "outcome"
    assert "colour" not in lenient["link"][0]["url"]


async def test_a_store_of_an_earlier_version_says_so(
    http: httpx.AsyncClient, ward: dict[str, str], database: Database, scope: Scope, fhir: FhirStore
) -> None:
    async with database.transaction(scope.tenant) as connection:
        await connection.execute("DELETE FROM idx_token")
        await connection.execute(
            "INSERT INTO contained_stale (tenant, store) VALUES ($1, $2)", scope.tenant, scope.store
        )
        await connection.execute("UPDATE resource SET keys = keys - 't'")
    query = "Medication?code=aspirin&_contained=true"
    refused = await http.get(query)
    assert refused.status_code == 503
    assert "careloom reindex" in refused.text
    async for _ in reindex(fhir.context, scope):
        pass
    assert len(await pages(http, query)) == 3
