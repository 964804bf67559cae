"""Search over HTTP: http://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careloom.errors import Forbidden
from careloom.fhir.restriction import Access
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import BASE, ClientOf, Create, Resource

UCUM = "http://unitsofmeasure.org"


def patient(name: str, given: str, birth: str, **more: Any) -> Resource:
    return {
        "resourceType": "Patient",
        "name": [{"family": name, "given": [given]}],
        "birthDate": birth,
        **more,
    }


def observation(subject: str, code: str, when: Resource, value: float | None) -> Resource:
    made: Resource = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": subject},
        **when,
    }
    if value is not None:
        made["valueQuantity"] = {"value": value, "unit": "mg", "system": UCUM, "code": "mg"}
    return made


async def find(http: httpx.AsyncClient, query: str) -> list[Resource]:
    response = await http.get(query)
    assert response.status_code == 200, response.text
    entries = response.json().get("entry", [])
    return [e["resource"] for e in entries if e["search"]["mode"] == "match"]


async def ids(http: httpx.AsyncClient, query: str) -> set[str]:
    return {resource["id"] for resource in await find(http, query)}


async def families(http: httpx.AsyncClient, query: str) -> set[str]:
    return {resource["name"][0]["family"] for resource in await find(http, query)}


@pytest.fixture
async def people(create: Create) -> None:
    await create(
        patient(
            "Müller",
            "Änne",
            "1990-01-15",
            gender="female",
            active=True,
            identifier=[{"system": "urn:mrn", "value": "A|1"}, {"value": "bare"}],
            telecom=[{"system": "email", "value": "a@b.c"}, {"system": "phone", "value": "555"}],
            address=[{"city": "Bad Homburg", "line": ["Weg 1"]}],
        )
    )
    await create(
        patient(
            "Mullan",
            "Bo",
            "1990-03",
            gender="male",
            active=False,
            identifier=[{"system": "urn:other", "value": "A|1"}],
            deceasedDateTime="2020-05-01",
        )
    )
    await create(patient("O'Neil, Jr", "Cy", "1991", gender="male", deceasedBoolean=False))
    await create({"resourceType": "Patient", "name": [{"family": "Nobody"}]})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("family=mul", {"Müller", "Mullan"}),
        ("family=MÜLL", {"Müller", "Mullan"}),
        ("family:exact=Müller", {"Müller"}),
        ("family:exact=müller", set()),
        ("family:contains=ller", {"Müller"}),
        ("family=ller", set()),
        ("family=mull,nobody", {"Müller", "Mullan", "Nobody"}),
        ("family=O'Neil\\, Jr", {"O'Neil, Jr"}),
        ("family=%", set()),
        ("name=änne", {"Müller"}),
        ("given=bo&family=mull", {"Mullan"}),
        ("given=bo&family=nobody", set()),
        ("address=bad hom", {"Müller"}),
        ("address-city=Bad", {"Müller"}),
        ("gender=male", {"Mullan", "O'Neil, Jr"}),
        ("gender=http://hl7.org/fhir/administrative-gender|female", {"Müller"}),
        ("gender:not=male", {"Müller", "Nobody"}),
        ("gender:missing=true", {"Nobody"}),
        ("gender:missing=false", {"Müller", "Mullan", "O'Neil, Jr"}),
        ("active=true", {"Müller"}),
        ("identifier=A\\|1", {"Müller", "Mullan"}),
        ("identifier=urn:mrn|A\\|1", {"Müller"}),
        ("identifier=urn:mrn|", {"Müller"}),
        ("identifier=|bare", {"Müller"}),
        ("identifier=|A\\|1", set()),
        ("email=a@b.c", {"Müller"}),
        ("phone=a@b.c", set()),
        ("deceased=true", {"Mullan"}),
        ("deceased=false", {"Müller", "O'Neil, Jr", "Nobody"}),
        ("death-date=2020", {"Mullan"}),
        ("birthdate=1990", {"Müller", "Mullan"}),
        ("birthdate=1990-03", {"Mullan"}),
        ("birthdate=1990-03-10", set()),
        ("birthdate=ne1990", {"O'Neil, Jr"}),
        ("birthdate=gt1990-01-15", {"Mullan", "O'Neil, Jr"}),
        ("birthdate=ge1990-01-15", {"Müller", "Mullan", "O'Neil, Jr"}),
        ("birthdate=lt1990-03", {"Müller"}),
        ("birthdate=le1990-03", {"Müller", "Mullan"}),
        ("birthdate=sa1990", {"O'Neil, Jr"}),
        ("birthdate=eb1991", {"Müller", "Mullan"}),
        ("birthdate=lt1990-03-15", {"Müller", "Mullan"}),
        ("birthdate=gt1990-03-15", {"Mullan", "O'Neil, Jr"}),
        ("birthdate=ge1990-02&birthdate=lt1991", {"Mullan"}),
        ("birthdate:missing=true", {"Nobody"}),
    ],
)
@pytest.mark.usefixtures("people")
async def test_patient_parameters(http: httpx.AsyncClient, query: str, expected: set[str]) -> None:
    strict = {"Prefer": "handling=strict"}
    response = await http.get(f"Patient?{query}", headers=strict)
    assert response.status_code == 200, response.text
    found = {e["resource"]["name"][0]["family"] for e in response.json().get("entry", [])}
    assert found == expected


@pytest.fixture
async def measured(create: Create) -> dict[str, str]:
    """Observations by name; p is their patient's reference."""
    subject = await create(patient("Curie", "Marie", "1867"))
    place = f"Patient/{subject['id']}"
    made = {"p": place}
    for name, code, when, value in (
        ("instant", "1-1", {"effectiveInstant": "2024-02-29T23:30:00.250-05:00"}, 5.4),
        ("day", "1-1", {"effectiveDateTime": "2024-03-01"}, 5.35),
        ("period", "2-2", {"effectivePeriod": {"start": "2024-01-01", "end": "2024-06-30"}}, 100),
        ("open", "2-2", {"effectivePeriod": {"start": "2024-03-05"}}, 0.0),
        ("undated", "3-3", {}, None),
    ):
        made[name] = (await create(observation(place, code, when, value)))["id"]
    timing = {"event": ["2024-05-01", "2024-05-03"]}
    stored = await create(observation(place, "4-4", {"effectiveTiming": timing}, None))
    made["timing"] = stored["id"]
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("date=2024-03-01", "instant day"),
        ("date=2024-03-01T04:30:00Z", "instant"),
        ("date=2024-02-29T23:30:00-05:00", "instant"),
        ("date=2024-03-01T04:30:00.250Z", "instant"),
        ("date=2024-03-01T04:30:00.251Z", ""),
        ("date=2024-03", "instant day"),
        ("date=2024", "instant day period timing"),
        ("date=gt2024-06-30", "open"),
        ("date=lt2024-02", "period"),
        ("date=ge2024-03-02", "period open timing"),
        ("date=le2024-03-01", "instant day period"),
        ("date=sa2024-03-01", "open timing"),
        ("date=eb2024-03-01", ""),
        ("date=eb2024-03-02", "instant day"),
        ("date=ne2024", "open"),
        ("date=2024-05", "timing"),
        ("date=ge2024-03-02&date=le2024-03-10", "period open"),
        ("date=ge2024-03-02&date=le2024-03-10&code=1-1", ""),
        ("code=2-2&date=ge2024-03-02&date=lt2024-03-05", "period"),
        ("date:missing=true", "undated"),
        ("value-quantity=5.4", "instant day"),
        ("value-quantity=5.40", "instant"),
        ("value-quantity=5.4|http://unitsofmeasure.org|mg", "instant day"),
        ("value-quantity=5.4||mg", "instant day"),
        ("value-quantity=5.4|http://unitsofmeasure.org|kg", ""),
        ("value-quantity=100", "period"),
        ("value-quantity=1e2", "period"),
        ("value-quantity=gt5.35", "instant period"),
        ("value-quantity=ge5.35", "instant day period"),
        ("value-quantity=lt5.35", "open"),
        ("value-quantity=le5.35", "day open"),
        ("value-quantity=ne100", "instant day open"),
        ("value-quantity=ap95", "period"),
        ("code=1-1", "instant day"),
        ("code=http://loinc.org|1-1,2-2", "instant day period open"),
        ("code=http://snomed.info/sct|1-1", ""),
        ("code:not=1-1", "period open undated timing"),
        ("status=final&code=3-3", "undated"),
        ("_lastUpdated=ge2000", "instant day period open undated timing"),
        ("_lastUpdated=lt2000", ""),
    ],
)
async def test_observation_parameters(
    http: httpx.AsyncClient, measured: dict[str, str], query: str, expected: str
) -> None:
    found = await ids(http, f"Observation?{query}")
    assert found == {measured[name] for name in expected.split()}


