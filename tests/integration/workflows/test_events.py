"""Events that runs wait for: kept, counted once, never lost between sender and wait."""

from __future__ import annotations

import asyncio
import random

import pytest
from tests.integration.workflows.shapes import ShapesBench, probe
from tests.integration.workflows.test_engine import ACTOR

from careloom.errors import Conflict
from careloom.types import JsonObject, Scope

WAIT: JsonObject = {"id": "on", "type": "wait", "event": "ready", "key": "{{trigger.k}}"}
DATA: JsonObject = {"output": "{{steps.on.output.data}}"}


async def _waiting(shapes: ShapesBench, scope: Scope, *keys: str) -> list[str]:
    await shapes.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    names = []
    for key in keys:
        started = await shapes.runs.start(scope, "flow", {"k": key}, ACTOR)
        names.append(str(started["runId"]))
        await shapes.reached(scope, names[-1], "waiting")
    return names


async def test_an_event_goes_to_the_run_that_has_waited_longest(
    shapes: ShapesBench, scope: Scope
) -> None:
    first, second, other = await _waiting(shapes, scope, "a", "a", "b")
    sent = await shapes.signals.send(scope, "ready", "a", {"n": 1}, ACTOR)
    assert (sent["status"], sent["runId"]) == ("taken", first)
    assert (await shapes.finished(scope, first))["output"] == {"n": 1}
    assert (await shapes.runs.status(scope, second))["status"] == "waiting"
    await shapes.signals.send(scope, "ready", "a", {"n": 2}, ACTOR)
    await shapes.signals.send(scope, "ready", "b", {"n": 3}, ACTOR)
    assert (await shapes.finished(scope, second))["output"] == {"n": 2}
    assert (await shapes.finished(scope, other))["output"] == {"n": 3}


async def test_an_event_before_its_wait_is_kept_and_counts_once(
    shapes: ShapesBench, scope: Scope
) -> None:
    sent = await shapes.signals.send(scope, "ready", "a", {"n": 1}, ACTOR)
    assert sent["status"] == "kept"
    await shapes.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    first = await shapes.runs.start(scope, "flow", {"k": "a"}, ACTOR)
    assert (await shapes.finished(scope, first["runId"]))["output"] == {"n": 1}
    second = await shapes.runs.start(scope, "flow", {"k": "a"}, ACTOR)
    await shapes.reached(scope, second["runId"], "waiting")


async def test_a_repeat_is_the_same_event_and_other_data_is_refused(
    shapes: ShapesBench, scope: Scope
) -> None:
    first = await shapes.signals.send(scope, "ready", "a", 1, ACTOR, sender_id="x")
    again = await shapes.signals.send(scope, "ready", "a", 1, ACTOR, sender_id="x")
    assert again == {**first, "repeated": True}
    with pytest.raises(Conflict):
        await shapes.signals.send(scope, "ready", "a", 2, ACTOR, sender_id="x")


async def test_an_event_of_another_store_or_key_is_not_taken(
    shapes: ShapesBench, scope: Scope
) -> None:
    [name] = await _waiting(shapes, scope, "a")
    elsewhere = Scope(scope.tenant, "other")
    for place, key in ((elsewhere, "a"), (scope, "b"), (scope, "")):
        sent = await shapes.signals.send(place, "ready", key, None, ACTOR)
        assert sent["status"] == "kept"
    assert (await shapes.runs.status(scope, name))["status"] == "waiting"


async def test_a_wait_for_an_event_ends_by_its_time(shapes: ShapesBench, scope: Scope) -> None:
    late = {**WAIT, "timeout": 0.3, "fallback": [probe("else", v="late")]}
    run = await shapes.run(scope, [late], given={"k": "a"}, output="{{steps.on.output}}")
    assert run["status"] == "succeeded", run["error"]
    assert run["output"] == {"v": "late", "degraded": True}
    sent = await shapes.signals.send(scope, "ready", "a", None, ACTOR)
    assert sent["status"] == "kept"


async def test_no_event_is_lost_between_sender_and_wait(shapes: ShapesBench, scope: Scope) -> None:
    """300 rounds in which both come at the same moment."""
    await shapes.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    dice = random.Random(7)

    async def round_(number: int) -> int:
        key = f"k{number}"

        async def send() -> None:
            await asyncio.sleep(dice.uniform(0, 0.02))
            await shapes.signals.send(scope, "ready", key, number, ACTOR)

        started, _ = await asyncio.gather(
            shapes.runs.start(scope, "flow", {"k": key}, ACTOR), send()
        )
        return int((await shapes.finished(scope, started["runId"]))["output"])

    for begin in range(0, 300, 20):
        numbers = range(begin, begin + 20)
        assert await asyncio.gather(*map(round_, numbers)) == list(numbers)
