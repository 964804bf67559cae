"""kill -9 in the middle of each control construct: the same end, everything once."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter

import pytest
from tests.acceptance.kill.cases import Case, Clinic
from tests.acceptance.kill.forks import Fork, Forks
from tests.acceptance.kill.shape_runs import ENDED, LIMIT_S, begun, ended, state_of, texts
from tests.acceptance.kill.shapes import SHAPES, Shape, note

_MOST_KILLS = 4


async def _dead_or_done(clinic: Clinic, case: Case, run: str, mortal: Fork) -> bool:
    """Wait until the mortal worker has died of its order; False when the run ended before."""
    ending = asyncio.create_task(mortal.ended())
    deadline = time.monotonic() + LIMIT_S
    while not ending.done():
        assert time.monotonic() < deadline
        if await state_of(clinic, case, run) in ENDED:
            mortal.signal(signal.SIGKILL)
            await ending
            return False
        await asyncio.sleep(0.02)
    return ending.result().signal == signal.SIGKILL


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
async def test_a_construct_whose_worker_is_killed_ends_as_it_would_have(
    clinic: Clinic, forks: Forks, shape: Shape
) -> None:
    """Killed at one commit, in the next run at the next, and so on, before or after by turns."""
    kills = 0
    for at in range(shape.first, shape.first + _MOST_KILLS):
        case, run = await begun(clinic, shape)
        mode = ("before", "after")[(at + len(shape.name)) % 2]
        mortal = await forks.fork(case.tenant, lease=2, mode=mode, call="engine_flush", at=at)
        killed = await _dead_or_done(clinic, case, run, mortal)
        kills += killed
        successor = await forks.fork(case.tenant, lease=2)
        try:
            assert await ended(clinic, case, run, shape) == shape.ends
        finally:
            await successor.kill()
        assert await texts(clinic, case) == Counter(shape.notes)
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
    case, run = await begun(clinic, shape)
    count = "SELECT count(*) FROM careloom.step WHERE tenant = $1"
    first = await forks.fork(case.tenant, lease=2)
    while (done := await clinic.admin.fetchval(count, case.tenant)) < 300:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await first.kill()
    assert done < 1000
    second = await forks.fork(case.tenant, lease=2)
    try:
        assert await ended(clinic, case, run, shape) == "succeeded"
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
    assert await texts(clinic, case) == Counter(shape.notes)
    assert await clinic.outcome_faults(case) == []