async def test_references_match_by_id_type_and_url(
    http: httpx.AsyncClient, measured: dict[str, str]
) -> None:
    place, number = measured["p"], measured["p"].split("/")[1]
    for query in (
        f"subject={place}",
        f"subject={number}",
        f"patient={number}",
        f"patient={place}",
        f"subject:Patient={number}",
        f"subject={place}/_history/1",
    ):
        assert len(await find(http, f"Observation?{query}")) == 6, query
    for query in (f"subject=Group/{number}", f"subject:Group={number}", "subject=Patient/x"):
        assert await find(http, f"Observation?{query}") == [], query


async def test_an_absolute_reference_into_this_store_is_a_local_one(
    http: httpx.AsyncClient, create: Create
) -> None:
    stored = await create(observation(f"{BASE}/Patient/77", "9-9", {}, None))
    assert stored["subject"]["reference"] == "Patient/77"
    for value in ("Patient/77", "77", f"{BASE}/Patient/77"):
        assert await ids(http, f"Observation?subject={value}") == {stored["id"]}, value


async def test_logical_and_absolute_references(http: httpx.AsyncClient, create: Create) -> None:
    made = observation("http://elsewhere.org/fhir/Patient/1", "9-9", {}, None)
    made["encounter"] = {"identifier": {"system": "urn:visit", "value": "V1"}}
    stored = await create(made)
    assert await ids(http, "Observation?subject=http://elsewhere.org/fhir/Patient/1") == {
        stored["id"]
    }
    assert await ids(http, "Observation?subject=Patient/1") == set()
    assert await ids(http, "Observation?encounter:identifier=urn:visit|V1") == {stored["id"]}
    assert await ids(http, "Observation?encounter:identifier=urn:visit|V2") == set()


