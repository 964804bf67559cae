"""Seed 003's life-cycle API: exact shapes, the five codes, one address and key for each store."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import Desk, House

CREATE = "/api/fhirserver/create"
GIVEN = {"name": "my-fhir-server", "region": "global", "fhirVersion": "R4", "type": "serverless"}
PATIENT = {"resourceType": "Patient", "name": [{"family": "Seedling"}]}


@pytest.fixture(scope="session")
def document(seeds: Path) -> dict[str, Any]:
    """Request and answers of the document."""
    [text] = [path.read_text() for path in seeds.glob("003_*.txt")]
    bodies = [_first(text, at.start()) for at in re.finditer(r"(?m)^\{$", text)]
    return {
        "request": next(body for body in bodies if body and "type" in body and "name" in body),
        "created": next(body for body in bodies if body and "created" in body.get("message", "")),
        "listed": next(body for body in bodies if body and isinstance(body.get("data"), list)),
        "read": next(b for b in bodies if b and b.get("message", "").startswith("FHIR server re")),
        "error": next(body for body in bodies if body and body.get("success") is False),
    }


def _first(text: str, at: int) -> dict[str, Any] | None:
    try:
        body, _ = json.JSONDecoder().raw_decode(text[at:])
    except json.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


async def make(desk: Desk, **given: Any) -> dict[str, Any]:
    answer = await desk.post(CREATE, {**GIVEN, **given})
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def path_of(store: dict[str, Any]) -> str:
    return str(store["endpoint"]).removeprefix("https://careloom.hospital.example")


async def test_create_answers_as_in_the_document(desk: Desk, document: dict[str, Any]) -> None:
    answer = await desk.post(CREATE, document["request"])
    body, wanted = answer.json(), document["created"]
    assert list(body) == list(wanted)
    assert body["success"] is True
    assert body["message"] == wanted["message"]
    assert list(body["data"]) == list(wanted["data"])
    same = ("name", "description", "region", "fhirVersion", "status", "infrastructure")
    assert {key: body["data"][key] for key in same} == {key: wanted["data"][key] for key in same}
    assert re.fullmatch(r"fhir-server-[a-z0-9]{12}", body["data"]["id"])
    assert body["data"]["apiKey"].startswith("fhir_key_")
    for key in ("createdAt", "updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["data"][key])


async def test_list_and_read_show_the_beginning_of_the_key_only(
    desk: Desk, document: dict[str, Any]
) -> None:
    made = await make(desk)
    listed = (await desk.get("/api/fhirserver/list")).json()
    read = (await desk.get(f"/api/fhirserver/{made['id']}")).json()
    assert {key: listed[key] for key in ("success", "message")} == {
        key: document["listed"][key] for key in ("success", "message")
    }
    assert {key: read[key] for key in ("success", "message")} == {
        key: document["read"][key] for key in ("success", "message")
    }
    assert [store["id"] for store in listed["data"]] == ["main", made["id"]]
    for store in (listed["data"][1], read["data"]):
        assert list(store) == list(document["listed"]["data"][0])
        assert store["apiKey"] == made["apiKey"][:13] + "…"
        assert store | {"apiKey": ""} == made | {"apiKey": "", "updatedAt": store["updatedAt"]}


async def test_every_refusal_has_the_form_of_the_document(
    house: House, desk: Desk, document: dict[str, Any]
) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    refusals = {
        (404, "fhir_server_not_found"): await desk.get("/api/fhirserver/fhir-server-123"),
        (400, "invalid_fhir_version"): await desk.post(CREATE, {**GIVEN, "fhirVersion": "R5"}),
        (400, "region_not_available"): await desk.post(CREATE, {**GIVEN, "region": "moon"}),
        (403, "insufficient_permissions"): await viewer.post(CREATE, GIVEN),
    }
    for (status, code), answer in refusals.items():
        body = answer.json()
        assert answer.status_code == status
        assert list(body) == list(document["error"])
        assert (body["success"], body["data"]) == (False, None)
        assert list(body["error"]) == ["code", "details"]
        assert body["error"]["code"] == code
        assert isinstance(body["error"]["details"], str)
    assert refusals[404, "fhir_server_not_found"].json() == document["error"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": None},
        {"name": "x" * 201},
        {"type": "magic"},
        {"region": ["global"]},
        {"description": 1},
        {"settings": {"unknown": 1}},
        {"settings": {"referenceIntegrity": "perhaps"}},
        {"size": 3},
    ],
)
async def test_what_is_wrong_in_a_request_makes_no_store(desk: Desk, given: Any) -> None:
    assert (await desk.post(CREATE, {**GIVEN, **given})).status_code == 400
    assert [store["id"] for store in await desk.data("/api/fhirserver/list")] == ["main"]


async def test_each_store_has_its_own_resources_address_and_key(house: House, desk: Desk) -> None:
    one, other = await make(desk, name="one"), await make(desk, name="other")
    assert path_of(one) == f"/fhir/stores/{one['id']}"
    client = await house.client(one["apiKey"])
    made = await client.post(f"{path_of(one)}/Patient", json=PATIENT)
    assert made.status_code == 201
    assert made.headers["location"].startswith(f"{one['endpoint']}/Patient/")
    identity = made.json()["id"]
    assert (await client.get(f"{path_of(one)}/Patient/{identity}")).status_code == 200
    for elsewhere in (path_of(other), "/fhir", "/fhir/stores/main", "/fhir/stores/nowhere"):
        answer = await client.get(f"{elsewhere}/Patient/{identity}")
        assert (answer.status_code, answer.json()["resourceType"]) == (403, "OperationOutcome")
    for address in ("/api/workflows", "/api/fhirserver/list", "/dicomweb/studies"):
        assert (await client.get(address)).status_code == 403
    assert (await desk.get(f"{path_of(one)}/Patient/{identity}")).status_code == 200
    assert (await desk.get(f"{path_of(other)}/Patient/{identity}")).status_code == 404
    assert (await desk.get(f"/fhir/Patient/{identity}")).status_code == 404


async def test_only_who_may_use_every_store_gets_into_another(house: House, desk: Desk) -> None:
    store = await make(desk)
    stranger, clinician = await house.desk(), await house.desk("clinician", scope=desk.scope)
    assert (await stranger.get(f"{path_of(store)}/Patient")).status_code == 404
    assert (await clinician.get(f"{path_of(store)}/Patient")).status_code == 403
    assert (await clinician.get("/fhir/stores/main/Patient")).status_code == 200
    assert (await desk.get(f"{path_of(store)}/Patient")).status_code == 200
    assert (await stranger.get(f"/api/fhirserver/{store['id']}")).status_code == 404


async def test_the_statement_of_a_store_names_its_own_address(house: House, desk: Desk) -> None:
    store = await make(desk)
    nobody = await house.client()
    statement = (await nobody.get(f"{path_of(store)}/metadata")).json()
    assert statement["implementation"]["url"] == store["endpoint"]


async def test_a_new_key_ends_the_one_before(house: House, desk: Desk) -> None:
    store = await make(desk)
    before = await house.client(store["apiKey"])
    address = f"{path_of(store)}/Patient"
    assert (await before.get(address)).status_code == 200
    renewed = await desk.post(f"/api/fhirserver/{store['id']}/key")
    assert renewed.status_code == 201
    after = await house.client(renewed.json()["data"]["apiKey"])
    assert (await before.get(address)).status_code == 401
    assert (await after.get(address)).status_code == 200
    assert (await desk.post("/api/fhirserver/main/key")).status_code == 409


async def test_a_store_is_changed_and_keeps_what_is_not_named(desk: Desk) -> None:
    store = await make(desk, description="first")
    address = f"/api/fhirserver/{store['id']}"
    changed = await desk.client.patch(address, json={"name": "renamed"})
    assert changed.status_code == 200
    assert (changed.json()["data"]["name"], changed.json()["data"]["description"]) == (
        "renamed",
        "first",
    )
    emptied = await desk.client.patch(address, json={"description": None})
    assert emptied.json()["data"]["description"] is None
    assert (await desk.client.patch(address, json={"region": "x"})).status_code == 400


async def test_a_store_with_resources_is_deleted_only_when_that_is_confirmed(
    house: House, desk: Desk
) -> None:
    store = await make(desk)
    client, address = await house.client(store["apiKey"]), f"/api/fhirserver/{store['id']}"
    made = await client.post(f"{path_of(store)}/Patient", json=PATIENT)
    await client.put(made.headers["location"].partition("/_history")[0], json=made.json())
    refused = await desk.client.delete(address)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "store_not_empty")
    assert (await client.get(f"{path_of(store)}/Patient")).status_code == 200
    assert (await desk.client.delete(address, params={"confirm": "main"})).status_code == 409
    deleted = await desk.client.delete(address, params={"confirm": store["id"]})
    assert (deleted.status_code, deleted.json()["data"]["status"]) == (200, "deleted")
    assert (await desk.get(address)).status_code == 404
    assert (await desk.get(f"{path_of(store)}/Patient")).status_code == 404
    assert (await client.get(f"{path_of(store)}/Patient")).status_code == 401
    db = desk.services.db
    for table in ("resource", "resource_history", "idx_string", "idx_token"):
        [left] = await db.query(
            desk.scope.tenant,
            f"SELECT count(*) AS n FROM {table} WHERE tenant = $1 AND store = $2",
            desk.scope.tenant,
            store["id"],
        )
        assert left["n"] == 0
    rows = await db.query(
        desk.scope.tenant,
        "SELECT action FROM audit WHERE tenant = $1 AND entity = $2 ORDER BY at",
        desk.scope.tenant,
        f"Store/{store['id']}",
    )
    assert [row["action"] for row in rows] == ["store.create", "store.delete", "store.deleted"]


async def test_the_first_store_is_never_deleted(desk: Desk) -> None:
    answer = await desk.client.delete("/api/fhirserver/main", params={"confirm": "main"})
    assert answer.status_code == 409


async def test_the_key_is_kept_as_a_keyed_hash(desk: Desk) -> None:
    store = await make(desk)
    rows = await desk.services.db.query(
        desk.scope.tenant, "SELECT to_jsonb(k)::text AS row FROM api_key k"
    )
    secret = store["apiKey"].rpartition("_")[2]
    assert not any(secret[:-6] in row["row"] for row in rows)
