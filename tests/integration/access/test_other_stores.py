"""A step that writes to another store commits there first, once, wherever the store is placed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.integration.conftest import Desk, House

from careloom.errors import NotFound
from careloom.types import Scope
from careloom.workflows.step import StepCall, StepError, StepResult

NOTE: dict[str, Any] = {
    "id": "note",
    "type": "fhir",
    "action": "create",
    "resourceType": "Basic",
    "data": {"code": {"text": "note"}},
}


async def make(desk: Desk, kind: str) -> str:
    answer = await desk.post("/api/fhirserver/create", {"name": kind, "type": kind})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["id"])


async def notes_in(desk: Desk, store: str) -> int:
    answer = await desk.get(f"/fhir/stores/{store}/Basic?_summary=count")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


@pytest.mark.parametrize("kind", ["serverless", "dedicated"])
async def test_a_workflow_writes_to_and_reads_from_another_store(desk: Desk, kind: str) -> None:
    store = await make(desk, kind)
    look = {
        "id": "look",
        "type": "fhir",
        "action": "read",
        "store": store,
        "resourceType": "Basic",
        "resourceId": "{{steps.note.output.id}}",
    }
    flow = {
        "id": "across",
        "steps": [{**NOTE, "store": store}, look],
        "output": {"said": "{{steps.look.output.resource.code.text}}"},
    }
    await desk.deployed(flow)
    run = await desk.execute("across", {})
    assert (run["status"], run["output"]) == ("succeeded", {"said": "note"}), run
    assert await notes_in(desk, store) == 1
    assert await notes_in(desk, "main") == 0


@pytest.mark.parametrize("kind", ["serverless", "dedicated"])
async def test_a_rollback_takes_back_what_was_written_there(desk: Desk, kind: str) -> None:
    store = await make(desk, kind)
    broken = {"id": "gone", "type": "fhir", "action": "read", "resourceId": "absent"}
    flow = {
        "id": "back",
        "onFailure": "rollback",
        "steps": [{**NOTE, "store": store}, {**broken, "resourceType": "Patient"}],
    }
    await desk.deployed(flow)
    run = await desk.execute("back", {})
    assert run["status"] == "rolled_back", run
    assert await notes_in(desk, store) == 0


def call_of(desk: Desk, store: str, key: str, **more: Any) -> StepCall:
    given = {name: value for name, value in NOTE.items() if name not in ("id", "type")}
    fields: dict[str, Any] = {
        "scope": desk.scope,
        "run_id": "01920000-0000-7000-8000-000000000000",
        "workflow_id": "flow",
        "path": "steps/note",
        "iteration": "",
        "attempt": 1,
        "input": {**given, "store": store},
        "alias": None,
        "expects": frozenset(),
        "key": key,
        "environment": "development",
        "grants": None,
        "ai_fed": False,
        "unreviewed": False,
        "ai_evidence": (),
        "patient": None,
        "now": datetime.now(UTC),
    }
    return StepCall(**(fields | more))


@pytest.mark.parametrize("kind", ["serverless", "dedicated"])
async def test_a_repeat_after_the_commit_there_writes_nothing_again(desk: Desk, kind: str) -> None:
    """As when the process dies between the commit there and the journal at home."""
    store = await make(desk, kind)
    step = desk.services.catalog["fhir"]
    first = await step.execute(call_of(desk, store, "key-1"))
    assert not first.effect
    again: list[StepResult] = await asyncio.gather(
        *(step.execute(call_of(desk, store, "key-1", attempt=n)) for n in range(2, 6))
    )
    assert {result.output["id"] for result in again} == {first.output["id"]}
    assert again[0].output["resource"]["code"] == {"text": "note"}
    assert await notes_in(desk, store) == 1
    other = await step.execute(call_of(desk, store, "key-2"))
    assert other.output["id"] != first.output["id"]


async def test_racing_calls_with_one_key_write_once(desk: Desk) -> None:
    store = await make(desk, "serverless")
    step = desk.services.catalog["fhir"]
    results = await asyncio.gather(
        *(step.execute(call_of(desk, store, "raced", attempt=n)) for n in range(8))
    )
    assert len({result.output["id"] for result in results}) == 1
    assert await notes_in(desk, store) == 1


async def test_what_is_kept_of_a_call_is_sealed(desk: Desk) -> None:
    store = await make(desk, "serverless")
    await desk.services.catalog["fhir"].execute(call_of(desk, store, "sealed"))
    [row] = await desk.services.db.query(
        desk.scope.tenant, "SELECT output, results FROM foreign_effect WHERE key = 'sealed'"
    )
    assert b"note" not in row["output"]
    assert [one["outcome"] for one in row["results"]] == ["created"]


async def test_a_step_needs_the_permission_and_the_store(desk: Desk) -> None:
    step = desk.services.catalog["fhir"]
    store = await make(desk, "serverless")
    with pytest.raises(StepError) as refused:
        await step.execute(call_of(desk, store, "k", grants=("fhir:write", "fhir:read")))
    assert refused.value.code == "insufficient_permissions"
    with pytest.raises(NotFound):
        await step.execute(call_of(desk, "fhir-server-nowhere", "k"))
    both = call_of(desk, store, "k")
    with pytest.raises(StepError):
        await step.execute(both._replace(input={**both.input, "server": "x"}))


async def test_another_tenants_store_is_not_found(house: House, desk: Desk) -> None:
    stranger = await house.desk()
    store = await make(stranger, "serverless")
    with pytest.raises(NotFound):
        await desk.services.catalog["fhir"].execute(call_of(desk, store, "k"))
    assert Scope(desk.scope.tenant, store) != Scope(stranger.scope.tenant, store)
