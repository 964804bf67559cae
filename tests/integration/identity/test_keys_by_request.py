"""Administrators make, list and end keys, and give roles, by request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from careloom.audit.trail import Selection

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House


async def made(desk: Desk, **given: Any) -> Any:
    answer = await desk.post("/api/keys", given)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["data"]


async def test_a_key_is_shown_once_works_and_is_listed_without_its_text(
    house: House, desk: Desk
) -> None:
    key = await made(desk, principal="ada", name="Ada", roles=["viewer"])
    client = await house.client(key["key"])
    me = (await client.get("/api/me")).json()["data"]
    assert (me["principal"], me["name"], me["kind"]) == ("ada", "Ada", "user")
    listed = await desk.get("/api/keys")
    assert key["key"] not in listed.text
    found = {one["id"]: one for one in listed.json()["data"]}
    assert found[key["id"]]["status"] == "valid"
    assert found[key["id"]]["roles"] == ["viewer"]
    assert found[key["id"]]["lastUsedAt"] is not None
    second = await made(desk, principal="ada", limit=["task:read"])
    narrow = (await (await house.client(second["key"])).get("/api/me")).json()["data"]
    assert narrow["permissions"] == ["task:read"]
    rows = await house.services.trail.page(desk.scope.tenant, Selection())
    actions = [row.values["action"] for row in rows]
    assert actions.count("identity.key.create") >= 2
    assert all(key["key"] not in str(row.values) for row in rows)


async def test_a_revoked_key_ends_with_its_sessions(house: House, desk: Desk) -> None:
    key = await made(desk, principal="ada", roles=["viewer"])
    client = await house.client(key["key"])
    assert (await client.get("/api/me")).status_code == 200
    answer = await desk.client.delete(f"/api/keys/{key['id']}")
    assert answer.json()["data"] == {"id": key["id"], "status": "revoked", "changed": True}
    assert (await client.get("/api/me")).status_code == 401
    again = await desk.client.delete(f"/api/keys/{key['id']}")
    assert again.json()["data"]["changed"] is False
    assert (await desk.client.delete("/api/keys/absent0000")).status_code == 404
    stranger = await house.desk()
    assert (await stranger.client.delete(f"/api/keys/{key['id']}")).status_code == 404


async def test_a_key_may_end_by_itself(desk: Desk) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    key = await made(desk, principal="ada", roles=["viewer"], expiresAt=soon)
    [found] = [one for one in await desk.data("/api/keys") if one["id"] == key["id"]]
    assert datetime.fromisoformat(found["expiresAt"]) == datetime.fromisoformat(soon)


async def test_roles_are_listed_made_and_given(house: House, desk: Desk) -> None:
    put = await desk.put("/api/roles/registrar", json={"grants": ["fhir:read/Patient"]})
    assert put.status_code == 200, put.text
    roles = {one["id"]: one for one in await desk.data("/api/roles")}
    assert roles["registrar"] == {"id": "registrar", "grants": ["fhir:read/Patient"], "own": True}
    assert roles["admin"]["own"] is False
    key = await made(desk, principal="ada", roles=["viewer"])
    change = await desk.client.patch("/api/principals/ada", json={"roles": ["registrar"]})
    assert change.json()["data"]["roles"] == ["registrar"]
    client = await house.client(key["key"])
    assert (await client.get("/api/me")).json()["data"]["grants"] == ["fhir:read/Patient"]
    await desk.client.patch("/api/principals/ada", json={"disabled": True})
    assert (await client.get("/api/me")).status_code == 401
    [ada] = [one for one in await desk.data("/api/principals") if one["id"] == "ada"]
    assert ada["disabled"] is True


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        ({"principal": ""}, 400),
        ({"principal": "x" * 129, "roles": ["viewer"]}, 400),
        ({"principal": "ada", "roles": "viewer"}, 400),
        ({"principal": "ada", "roles": ["king"]}, 400),
        ({"principal": "ada", "grants": ["fhir:everything"]}, 400),
        ({"principal": "ada", "roles": ["viewer"], "kind": "store"}, 400),
        ({"principal": "store:main", "roles": ["viewer"]}, 400),
        ({"principal": "ada", "roles": ["viewer"], "expiresAt": "2020-01-01T00:00:00Z"}, 400),
        ({"principal": "ada", "roles": ["viewer"], "expiresAt": "tomorrow"}, 400),
        ({"principal": "ada", "roles": ["viewer"], "store": "absent"}, 404),
        ({"principal": "nobody"}, 404),
    ],
)
async def test_what_is_no_key_to_make_is_said(desk: Desk, given: Any, status: int) -> None:
    answer = await desk.post("/api/keys", given)
    assert answer.status_code == status, answer.text
    assert "clk_" not in answer.text


async def test_a_taken_name_is_a_conflict_and_nobody_locks_themselves_out(desk: Desk) -> None:
    await made(desk, principal="ada", roles=["viewer"])
    taken = await desk.post("/api/keys", {"principal": "ada", "roles": ["admin"]})
    assert taken.status_code == 409
    me = (await desk.data("/api/me"))["principal"]
    answer = await desk.client.patch(f"/api/principals/{me}", json={"disabled": True})
    assert answer.status_code == 400
    builtin = await desk.put("/api/roles/admin", json={"grants": ["fhir:read"]})
    assert builtin.status_code == 400
    store = (await desk.post("/api/fhirserver/create", {"name": "Archive"})).json()["data"]
    assert store["id"] not in (await desk.get("/api/principals")).text
    escalated = await desk.client.patch(
        f"/api/principals/store:{store['id']}", json={"roles": ["admin"]}
    )
    assert escalated.status_code == 400
