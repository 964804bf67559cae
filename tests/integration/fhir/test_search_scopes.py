"""Where is searched: several types, a compartment, what a credential may see; and page links."""

from __future__ import annotations

from urllib.parse import parse_qsl

import httpx
import pytest

from careloom.errors import CareloomError, Forbidden, InvalidInput
from careloom.fhir.restriction import Access
from careloom.fhir.search import statements
from careloom.fhir.store import FhirStore
from careloom.types import Scope

from .conftest import ClientOf, Create, Resource


async def found(http: httpx.AsyncClient, query: str) -> list[str]:
    answer = await http.get(query)
    assert answer.status_code == 200, answer.text
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}"
        for e in answer.json().get("entry", ())
        if e["search"]["mode"] != "outcome"
    ]


@pytest.fixture
async def two(create: Create) -> dict[str, str]:
    """Two patients with an observation and a condition each; and an organization of nobody."""
    made = {}
    for name in ("ann", "bob"):
        patient = await create(
            {"resourceType": "Patient", "name": [{"family": name}], "birthDate": "1980-01-01"}
        )
        made[name] = f"Patient/{patient['id']}"
        subject = {"reference": made[name]}
        observation = await create(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"code": "x"}]},
                "subject": subject,
            }
        )
        made[f"{name}.observation"] = f"Observation/{observation['id']}"
        condition = await create({"resourceType": "Condition", "subject": subject})
        made[f"{name}.condition"] = f"Condition/{condition['id']}"
    organization = await create({"resourceType": "Organization", "name": "O"})
    made["organization"] = f"Organization/{organization['id']}"
    return made


async def test_a_patients_compartment(http: httpx.AsyncClient, two: dict[str, str]) -> None:
    ann = two["ann"]
    assert await found(http, f"{ann}/Observation") == [two["ann.observation"]]
    assert await found(http, f"{ann}/Observation?code=y") == []
    assert await found(http, f"{ann}/Observation?code=x&_include=Observation:subject") == [
        two["ann.observation"],
        ann,
    ]
    everything = await found(http, f"{ann}/*")
    assert set(everything) == {ann, two["ann.observation"], two["ann.condition"]}
    assert await found(http, f"{ann}/*?_type=Condition") == [two["ann.condition"]]
    assert await found(http, f"{ann}/Organization") == []
    assert (await http.get("Organization/1/Observation")).status_code == 404


COMPARTMENTS: dict[str, Resource] = {
    "Practitioner": {
        "Basic": {"code": {"text": "x"}, "author": {}},
        "PractitionerRole": {"practitioner": {}},
    },
    "RelatedPerson": {
        "Basic": {"code": {"text": "x"}, "author": {}},
        "Schedule": {"actor": [{}]},
    },
    "Encounter": {
        "Condition": {"subject": {"reference": "Patient/p"}, "encounter": {}},
        "QuestionnaireResponse": {"status": "completed", "encounter": {}},
    },
    "Device": {
        "DeviceUseStatement": {
            "status": "active",
            "subject": {"reference": "Patient/p"},
            "device": {},
        },
        "Schedule": {"actor": [{}]},
    },
}
"""By the type of a compartment: resources of it, whose empty references name its owner."""
OWNERS: dict[str, Resource] = {
    "RelatedPerson": {"patient": {"reference": "Patient/p"}},
    "Encounter": {"status": "finished", "class": {"code": "AMB"}},
}


def referring(member: Resource, place: str) -> Resource:
    """The resource with its empty references made to name a place."""

    def filled(value: object) -> object:
        if value == {}:
            return {"reference": place}
        return [filled(one) for one in value] if isinstance(value, list) else value

    return {name: filled(value) for name, value in member.items()}


