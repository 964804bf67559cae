"""Interactions, headers and conditions of the RESTful API. http://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

import httpx
import pytest

from .conftest import BASE, Create, Resource

FHIR_JSON = "application/fhir+json"
BASIC: Resource = {"resourceType": "Basic", "code": {"text": "a"}}
Write = Callable[..., Awaitable[httpx.Response]]


def basic(value: str, text: str = "a") -> Resource:
    return {**BASIC, "code": {"text": text}, "identifier": [{"system": "urn:c", "value": value}]}


def outcome(answer: httpx.Response) -> Resource:
    """The OperationOutcome of an error, which has a severity, a code and an expression or text."""
    body: Resource = answer.json()
    assert body["resourceType"] == "OperationOutcome", answer.text
    assert answer.headers["content-type"].startswith(FHIR_JSON)
    for issue in body["issue"]:
        assert {"severity", "code"} <= issue.keys()
    assert "Traceback" not in answer.text
    return body


async def test_create(http: httpx.AsyncClient) -> None:
    answer = await http.post("Basic", json={**BASIC, "id": "chosen", "meta": {"versionId": "7"}})
    assert answer.status_code == 201
    body = answer.json()
    assert body["id"] != "chosen"
    assert body["meta"]["versionId"] == "1"
    assert answer.headers["Location"] == f"{BASE}/Basic/{body['id']}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    stamped = datetime.fromisoformat(body["meta"]["lastUpdated"].replace("Z", "+00:00"))
    modified = parsedate_to_datetime(answer.headers["Last-Modified"])
    assert abs((stamped - modified).total_seconds()) < 1


async def test_read_and_vread(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    changed = {**one, "code": {"text": "b"}}
    assert (await http.put(place, json=changed)).status_code == 200
    read = await http.get(place)
    assert (read.status_code, read.json()["code"]["text"]) == (200, "b")
    assert read.headers["content-type"].startswith(FHIR_JSON)
    assert (read.headers["ETag"], "Last-Modified" in read.headers) == ('W/"2"', True)
    first = await http.get(f"{place}/_history/1")
    assert (first.json(), first.headers["ETag"]) == (one, 'W/"1"')
    for missing in ("Basic/none", f"{place}/_history/3", f"{place}/_history/x", "Banana/1"):
        answer = await http.get(missing)
        assert answer.status_code in (400, 404), missing
        outcome(answer)


async def test_delete_and_what_comes_after(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    answer = await http.delete(place)
    assert answer.status_code in (200, 204)
    gone = await http.get(place)
    assert gone.status_code == 410
    outcome(gone)
    assert (await http.delete(place)).status_code in (200, 204)
    assert (await http.delete("Basic/never-there")).status_code in (200, 204)
    assert (await http.get(f"{place}/_history/1")).json() == one
    assert (await http.get(f"{place}/_history/2")).status_code == 410
    again = await http.put(place, json=one)
    assert again.status_code == 201
    assert again.json()["meta"]["versionId"] == "3"


async def test_update_needs_the_same_id(http: httpx.AsyncClient) -> None:
    wrong = [
        ("Basic/a", {**BASIC}),
        ("Basic/a", {**BASIC, "id": "b"}),
        ("Basic/a", {**BASIC, "resourceType": "Patient", "id": "a"}),
        ("Basic/a_b", {**BASIC, "id": "a_b"}),
    ]
    for place, body in wrong:
        answer = await http.put(place, json=body)
        assert answer.status_code in (400, 422), (place, body)
        outcome(answer)
    assert (await http.put("Basic/a", json={**BASIC, "id": "a"})).status_code == 201


async def test_histories(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    await http.put(place, json={**one, "code": {"text": "b"}})
    await http.delete(place)
    for path in (f"{place}/_history", "Basic/_history", "_history"):
        bundle = (await http.get(path)).json()
        assert (bundle["type"], bundle["total"]) == ("history", 3)
        entries = bundle["entry"]
        assert [e["request"]["method"] for e in entries] == ["DELETE", "PUT", "POST"]
        assert [e["response"]["status"][:3] for e in entries] == ["204", "200", "201"]
        assert "resource" not in entries[0]
        assert entries[1]["fullUrl"] == f"{BASE}/{place}"
        assert all(e["response"]["lastModified"] for e in entries)
    assert len((await http.get("_history?_count=1")).json()["entry"]) == 1
    future = "2999-01-01T00:00:00Z"
    assert not (await http.get(f"_history?_since={future}")).json().get("entry")
    assert (await http.get("_history?_since=never")).status_code == 400


async def test_if_none_match_and_if_modified_since(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    read = await http.get(place)
    for headers, status in (
        ({"If-None-Match": read.headers["ETag"]}, 304),
        ({"If-None-Match": 'W/"9", W/"1"'}, 304),
        ({"If-None-Match": 'W/"9"'}, 200),
        ({"If-Modified-Since": read.headers["Last-Modified"]}, 304),
        ({"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
    ):
        answer = await http.get(place, headers=headers)
        assert answer.status_code == status, headers
        if status == 304:
            assert answer.content == b""
            assert answer.headers["ETag"] == 'W/"1"'
    later = format_datetime(datetime.fromisoformat("2999-01-01T00:00:00+00:00"), usegmt=True)
    assert (await http.get(place, headers={"If-Modified-Since": later})).status_code == 304


async def test_if_match(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    operations = [{"op": "replace", "path": "/code/text", "value": "p"}]
    patch = {"content-type": "application/json-patch+json"}
    for stale in ('W/"9"', '"9"'):
        for answer in (
            await http.put(place, json=one, headers={"If-Match": stale}),
            await http.patch(place, json=operations, headers={**patch, "If-Match": stale}),
            await http.delete(place, headers={"If-Match": stale}),
        ):
            assert answer.status_code == 412
            outcome(answer)
    assert (await http.put(place, json=one, headers={"If-Match": 'W/"1"'})).status_code == 200
    assert (await http.put(place, json=one, headers={"If-Match": "what"})).status_code == 400


async def test_prefer_return(http: httpx.AsyncClient) -> None:
    minimal = await http.post("Basic", json=BASIC, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    assert minimal.headers["Location"]
    whole = await http.post("Basic", json=BASIC, headers={"Prefer": "return=representation"})
    assert whole.json()["resourceType"] == "Basic"
    told = await http.post("Basic", json=BASIC, headers={"Prefer": "return=OperationOutcome"})
    assert told.status_code == 201
    outcome(told)


async def test_prefer_handling(ward: httpx.AsyncClient) -> None:
    strict = await ward.get("Patient?banana=1", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    assert outcome(strict)["issue"][0]["expression"] == ["banana"]
    for headers in ({"Prefer": "handling=lenient"}, {}):
        lenient = await ward.get("Patient?banana=1", headers=headers)
        assert lenient.status_code == 200
        last = lenient.json()["entry"][-1]
        assert last["search"]["mode"] == "outcome"
        assert "banana" in str(last["resource"])
    both = {"Prefer": "return=minimal; handling=strict"}
    assert (await ward.get("Patient?banana=1", headers=both)).status_code == 400


@pytest.mark.parametrize(
    ("query", "accept", "status"),
    [
        ("", FHIR_JSON, 200),
        ("", "application/json", 200),
        ("", "*/*", 200),
        ("", "application/fhir+json; fhirVersion=4.0", 200),
        ("", "text/html, application/fhir+json;q=0.5", 200),
        ("", "application/fhir+xml", 406),
        ("", "image/png", 406),
        ("?_format=json", "application/fhir+xml", 200),
        ("?_format=application/fhir%2Bjson", "image/png", 200),
        ("?_format=xml", FHIR_JSON, 406),
        ("?_format=banana", FHIR_JSON, 406),
    ],
)
async def test_formats_of_answers(
    ward: httpx.AsyncClient, query: str, accept: str, status: int
) -> None:
    answer = await ward.get(f"Patient/p1{query}", headers={"Accept": accept})
    assert answer.status_code == status
    if status != 200:
        outcome(answer)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (FHIR_JSON, 201),
        ("application/fhir+json; charset=UTF-8", 201),
        ("application/json", 201),
        ("application/fhir+xml", 415),
        ("text/plain", 415),
        ("application/fhir+json; charset=latin1", 415),
    ],
)
async def test_formats_of_bodies(http: httpx.AsyncClient, sent: str, status: int) -> None:
    content = b'{"resourceType": "Basic", "code": {"text": "a"}}'
    answer = await http.post("Basic", content=content, headers={"Content-Type": sent})
    assert answer.status_code == status
    if status != 201:
        outcome(answer)


async def test_pretty(ward: httpx.AsyncClient) -> None:
    plain = await ward.get("Patient/p1")
    pretty = await ward.get("Patient/p1?_pretty=true")
    assert b"\n" in pretty.content
    assert b"\n" not in plain.content
    assert pretty.json() == plain.json()


async def test_head_is_get_without_a_body(ward: httpx.AsyncClient) -> None:
    for path in ("Patient/p1", "Patient/p1/_history/1", "Patient?gender=male", "metadata"):
        get, head = await ward.get(path), await ward.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers.get("ETag") == get.headers.get("ETag")
    assert (await ward.head("Patient/none")).status_code == 404


# Conditions


def _create(http: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    headers = {"If-None-Exist": "identifier=urn:c|1"}
    return http.post("Basic", json=basic("1", "new"), headers=headers)


def _update(http: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return http.put("Basic?identifier=urn:c|1", json=basic("1", "new"))


def _patch(http: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    operations = [{"op": "replace", "path": "/code/text", "value": "new"}]
    headers = {"content-type": "application/json-patch+json"}
    return http.patch("Basic?identifier=urn:c|1", json=operations, headers=headers)


def _delete(http: httpx.AsyncClient) -> Awaitable[httpx.Response]:
    return http.delete("Basic?identifier=urn:c|1")


@pytest.mark.parametrize(
    ("write", "stored", "statuses", "texts"),
    [
        (_create, 0, {201}, ["new"]),
        (_create, 1, {200}, ["old"]),
        (_create, 2, {412}, ["old", "old"]),
        (_update, 0, {201}, ["new"]),
        (_update, 1, {200}, ["new"]),
        (_update, 2, {412}, ["old", "old"]),
        (_patch, 0, {404}, []),
        (_patch, 1, {200}, ["new"]),
        (_patch, 2, {412}, ["old", "old"]),
        (_delete, 0, {200, 204}, []),
        (_delete, 1, {200, 204}, []),
        (_delete, 2, {412}, ["old", "old"]),
    ],
)
async def test_conditional_writes(
    http: httpx.AsyncClient,
    create: Create,
    write: Write,
    stored: int,
    statuses: set[int],
    texts: list[str],
) -> None:
    other = await create(basic("2"))
    for _ in range(stored):
        await create(basic("1", "old"))
    answer = await write(http)
    assert answer.status_code in statuses
    if answer.status_code >= 400:
        outcome(answer)
    left = (await http.get("Basic?identifier=urn:c|1")).json().get("entry", ())
    assert [e["resource"]["code"]["text"] for e in left] == texts
    assert (await http.get(f"Basic/{other['id']}")).json() == other


async def test_a_conditional_update_and_the_id_of_its_body(
    http: httpx.AsyncClient, create: Create
) -> None:
    one = await create(basic("1"))
    same = await http.put("Basic?identifier=urn:c|1", json={**basic("1"), "id": one["id"]})
    assert same.status_code == 200
    other = await http.put("Basic?identifier=urn:c|1", json={**basic("1"), "id": "another"})
    assert other.status_code in (400, 412)
    outcome(other)
    chosen = await http.put("Basic?identifier=urn:c|7", json={**basic("7"), "id": "seven"})
    assert chosen.status_code == 201
    assert chosen.json()["id"] == "seven"


@pytest.mark.parametrize("criteria", ["banana=1", "", "_sort=date", "identifier:banana=1"])
async def test_criteria_that_say_nothing_are_refused(
    http: httpx.AsyncClient, create: Create, criteria: str
) -> None:
    one = await create(basic("1"))
    for answer in (
        await http.put(f"Basic?{criteria}", json=basic("1")),
        await http.delete(f"Basic?{criteria}"),
        await http.post("Basic", json=basic("1"), headers={"If-None-Exist": criteria or "&"}),
    ):
        assert 400 <= answer.status_code < 500
        outcome(answer)
    assert (await http.get(f"Basic/{one['id']}")).status_code == 200


async def test_metadata_needs_no_key(http: httpx.AsyncClient) -> None:
    answer = await http.get("metadata", headers={"Authorization": ""})
    assert answer.status_code == 200
    statement = answer.json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    refused = await http.get("Patient", headers={"Authorization": ""})
    assert refused.status_code == 401
    outcome(refused)
