"""A renewal that comes between a run's last commit and its answer finds no lease any more: that is
the run's own doing, and nobody has taken it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.integration.workflows.shapes import ShapesBench
from tests.integration.workflows.test_engine import ACTOR

from careloom.types import JsonObject, Scope


class RenewedBeforeTheAnswer:
    """Has the leases renewed after each commit of the journal, before the worker hears of it."""

    def __init__(self, shapes: ShapesBench) -> None:
        self._worker = shapes.worker
        self._call = shapes.db.call
        self.commits = 0

    async def call(self, function: str, tenant: str, *args: Any) -> Any:
        answer = await self._call(function, tenant, *args)
        if function.startswith("engine_flush"):
            self.commits += 1
            await self._worker.renew()
        return answer


def _workflow(steps: list[JsonObject]) -> JsonObject:
    return {"id": "flow", "name": "Flow", "triggers": [{"type": "manual"}], "steps": steps}


@pytest.fixture
def heard(shapes: ShapesBench) -> list[str]:
    """Tenants of which the worker said that a run has closed."""
    closed: list[str] = []
    note: Callable[[str], None] = closed.append
    shapes.notices.subscribe("closed", note)
    return closed


async def test_a_run_that_ends_meanwhile_is_not_fenced(
    shapes: ShapesBench, scope: Scope, heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await shapes.deploy(scope, _workflow([{"id": "one", "type": "probe"}]))
    between = RenewedBeforeTheAnswer(shapes)
    monkeypatch.setattr(shapes.db, "call", between.call)
    started = await shapes.runs.start(scope, "flow", {}, ACTOR)
    await shapes.finished(scope, started["runId"])
    await shapes.until(lambda: shapes.worker.held == 0)
    assert between.commits == 2
    assert shapes.worker.counters.fenced == 0
    assert shapes.worker.counters.closed == {"succeeded": 1}
    assert heard == [scope.tenant]


async def test_a_run_that_parks_meanwhile_is_not_fenced(
    shapes: ShapesBench, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait: JsonObject = {"id": "nap", "type": "wait", "duration": "300ms"}
    await shapes.deploy(scope, _workflow([wait, {"id": "one", "type": "probe"}]))
    between = RenewedBeforeTheAnswer(shapes)
    monkeypatch.setattr(shapes.db, "call", between.call)
    started = await shapes.runs.start(scope, "flow", {}, ACTOR)
    status = await shapes.finished(scope, started["runId"])
    assert status["status"] == "succeeded", status
    await shapes.until(lambda: shapes.worker.held == 0)
    assert shapes.worker.counters.fenced == 0
    assert shapes.worker.counters.closed == {"succeeded": 1}


async def test_a_run_that_another_has_taken_is_left_between_its_commits(
    shapes: ShapesBench, scope: Scope
) -> None:
    hold: JsonObject = {"id": "one", "type": "probe", "hold": "here"}
    await shapes.deploy(scope, _workflow([hold]))
    started = await shapes.runs.start(scope, "flow", {}, ACTOR)
    await shapes.until(lambda: bool(shapes.probe.calls))
    await shapes.db.query(
        scope.tenant,
        "UPDATE live SET fence = fence + 1, owner = 'another', due_at = now() + interval '20 s'"
        " WHERE tenant = $1",
        scope.tenant,
    )
    await shapes.worker.renew()
    await shapes.until(lambda: shapes.worker.held == 0)
    assert shapes.worker.counters.fenced == 1
    status = await shapes.runs.status(scope, started["runId"])
    assert status["steps"] == []
