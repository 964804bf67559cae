"""Result parameters: http://hl7.org/fhir/R4/search.html#Result-Parameters"""

from __future__ import annotations

import httpx
import pytest

from .conftest import Create, Resource

SUBSETTED = "SUBSETTED"


def matches(page: Resource, mode: str = "match") -> list[Resource]:
    return [e["resource"] for e in page.get("entry", ()) if e["search"]["mode"] == mode]


async def ask(http: httpx.AsyncClient, query: str) -> Resource:
    answer = await http.get(query, headers={"Prefer": "handling=strict"})
    assert answer.status_code == 200, answer.text
    found: Resource = answer.json()
    return found


@pytest.fixture
async def person(create: Create) -> Resource:
    return await create(
        {
            "resourceType": "Patient",
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>',
            },
            "name": [{"family": "Whole"}],
            "birthDate": "1980-02-03",
            "deceasedBoolean": False,
            "maritalStatus": {"text": "single"},
            "contact": [{"name": {"family": "Kin"}}],
            "link": [{"other": {"reference": "Patient/other"}, "type": "seealso"}],
        }
    )


@pytest.mark.parametrize(
    ("asked", "shown", "held_back"),
    [
        ("_summary=true", {"name", "birthDate", "deceasedBoolean", "link"}, {"text", "contact"}),
        ("_summary=text", {"text"}, {"name", "birthDate"}),
        ("_summary=data", {"name", "contact", "maritalStatus"}, {"text"}),
        ("_elements=birthDate,contact", {"birthDate", "contact"}, {"name", "text"}),
        ("_elements=Patient.deceased", {"deceasedBoolean"}, {"name", "birthDate"}),
    ],
)
async def test_parts_of_resources_are_tagged(
    http: httpx.AsyncClient, person: Resource, asked: str, shown: set[str], held_back: set[str]
) -> None:
    [found] = matches(await ask(http, f"Patient?_id={person['id']}&{asked}"))
    assert {"resourceType", "id", "meta"} | shown <= set(found)
    assert not held_back & set(found)
    assert [tag["code"] for tag in found["meta"]["tag"]] == [SUBSETTED]
    assert all(found[name] == person[name] for name in shown)


async def test_whole_resources_are_not_tagged(http: httpx.AsyncClient, person: Resource) -> None:
    [found] = matches(await ask(http, f"Patient?_id={person['id']}&_summary=false"))
    assert found == person


async def test_required_elements_stay(http: httpx.AsyncClient, create: Create) -> None:
    await create({"resourceType": "Observation", "status": "final", "code": {"text": "x"}})
    [found] = matches(await ask(http, "Observation?_elements=subject"))
    assert (found["status"], found["code"]) == ("final", {"text": "x"})


async def test_counts(http: httpx.AsyncClient, person: Resource) -> None:
    for query in ("Patient?_summary=count", "Patient?_count=0", "Patient?family=whole&_count=0"):
        page = await ask(http, query)
        assert (page["total"], "entry" in page) == (1, False)
    many = await ask(http, "Patient?family=whole&_total=accurate&_count=1")
    assert many["total"] == 1


@pytest.fixture
async def parts(create: Create) -> dict[str, str]:
    """An organization that is part of a part of another; a patient of it, their observation."""
    made: dict[str, str] = {}
    above = None
    for name in ("top", "middle", "bottom"):
        resource: Resource = {"resourceType": "Organization", "name": name}
        if above:
            resource["partOf"] = {"reference": f"Organization/{above}"}
        above = made[name] = (await create(resource))["id"]
    patient = await create(
        {
            "resourceType": "Patient",
            "managingOrganization": {"reference": f"Organization/{above}"},
        }
    )
    made["patient"] = patient["id"]
    observation = await create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "subject": {"reference": f"Patient/{patient['id']}"},
            "performer": [{"reference": f"Organization/{made['top']}"}],
        }
    )
    made["observation"] = observation["id"]
    await create({"resourceType": "Provenance", **provenance(f"Observation/{observation['id']}")})
    return made


