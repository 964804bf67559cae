"""An Idempotency-Key: the same request is carried out once, another under its key is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

FLOW = {"id": "flow", "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}]}
EXECUTE = "/api/workflows/flow/execute"


async def test_the_same_key_and_body_is_the_same_run(desk: Desk) -> None:
    await desk.deployed(FLOW)
    headers = {"Idempotency-Key": "order-1"}
    first = await desk.post(EXECUTE, {"a": 1, "b": 2}, headers=headers)
    again = await desk.post(EXECUTE, {"b": 2, "a": 1}, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["data"] == again.json()["data"]
    await desk.ended(first.json()["data"]["runId"])
    later = await desk.post(EXECUTE, {"a": 1, "b": 2}, headers=headers)
    assert later.json()["data"] == first.json()["data"]
    assert len(await desk.data("/api/workflows/runs")) == 1


async def test_another_body_under_the_key_is_a_conflict(desk: Desk) -> None:
    await desk.deployed(FLOW)
    headers = {"Idempotency-Key": "order-2"}
    await desk.post(EXECUTE, {"a": 1}, headers=headers)
    other = await desk.post(EXECUTE, {"a": 2}, headers=headers)
    assert other.status_code == 409
    assert other.json()["error"]["code"] == "idempotency_key_reused"
    assert len(await desk.data("/api/workflows/runs")) == 1


async def test_of_twenty_at_once_one_starts_a_run(desk: Desk) -> None:
    await desk.deployed(FLOW)
    headers = {"Idempotency-Key": "order-3"}
    answers = await asyncio.gather(
        *(desk.post(EXECUTE, {"a": 1}, headers=headers) for _ in range(20))
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [202]
    assert len({answer.json()["data"]["runId"] for answer in answers}) == 1
    assert len(await desk.data("/api/workflows/runs")) == 1


async def test_keys_are_of_one_principal_and_are_kept_for_a_day(house: House, desk: Desk) -> None:
    await desk.deployed(FLOW)
    other = await house.desk(scope=desk.scope)
    headers = {"Idempotency-Key": "order-4"}
    for one in (desk, other):
        assert (await one.post(EXECUTE, {}, headers=headers)).status_code == 202
    db, tenant = desk.services.db, desk.scope.tenant
    old = "UPDATE careloom.request_key SET at = at - interval '25 hours' RETURNING 1"
    assert len(await db.query(tenant, old)) == 2
    assert (await desk.post(EXECUTE, {}, headers=headers)).status_code == 200
    await db.query(tenant, old)
    await desk.post(EXECUTE, {}, headers={"Idempotency-Key": "order-5"})
    assert len(await db.query(tenant, "SELECT 1 FROM careloom.request_key")) == 1


async def test_a_key_must_be_one(desk: Desk) -> None:
    await desk.deployed(FLOW)
    for key in ("", " ", "x" * 256):
        answer = await desk.post(EXECUTE, {}, headers={"Idempotency-Key": key})
        assert answer.status_code == 400, key
        assert answer.json()["error"]["code"] == "idempotency_key_invalid"
