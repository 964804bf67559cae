"""Workflows that start one another: shown at deploy, ended by a limit, named by an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from careloom.workflows import triggers
from careloom.workflows.triggers import MAX_CHAIN

if TYPE_CHECKING:
    from tests.integration.conftest import Desk


def _copier(name: str, reads: str, writes: str) -> dict[str, Any]:
    """Creates a resource of one type whenever one of another is created."""
    data: dict[str, Any] = {"status": "preliminary", "code": {"text": name}}
    return {
        "id": name,
        "trigger": {"type": "fhir", "event": f"{reads}.create"},
        "steps": [
            {
                "id": "write",
                "type": "fhir",
                "action": "create",
                "resourceType": writes,
                "data": data,
            }
        ],
    }


async def _seeded(desk: Desk) -> None:
    resource = {"resourceType": "Observation", "status": "final", "code": {"text": "start"}}
    answer = await desk.post("/fhir/Observation", resource)
    assert answer.status_code == 201, answer.text


async def _stopped(desk: Desk) -> dict[str, Any]:
    await desk.incident("trigger.depth_limit")
    await desk.events_matched()
    return dict(await desk.incident("trigger.depth_limit"))


async def test_a_workflow_that_triggers_itself_ends_with_an_incident(desk: Desk) -> None:
    deployed = await desk.deployed(_copier("echo", "Observation", "Observation"))
    assert deployed["triggerGraph"]["cycles"] == [["echo"]]
    assert "W-CASCADE" in [finding["code"] for finding in deployed["findings"]]
    await _seeded(desk)
    incident = await _stopped(desk)
    assert incident["count"] == 1
    assert incident["cause"].endswith("echo → echo")
    runs = await desk.data("/api/workflows/runs")
    assert len(runs) == MAX_CHAIN
    assert {run["status"] for run in runs} == {"succeeded"}
    assert len(await desk.search("Observation?_count=50")) == MAX_CHAIN + 1


async def test_two_workflows_that_trigger_each_other_end_and_the_round_is_named(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "MAX_CHAIN", 2)
    await desk.deployed(_copier("ping", "Observation", "DiagnosticReport"))
    deployed = await desk.deployed(_copier("pong", "DiagnosticReport", "Observation"))
    assert deployed["triggerGraph"]["cycles"] == [["ping", "pong"]]
    assert {cascade["event"] for cascade in deployed["triggerGraph"]["cascades"]} == {
        "DiagnosticReport.create",
        "Observation.create",
    }
    await _seeded(desk)
    incident = await _stopped(desk)
    assert incident["cause"].endswith("ping → pong → ping")
    assert len(await desk.data("/api/workflows/runs")) == 2


async def test_the_limit_counts_a_chain_and_not_all_runs(desk: Desk) -> None:
    """Many requests that each start a run are no chain; a run by request begins a chain of its
    own."""
    await desk.deployed(_copier("once", "Observation", "DiagnosticReport"))
    for _ in range(MAX_CHAIN + 2):
        await _seeded(desk)
    runs = await desk.runs_of("once", MAX_CHAIN + 2)
    assert {run["status"] for run in runs} == {"succeeded"}
    assert await desk.data("/api/incidents") == []


async def test_what_the_chain_carries_is_not_shown_to_the_workflow(desk: Desk) -> None:
    await desk.deployed(_copier("first", "Observation", "DiagnosticReport"))
    await desk.deployed(
        {
            "id": "second",
            "trigger": {"type": "fhir", "event": "DiagnosticReport.create"},
            "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
            "output": {"trigger": "{{trigger}}"},
        }
    )
    await _seeded(desk)
    [summary] = await desk.runs_of("second", 1)
    run = await desk.run(summary["runId"])
    assert run["output"]["trigger"].keys() == {"event", "resourceType", "id", "resource"}


async def test_a_round_through_a_run_inside_a_run_ends_too(desk: Desk) -> None:
    inner = _copier("inner", "Basic", "Observation")
    await desk.deployed({**inner, "trigger": {"type": "manual"}})
    outer = {"type": "fhir", "event": "Observation.create"}
    call = {"id": "call", "type": "workflow", "workflow": "inner"}
    await desk.deployed({"id": "outer", "trigger": outer, "steps": [call]})
    await _seeded(desk)
    incident = await _stopped(desk)
    assert (incident["count"], incident["cause"].split(": ")[1]) == (1, "outer → inner → outer")
    runs = await desk.data("/api/workflows/runs")
    assert {run["status"] for run in runs} == {"succeeded"}
    assert len(runs) == MAX_CHAIN


async def test_a_round_that_a_schedule_began_ends_too(desk: Desk) -> None:
    """A firing begins a chain of its own: what it sets going is bounded like any other."""
    echo = _copier("echo", "Observation", "Observation")
    timed = {"type": "schedule", "cron": "0 0 1 1 *"}
    written = echo.pop("trigger")
    await desk.deployed({**echo, "triggers": [written, timed]})
    tenant = desk.scope.tenant
    await desk.services.db.query(
        tenant,
        "UPDATE schedule SET next_at = date_trunc('minute', now()), due_at = now()"
        " WHERE tenant = $1",
        tenant,
    )
    incident = await _stopped(desk)
    assert incident["cause"].endswith("echo → echo")
    assert len(await desk.data("/api/workflows/runs")) == MAX_CHAIN
