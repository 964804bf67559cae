"""What holds for every operation: who may, whose data, how much is read, and no mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from tests.integration.api.every_operation import (
    ROLE_NAMES,
    UPLOADS,
    Operation,
    furnished,
    operations,
)

from careloom.api.app import build_app
from careloom.types import Scope

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

ALL = operations()
KEYED = [one for one in ALL if one.needs_a_key]
_MB = 1 << 20
_CHUNK = 1 << 16


@pytest.fixture(scope="module")
async def place(house: House) -> tuple[Desk, dict[str, str]]:
    """A tenant that has one of everything."""
    desk = await house.desk()
    return desk, await furnished(desk)


def takes_json() -> list[Operation]:
    document = build_app(None).openapi()
    taking = {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    }
    return [one for one in ALL if one.name in taking - UPLOADS]


class Flood:
    """A body of 100 MB without an announced length; counts what was taken of it."""

    def __init__(self) -> None:
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        start = b'{"data": "'
        yield start
        for _ in range(100 * _MB // _CHUNK):
            self.taken += _CHUNK
            yield b"x" * _CHUNK


@pytest.mark.parametrize("one", takes_json(), ids=lambda one: one.name)
async def test_a_body_of_100_mb_is_refused_before_it_is_read(
    one: Operation, place: tuple[Desk, dict[str, str]], house: House
) -> None:
    desk, places = place
    address = one.address(places)
    headers = {"Content-Type": "application/json"}
    flood = Flood()
    answer = await desk.client.request(one.method, address, content=flood, headers=headers)
    assert answer.status_code == 413, answer.text
    assert answer.json()["error"]["fix"]
    assert flood.taken <= _MB + 2 * _CHUNK
    if one.needs_a_key:
        stranger, flood = await house.client(), Flood()
        answer = await stranger.request(one.method, address, content=flood, headers=headers)
        assert answer.status_code == 401, answer.text
        assert flood.taken == 0


@pytest.mark.parametrize("role", ROLE_NAMES)
async def test_a_role_may_what_the_reference_says_and_nothing_else(
    role: str, place: tuple[Desk, dict[str, str]], house: House
) -> None:
    desk, places = place
    asker = await house.desk(role, scope=desk.scope)
    wrong = []
    for one in KEYED:
        answer = await _ask(asker, one, places)
        if (answer.status_code == 403) == one.may(role):
            wrong.append((one.name, answer.status_code, answer.text[:200]))
    assert wrong == []


MAKES_ITS_OWN = {
    *("putFile", "putConnection", "putQueue", "putGroup", "putCalendar", "putComponent"),
    *("putPipeline", "putDecisionTable", "putWebhookSecret", "sendEvent", "pollWork"),
    *(
        "updateWorkflow",
        "putModel",
        "putRole",
        "putGoldSet",
        "putTrainedModel",
        "putKnowledgeCollection",
        "putKnowledgeDocument",
    ),
}
"""The same name is another's own thing here."""
OF_THE_TENANT = {one.name for one in ALL if one.path.startswith("/api/fhirserver")}
"""Stores are of a tenant, whichever of them the key is for."""
GIVEN: dict[str, Any] = {
    "controlRuns": {"action": "cancel", "runIds": []},
    "addGoldCases": {"fromTasks": {}},
    "putEvaluationGates": {"gates": []},
    "liftDemotion": {"reason": "known"},
    **{f"{verb}Work": {"token": "x"} for verb in ("beat", "complete", "fail")},
    **{f"{verb}Task": {"to": {"user": "ada"}} for verb in ("assign", "delegate")},
    "commentTask": {"text": "Well"},
    "snoozeTask": {"until": None},
    "draftTask": {"data": {"agree": True}},
    "decideTask": {"decision": "approve"},
    "discardDeadLetter": {"reason": "known"},
    "rollbackWorkflow": {"version": 1},
    "restoreDraft": {"revision": 1},
    "nameDraftRevision": {"name": "first"},
    "migrateRuns": {"from": 1, "to": 2},
}
"""What an operation must be told before it looks who asks for what."""


async def _ask(desk: Desk, one: Operation, places: dict[str, str]) -> Any:
    """The operation with nothing that it could carry out."""
    body: dict[str, Any] = (
        {} if one.method in ("GET", "DELETE") else {"json": GIVEN.get(one.name, {})}
    )
    if one.name in UPLOADS - {"putFile"}:
        body = {"files": {"other": b"x"}}
    return await desk.client.request(one.method, one.address(places), **body)


@pytest.fixture(params=["another tenant", "another store"])
async def stranger(
    request: Any, place: tuple[Desk, dict[str, str]], house: House, house_env: dict[str, str]
) -> Desk:
    """An administrator who has nothing to do with the place."""
    tenant = place[0].scope.tenant
    if request.param == "another tenant":
        return await house.desk()
    connection = await asyncpg.connect(house_env["DATABASE_URL"])
    try:
        await connection.execute(
            "INSERT INTO careloom.store (tenant, store, name) VALUES ($1, 'second', 'Second')"
            " ON CONFLICT DO NOTHING",
            tenant,
        )
    finally:
        await connection.close()
    return await house.desk(scope=Scope(tenant, "second"))


async def test_what_belongs_to_others_is_not_there(
    place: tuple[Desk, dict[str, str]], stranger: Desk
) -> None:
    _, places = place
    seen = []
    for one in KEYED:
        if one.name in MAKES_ITS_OWN:
            continue
        if one.name in OF_THE_TENANT and stranger.scope.tenant == place[0].scope.tenant:
            continue
        answer = await _ask(stranger, one, places)
        told = [place for place in places.values() if len(place) > 24 and place in answer.text]
        leads_there = "{" in one.path and answer.status_code != 404
        if leads_there or (told and "{" not in one.path):
            seen.append((one.name, answer.status_code, answer.text[:200]))
    assert seen == []
