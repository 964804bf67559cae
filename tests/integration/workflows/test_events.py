"""Events that runs wait for: kept, counted once, never lost between sender and wait."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from tests.integration.workflows.shapes import ShapesBench, probe
from tests.integration.workflows.test_engine import ACTOR

from careloom.errors import Conflict
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope

WAIT: JsonObject = {"id": "on", "type": "wait", "event": "ready", "key": "{{trigger.k}}"}
DATA: JsonObject = {"output": "{{steps.on.output.data}}"}


@pytest.fixture
async def bench(database: Database, keyring: Keyring, dsn: str) -> AsyncIterator[ShapesBench]:
    notices = Notices(dsn)
    await notices.start()
    bench = ShapesBench(database, keyring, notices)
    await bench.worker.start()
    yield bench
    await bench.worker.stop(grace_s=1)
    await notices.stop()


async def _waiting(bench: ShapesBench, scope: Scope, *keys: str) -> list[str]:
    await bench.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    names = []
    for key in keys:
        started = await bench.runs.start(scope, "flow", {"k": key}, ACTOR)
        names.append(str(started["runId"]))
        await bench.reached(scope, names[-1], "waiting")
    return names


async def test_an_event_goes_to_the_run_that_has_waited_longest(
    bench: ShapesBench, scope: Scope
) -> None:
    first, second, other = await _waiting(bench, scope, "a", "a", "b")
    sent = await bench.signals.send(scope, "ready", "a", {"n": 1}, ACTOR)
    assert (sent["status"], sent["runId"]) == ("taken", first)
    assert (await bench.finished(scope, first))["output"] == {"n": 1}
    assert (await bench.runs.status(scope, second))["status"] == "waiting"
    await bench.signals.send(scope, "ready", "a", {"n": 2}, ACTOR)
    await bench.signals.send(scope, "ready", "b", {"n": 3}, ACTOR)
    assert (await bench.finished(scope, second))["output"] == {"n": 2}
    assert (await bench.finished(scope, other))["output"] == {"n": 3}


async def test_an_event_before_its_wait_is_kept_and_counts_once(
    bench: ShapesBench, scope: Scope
) -> None:
    sent = await bench.signals.send(scope, "ready", "a", {"n": 1}, ACTOR)
    assert sent["status"] == "kept"
    await bench.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    first = await bench.runs.start(scope, "flow", {"k": "a"}, ACTOR)
    assert (await bench.finished(scope, first["runId"]))["output"] == {"n": 1}
    second = await bench.runs.start(scope, "flow", {"k": "a"}, ACTOR)
    await bench.reached(scope, second["runId"], "waiting")


async def test_a_repeat_is_the_same_event_and_other_data_is_refused(
    bench: ShapesBench, scope: Scope
) -> None:
    first = await bench.signals.send(scope, "ready", "a", 1, ACTOR, sender_id="x")
    again = await bench.signals.send(scope, "ready", "a", 1, ACTOR, sender_id="x")
    assert again == {**first, "repeated": True}
    with pytest.raises(Conflict):
        await bench.signals.send(scope, "ready", "a", 2, ACTOR, sender_id="x")


async def test_an_event_of_another_store_or_key_is_not_taken(
    bench: ShapesBench, scope: Scope
) -> None:
    [name] = await _waiting(bench, scope, "a")
    elsewhere = Scope(scope.tenant, "other")
    for place, key in ((elsewhere, "a"), (scope, "b"), (scope, "")):
        sent = await bench.signals.send(place, "ready", key, None, ACTOR)
        assert sent["status"] == "kept"
    assert (await bench.runs.status(scope, name))["status"] == "waiting"


async def test_a_wait_for_an_event_ends_by_its_time(bench: ShapesBench, scope: Scope) -> None:
    late = {**WAIT, "timeout": 0.3, "fallback": [probe("else", v="late")]}
    run = await bench.run(scope, [late], given={"k": "a"}, output="{{steps.on.output}}")
    assert run["status"] == "succeeded", run["error"]
    assert run["output"] == {"v": "late", "degraded": True}
    sent = await bench.signals.send(scope, "ready", "a", None, ACTOR)
    assert sent["status"] == "kept"


async def test_no_event_is_lost_between_sender_and_wait(bench: ShapesBench, scope: Scope) -> None:
    """300 rounds in which both come at the same moment."""
    await bench.deploy(scope, {"id": "flow", "steps": [WAIT], **DATA})
    dice = random.Random(7)

    async def round_(number: int) -> int:
        key = f"k{number}"

        async def send() -> None:
            await asyncio.sleep(dice.uniform(0, 0.02))
            await bench.signals.send(scope, "ready", key, number, ACTOR)

        started, _ = await asyncio.gather(
            bench.runs.start(scope, "flow", {"k": key}, ACTOR), send()
        )
        return int((await bench.finished(scope, started["runId"]))["output"])

    for begin in range(0, 300, 20):
        numbers = range(begin, begin + 20)
        assert await asyncio.gather(*map(round_, numbers)) == list(numbers)
