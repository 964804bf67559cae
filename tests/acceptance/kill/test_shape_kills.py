"""kill -9 in the middle of each control construct: the same end, everything once."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections import Counter

import pytest
from tests.acceptance.kill.cases import ACTOR, RADIOLOGY, Case, Clinic
from tests.acceptance.kill.forks import Fork, Forks
from tests.acceptance.kill.shapes import SHAPES, Shape, note

from careloom.types import JsonObject
from careloom.workflows.definition import parse_definition

_LIMIT_S = 60.0
_MOST_KILLS = 4
_ENDED = ("succeeded", "failed", "cancelled", "rolled_back")


async def _begun(clinic: Clinic, shape: Shape) -> tuple[Case, str]:
    """A tenant with the workflow and a run of it that no worker has seen."""
    case = Case(RADIOLOGY, f"k{uuid.uuid4().hex[:12]}")
    services, scope = clinic.services, case.scope
    await services.db.call("tenant_create", case.tenant, "Kill", "development")
    whole = {"id": "flow", "steps": shape.steps, **shape.more}
    for source in (*shape.children, whole):
        definition: JsonObject = {"name": source["id"], "trigger": {"type": "manual"}, **source}
        made = parse_definition(definition, mode="strict").definition
        await services.registry.deploy(
            scope, made.id, made.name, made.hash, made.canonical, "", [], ACTOR
        )
    started = await services.runs.start(scope, "flow", shape.given, ACTOR)
    return case, str(started["runId"])


async def _state(clinic: Clinic, case: Case, run: str) -> str:
    sql = "SELECT state FROM careloom.run WHERE tenant = $1 AND run_id = $2::uuid"
    found: str = await clinic.admin.fetchval(sql, case.tenant, run.removeprefix("run_"))
    return found


async def _ended(clinic: Clinic, case: Case, run: str) -> str:
    deadline = time.monotonic() + _LIMIT_S
    while (state := await _state(clinic, case, run)) not in _ENDED:
        assert time.monotonic() < deadline, f"stranded: {case.tenant} {run}"
        await asyncio.sleep(0.02)
    return state


async def _dead_or_done(clinic: Clinic, case: Case, run: str, mortal: Fork) -> bool:
    """Wait until the mortal worker has died of its order; False when the run ended before."""
    ending = asyncio.create_task(mortal.ended())
    deadline = time.monotonic() + _LIMIT_S
    while not ending.done():
        assert time.monotonic() < deadline
        if await _state(clinic, case, run) in _ENDED:
            mortal.signal(signal.SIGKILL)
            await ending
            return False
        await asyncio.sleep(0.02)
    return ending.result().signal == signal.SIGKILL


async def _texts(clinic: Clinic, case: Case) -> Counter[str]:
    bundle = await clinic.services.fhir.search(case.scope, "Observation", [("_count", "1000")])
    return Counter(entry["resource"]["code"]["text"] for entry in bundle.get("entry", ()))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
async def test_a_construct_whose_worker_is_killed_ends_as_it_would_have(
    clinic: Clinic, forks: Forks, shape: Shape
) -> None:
    """Killed at one commit, in the next run at the next, and so on, before or after by turns."""
    kills = 0
    for at in range(shape.first, shape.first + _MOST_KILLS):
        case, run = await _begun(clinic, shape)
        mode = ("before", "after")[(at + len(shape.name)) % 2]
        mortal = await forks.fork(case.tenant, lease=2, mode=mode, call="engine_flush", at=at)
        if shape.event is not None:
            name, key = shape.event
            await clinic.services.signals.send(case.scope, name, key, {"text": "last"}, ACTOR)
        killed = await _dead_or_done(clinic, case, run, mortal)
        kills += killed
        successor = await forks.fork(case.tenant, lease=2)
        try:
            assert await _ended(clinic, case, run) == shape.ends
        finally:
            await successor.kill()
        assert await _texts(clinic, case) == Counter(shape.notes)
        assert await clinic.outcome_faults(case) == []
        if not killed:
            break
    assert kills >= 2


async def test_a_loop_of_a_thousand_items_goes_on_with_those_that_are_not_finished(
    clinic: Clinic, forks: Forks
) -> None:
    every_twentieth = {
        "id": "some",
        "type": "if",
        "condition": "index mod 20 = 0",
        "then": [note("write", "item {{index}}")],
    }
    loop = {"id": "each", "type": "foreach", "items": "{{trigger.list}}", "concurrency": 20}
    shape = Shape(
        "thousand",
        [{**loop, "steps": [every_twentieth]}],
        {f"item {number}": 1 for number in range(0, 1000, 20)},
        given={"list": list(range(1000))},
    )
    case, run = await _begun(clinic, shape)
    count = "SELECT count(*) FROM careloom.step WHERE tenant = $1"
    first = await forks.fork(case.tenant, lease=2)
    while (done := await clinic.admin.fetchval(count, case.tenant)) < 300:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await first.kill()
    assert done < 1000
    second = await forks.fork(case.tenant, lease=2)
    try:
        assert await _ended(clinic, case, run) == "succeeded"
    finally:
        await second.kill()
    rows = await clinic.admin.fetch(
        "SELECT fence, count(*) AS n FROM careloom.step WHERE tenant = $1"
        " AND path = 'steps/each/steps/some' GROUP BY fence ORDER BY fence",
        case.tenant,
    )
    assert [row["fence"] for row in rows] == sorted({row["fence"] for row in rows})
    assert len(rows) == 2
    assert sum(row["n"] for row in rows) == 1000
    assert rows[0]["n"] >= 250
    assert await _texts(clinic, case) == Counter(shape.notes)
    assert await clinic.outcome_faults(case) == []