def provenance(target: str) -> Resource:
    return {
        "target": [{"reference": target}],
        "recorded": "2024-01-01T00:00:00Z",
        "agent": [{"who": {"display": "x"}}],
    }


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("_include=Observation:subject", "patient"),
        ("_include=Observation:*", "patient top"),
        ("_include=*", "patient top"),
        (
            "_include=Observation:subject:Patient&_include:iterate=Patient:organization",
            "patient bottom",
        ),
        (
            "_include=Observation:subject&_include:iterate=Patient:organization"
            "&_include:iterate=Organization:partof",
            "patient bottom middle top",
        ),
        ("_include=Observation:subject&_include=Observation:performer", "patient top"),
        ("_include=Observation:subject:Group", ""),
    ],
)
async def test_includes(
    http: httpx.AsyncClient, parts: dict[str, str], asked: str, expected: str
) -> None:
    page = await ask(http, f"Observation?_id={parts['observation']}&{asked}")
    by_id = {id: name for name, id in parts.items()}
    found = [by_id[r["id"]] for r in matches(page, "include")]
    assert (len(found), set(found)) == (len(expected.split()), set(expected.split()))
    assert len(matches(page)) == 1


async def test_reverse_includes_go_on(http: httpx.AsyncClient, parts: dict[str, str]) -> None:
    query = f"Organization?_id={parts['bottom']}&_revinclude=Patient:organization"
    kinds = [r["resourceType"] for r in matches(await ask(http, query), "include")]
    assert kinds == ["Patient"]
    query += "&_revinclude:iterate=Observation:patient&_revinclude:iterate=Provenance:target"
    kinds = [r["resourceType"] for r in matches(await ask(http, query), "include")]
    assert kinds == ["Patient", "Observation", "Provenance"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("_sort=birthdate", "a c b d"),
        ("_sort=-birthdate", "b c a d"),
        ("_sort=family", "a b c d"),
        ("_sort=-family", "c b a d"),
        ("_sort=gender,-family", "b a c d"),
        ("_sort=gender&_sort=-family", "b a c d"),
        ("_sort=-_id", "d c b a"),
        ("_sort=-_lastUpdated", "d c b a"),
        ("_sort=_lastUpdated&gender=male", "c"),
        ("gender=female&_sort=birthdate", "a b"),
        ("birthdate=ge1985&_sort=-birthdate", "b c"),
    ],
)
async def test_order_over_pages(
    http: httpx.AsyncClient, create: Create, asked: str, expected: str
) -> None:
    """In pages of one and of all: the order is the same, and everything comes once."""
    ids = {}
    for family, gender, birth in (
        ("a", "female", "1980-01-01"),
        ("b", "female", "1990-05"),
        ("c", "male", "1986"),
        ("d", None, None),
    ):
        resource: Resource = {"resourceType": "Patient", "active": True}
        if gender:
            resource |= {"gender": gender, "birthDate": birth, "name": [{"family": family}]}
        ids[(await create(resource))["id"]] = family
    for count in (1, 2, 50):
        page = await ask(http, f"Patient?{asked}&_count={count}")
        found = []
        while True:
            found += [ids[r["id"]] for r in matches(page)]
            link = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
            if link is None:
                break
            page = await ask(http, link)
        assert found == expected.split(), (asked, count)


async def test_walks_stay_in_order_when_there_are_many(
    http: httpx.AsyncClient, create: Create
) -> None:
    """Beyond the number of candidates that are sorted, the index itself is gone along."""
    entries = [
        {
            "resource": {
                "resourceType": "Patient",
                "gender": "female" if n % 2 else "male",
                "birthDate": f"{1950 + n % 50}-01-01",
                "name": [{"family": f"Walk{n:04d}"}, {"family": f"Also{n:04d}"}],
            },
            "request": {"method": "POST", "url": "Patient"},
        }
        for n in range(2200)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    assert (await http.post("", json=bundle)).status_code == 200
    for query, first in (
        ("Patient?gender=female&_sort=family", "Also0001"),
        ("Patient?gender=female&_sort=-family", "Walk2199"),
        ("Patient?family=walk", "Walk0000"),
        ("Patient?family=walk&gender=female", None),
        ("Patient?gender=female&_sort=-birthdate,family", None),
        ("Patient?gender=female,male&birthdate=ge1960", None),
    ):
        seen: list[str] = []
        page = await ask(http, f"{query}&_count=500")
        if first is not None:
            assert first in [n["family"] for n in matches(page)[0]["name"]], query
        while True:
            seen += [r["id"] for r in matches(page)]
            link = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
            if link is None:
                break
            page = await ask(http, link)
        total = (await ask(http, f"{query}&_summary=count"))["total"]
        assert (len(seen), len(set(seen))) == (total, total), query
