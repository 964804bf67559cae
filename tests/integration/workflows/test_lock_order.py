"""Runs write rows of one another: a child's end wakes its parent, an end stops children. Everybody
locks such rows in one order, so nobody waits for somebody who waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from tests.integration.workflows.shapes import ShapesBench, probe
from tests.integration.workflows.test_engine import ACTOR

from careloom.types import JsonObject, Scope
from careloom.workflows.engine.batch import Unit
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.engine.lock_order import locks_of


@asynccontextmanager
async def _locked(dsn: str, run: str) -> AsyncIterator[asyncpg.Connection]:
    """Somebody else holds the row of this run."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await _lock(connection, run)
            yield connection
    finally:
        await connection.close()


async def _lock(connection: asyncpg.Connection, run: str) -> None:
    sql = "SELECT 1 FROM careloom.live WHERE run_id = $1 FOR UPDATE NOWAIT"
    assert await connection.fetchval(sql, parse_run_name(run)) == 1


async def _somebody_waits(connection: asyncpg.Connection) -> None:
    sql = (
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
        " WHERE NOT l.granted AND a.datname = current_database()"
    )
    async with asyncio.timeout(20):
        while not await connection.fetchval(sql):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_parent_is_locked_before_younger_runs_of_the_batch_that_wakes_it(
    dsn: str, shapes: ShapesBench, scope: Scope
) -> None:
    """A batch with the end of a child of an older run and a step of a younger one, while somebody
    holds the older: the younger is not locked yet."""
    for name, hold in (("first", "first"), ("child", "child"), ("younger", "younger")):
        await shapes.deploy(scope, {"id": name, "steps": [probe("one", hold=hold)]})
    sub: JsonObject = {"id": "sub", "type": "workflow", "workflow": "child", "input": {}}
    await shapes.deploy(scope, {"id": "parent", "steps": [sub]})

    async def begun(workflow: str, calls: int) -> str:
        started = await shapes.runs.start(scope, workflow, {}, ACTOR)
        await shapes.until(lambda: len(shapes.probe.calls) == calls)
        return str(started["runId"])

    first = await begun("first", 1)
    parent = await begun("parent", 2)
    younger = await begun("younger", 3)
    async with _locked(dsn, parent) as other:
        async with _locked(dsn, first):
            shapes.probe.gate("first").set()
            await _somebody_waits(other)
            # What comes while a batch is under way makes the next one, together.
            shapes.probe.gate("child").set()
            shapes.probe.gate("younger").set()
            await shapes.until(lambda: shapes.worker.ledger.waiting(scope.tenant) == 2)
        await shapes.finished(scope, first)
        await _somebody_waits(other)
        await _lock(other, younger)
    for name in (parent, younger):
        assert (await shapes.finished(scope, name))["status"] == "succeeded"


def _unit(**fields: object) -> Unit:
    return Unit({"r": "00000000-0000-7000-8000-000000000001", "k": "step", **fields})


def test_only_batches_that_touch_what_others_touch_lock_ahead() -> None:
    create = {"op": "fhir.put", "expect": 0}
    update = {"op": "fhir.put", "expect": 3}
    done = {"state": "succeeded"}
    assert locks_of([_unit(), _unit(fin=done), _unit(ops=[create])]) is None
    assert locks_of([_unit(ops=[update])]) is None
    assert locks_of([_unit(ops=[update]), _unit(ops=[update])]) == ([], [])
    assert locks_of([_unit(lock="signal/x")]) == (["signal/x"], [])
    run = [_unit().fields["r"]]
    assert locks_of([_unit(fin=done, followed=True)]) == ([], run)
    assert locks_of([_unit(fin={"state": "failed"})]) == ([], run)
    for op in ("run.abandon", "step.abandon", "run.rollback"):
        assert locks_of([_unit(ops=[{"op": op}])]) == ([], run)
    start = {"op": "run.start", "run": {"gate": {"order": "k"}}}
    assert locks_of([_unit(ops=[start])]) == ([], run)


async def test_what_a_lost_lease_left_in_the_queue_is_fenced_beside_the_new_owner(
    dsn: str, shapes: ShapesBench, scope: Scope
) -> None:
    """A worker takes a run again that it had lost, while a step of the time before still waits to
    be written: the two come into one batch, and only the new owner's step may be written."""
    ledger, gate = shapes.worker.ledger, shapes.probe.gate
    await shapes.deploy(scope, {"id": "first", "steps": [probe("one", hold="first")]})
    branches = {"x": [probe("a", hold="a")], "y": [probe("b", hold="b")]}
    both: JsonObject = {"id": "both", "type": "parallel", "branches": branches}
    await shapes.deploy(scope, {"id": "flow", "steps": [both]})
    first = str((await shapes.runs.start(scope, "first", {}, ACTOR))["runId"])
    flow = str((await shapes.runs.start(scope, "flow", {}, ACTOR))["runId"])
    await shapes.until(lambda: len(shapes.probe.calls) == 3)
    admin = await asyncpg.connect(dsn)
    try:
        async with _locked(dsn, first) as other:
            gate("first").set()
            await _somebody_waits(other)
            gate("a").set()
            await shapes.until(lambda: ledger.waiting(scope.tenant) == 1)
            await admin.execute(
                "UPDATE careloom.live SET owner = NULL, due_at = now() WHERE run_id = $1",
                parse_run_name(flow),
            )
            shapes.worker.wake(scope.tenant)
            gate("b").set()
            await shapes.until(lambda: ledger.waiting(scope.tenant) >= 3)
        assert (await shapes.finished(scope, flow))["status"] == "succeeded"
        written = await admin.fetch(
            "SELECT path, fence FROM careloom.step WHERE run_id = $1 AND outcome = 'succeeded'"
            " AND path <> 'steps/both'",
            parse_run_name(flow),
        )
    finally:
        await admin.close()
    assert len(written) == 2
    assert {row["fence"] for row in written} == {2}
