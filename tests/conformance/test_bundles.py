"""Batches and transactions. http://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import Create, Resource
from .test_writes import BASIC, basic, outcome

URN = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"


def entry(method: str, url: str, resource: Resource | None = None, **more: Any) -> Resource:
    made: Resource = {"request": {"method": method, "url": url, **more.pop("request", {})}, **more}
    return made if resource is None else {**made, "resource": resource}


async def send(http: httpx.AsyncClient, kind: str, *entries: Resource) -> httpx.Response:
    bundle = {"resourceType": "Bundle", "type": kind, "entry": list(entries)}
    return await http.post("", json=bundle)


def statuses(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [e["response"]["status"][:3] for e in answer.json()["entry"]]


async def stored(http: httpx.AsyncClient, type: str = "Basic") -> int:
    total: int = (await http.get(f"{type}?_count=0")).json()["total"]
    return total


async def test_the_order_is_not_that_of_the_entries(
    http: httpx.AsyncClient, create: Create
) -> None:
    """Deletes, then creates, then updates and patches, then reads, whatever stands first."""
    one = await create(basic("1"))
    answer = await send(
        http,
        "transaction",
        entry("GET", "Basic?identifier=urn:c|1"),
        entry("PUT", "Basic/two", {**basic("1", "put"), "id": "two"}),
        entry("POST", "Basic", basic("1", "post"), request={"ifNoneExist": "identifier=urn:c|1"}),
        entry("DELETE", f"Basic/{one['id']}"),
    )
    read, *rest = statuses(answer)
    assert read == "200"
    assert rest[0] == "201"
    assert rest[1] == "201"
    assert rest[2] in ("200", "204")
    found = answer.json()["entry"][0]["resource"]["entry"]
    assert sorted(e["resource"]["code"]["text"] for e in found) == ["post", "put"]


async def test_references_within_a_transaction(http: httpx.AsyncClient) -> None:
    subject = {"reference": URN}
    answer = await send(
        http,
        "transaction",
        entry("POST", "Basic", {**BASIC, "subject": subject}),
        entry("POST", "Patient", {"resourceType": "Patient", "active": True}, fullUrl=URN),
    )
    basic_at, patient_at = (
        "/".join(e["response"]["location"].split("/")[-4:-2]) for e in answer.json()["entry"]
    )
    read = (await http.get(basic_at)).json()
    assert read["subject"]["reference"] == patient_at


async def test_conditional_references(http: httpx.AsyncClient, create: Create) -> None:
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:c", "value": "1"}]}
    refers = {**BASIC, "subject": {"reference": "Patient?identifier=urn:c|1"}}
    missing = await send(http, "transaction", entry("POST", "Basic", refers))
    assert missing.status_code in (400, 404, 412, 422)
    outcome(missing)
    one = await create(patient)
    answer = await send(http, "transaction", entry("POST", "Basic", refers))
    place = answer.json()["entry"][0]["response"]["location"]
    read = (await http.get(place)).json()
    assert read["subject"]["reference"] == f"Patient/{one['id']}"
    await create(patient)
    many = await send(http, "transaction", entry("POST", "Basic", refers))
    assert many.status_code in (400, 412, 422)
    assert await stored(http) == 1


async def test_the_same_resource_twice_is_refused(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(BASIC)
    place = f"Basic/{one['id']}"
    for second in (entry("PUT", place, one), entry("DELETE", place)):
        answer = await send(http, "transaction", entry("PUT", place, one), second)
        assert 400 <= answer.status_code < 500
        outcome(answer)
    assert (await http.get(place)).headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    "bad",
    [
        entry("POST", "Basic", {"resourceType": "Basic"}),
        entry("POST", "Basic", {"resourceType": "Patient"}),
        entry("PUT", "Basic/a", {**BASIC, "id": "b"}),
        entry("GET", "Basic/none"),
        entry("GET", "Basic?identifier:exact=1"),
        entry("DELETE", "Banana/1"),
        entry("BREW", "Basic"),
        entry("POST", "Basic", {**BASIC, "subject": {"reference": "urn:uuid:unknown"}}),
        {"resource": BASIC},
    ],
)
async def test_all_or_nothing_and_each_for_itself(http: httpx.AsyncClient, bad: Resource) -> None:
    good = entry("POST", "Basic", BASIC)
    whole = await send(http, "transaction", good, bad)
    assert 400 <= whole.status_code < 500, whole.text
    expressions = [e for issue in outcome(whole)["issue"] for e in issue.get("expression", ())]
    assert any(e.startswith("Bundle.entry[1]") for e in expressions), whole.text
    assert await stored(http) == 0
    batch = await send(http, "batch", good, bad)
    first, second = statuses(batch)
    assert first == "201"
    # A urn: reference is resolved in transactions only.
    assert second[0] == "4" or "urn:uuid" in str(bad)
    assert await stored(http) >= 1
    if second[0] == "4":
        assert batch.json()["entry"][1]["response"]["outcome"]["issue"]


async def test_answers_stand_in_the_order_of_the_entries(http: httpx.AsyncClient) -> None:
    for kind in ("batch", "transaction"):
        answer = await send(
            http,
            kind,
            entry("GET", "Basic?_count=0"),
            entry("POST", "Basic", BASIC),
            entry("PUT", f"Basic/{kind}", {**BASIC, "id": kind}),
        )
        body = answer.json()
        assert body["type"] == f"{kind}-response"
        assert statuses(answer) == ["200", "201", "201"]
        created = body["entry"][1]["response"]
        assert created["etag"] == 'W/"1"'
        assert created["lastModified"]
        assert "/_history/1" in created["location"]


async def test_conditions_of_entries(http: httpx.AsyncClient, create: Create) -> None:
    one = await create(basic("1", "old"))
    answer = await send(
        http,
        "batch",
        entry("POST", "Basic", basic("1"), request={"ifNoneExist": "identifier=urn:c|1"}),
        entry("PUT", f"Basic/{one['id']}", one, request={"ifMatch": 'W/"9"'}),
        entry("GET", f"Basic/{one['id']}", request={"ifNoneMatch": 'W/"1"'}),
    )
    assert statuses(answer) == ["200", "412", "304"]


@pytest.mark.parametrize("kind", ["searchset", "collection", "banana", None])
async def test_another_bundle_is_refused(http: httpx.AsyncClient, kind: str | None) -> None:
    body = {"resourceType": "Bundle", "entry": []}
    answer = await http.post("", json=body if kind is None else {**body, "type": kind})
    assert answer.status_code in (400, 422)
    outcome(answer)