async def test_uri_and_meta_parameters(http: httpx.AsyncClient, create: Create) -> None:
    value_set = await create(
        {
            "resourceType": "ValueSet",
            "status": "draft",
            "url": "http://example.org/vs/" + "long" * 100,
            "meta": {
                "tag": [{"system": "urn:tag", "code": "t1"}],
                "profile": ["http://example.org/profile"],
            },
        }
    )
    long_url = "http://example.org/vs/" + "long" * 100
    for query in (
        f"url={long_url}",
        "_tag=urn:tag|t1",
        "_profile=http://example.org/profile",
        f"_id={value_set['id']}",
    ):
        assert await ids(http, f"ValueSet?{query}") == {value_set["id"]}, query
    assert await ids(http, f"ValueSet?url={long_url}x") == set()


async def test_long_strings_are_found_beyond_the_index_key(
    http: httpx.AsyncClient, create: Create
) -> None:
    name = "a" * 250 + "Tail"
    stored = await create(patient(name, "X", "2000"))
    assert await ids(http, f"Patient?family={'A' * 250}tail") == {stored["id"]}
    assert await ids(http, f"Patient?family={'A' * 250}tale") == set()
    assert await ids(http, "Patient?family:contains=tail") == {stored["id"]}


async def test_updated_values_are_found_and_old_ones_are_not(
    http: httpx.AsyncClient, create: Create
) -> None:
    stored = await create(patient("Before", "X", "2000", gender="male"))
    stored["name"][0]["family"] = "After"
    stored["birthDate"] = "2001"
    assert (await http.put(f"Patient/{stored['id']}", json=stored)).status_code == 200
    for query, count in (
        ("family=before", 0),
        ("family=after", 1),
        ("birthdate=2000", 0),
        ("birthdate=2001", 1),
        ("gender=male", 1),
    ):
        assert len(await find(http, f"Patient?{query}")) == count, query


