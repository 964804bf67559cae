"""The next task is taken, and a task is put off."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House


async def tasks(desk: Desk, *steps: dict[str, Any]) -> list[Any]:
    """A run with these tasks open side by side; they are in the list's order."""
    branches = {
        f"b{n}": [{"id": f"ask{n}", "title": "Well?", "type": "task", **step}]
        for n, step in enumerate(steps)
    }
    await desk.deployed(
        {"id": "flow", "steps": [{"id": "all", "type": "parallel", "branches": branches}]}
    )
    await desk.post("/api/workflows/flow/execute", {})

    async def look() -> Any:
        found = await desk.data("/api/tasks?status=open")
        return found if len(found) == len(steps) else None

    return await until(look)


def later(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def test_everybody_who_asks_at_once_gets_another_task(house: House, desk: Desk) -> None:
    urgent = [{"priority": "stat"}, {"priority": "urgent"}, {}, {"candidates": ["user:nobody"]}]
    await tasks(desk, *urgent)
    people = [await house.desk("clinician", scope=desk.scope) for _ in range(4)]
    answers = await asyncio.gather(*(one.post("/api/tasks/next", {}) for one in people))
    assert {answer.status_code for answer in answers} == {200}
    taken = [answer.json()["data"] for answer in answers]
    assert sorted(one["priority"] for one in taken if one) == ["routine", "stat", "urgent"]
    assert taken.count(None) == 1
    assert len({one["id"] for one in taken if one}) == 3
    again = await people[0].post("/api/tasks/next", {})
    assert again.json()["data"] is None


async def test_the_next_is_the_most_urgent_of_the_queue(desk: Desk) -> None:
    await tasks(desk, {"queue": "a"}, {"queue": "b", "priority": "stat"}, {"queue": "a"})
    first = (await desk.post("/api/tasks/next", {"queue": "a"})).json()["data"]
    assert (first["queue"], first["status"]) == ("a", "accepted")
    assert (await desk.post("/api/tasks/next")).json()["data"]["priority"] == "stat"
    assert (await desk.post("/api/tasks/next", {"queue": "c"})).json()["data"] is None
    assert (await desk.post("/api/tasks/next", {"queue": 7})).status_code == 400


async def test_a_task_is_put_off_for_oneself(house: House, desk: Desk) -> None:
    first, second = await tasks(desk, {}, {})
    other = await house.desk("clinician", scope=desk.scope)
    until_then = later(hours=3)
    answer = await desk.post(f"/api/tasks/{first['id']}/snooze", {"until": until_then})
    assert answer.status_code == 200, answer.text
    mine = await desk.data("/api/tasks?status=open")
    assert [one["id"] for one in mine] == [second["id"]]
    assert [one["open"] for one in await desk.data("/api/tasks/counts")] == [1]
    assert len(await other.data("/api/tasks?status=open")) == 2
    [off] = await desk.data("/api/tasks?snoozed=true")
    assert off["id"] == first["id"]
    assert datetime.fromisoformat(off["snoozedUntil"]) == datetime.fromisoformat(until_then)
    read = await desk.data(f"/api/tasks/{first['id']}")
    assert read["snoozedUntil"] == off["snoozedUntil"]
    assert (await other.data(f"/api/tasks/{first['id']}"))["snoozedUntil"] is None
    assert len(await desk.data(f"/api/tasks?run={first['runId']}")) == 2
    taken = (await desk.post("/api/tasks/next", {})).json()["data"]
    assert taken["id"] == second["id"]
    back = await desk.post(f"/api/tasks/{first['id']}/snooze", {"until": None})
    assert back.json()["data"]["snoozedUntil"] is None
    assert len(await desk.data("/api/tasks?status=open")) == 2
    history = await desk.data(f"/api/tasks/{first['id']}/history")
    assert [event["action"] for event in history].count("task.snooze") == 2


async def test_what_is_due_is_put_off_by_nobody(desk: Desk) -> None:
    [task] = await tasks(desk, {"due": "1ms"})
    await desk.post(f"/api/tasks/{task['id']}/snooze", {"until": later(hours=3)})
    assert len(await desk.data("/api/tasks?status=open")) == 1


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"until": "soon"},
        {"until": 7},
        {"until": "2020-01-01T00:00:00Z"},
        {"until": "2999-01-01T00:00:00Z"},
        {"until": "2027-01-01T00:00:00"},
    ],
)
async def test_a_time_that_is_none_is_refused(desk: Desk, given: Any) -> None:
    [task] = await tasks(desk, {})
    answer = await desk.post(f"/api/tasks/{task['id']}/snooze", given)
    assert answer.status_code == 400, answer.text


async def test_only_who_sees_a_task_puts_it_off(house: House, desk: Desk) -> None:
    hidden, seen = await tasks(
        desk, {"candidates": ["user:nobody"], "priority": "stat"}, {"priority": "routine"}
    )
    other = await house.desk("clinician", scope=desk.scope)
    address = f"/api/tasks/{hidden['id']}/snooze"
    assert (await other.post(address, {"until": later(hours=1)})).status_code == 404
    address = f"/api/tasks/{seen['id']}/snooze"
    assert (await other.post(address, {"until": later(hours=1)})).status_code == 200
    done = await desk.post(f"/api/tasks/{seen['id']}/decision", {"decision": "approve"})
    assert done.status_code == 200, done.text
    assert (await other.post(address, {"until": later(hours=1)})).status_code == 409