@pytest.mark.parametrize("kind", COMPARTMENTS)
async def test_every_compartment_of_r4(http: httpx.AsyncClient, create: Create, kind: str) -> None:
    mine, other = [
        f"{kind}/{(await create({'resourceType': kind, **OWNERS.get(kind, {})}))['id']}"
        for _ in range(2)
    ]
    members = {}
    for type, member in COMPARTMENTS[kind].items():
        for owner in (mine, other):
            made = await create({"resourceType": type, **referring(member, owner)})
            members[owner, type] = f"{type}/{made['id']}"
    for type in COMPARTMENTS[kind]:
        assert await found(http, f"{mine}/{type}") == [members[mine, type]]
        assert await found(http, f"{mine}/{type}?_id=none") == []
    everything = {mine, *(place for (owner, _), place in members.items() if owner == mine)}
    assert set(await found(http, f"{mine}/*")) == everything
    posted = await http.post(f"{mine}/_search")
    assert places(posted.json()) == everything
    assert await found(http, f"{mine}/Organization") == []
    statement = (await http.get("metadata")).json()["rest"][0]["compartment"]
    name = kind[0].lower() + kind[1:]
    assert f"http://hl7.org/fhir/CompartmentDefinition/{name}" in statement


async def test_several_types(http: httpx.AsyncClient, two: dict[str, str]) -> None:
    wanted = [two[k] for k in ("ann.condition", "bob.condition", "ann", "bob")]
    assert await found(http, "?_type=Patient,Condition") == sorted(
        wanted, key=lambda place: (place.split("/")[0] != "Patient", place)
    )
    newest = await found(http, "?_type=Patient,Condition,Organization&_sort=-_lastUpdated&_count=2")
    assert newest == [two["organization"], two["bob.condition"]]
    counted = await http.get("?_summary=count&_lastUpdated=ge2020")
    assert counted.json()["total"] == 7
    one = two["organization"].split("/")[1]
    assert await found(http, f"?_id={one}") == [two["organization"]]
    posted = await http.post("_search", data={"_type": "Organization"})
    assert posted.json()["total"] == 1


async def test_pages_over_several_types(http: httpx.AsyncClient, two: dict[str, str]) -> None:
    for order in ("", "&_sort=-_lastUpdated", "&_sort=_id"):
        seen: list[str] = []
        query: str | None = f"?_type=Patient,Observation,Condition,Device{order}&_count=2"
        while query is not None:
            page = (await http.get(query)).json()
            assert page.get("entry"), (order, page)
            seen += [e["resource"]["id"] for e in page["entry"]]
            links = {x["relation"]: x["url"] for x in page["link"]}
            assert "_type=Patient,Observation" in links.get("first", links["self"])
            query = links.get("next")
        assert (len(seen), len(set(seen))) == (6, 6), order


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?_type=Nonsense", 404),
        ("?_type=Patient&_include=Patient:organization", 400),
        ("?_type=Patient,Observation&_sort=birthdate", 400),
        ("?_type=Patient,Observation&family=x", 400),
    ],
)
async def test_what_several_types_do_not_share(
    http: httpx.AsyncClient, query: str, status: int
) -> None:
    answer = await http.get(query, headers={"Prefer": "handling=strict"})
    assert answer.status_code == status, answer.text


def places(bundle: Resource) -> set[str]:
    return {
        f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in bundle.get("entry", ())
    }


async def test_a_search_never_leaves_the_compartments(
    fhir: FhirStore, scope: Scope, two: dict[str, str]
) -> None:
    """Every hop is held to the patients that the credential may see."""
    ann = two["ann"].split("/")[1]
    seen = fhir.seen_by(Access((f"fhir:search/*?compartment=Patient/{ann}",)))

    async def search(kind: str, query: str) -> set[str]:
        return places(await seen.search(scope, kind, parse_qsl(query)))

    assert await search("Patient", "") == {two["ann"]}
    assert await search("Patient", "family=bob") == set()
    assert await search("Observation", "code=x") == {two["ann.observation"]}
    assert await search("Observation", "patient.family=bob") == set()
    assert await search("Observation", "patient.family=ann") == {two["ann.observation"]}
    assert await search("Patient", "_has:Observation:patient:code=x") == {two["ann"]}
    bob = two["bob"].split("/")[1]
    assert await search("Observation", f"patient={bob}&code=x") == set()
    assert await search("Patient", f"_id={bob}") == set()
    assert await search("Organization", "") == set()
    joined = await search("Condition", "_include=Condition:subject&_revinclude=Observation:patient")
    assert joined == {two["ann.condition"], two["ann"]}
    for query in ("_summary=count", "_total=accurate", "_count=0"):
        assert (await seen.search(scope, "Observation", parse_qsl(query)))["total"] == 1
    everywhere = await seen.search_bytes(scope, "", [], base="", strict=True)
    assert two["bob"].encode() not in everywhere
    assert two["ann.condition"].split("/")[1].encode() in everywhere
    other = await seen.search_bytes(
        scope, "Observation", [], base="", strict=True, compartment=("Patient", bob)
    )
    assert b'"total":0' in other


