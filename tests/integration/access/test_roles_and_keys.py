"""Grants of principals, of keys and of a tenant's own roles, as they reach the FHIR API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.conftest import Desk, House

from careloom.errors import InvalidInput
from careloom.identity.service import SYSTEM_ACTOR, Identity

PATIENT = {"resourceType": "Patient", "id": "a", "telecom": [{"system": "phone", "value": "555"}]}


async def status(house: House, key: str, path: str) -> int:
    client = await house.client(key)
    return (await client.get(f"/fhir/{path}")).status_code


async def issued(desk: Desk, name: str, *, limit: Any = None, **given: Any) -> str:
    identity: Identity = desk.services.identity
    await identity.create_principal(desk.scope, name, name=name, actor=SYSTEM_ACTOR, **given)
    key = await identity.create_key(desk.scope, name, grants=limit, actor=SYSTEM_ACTOR)
    return key.text


async def test_a_role_of_ones_own_gives_its_grants_and_can_be_changed(
    house: House, desk: Desk
) -> None:
    identity = desk.services.identity
    await identity.put_role(desk.scope, "registrar", ["fhir:read/Patient"], actor=SYSTEM_ACTOR)
    key = await issued(desk, "desk", roles=["registrar"])
    assert await status(house, key, "Patient") == 200
    assert await status(house, key, "Observation") == 403
    await identity.put_role(desk.scope, "registrar", ["fhir:read/Observation"], actor=SYSTEM_ACTOR)
    assert await status(house, key, "Patient") == 403
    assert await status(house, key, "Observation") == 200
    assert await identity.roles(desk.scope) == [
        {"id": "registrar", "grants": ["fhir:read/Observation"]}
    ]


async def test_a_role_of_another_tenant_is_none(house: House, desk: Desk) -> None:
    stranger = await house.desk()
    await stranger.services.identity.put_role(
        stranger.scope, "registrar", ["fhir:read"], actor=SYSTEM_ACTOR
    )
    with pytest.raises(InvalidInput):
        await issued(desk, "desk", roles=["registrar"])


async def test_a_key_has_at_most_what_its_principal_has(house: House, desk: Desk) -> None:
    limit = ["fhir:read/Patient?elements=-telecom", "fhir:write", "admin"]
    key = await issued(desk, "narrow", roles=["viewer"], limit=limit)
    assert (await desk.put("/fhir/Patient/a", json=PATIENT)).status_code == 201
    client = await house.client(key)
    read = await client.get("/fhir/Patient/a")
    assert read.status_code == 200
    assert "telecom" not in read.json()
    assert await status(house, key, "Observation") == 403
    assert (await client.delete("/fhir/Patient/a")).status_code == 403
    assert (await client.post("/api/fhirserver/create", json={"name": "x"})).status_code == 403


async def test_a_principal_needs_a_role_or_a_grant_that_there_is(desk: Desk) -> None:
    for wrong in ({}, {"roles": ["nosuch"]}, {"grants": ["fhir:browse"]}, {"roles": ["a b"]}):
        with pytest.raises(InvalidInput):
            await issued(desk, "nobody", **wrong)


async def test_grants_are_changed_at_once(house: House, desk: Desk) -> None:
    key = await issued(desk, "changing", grants=["fhir:read/Patient"])
    assert await status(house, key, "Patient") == 200
    await desk.services.identity.change_principal(
        desk.scope, "changing", grants=[], actor=SYSTEM_ACTOR
    )
    assert await status(house, key, "Patient") == 403


@pytest.mark.parametrize("name", ["admin", "", "two words", "1st", "x" * 64])
async def test_a_name_that_is_taken_or_none_makes_no_role(desk: Desk, name: str) -> None:
    with pytest.raises(InvalidInput):
        await desk.services.identity.put_role(desk.scope, name, ["fhir:read"], actor=SYSTEM_ACTOR)


async def test_a_narrowed_grant_opens_no_place_that_does_not_narrow(
    house: House, desk: Desk
) -> None:
    """The letters of referrals are not held back by patient: so they need the whole permission."""
    key = await issued(desk, "app", grants=["fhir:read/*?compartment=Patient/a"])
    client = await house.client(key)
    missing = "00000000-0000-7000-8000-000000000000"
    assert (await client.get(f"/referrals/{missing}")).status_code == 403
