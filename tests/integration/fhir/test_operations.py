"""$everything, $meta, $meta-add, $meta-delete, and how operations are called.

http://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from .conftest import ClientOf, Create, Resource

PATIENT: Resource = {"resourceType": "Patient", "name": [{"family": "Whole"}]}
TAG = {"system": "urn:tags", "code": "a"}


def observation(patient: str, day: str | None = None, **more: Any) -> Resource:
    made = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{patient}"},
        **more,
    }
    return made if day is None else {**made, "effectiveDateTime": day}


def places(bundle: Any, mode: str = "match") -> list[str]:
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}"
        for e in bundle.get("entry", [])
        if e["search"]["mode"] == mode
    ]


async def test_everything_of_a_patient_is_the_compartment_and_what_it_refers_to(
    http: httpx.AsyncClient, create: Create
) -> None:
    mine, other = (await create(PATIENT))["id"], (await create(PATIENT))["id"]
    doctor = await create({"resourceType": "Practitioner", "name": [{"family": "Doctor"}]})
    seen = await create(
        observation(
            mine,
            performer=[{"reference": f"Practitioner/{doctor['id']}"}],
            focus=[{"reference": f"Patient/{other}"}],
        )
    )
    await create(observation(other))
    condition = await create(
        {
            "resourceType": "Condition",
            "subject": {"reference": f"Patient/{mine}"},
            "code": {"text": "y"},
        }
    )
    answer = await http.get(f"Patient/{mine}/$everything")
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "searchset"
    assert bundle["total"] == 3
    assert places(bundle) == [
        f"Patient/{mine}",
        f"Condition/{condition['id']}",
        f"Observation/{seen['id']}",
    ]
    assert places(bundle, "include") == [f"Practitioner/{doctor['id']}"]
    assert (await http.get("Patient/none/$everything")).status_code == 404


async def test_everything_is_narrowed_by_type_time_and_dates_of_care(
    http: httpx.AsyncClient, create: Create
) -> None:
    mine = (await create(PATIENT))["id"]
    early = await create(observation(mine, "2020-05-01"))
    late = await create(observation(mine, "2024-05-01"))
    undated = await create(observation(mine))
    await create(
        {
            "resourceType": "Condition",
            "subject": {"reference": f"Patient/{mine}"},
            "code": {"text": "y"},
        }
    )

    async def asked(**params: str) -> set[str]:
        answer = await http.get(f"Patient/{mine}/$everything", params=params)
        assert answer.status_code == 200, answer.text
        return set(places(answer.json()))

    assert len(await asked(_type="Observation")) == 3
    assert len(await asked(_type="Observation,Condition")) == 4
    within = await asked(_type="Observation", start="2024-01-01", end="2024-12-31")
    assert within == {f"Observation/{late['id']}", f"Observation/{undated['id']}"}
    before = await asked(_type="Observation", end="2020-05-01")
    assert before == {f"Observation/{early['id']}", f"Observation/{undated['id']}"}
    moment = late["meta"]["lastUpdated"]
    assert f"Observation/{early['id']}" not in await asked(_since=moment)
    assert f"Observation/{undated['id']}" in await asked(_since=moment)
    for wrong in ({"_type": "Unicorn"}, {"_since": "now"}, {"start": "x"}, {"_count": "-1"}):
        answer = await http.get(f"Patient/{mine}/$everything", params=wrong)
        assert answer.status_code == 400, wrong


async def test_everything_comes_in_pages(http: httpx.AsyncClient, create: Create) -> None:
    mine = (await create(PATIENT))["id"]
    made = {f"Observation/{(await create(observation(mine)))['id']}" for _ in range(5)}
    link, seen = f"Patient/{mine}/$everything?_count=2", []
    while link:
        bundle = (await http.get(link)).json()
        seen += places(bundle)
        link = next((n["url"] for n in bundle["link"] if n["relation"] == "next"), "")
    assert len(seen) == len(set(seen)) == 6
    assert set(seen) == {f"Patient/{mine}", *made}


async def test_everything_of_an_encounter_includes_its_patient(
    http: httpx.AsyncClient, create: Create
) -> None:
    mine = (await create(PATIENT))["id"]
    encounter = await create(
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{mine}"},
        }
    )
    seen = await create(observation(mine, encounter={"reference": f"Encounter/{encounter['id']}"}))
    await create(observation(mine))
    bundle = (await http.get(f"Encounter/{encounter['id']}/$everything")).json()
    assert places(bundle) == [f"Encounter/{encounter['id']}", f"Observation/{seen['id']}"]
    assert places(bundle, "include") == [f"Patient/{mine}"]


async def test_everything_shows_only_the_types_that_the_caller_may_see(
    client_of: ClientOf, scope: Any, create: Create
) -> None:
    mine = (await create(PATIENT))["id"]
    auditor = await client_of(scope, "auditor")
    assert (await auditor.get(f"Patient/{mine}/$everything")).status_code == 403


def _meta(**values: Any) -> Resource:
    listed = [{"name": "meta", "valueMeta": values}]
    return {"resourceType": "Parameters", "parameter": listed}


async def test_meta_is_read_added_to_and_taken_from(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create({**PATIENT, 'meta': {'tag': [TAG]}}))['id']}"
    more = {"system": "urn:tags", "code": "b"}
    added = await http.post(f"{place}/$meta-add", json=_meta(tag=[TAG, more], profile=["urn:p"]))
    assert added.status_code == 200, added.text
    meta = added.json()["parameter"][0]["valueMeta"]
    assert (meta["tag"], meta["profile"], meta["versionId"]) == ([TAG, more], ["urn:p"], "2")
    taken = await http.post(f"{place}/$meta-delete", json=_meta(tag=[more], profile=["urn:p"]))
    assert "profile" not in taken.json()["parameter"][0]["valueMeta"]
    now = (await http.get(f"{place}/$meta")).json()["parameter"][0]["valueMeta"]
    assert now == (await http.get(place)).json()["meta"]
    assert now["tag"] == [TAG]
    then = (await http.get(f"{place}/_history/2/$meta")).json()["parameter"][0]["valueMeta"]
    assert then["tag"] == [TAG, more]
    assert (await http.get(f"{place}/$meta-add")).status_code == 405
    assert (await http.post(f"{place}/$meta-add", json=_meta(tag="x"))).status_code == 400
    assert (await http.post(f"{place}/$meta-add")).status_code == 400


async def test_tags_added_at_the_same_time_are_all_there(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    adding = [
        http.post(f"{place}/$meta-add", json=_meta(tag=[{"system": "s", "code": str(n)}]))
        for n in range(8)
    ]
    answers = await asyncio.gather(*adding)
    assert {a.status_code for a in answers} == {200}
    assert len((await http.get(place)).json()["meta"]["tag"]) == 8


async def test_a_viewer_changes_no_meta(client_of: ClientOf, scope: Any, create: Create) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    viewer = await client_of(scope, "viewer")
    assert (await viewer.get(f"{place}/$meta")).status_code == 200
    assert (await viewer.post(f"{place}/$meta-add", json=_meta(tag=[TAG]))).status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "$everything", None, 404),
        ("GET", "Observation/1/$everything", None, 404),
        ("GET", "Patient/1/$nothing", None, 404),
        ("GET", "$nothing", None, 404),
        ("DELETE", "Patient/1/$meta", None, 405),
        ("POST", "Patient/1/$everything", [], 400),
        ("POST", "Patient/1/$everything", PATIENT, 400),
        ("POST", "Patient/1/$everything", {"resourceType": "Parameters", "parameter": [{}]}, 400),
        ("GET", "Patient/not_an_id/$meta", None, 404),
        ("GET", "metadata/$meta", None, 404),
    ],
)  # fmt: skip
async def test_wrong_calls_say_what_is_wrong(
    http: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_an_unknown_parameter_is_an_error_or_a_warning(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}/$everything?colour=red"
    bundle = (await http.get(place)).json()
    assert bundle["entry"][-1]["resource"]["issue"][0]["code"] == "not-supported"
    strict = await http.get(place, headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    assert strict.json()["issue"][0]["expression"] == ["colour"]