async def test_sort_by_several_keys(http: httpx.AsyncClient, create: Create) -> None:
    for family, birth in (("b", "2001"), ("a", "2003"), ("c", "2002"), ("a", "1999")):
        await create(patient(family, "x", birth))
    await create({"resourceType": "Patient", "active": True})

    async def order(sort: str) -> str:
        found = await find(http, f"Patient?_sort={sort}")
        return " ".join(
            f"{p['name'][0]['family']}{p['birthDate'][2:]}" if "name" in p else "-" for p in found
        )

    assert await order("family,birthdate") == "a99 a03 b01 c02 -"
    assert await order("family,-birthdate") == "a03 a99 b01 c02 -"
    assert await order("-family,birthdate") == "c02 b01 a99 a03 -"
    assert await order("-birthdate") == "a03 c02 b01 a99 -"
    assert await order("-_lastUpdated") == "- a99 c02 a03 b01"
    assert (await http.get("Patient?_sort=nonsense")).status_code == 400


async def test_numbers_sort_as_numbers(http: httpx.AsyncClient, create: Create) -> None:
    for value in (10, 9, 100, -1):
        await create(observation("Patient/1", "1-1", {}, value))
    await create(observation("Patient/1", "1-1", {}, None))

    async def order(sort: str) -> list[float | None]:
        found = await find(http, f"Observation?_sort={sort}")
        return [o.get("valueQuantity", {}).get("value") for o in found]

    assert await order("value-quantity") == [-1, 9, 10, 100, None]
    assert await order("-value-quantity") == [100, 10, 9, -1, None]


def next_link(page: Resource) -> str:
    return next((n["url"] for n in page["link"] if n["relation"] == "next"), "")


@pytest.mark.parametrize("sort", ["", "&_sort=family", "&_sort=-birthdate,_id"])
async def test_pages_are_complete_and_without_repeats_while_others_write(
    http: httpx.AsyncClient, create: Create, sort: str
) -> None:
    before = {
        (await create(patient(f"f{number % 3}", "x", f"200{number}")))["id"] for number in range(7)
    }
    seen: list[str] = []
    link = f"Patient?_count=2{sort}"
    while link:
        page = (await http.get(link)).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        link = next_link(page)
        assert "family" not in link
        await create(patient("f1", "late", "2004"))
        stored = page["entry"][0]["resource"]
        await http.put(f"Patient/{stored['id']}", json=stored)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


async def test_a_page_link_is_bound_to_its_tenant_and_type(
    http: httpx.AsyncClient, create: Create, client_of: ClientOf, database: Database
) -> None:
    for _ in range(3):
        stored = await create(patient("f", "x", "2000"))
    link = next_link((await http.get("Patient?_count=1")).json())
    assert (await http.get(link)).status_code == 200
    other_tenant = f"p{stored['id'][-12:]}"
    await database.call("tenant_create", other_tenant, "Other", "development")
    other = await client_of(Scope(other_tenant, "main"), "engineer")
    assert (await other.get(link)).status_code == 400
    assert (await http.get(link.replace("/Patient?", "/Observation?"))).status_code == 400
    assert (await http.get(link[:-4] + "AAAA")).status_code == 400
    assert (await http.get("Patient?_page=%%%")).status_code == 400


@pytest.mark.usefixtures("people")
async def test_totals_and_counts(http: httpx.AsyncClient) -> None:
    async def total(query: str) -> int | None:
        page = (await http.get(f"Patient?{query}")).json()
        found: int | None = page.get("total")
        return found

    assert await total("") == 4
    assert await total("_count=2") is None
    assert await total("_count=2&_total=accurate") == 4
    counted = (await http.get("Patient?_summary=count&gender=male")).json()
    assert (counted["total"], "entry" in counted) == (2, False)
    assert (await http.get("Patient?_count=0")).json()["total"] == 4


