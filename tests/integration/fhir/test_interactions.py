"""Interactions and headers over HTTP: http://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import orjson
import pytest

from careloom.api.fhir import reading
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

from .conftest import ClientOf, Create, Resource

PATIENT: Resource = {
    "resourceType": "Patient",
    "name": [{"family": "Lovelace", "given": ["Ada"]}],
    "birthDate": "1815-12-10",
}


async def test_a_created_resource_has_id_version_location_and_etag(
    http: httpx.AsyncClient,
) -> None:
    response = await http.post("Patient", json={**PATIENT, "id": "ignored"})
    stored = response.json()
    assert response.status_code == 201
    assert stored["id"] != "ignored"
    assert stored["meta"]["versionId"] == "1"
    assert response.headers["ETag"] == 'W/"1"'
    assert response.headers["Location"].endswith(f"/fhir/Patient/{stored['id']}/_history/1")
    assert response.headers["Last-Modified"].endswith("GMT")
    assert response.headers["Content-Type"].startswith("application/fhir+json")


async def test_read_answers_304_to_a_known_version(http: httpx.AsyncClient, create: Create) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    first = await http.get(place)
    assert first.json()["name"] == PATIENT["name"]
    known = await http.get(place, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (await http.get(place, headers=since)).status_code == 304
    other = await http.get(place, headers={"If-None-Match": 'W/"7"'})
    assert other.status_code == 200


async def test_head_has_the_headers_of_get_and_no_body(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    head = await http.head(place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == 'W/"1"'
    assert int(head.headers["Content-Length"]) == len((await http.get(place)).content)


async def test_update_makes_dense_versions_that_stay_readable(
    http: httpx.AsyncClient, create: Create
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    for number in (2, 3):
        patient["active"] = number == 2
        response = await http.put(place, json=patient)
        assert (response.status_code, response.headers["ETag"]) == (200, f'W/"{number}"')
    assert "active" not in (await http.get(f"{place}/_history/1")).json()
    assert (await http.get(f"{place}/_history/2")).json()["active"] is True
    assert (await http.get(f"{place}/_history/4")).status_code == 404
    assert (await http.get(f"{place}/_history/abc")).status_code == 404


async def test_if_match_refuses_a_version_that_is_no_longer_current(
    http: httpx.AsyncClient, create: Create
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    good = await http.put(place, json=patient, headers={"If-Match": 'W/"1"'})
    stale = await http.put(place, json=patient, headers={"If-Match": 'W/"1"'})
    odd = await http.put(place, json=patient, headers={"If-Match": "yesterday"})
    assert (good.status_code, stale.status_code, odd.status_code) == (200, 412, 400)
    assert stale.json()["resourceType"] == "OperationOutcome"
    assert (await http.delete(place, headers={"If-Match": 'W/"1"'})).status_code == 412


async def test_concurrent_updates_lose_nothing(http: httpx.AsyncClient, create: Create) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"

    async def raise_counter() -> int:
        while True:
            seen = await http.get(place)
            resource = seen.json()
            count = int(resource.get("telecom", [{"value": "0"}])[0]["value"]) + 1
            resource["telecom"] = [{"system": "other", "value": str(count)}]
            headers = {"If-Match": seen.headers["ETag"]}
            if (await http.put(place, json=resource, headers=headers)).status_code == 200:
                return count

    counts = await asyncio.gather(*(raise_counter() for _ in range(6)))
    assert sorted(counts) == [1, 2, 3, 4, 5, 6]
    assert (await http.get(place)).json()["meta"]["versionId"] == "7"


async def test_update_as_create_and_id_rules(http: httpx.AsyncClient) -> None:
    made = await http.put("Patient/my-own.id-1", json={**PATIENT, "id": "my-own.id-1"})
    assert (made.status_code, made.headers["ETag"]) == (201, 'W/"1"')
    assert (await http.put("Patient/x1", json=PATIENT)).status_code == 400
    assert (await http.put("Patient/x1", json={**PATIENT, "id": "x2"})).status_code == 400
    bad = await http.put("Patient/not_an_id", json={**PATIENT, "id": "not_an_id"})
    assert bad.status_code in (400, 422)
    assert (await http.post("Observation", json=PATIENT)).status_code == 400


async def test_a_deleted_resource_is_gone_and_can_come_back(
    http: httpx.AsyncClient, create: Create
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    assert (await http.delete(place)).status_code == 204
    assert (await http.delete(place)).status_code == 204
    gone = await http.get(place)
    assert gone.status_code == 410
    assert gone.json()["issue"][0]["code"] == "deleted"
    assert (await http.get("Patient", params={"_id": patient["id"]})).json()["total"] == 0
    assert (await http.get(f"{place}/_history/1")).status_code == 200
    assert (await http.get(f"{place}/_history/2")).status_code == 410
    back = await http.put(place, json=patient)
    assert (back.status_code, back.headers["ETag"]) == (201, 'W/"3"')


async def test_history_lists_every_version_newest_first(
    http: httpx.AsyncClient, create: Create
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    await http.put(place, json=patient)
    await http.delete(place)
    await http.put(place, json=patient)
    history = (await http.get(f"{place}/_history")).json()
    assert history["type"] == "history"
    assert [e["request"]["method"] for e in history["entry"]] == ["PUT", "DELETE", "PUT", "POST"]
    assert [e["response"]["etag"] for e in history["entry"]] == [
        'W/"4"', 'W/"3"', 'W/"2"', 'W/"1"',
    ]  # fmt: skip
    assert "resource" not in history["entry"][1]
    seen, link = [], f"{place}/_history?_count=3"
    while link:
        page = (await http.get(link)).json()
        seen += [e["response"]["etag"] for e in page["entry"]]
        link = next((n["url"] for n in page["link"] if n["relation"] == "next"), "")
    assert seen == [e["response"]["etag"] for e in history["entry"]]
    of_type = (await http.get("Patient/_history")).json()
    assert len(of_type["entry"]) == 4
    assert (await http.get("Patient/never-was/_history")).status_code == 404


async def test_prefer_decides_what_a_write_returns(http: httpx.AsyncClient) -> None:
    minimal = await http.post("Patient", json=PATIENT, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.content) == (201, b"")
    outcome = await http.post(
        "Patient", json=PATIENT, headers={"Prefer": "return=OperationOutcome"}
    )
    assert outcome.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({"Accept": "application/fhir+xml"}, "", 406),
        ({"Accept": "application/fhir+json;q=0, text/turtle"}, "", 406),
        ({"Accept": "text/html, */*;q=0.1"}, "", 200),
        ({"Accept": "application/fhir+xml"}, "?_format=json", 200),
        ({}, "?_format=xml", 406),
        ({}, "?_format=application/fhir%2Bjson", 200),
    ],
)
async def test_formats(
    http: httpx.AsyncClient, create: Create, headers: dict[str, str], query: str, status: int
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    response = await http.get(place + query, headers=headers)
    assert response.status_code == status
    if status != 200:
        assert response.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"<Patient/>", "application/fhir+xml", 415, "not-supported"),
        (b"{}", "application/json; charset=latin1", 415, "not-supported"),
        (b"{", "application/json", 400, "invalid"),
        (b"\xff\xfe", "application/json", 400, "invalid"),
        (b"[1]", "application/json", 400, "invalid"),
        (b'"x"', "application/json", 400, "invalid"),
        (b"[" * 5000 + b"]" * 5000, "application/json", 400, "invalid"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", 400, "invalid"),
        (b'{"a":1.50,"b":' * 3000 + b"1" + b"}" * 3000, "application/json", 400, "invalid"),
    ],
)
async def test_a_malformed_body_gets_an_outcome(
    http: httpx.AsyncClient, content: bytes, content_type: str, status: int, code: str
) -> None:
    response = await http.post("Patient", content=content, headers={"Content-Type": content_type})
    assert response.status_code == status
    assert response.json()["issue"][0]["code"] == code


async def test_a_body_beyond_the_limit_is_refused(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1000)
    response = await http.post("Patient", content=b" " * 1001 + orjson.dumps(PATIENT))
    assert (response.status_code, response.json()["issue"][0]["code"]) == (413, "too-costly")


async def test_an_invalid_resource_is_refused_with_the_place_and_no_value(
    http: httpx.AsyncClient,
) -> None:
    patient = {**PATIENT, "gender": "secret-word", "nmae": "secret-word"}
    response = await http.post("Patient", json=patient)
    assert response.status_code == 422
    issues = response.json()["issue"]
    assert {i["expression"][0] for i in issues} == {"Patient.gender", "Patient.nmae"}
    assert "secret-word" not in response.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Unicorn/1", 404),
        ("GET", "Unicorn", 404),
        ("GET", "Patient/none-such", 404),
        ("GET", "Patient/a/b/c/d/e", 404),
        ("PATCH", "Patient/1/_history", 405),
        ("POST", "Patient/1", 405),
        ("PUT", "Patient", 400),
        ("DELETE", "Patient", 412),
        ("POST", "Patient/1/_search", 415),
    ],
)
async def test_every_error_is_an_operation_outcome(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    response = await http.request(method, path, json=PATIENT)
    assert response.status_code == status, response.text
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_conditional_create_has_one_winner_among_32(
    http: httpx.AsyncClient, scope: Scope, database: Database
) -> None:
    patient = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "42"}]}

    async def attempt() -> tuple[int, str]:
        response = await http.post(
            "Patient", json=patient, headers={"If-None-Exist": "identifier=urn:mrn|42"}
        )
        return response.status_code, response.json()["id"]

    answers = await asyncio.gather(*(attempt() for _ in range(32)))
    assert Counter(status for status, _ in answers) == {201: 1, 200: 31}
    assert len({identity for _, identity in answers}) == 1
    rows = await database.query(scope.tenant, "SELECT count(*) FROM careloom.resource")
    assert rows[0][0] == 1


async def test_conditional_update_has_one_winner_and_then_updates(
    http: httpx.AsyncClient,
) -> None:
    patient = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "7"}]}
    answers = await asyncio.gather(
        *(http.put("Patient?identifier=urn:mrn|7", json=patient) for _ in range(8))
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 200: 7}
    assert sorted(int(a.headers["ETag"][3:-1]) for a in answers) == list(range(1, 9))


async def test_conditional_writes_refuse_many_matches_and_unknown_criteria(
    http: httpx.AsyncClient, create: Create
) -> None:
    await create(PATIENT)
    await create(PATIENT)
    criteria = "family=Lovelace"
    many = await http.post("Patient", json=PATIENT, headers={"If-None-Exist": criteria})
    assert many.status_code == 412
    assert (await http.put(f"Patient?{criteria}", json=PATIENT)).status_code == 412
    assert (await http.delete(f"Patient?{criteria}")).status_code == 412
    unknown = await http.post("Patient", json=PATIENT, headers={"If-None-Exist": "familly=x"})
    assert unknown.status_code == 400
    empty = await http.post("Patient", json=PATIENT, headers={"If-None-Exist": ""})
    assert empty.status_code == 412


async def test_conditional_delete_takes_the_one_match(
    http: httpx.AsyncClient, create: Create
) -> None:
    patient = await create({**PATIENT, "name": [{"family": "Hopper"}]})
    assert (await http.delete("Patient?family=Hopper")).status_code == 204
    assert (await http.get(f"Patient/{patient['id']}")).status_code == 410
    assert (await http.delete("Patient?family=Hopper")).status_code == 204


async def test_another_tenant_sees_nothing(
    http: httpx.AsyncClient, create: Create, client_of: ClientOf, database: Database
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    other_tenant = f"other{patient['id'][-12:]}"
    await database.call("tenant_create", other_tenant, "Other", "development")
    other = await client_of(Scope(other_tenant, "main"), "engineer")
    assert (await other.get(place)).status_code == 404
    assert (await other.get(f"{place}/_history/1")).status_code == 404
    assert (await other.get("Patient")).json()["total"] == 0
    assert (await other.put(place, json=patient)).status_code == 201
    assert (await http.get(place)).json()["meta"]["versionId"] == "1"


async def test_without_the_tenant_the_database_itself_shows_nothing(
    create: Create, database: Database, scope: Scope
) -> None:
    await create(PATIENT)
    async with database.transaction("someone-else") as connection:
        for table in ("resource", "resource_history", "idx_string", "idx_token", "idx_date"):
            sql = f"SELECT count(*) FROM careloom.{table} WHERE tenant = $1"
            assert await connection.fetchval(sql, scope.tenant) == 0


async def test_a_credential_without_the_permission_is_refused(
    client_of: ClientOf, scope: Scope, http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    viewer, auditor = await client_of(scope, "viewer"), await client_of(scope, "auditor")
    assert (await viewer.get(place)).status_code == 200
    assert (await viewer.post("Patient", json=PATIENT)).status_code == 403
    assert (await viewer.delete(place)).status_code == 403
    assert (await auditor.get(place)).status_code == 403
    nobody = httpx.AsyncClient(transport=http._transport, base_url=str(http.base_url))
    anonymous = await nobody.get(place)
    assert anonymous.status_code == 401
    assert "Bearer" in anonymous.headers["WWW-Authenticate"]
    assert anonymous.json()["issue"][0]["code"] == "login"
    assert (await nobody.get("metadata")).status_code == 200


async def test_each_write_leaves_one_audit_row_and_one_event(
    http: httpx.AsyncClient, create: Create, database: Database, scope: Scope
) -> None:
    patient = await create(PATIENT)
    place = f"Patient/{patient['id']}"
    await http.put(place, json=patient)
    await http.delete(place)
    audit = await database.query(
        scope.tenant,
        "SELECT action, entity FROM careloom.audit WHERE action LIKE 'fhir.%' ORDER BY audit_id",
    )
    assert [(r["action"], r["entity"]) for r in audit] == [
        ("fhir.create", f"{place}/_history/1"),
        ("fhir.update", f"{place}/_history/2"),
        ("fhir.delete", f"{place}/_history/3"),
    ]
    events = await database.query(
        scope.tenant, "SELECT kind, name, ref FROM careloom.event_queue ORDER BY n"
    )
    assert [(e["kind"], e["name"], e["ref"]["previous"]) for e in events] == [
        ("fhir", "Patient.create", None),
        ("fhir", "Patient.update", 1),
        ("fhir", "Patient.delete", 2),
    ]


async def test_bodies_are_sealed_for_the_patient(
    create: Create, database: Database, scope: Scope, fhir: FhirStore
) -> None:
    patient = await create(PATIENT)
    await create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "pulse"},
            "subject": {"reference": f"Patient/{patient['id']}"},
        }
    )
    rows: list[Any] = await database.query(scope.tenant, "SELECT body FROM careloom.resource")
    assert all(b"Lovelace" not in row["body"] and b"pulse" not in row["body"] for row in rows)
    assert len({bytes(row["body"][1:9]) for row in rows}) == 1


async def test_an_erased_patient_is_gone_from_reads_and_searches(
    http: httpx.AsyncClient, create: Create, scope: Scope, fhir: FhirStore
) -> None:
    erased, kept = await create(PATIENT), await create(PATIENT)
    await fhir.context.keyring.destroy(scope.tenant, erased["id"])
    assert (await http.get(f"Patient/{erased['id']}")).status_code == 410
    found = (await http.get("Patient?family=lovelace")).json()["entry"]
    assert [e["resource"].get("id") for e in found if e["search"]["mode"] == "match"] == [
        kept["id"]
    ]
    assert found[-1]["resource"]["issue"][0]["code"] == "incomplete"
    assert (await http.put(f"Patient/{erased['id']}", json=erased)).status_code == 410


async def test_capabilities_list_what_is_served(http: httpx.AsyncClient) -> None:
    statement = (await http.get("metadata")).json()
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    served = {r["type"]: r for r in statement["rest"][0]["resource"]}
    assert len(served) == 146
    names = {p["name"]: p["type"] for p in served["Observation"]["searchParam"]}
    assert names["code"] == "token"
    assert names["code-value-quantity"] == "composite"
    assert "near" in {p["name"] for p in served["Location"]["searchParam"]}
    assert "_text" not in {p["name"] for p in served["Patient"]["searchParam"]}