async def test_hidden_elements_are_neither_shown_nor_searched(
    fhir: FhirStore, scope: Scope, two: dict[str, str]
) -> None:
    seen = fhir.seen_by(
        Access(("fhir:search/Patient?elements=-birthDate", "fhir:search/Observation"))
    )
    page = await seen.search(scope, "Patient", [("family", "ann")])
    [shown] = [entry["resource"] for entry in page["entry"]]
    assert "birthDate" not in shown
    assert shown["meta"]["tag"][0]["code"] == "SUBSETTED"
    for kind, query in (
        ("Patient", "birthdate=1980"),
        ("Patient", "_sort=birthdate"),
        ("Observation", "patient.birthdate=1980"),
        ("Observation", "patient.birthdate:missing=true"),
    ):
        with pytest.raises(Forbidden):
            await seen.search(scope, kind, parse_qsl(query))


async def test_a_page_link_is_bound(
    http: httpx.AsyncClient,
    client_of: ClientOf,
    fhir: FhirStore,
    scope: Scope,
    two: dict[str, str],
) -> None:
    """To the place, the tenant, and what the credential may see; and it tells nothing."""
    page = (await http.get("Patient?family=ann,bob&_count=1")).json()
    links = {x["relation"]: x["url"] for x in page["link"]}
    assert "ann" in links["self"]
    token = dict(parse_qsl(links["next"].partition("?")[2]))["_page"]
    assert "ann" not in links["next"]
    second = (await http.get(links["next"])).json()
    links = {x["relation"]: x["url"] for x in second["link"]}
    assert token in links["self"]
    assert "family=ann" in links["first"]
    assert (await http.get(f"Observation?_page={token}")).status_code == 400
    assert (await http.get(f"Patient?_page={token[:-4]}AAAA")).status_code == 400
    ann = two["ann"].split("/")[1]
    seen = fhir.seen_by(Access((f"fhir:search/*?compartment=Patient/{ann}",)))
    with pytest.raises(InvalidInput):
        await seen.search(scope, "Patient", [("_page", token)])


async def test_pages_are_stable_while_others_write(
    http: httpx.AsyncClient, create: Create, two: dict[str, str]
) -> None:
    first = (await http.get("Patient?active:missing=true&_count=1")).json()
    before = {e["resource"]["id"] for e in first["entry"]}
    newcomer = await create({"resourceType": "Patient", "name": [{"family": "new"}]})
    gone = next(iter(before))
    assert (await http.delete(f"Observation/{two['ann.observation'].split('/')[1]}")).is_success
    changed = (await http.get(f"Patient/{gone}")).json()
    changed["gender"] = "other"
    assert (await http.put(f"Patient/{gone}", json=changed)).status_code == 200
    rest: list[str] = []
    query = next(x["url"] for x in first["link"] if x["relation"] == "next")
    while query:
        page = (await http.get(query)).json()
        rest += [e["resource"]["id"] for e in page["entry"]]
        query = next((x["url"] for x in page["link"] if x["relation"] == "next"), "")
    assert gone not in rest
    assert len(rest) == len(set(rest))
    assert set(rest) - {newcomer["id"]} == {two[n].split("/")[1] for n in ("ann", "bob")} - before


async def test_a_search_that_takes_too_long_is_given_up(
    fhir: FhirStore, scope: Scope, two: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "SEARCH_S", 0.0001)
    with pytest.raises(CareloomError) as refused:
        await fhir.search(scope, "Patient", [("family:contains", "n"), ("_total", "accurate")])
    assert (refused.value.status, refused.value.code) == (403, "too_costly")
    assert "add a parameter" in str(refused.value.fix)
    monkeypatch.undo()
    assert len(places(await fhir.search(scope, "Patient", [("family:contains", "n")]))) == 1
