"""A run may touch what its workflow's owner and its starter both may, and nothing else."""

from __future__ import annotations

import pytest
from tests.integration.conftest import Desk

from careloom.types import JsonObject
from careloom.workflows.grants import run_grants

ACTOR: JsonObject = {"principal": "somebody", "kind": "user"}
WRITE: JsonObject = {
    "id": "write",
    "name": "Write",
    "trigger": {"type": "manual"},
    "steps": [
        {
            "id": "note",
            "type": "fhir",
            "action": "create",
            "resourceType": "Observation",
            "data": {"status": "preliminary", "code": {"text": "note"}},
        }
    ],
}
READER = ["workflow:run", "fhir:read", "fhir:write/Patient"]
WRITER = ["workflow:run", "fhir:read", "fhir:write"]


async def _outcome(desk: Desk, owner: list[str], starter: list[str]) -> JsonObject:
    services, scope = desk.services, desk.scope
    await services.deployment.deploy(scope, WRITE, {**ACTOR, "grants": owner}, workflow_id="write")
    started = await services.runs.start(scope, "write", {}, {**ACTOR, "grants": starter})
    return await desk.ended(started["runId"])


async def test_a_starter_without_the_grant_cannot_write_through_a_workflow(desk: Desk) -> None:
    run = await _outcome(desk, WRITER, READER)
    assert run["status"] == "failed"
    assert run["error"]["code"] == "insufficient_permissions"
    assert await desk.search("Observation") == []


async def test_an_owner_without_the_grant_lends_none(desk: Desk) -> None:
    run = await _outcome(desk, READER, WRITER)
    assert run["error"]["code"] == "insufficient_permissions"


async def test_both_with_the_grant_may(desk: Desk) -> None:
    run = await _outcome(desk, WRITER, [*WRITER, "fhir:write/Observation"])
    assert run["status"] == "succeeded", run["error"]
    assert len(await desk.search("Observation")) == 1


async def test_a_deployment_by_http_lends_the_key_s_own_grants(desk: Desk) -> None:
    await desk.deployed(WRITE)
    run = await desk.execute("write", {})
    assert run["status"] == "succeeded", run["error"]


async def test_an_owner_without_any_grant_lends_none(desk: Desk) -> None:
    run = await _outcome(desk, [], WRITER)
    assert run["error"]["code"] == "insufficient_permissions"
    assert await desk.search("Observation") == []


async def test_a_starter_without_any_grant_may_nothing(desk: Desk) -> None:
    run = await _outcome(desk, WRITER, [])
    assert run["error"]["code"] == "insufficient_permissions"


HOUSE: JsonObject = {"principal": "cli", "kind": "system"}


@pytest.mark.parametrize(
    ("owner", "starter", "grants"),
    [
        ({**ACTOR, "grants": []}, None, ()),
        ({**ACTOR, "grants": []}, ["fhir:read"], ()),
        ({**ACTOR, "grants": ["fhir:read"]}, None, ("fhir:read",)),
        ({**ACTOR, "grants": ["fhir:read"]}, [], ()),
        (ACTOR, None, ()),
        (ACTOR, ["fhir:read"], ()),
        ({}, ["fhir:read"], ()),
        (HOUSE, None, None),
        (HOUSE, ["fhir:read"], ("fhir:read",)),
        (HOUSE, [], ()),
        ({**HOUSE, "grants": []}, None, ()),
        ({"principal": "demo", "kind": "user"}, None, None),
        ({"principal": "demo", "kind": "user", "grants": []}, None, ()),
    ],
)
def test_only_the_house_is_without_bounds(
    owner: JsonObject, starter: list[str] | None, grants: tuple[str, ...] | None
) -> None:
    actor: JsonObject = {"principal": "somebody", "kind": "run", "owner": owner}
    assert run_grants(actor if starter is None else {**actor, "grants": starter}) == grants
