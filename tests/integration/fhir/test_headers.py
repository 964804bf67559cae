"""Headers, methods and formats: http://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from typing import Any

import httpx
import pytest

from careloom.api.fhir import reading

from .conftest import Create, Resource

PATIENT: Resource = {"resourceType": "Patient", "name": [{"family": "Header"}]}


async def test_if_none_match_star_creates_only_what_is_not_there(http: httpx.AsyncClient) -> None:
    body = {**PATIENT, "id": "once"}
    answers = await asyncio.gather(
        *(http.put("Patient/once", json=body, headers={"If-None-Match": "*"}) for _ in range(8))
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 412: 7}
    assert (await http.delete("Patient/once")).status_code == 204
    again = await http.put("Patient/once", json=body, headers={"If-None-Match": "*"})
    assert again.status_code == 201
    odd = await http.put("Patient/once", json=body, headers={"If-None-Match": 'W/"1"'})
    assert odd.status_code == 400


async def test_if_match_star_updates_only_what_is_there(http: httpx.AsyncClient) -> None:
    body = {**PATIENT, "id": "there"}
    star = {"If-Match": "*"}
    assert (await http.put("Patient/there", json=body, headers=star)).status_code == 412
    assert (await http.put("Patient/there", json=body)).status_code == 201
    assert (await http.put("Patient/there", json=body, headers=star)).status_code == 200


@pytest.mark.parametrize("path", ["", "metadata", "Patient", "Patient/1", "Patient/_history"])
async def test_options_names_the_methods_of_a_place(http: httpx.AsyncClient, path: str) -> None:
    nobody = httpx.AsyncClient(transport=http._transport, base_url=str(http.base_url))
    answer = await nobody.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    allowed = set(answer.headers["Allow"].split(", "))
    assert {"GET", "HEAD", "OPTIONS"} <= allowed
    assert ("DELETE" in allowed) == (path in ("Patient", "Patient/1"))


async def test_a_method_that_is_not_served_is_told_which_are(http: httpx.AsyncClient) -> None:
    answer = await http.request("DELETE", "Patient/1/_history")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    answer = await http.get("Patient/1/$meta-add")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize(
    "path", ["{}", "{}/_history", "{}/_history/1", "Patient", "metadata", "{}/$meta", "_history"]
)
async def test_head_answers_wherever_get_does(
    http: httpx.AsyncClient, create: Create, path: str
) -> None:
    place = path.format(f"Patient/{(await create(PATIENT))['id']}")
    got, head = await http.get(place), await http.head(place)
    assert (head.status_code, head.content) == (200, b"")
    same = ("content-type", "etag", "last-modified")
    assert [head.headers.get(n) for n in same] == [got.headers.get(n) for n in same]


async def test_pretty_answers_are_indented_and_exact(
    http: httpx.AsyncClient, create: Create
) -> None:
    posted = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        b'"valueQuantity":{"value":2.50}}'
    )
    stored = (await http.post("Observation", content=posted)).json()
    plain = await http.get(f"Observation/{stored['id']}")
    pretty = await http.get(f"Observation/{stored['id']}?_pretty=true")
    assert pretty.json() == plain.json()
    assert b'\n  "resourceType": "Observation"' in pretty.content
    assert b'"value": 2.50' in pretty.content
    assert (await http.get("Observation/none?_pretty=true")).content.startswith(b"{\n")


async def test_long_answers_are_packed_for_who_accepts_it(http: httpx.AsyncClient) -> None:
    packed = await http.get("metadata", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == "Accept-Encoding"
    for coding in ("identity", "gzip;q=0", "br"):
        plain = await http.get("metadata", headers={"Accept-Encoding": coding})
        assert "Content-Encoding" not in plain.headers
        assert plain.json() == packed.json()


async def test_packed_bodies_are_read_to_the_same_limit(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/fhir+json"}
    body = gzip.compress(b'{"resourceType":"Patient","active":true}')
    assert (await http.post("Patient", content=body, headers=headers)).status_code == 201
    for wrong in (b"not gzip", body[:-4]):
        answer = await http.post("Patient", content=wrong, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["Content-Encoding"]
    brotli = await http.post("Patient", content=body, headers={**headers, "Content-Encoding": "br"})
    assert brotli.status_code == 415
    monkeypatch.setattr(reading, "MOST_BYTES", 100_000)
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 100_000
    assert (await http.post("Patient", content=bomb, headers=headers)).status_code == 413


async def test_a_huge_body_is_refused_before_it_is_read(http: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 200 << 20:
            sent += 1 << 20
            yield b" " * (1 << 20)

    answer = await http.post("", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert sent <= reading.MOST_BYTES + (2 << 20)
    told = {"Content-Length": str(200 << 20), "Content-Type": "application/json"}
    answer = await http.post("", content=b"{}", headers=told)
    assert answer.status_code == 413


async def test_a_deletion_answers_as_preferred(http: httpx.AsyncClient, create: Create) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    told = await http.delete(place, headers={"Prefer": "return=OperationOutcome"})
    assert (told.status_code, told.json()["resourceType"]) == (200, "OperationOutcome")


async def test_criteria_in_the_url_of_a_create_count(http: httpx.AsyncClient) -> None:
    patient = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "9"}]}
    place = "Patient?identifier=urn:mrn|9&_format=json"
    first, second = [await http.post(place, json=patient) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert (await http.post("Patient?_format=json", json=patient)).status_code == 201
    assert (await http.post("Patient?colour=red", json=patient)).status_code == 400


async def test_histories_of_the_store_by_time(http: httpx.AsyncClient, create: Create) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    seen = await create({"resourceType": "Basic", "code": {"text": "x"}})
    second = (await http.put(place, json=patient)).json()
    await http.delete(place)
    back = (await http.put(place, json=patient)).json()

    async def tags(query: str) -> list[str]:
        answer = await http.get(query)
        assert answer.status_code == 200, answer.text
        bundle = answer.json()
        assert bundle["type"] == "history"
        return [
            e["fullUrl"].rpartition("/fhir/")[2].split("/")[0] + e["response"]["etag"][3:-1]
            for e in bundle.get("entry", [])
        ]

    everything = ["Patient4", "Patient3", "Patient2", "Basic1", "Patient1"]
    assert await tags("_history") == everything
    paged, link = [], "_history?_count=2"
    while link:
        bundle = (await http.get(link)).json()
        paged += [e["response"]["etag"] for e in bundle["entry"]]
        link = next((n["url"] for n in bundle["link"] if n["relation"] == "next"), "")
    assert paged == [f'W/"{name[-1]}"' for name in everything]
    at = seen["meta"]["lastUpdated"]
    assert await tags(f"Patient/_history?_since={second['meta']['lastUpdated']}") == everything[:3]
    assert "Patient1" in await tags(f"_history?_at={at}")
    assert await tags(f"_history?_at={back['meta']['lastUpdated']}") == ["Patient4", "Basic1"]
    assert await tags("_history?_at=2001") == []
    assert await tags(f"{place}/_history?_at=2001") == []
    for wrong in ("_since=now", "_at=x", "_count=-1", "_sort=x", "_page=x"):
        assert (await http.get(f"_history?{wrong}")).status_code == 400, wrong


@pytest.mark.parametrize(
    "path",
    [
        "Patient/1/2/3/4",
        "metadata/1",
        "_search",
        "Patient/_history/1",
        "Patient/1/_history/1/2",
        "Patient//_history/x/y/z",
        "_unknown",
        "Patient/_unknown",
        "$x/y",
        "Patient/1/$x/y",
        "%00",
        "Patient/%00",
        "Patient/a%20b",
        "Patient/" + "a" * 65,
    ],
)
async def test_odd_places_are_not_found(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code in (404, 405), answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.headers["content-type"].startswith("application/fhir+json")


async def test_a_read_shows_the_parts_that_are_asked_for(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create({**PATIENT, 'gender': 'other', 'active': True}))['id']}"
    part = (await http.get(f"{place}?_elements=gender")).json()
    assert set(part) == {"resourceType", "id", "meta", "gender"}
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    version = (await http.get(f"{place}/_history/1?_summary=text")).json()
    assert "gender" not in version
    assert (await http.get(f"{place}?_summary=count")).status_code == 400
    assert (await http.get(f"{place}?_summary=x")).status_code == 400
    assert (await http.get(f"{place}?colour=red")).status_code == 200
    strict = await http.get(f"{place}?colour=red", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400


async def test_the_request_s_id_comes_back(http: httpx.AsyncClient) -> None:
    known = await http.get("Patient/none", headers={"X-Request-Id": "abc-1"})
    assert known.headers["X-Request-Id"] == "abc-1"
    odd = await http.get("Patient/none", headers={"X-Request-Id": "a b<c>"})
    assert "X-Request-Id" not in odd.headers


async def test_if_none_match_star_of_a_read_is_met_by_any_version(
    http: httpx.AsyncClient, create: Create
) -> None:
    """RFC 9110, 13.1.2"""
    place = f"Patient/{(await create(PATIENT))['id']}"
    unchanged = await http.get(place, headers={"If-None-Match": "*"})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await http.get("Patient/none", headers={"If-None-Match": "*"})).status_code == 404
