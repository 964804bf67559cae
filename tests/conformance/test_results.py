"""What a search answers with: result parameters, chains, includes, pages.

http://hl7.org/fhir/R4/search.html#modifyingresults
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from .conftest import Create, Found, Resource

RECORDED = "Organization?_id=ward"
OBSERVED = "Observation?_id=pressure,weight"

CHAINS = [
    ("Observation?subject:Patient.family=müller", "pressure"),
    ("Observation?patient.family=mullan", "weight"),
    ("Observation?subject.gender=male", "weight"),
    ("Observation?patient.organization.name=acme ward", "pressure"),
    ("Observation?patient.organization.partof.name=acme hospital", "pressure"),
    ("Observation?subject:Patient.general-practitioner:Practitioner.family=weiß", "pressure"),
    ("Observation?subject:Patient.family=nobody", ""),
    ("Observation?subject:Group.identifier=1", ""),
    ("Observation?patient.identifier=123", "pressure weight"),
    ("Observation?patient.birthdate=lt1990-02", "pressure"),
    ("Observation?patient._id=p1", "pressure"),
    ("Observation?patient.gender:not=female", "weight"),
]
REVERSED = [
    ("Patient?_has:Observation:patient:code=85354-9", "p1"),
    ("Patient?_has:Observation:patient:code=http://loinc.org|29463-7", "p2"),
    ("Patient?_has:Observation:subject:date=2024", "p1 p2"),
    ("Patient?_has:Observation:patient:code=85354-9,29463-7", "p1 p2"),
    ("Patient?_has:Observation:patient:code=none", ""),
    ("Organization?_has:Patient:organization:_has:Observation:patient:code=85354-9", "ward"),
    ("Observation?patient._has:Encounter:patient:status=finished", "pressure"),
    ("Patient?_has:Observation:patient:code=29463-7&gender=female", ""),
]
INCLUDES = [
    ("Observation?_id=pressure&_include=Observation:subject", "p1"),
    ("Observation?_id=pressure&_include=Observation:subject:Patient", "p1"),
    ("Observation?_id=pressure&_include=Observation:subject:Group", ""),
    ("Observation?_id=pressure&_include=Observation:*", "e1 p1"),
    ("Observation?_id=pressure,weight&_include=Observation:patient", "p1 p2"),
    ("Patient?_id=p1&_revinclude=Observation:patient", "pressure"),
    ("Patient?_id=p1&_revinclude=Observation:subject&_revinclude=Encounter:subject", "e1 pressure"),
]
ITERATED = [
    (
        "Observation?_id=pressure&_include=Observation:encounter"
        "&_include:iterate=Encounter:service-provider&_include:iterate=Organization:partof",
        "e1 hospital room ward",
    ),
    (
        "Observation?_id=pressure&_include=Observation:encounter"
        "&_include:iterate=Encounter:service-provider",
        "e1 room",
    ),
    ("Organization?_id=hospital&_revinclude:iterate=Organization:partof", "room ward"),
    ("Organization?_id=hospital&_revinclude=Organization:partof", "ward"),
]


@pytest.mark.parametrize(("query", "wanted"), CHAINS)
async def test_chains(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query)) == wanted.split()


@pytest.mark.parametrize(("query", "wanted"), REVERSED)
async def test_has(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query)) == wanted.split()


@pytest.mark.parametrize(("query", "wanted"), INCLUDES)
async def test_includes(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query, "include")) == wanted.split()


@pytest.mark.parametrize(("query", "wanted"), ITERATED)
async def test_iterated_includes(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query, "include")) == wanted.split()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("Patient?_id=p1", "p1"),
        ("Patient?_id=p1,p3", "p1 p3"),
        ("Patient?_id=none", ""),
        ("Patient?_tag=urn:tag|a", "p1"),
        ("Patient?_tag=a,b", "p1 p2"),
        ("Patient?_security=urn:label|R", "p1"),
        ("Patient?_profile=http://acme.example/StructureDefinition/patient", "p1"),
        ("Patient?_lastUpdated=gt2000", "p1 p2 p3 p4"),
        ("Patient?_lastUpdated=lt2000", ""),
    ],
)
async def test_parameters_of_all_types(found: Found, query: str, wanted: str) -> None:
    assert sorted(await found(query)) == wanted.split()


async def test_last_updated_is_exact(ward: httpx.AsyncClient, found: Found) -> None:
    stamp = (await ward.get("Patient/p2")).json()["meta"]["lastUpdated"]
    value = str(httpx.QueryParams({"_lastUpdated": stamp}))
    assert "p2" in await found(f"Patient?{value}")


SORTS = [
    ("Patient?_sort=birthdate", ["p1", "p2", "p3", "p4"]),
    ("Patient?_sort=-birthdate", ["p3", "p2", "p1", "p4"]),
    ("Patient?_sort=gender,-birthdate&gender:missing=false", ["p1", "p3", "p2"]),
    ("Patient?_sort=-family", ["p3", "p1", "p2", "p4"]),
    ("Patient?_sort=-_id", ["p4", "p3", "p2", "p1"]),
    ("Observation?_id=pressure,weight&_sort=-date", ["weight", "pressure"]),
]


@pytest.mark.parametrize(("query", "wanted"), SORTS)
async def test_sort(found: Found, query: str, wanted: list[str]) -> None:
    assert await found(query) == wanted


async def test_sort_by_the_time_of_the_last_change(found: Found) -> None:
    old = await found("Patient?_sort=_lastUpdated")
    assert sorted(old) == ["p1", "p2", "p3", "p4"]
    assert await found("Patient?_sort=-_lastUpdated") == old[::-1]


async def test_sort_by_what_is_no_parameter_is_refused(ward: httpx.AsyncClient) -> None:
    answer = await ward.get("Patient?_sort=banana", headers={"Prefer": "handling=strict"})
    assert answer.status_code == 400


async def _bundle(http: httpx.AsyncClient, query: str) -> Resource:
    answer = await http.get(query, headers={"Prefer": "handling=strict"})
    assert answer.status_code == 200, answer.text
    bundle: Resource = answer.json()
    return bundle


async def test_count_limits_matches_and_not_includes(ward: httpx.AsyncClient) -> None:
    bundle = await _bundle(ward, "Observation?_id=pressure,weight&_count=1&_include=*")
    modes = [entry["search"]["mode"] for entry in bundle["entry"]]
    assert modes.count("match") == 1
    assert "include" in modes
    assert any(link["relation"] == "next" for link in bundle["link"])


async def test_count_0_counts_only(ward: httpx.AsyncClient) -> None:
    bundle = await _bundle(ward, "Patient?_count=0")
    assert bundle["total"] == 4
    assert not bundle.get("entry")
    assert not any(link["relation"] == "next" for link in bundle["link"])


async def test_an_include_of_another_type_says_to_iterate(ward: httpx.AsyncClient) -> None:
    answer = await ward.get("Observation?_include=Encounter:service-provider")
    assert answer.status_code == 400


@pytest.mark.parametrize("value", ["-1", "x", "1.5", ""])
async def test_a_count_that_is_no_number_is_refused(ward: httpx.AsyncClient, value: str) -> None:
    assert (await ward.get(f"Patient?_count={value}")).status_code == 400


@pytest.mark.parametrize("kind", ["accurate", "estimate", "none"])
async def test_total(ward: httpx.AsyncClient, kind: str) -> None:
    bundle = await _bundle(ward, f"Patient?_total={kind}&_count=2")
    assert bundle.get("total") == (None if kind == "none" else 4)
    assert (await ward.get("Patient?_total=many")).status_code == 400


async def _only(http: httpx.AsyncClient, query: str) -> Resource:
    (entry,) = (await _bundle(http, query))["entry"]
    resource: Resource = entry["resource"]
    return resource


def _subsetted(resource: Resource) -> bool:
    return any(tag["code"] == "SUBSETTED" for tag in resource["meta"]["tag"])


async def test_summary_true_and_false(ward: httpx.AsyncClient) -> None:
    shown = await _only(ward, "Patient?_id=p1&_summary=true")
    assert _subsetted(shown)
    assert shown["name"][0]["family"] == "Müller"
    assert "text" not in shown
    assert "generalPractitioner" not in shown
    whole = await _only(ward, "Patient?_id=p1&_summary=false")
    assert "text" in whole
    assert not _subsetted(whole)


async def test_summary_text_and_data(ward: httpx.AsyncClient) -> None:
    text = await _only(ward, "Observation?_id=pressure&_summary=text")
    assert _subsetted(text)
    assert {"status", "code"} <= text.keys()
    assert not {"subject", "component"} & text.keys()
    data = await _only(ward, "Patient?_id=p1&_summary=data")
    assert _subsetted(data)
    assert "text" not in data
    assert "generalPractitioner" in data


async def test_summary_count(ward: httpx.AsyncClient) -> None:
    bundle = await _bundle(ward, "Patient?_summary=count&gender=male")
    assert bundle["total"] == 2
    assert not bundle.get("entry")


async def test_elements(ward: httpx.AsyncClient) -> None:
    shown = await _only(ward, "Observation?_id=pressure&_elements=code")
    assert _subsetted(shown)
    assert set(shown) == {"resourceType", "id", "meta", "status", "code"}


async def test_contained_resources_are_not_matches(ward: httpx.AsyncClient) -> None:
    """R4's default; the other values find what contains a match, or the match itself."""
    assert await _matches(ward, "Medication?status=active") == []
    assert await _matches(ward, "Medication?status=active&_contained=false") == []
    for value in ("true", "both"):
        query = f"Medication?status=active&_contained={value}"
        assert await _matches(ward, query) == ["order"], value
        assert await _matches(ward, f"{query}&_containedType=contained") == ["m"], value
        assert await _matches(ward, f"Medication?status=inactive&_contained={value}") == []