async def test_post_search_takes_query_and_form(http: httpx.AsyncClient, create: Create) -> None:
    stored = await create(patient("Form", "x", "2000", gender="male"))
    await create(patient("Form", "y", "2000", gender="female"))
    found = await http.post("Patient/_search?gender=male", data={"family": "form"})
    assert [e["resource"]["id"] for e in found.json()["entry"]] == [stored["id"]]
    wrong = await http.post("Patient/_search", json={"family": "form"})
    assert wrong.status_code == 415


async def test_include_and_revinclude(http: httpx.AsyncClient, measured: dict[str, str]) -> None:
    def modes(page: Resource) -> list[tuple[str, str]]:
        return [(e["resource"]["resourceType"], e["search"]["mode"]) for e in page["entry"]]

    page = (await http.get("Observation?code=1-1&_include=Observation:subject")).json()
    assert modes(page) == [
        ("Observation", "match"),
        ("Observation", "match"),
        ("Patient", "include"),
    ]
    narrowed = await http.get("Observation?code=1-1&_include=Observation:subject:Group")
    assert ("Patient", "include") not in modes(narrowed.json())
    back = (await http.get("Patient?family=curie&_revinclude=Observation:patient")).json()
    assert modes(back) == [("Patient", "match")] + [("Observation", "include")] * 6
    for wrong in ("_include=Observation:code", "_include=Nope:x", "_include:up=*", "_revinclude=x"):
        assert (await http.get(f"Observation?{wrong}")).status_code == 400, wrong


async def test_includes_do_not_leave_the_grants(
    fhir: FhirStore, scope: Scope, measured: dict[str, str]
) -> None:
    seen = fhir.seen_by(Access(("fhir:search/Observation",)))
    asked = [("code", "1-1"), ("_include", "Observation:subject")]
    found = await seen.search(scope, "Observation", asked)
    assert {e["resource"]["resourceType"] for e in found["entry"]} == {"Observation"}
    for query in (
        ("_include", "Observation:subject:Patient"),
        ("subject:Patient.family", "Curie"),
        ("_has:Provenance:target:agent", "x"),
    ):
        with pytest.raises(Forbidden):
            await seen.search(scope, "Observation", [query])


@pytest.mark.parametrize(
    "query",
    ["nonsense=1", "subject.name=x", "_has:Observation:patient:x=1", "family=", "_text=x"],
)
async def test_unknown_parameters_warn_or_fail_but_are_never_silent(
    http: httpx.AsyncClient, create: Create, query: str
) -> None:
    await create(patient("Any", "x", "2000"))
    lenient = (await http.get(f"Patient?{query}")).json()
    (outcome,) = [e["resource"] for e in lenient["entry"] if e["search"]["mode"] == "outcome"]
    assert outcome["issue"][0]["severity"] == "warning"
    assert query not in next(n["url"] for n in lenient["link"] if n["relation"] == "self")
    strict = await http.get(f"Patient?{query}", headers={"Prefer": "handling=strict"})
    assert (strict.status_code, strict.json()["resourceType"]) == (400, "OperationOutcome")


@pytest.mark.parametrize(
    "query",
    [
        "Patient?family:phonetic=x",
        "Patient?gender:text=x",
        "Patient?birthdate=soon",
        "Patient?birthdate=2020-02-30",
        "Patient?birthdate=gt",
        "Patient?gender:missing=maybe",
        "Patient?_count=-1",
        "Patient?_count=many",
        "Patient?_total=roughly",
        "Patient?_summary=some",
        "Patient?family=%00",
        "Observation?value-quantity=heavy",
        "Observation?value-quantity=1e99999",
        "Observation?subject:Device2=x",
        "Observation?patient:Group=x",
        "Patient?family=" + ",".join("abc" for _ in range(500)),
    ],
)
async def test_wrong_values_are_refused(http: httpx.AsyncClient, query: str) -> None:
    response = await http.get(query)
    assert response.status_code == 400, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