async def _matches(http: httpx.AsyncClient, query: str) -> list[str]:
    return [e["resource"]["id"] for e in (await _bundle(http, query)).get("entry", ())]


@pytest.mark.parametrize("name", ["_filter", "_text", "_content", "_query"])
async def test_what_is_not_served_is_said(ward: httpx.AsyncClient, name: str) -> None:
    strict = await ward.get(f"Patient?{name}=a eq b", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    lenient = (await ward.get(f"Patient?{name}=a eq b")).json()
    outcomes = [e["resource"] for e in lenient["entry"] if e["search"]["mode"] == "outcome"]
    assert name in str(outcomes)
    listed = (await ward.get("metadata")).json()["rest"][0]
    assert name not in {p["name"] for p in listed.get("searchParam", ())}
    for one in listed["resource"]:
        assert name not in {p["name"] for p in one["searchParam"]}


async def test_the_self_link_holds_what_was_done(ward: httpx.AsyncClient) -> None:
    answer = await ward.get("Patient?gender=male&banana=1&_sort=birthdate")
    (link,) = [x["url"] for x in answer.json()["link"] if x["relation"] == "self"]
    asked = dict(httpx.URL(link).params)
    assert asked["gender"] == "male"
    assert asked["_sort"] == "birthdate"
    assert "banana" not in asked


async def test_search_by_post_is_the_same(ward: httpx.AsyncClient) -> None:
    form = await ward.post("Patient/_search", data={"gender": "male", "_sort": "birthdate"})
    assert [e["resource"]["id"] for e in form.json()["entry"]] == ["p2", "p3"]
    both = await ward.post("Patient/_search?gender=male", data={"birthdate": "1991"})
    assert [e["resource"]["id"] for e in both.json()["entry"]] == ["p3"]
    wrong = await ward.post("Patient/_search", json={"gender": "male"})
    assert wrong.status_code == 415


# Pages


def _next(bundle: Resource) -> str | None:
    links = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
    return links[0] if links else None


async def _pages(http: httpx.AsyncClient, query: str) -> list[Resource]:
    pages = [await _bundle(http, query)]
    while following := _next(pages[-1]):
        pages.append((await http.get(following)).json())
    return pages


@pytest.mark.parametrize("order", ["", "&_sort=date", "&_sort=-date", "&_sort=-_lastUpdated,_id"])
async def test_pages_hold_every_match_once(ward: httpx.AsyncClient, order: str) -> None:
    whole = await _matches(ward, f"Observation?_count=100{order}")
    pages = await _pages(ward, f"Observation?_count=4{order}")
    assert [e["resource"]["id"] for p in pages for e in p["entry"]] == whole
    assert all(len(a["entry"]) == 4 for a, _ in pairwise(pages))


async def test_pages_are_stable_while_others_write(http: httpx.AsyncClient, create: Create) -> None:
    before = [(await create({"resourceType": "Basic", "code": {"text": "a"}})) for _ in range(9)]
    page = await _bundle(http, "Basic?_count=2")
    seen: list[str] = []
    while True:
        seen += [e["resource"]["id"] for e in page["entry"]]
        await create({"resourceType": "Basic", "code": {"text": "later"}})
        following = _next(page)
        if following is None:
            break
        page = (await http.get(following)).json()
    assert len(seen) == len(set(seen))
    assert {one["id"] for one in before} <= set(seen)


async def test_a_link_holds_no_value_and_no_other_tenant(
    ward: httpx.AsyncClient, http: httpx.AsyncClient
) -> None:
    link = _next(await _bundle(ward, "Patient?gender=male&_count=1"))
    assert link is not None
    assert "male" not in link
    answer = await http.get(link)
    assert 400 <= answer.status_code < 500
    broken = await ward.get(link[:-3] + ("AAA" if not link.endswith("AAA") else "BBB"))
    assert 400 <= broken.status_code < 500


async def test_search_over_several_types(ward: httpx.AsyncClient) -> None:
    bundle = await _bundle(ward, "?_type=Patient,Organization&_count=100")
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {"Patient", "Organization"}
    posted = await ward.post("_search", data={"_type": "Location"})
    assert {e["resource"]["id"] for e in posted.json()["entry"]} == {"berlin", "potsdam"}


async def test_search_in_a_compartment(found: Found, ward: httpx.AsyncClient) -> None:
    assert await found("Patient/p1/Observation") == ["pressure"]
    assert await found("Patient/p1/Observation?code=none") == []
    everything: list[Any] = await found("Patient/p1/*?_count=100")
    assert {"pressure", "e1", "order"} <= set(everything)
