"""The worklist by HTTP: who sees what, in which order, and who may take and hand on."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House


def flow(id: str = "ask", **step: Any) -> dict[str, Any]:
    asked = {"id": "ask", "type": "task", "title": "Is this right?", **step}
    return {"id": id, "steps": [asked], "output": {"data": "{{steps.ask.output.data}}"}}


async def ask(desk: Desk, count: int = 1, **step: Any) -> list[dict[str, Any]]:
    """Open tasks of a new workflow; they as the list shows them."""
    name = f"ask-{step.get('queue', 'q')}-{step.get('priority', 'p')}"
    await desk.deployed(flow(name, **step))
    before = {task["id"] for task in await desk.data("/api/tasks?status=open&limit=500")}
    for _ in range(count):
        answer = await desk.post(f"/api/workflows/{name}/execute", {})
        run = answer.json()["data"]["runId"]
        await desk.reached(run, lambda run: run["status"] == "waiting")
    tasks = await desk.data("/api/tasks?status=open&limit=500")
    return [task for task in tasks if task["id"] not in before]


async def test_tasks_are_listed_by_urgency_then_by_due_time_then_by_age(desk: Desk) -> None:
    late = (await ask(desk, priority="routine", due="2h"))[0]
    soon = (await ask(desk, priority="routine", due="1h"))[0]
    never = (await ask(desk, priority="routine"))[0]
    stat = (await ask(desk, priority="stat"))[0]
    listed = [task["id"] for task in await desk.data("/api/tasks?status=open")]
    assert listed == [stat["id"], soon["id"], late["id"], never["id"]]
    aged = [task["id"] for task in await desk.data("/api/tasks?status=open&sort=age")]
    assert aged == [late["id"], soon["id"], never["id"], stat["id"]]


@pytest.mark.parametrize("sort", ["priority", "age"])
async def test_pages_follow_one_another_without_gap_or_double(desk: Desk, sort: str) -> None:
    for queue in ("one", "two"):
        for priority in ("stat", "routine"):
            await ask(desk, 2, queue=queue, priority=priority)
    whole = [task["id"] for task in await desk.data(f"/api/tasks?sort={sort}")]
    decided = whole.pop(0)
    await desk.post(f"/api/tasks/{decided}/decision", {"decision": "approve"})
    seen, after = [], ""
    while page := await desk.data(f"/api/tasks?limit=3&sort={sort}{after}"):
        seen += [task["id"] for task in page]
        after = f"&after={page[-1]['cursor']}"
    assert seen == [*whole, decided]
    answer = await desk.get("/api/tasks?after=nonsense")
    assert (answer.status_code, answer.json()["error"]["path"]) == (400, "/after")


async def test_filters_and_counts(house: House, desk: Desk) -> None:
    [mine, other] = await ask(desk, 2, queue="ward", priority="urgent", due="0s")
    [form] = await ask(desk, queue="desk")
    await desk.post(f"/api/tasks/{mine['id']}/claim")

    async def found(query: str) -> set[str]:
        return {task["id"] for task in await desk.data(f"/api/tasks?status=open&{query}")}

    assert await found("mine=true") == {mine["id"]}
    assert await found("unassigned=true") == {other["id"], form["id"]}
    assert await found("queue=ward") == await found("overdue=true") == {mine["id"], other["id"]}
    assert await found("priority=urgent&unassigned=true") == {other["id"]}
    assert await found(f"run={form['runId']}") == {form["id"]}
    assert await found(f"workflow={form['workflowId']}") == {form["id"]}
    assert await found("queue=ward&mine=true") == {mine["id"]}
    assert await found("kind=approval") == set()
    counts = {row["queue"]: row for row in await desk.data("/api/tasks/counts")}
    ward = {"open": 2, "unassigned": 1, "mine": 1, "overdue": 2, "urgent": 2, "warned": 0}
    assert counts["ward"] == {"queue": "ward", **ward}
    assert counts["desk"]["open"] == 1
    for query in ("sort=colour", "status=lost", "limit=0"):
        assert (await desk.get(f"/api/tasks?{query}")).status_code == 422


async def test_a_queue_with_candidates_is_seen_by_them_alone(house: House, desk: Desk) -> None:
    [task] = await ask(desk, queue="icu")
    clinician = await house.desk("clinician", scope=desk.scope)
    viewer = await house.desk("viewer", scope=desk.scope)
    put = await desk.put("/api/queues/icu", json={"candidates": ["role:clinician"]})
    assert put.status_code == 200, put.text
    address = f"/api/tasks/{task['id']}"
    assert (await clinician.get(address)).status_code == 200
    assert (await viewer.get(address)).status_code == 404
    assert (await viewer.get(f"{address}/history")).status_code == 404
    assert await viewer.data("/api/tasks") == []
    assert await viewer.data("/api/tasks/counts") == []
    await desk.put("/api/groups/night", json={"members": ["nobody"]})
    await desk.put("/api/queues/icu", json={"candidates": ["group:night"]})
    for path, body in (("claim", None), ("decision", {"decision": "approve"})):
        assert (await clinician.post(f"{address}/{path}", body)).status_code == 404
    me = (await desk.post(f"{address}/claim")).json()["data"]["assignee"]
    assert me.startswith("admin-")


async def test_members_of_a_group_see_and_take_what_names_their_group(
    house: House, desk: Desk
) -> None:
    [task] = await ask(desk, candidates=["group:night"])
    nurse = await house.desk("clinician", scope=desk.scope)
    address = f"/api/tasks/{task['id']}"
    assert (await nurse.get(address)).status_code == 404
    principals = await desk.services.identity.principals(desk.scope)
    member = next(p["principal_id"] for p in principals if p["name"] == "clinician")
    await desk.put("/api/groups/night", json={"members": [member]})
    assert [one["id"] for one in await nurse.data("/api/tasks?group=night")] == [task["id"]]
    assert (await nurse.post(f"{address}/claim")).status_code == 200
    assert (await nurse.put("/api/groups/night", json={"members": []})).status_code == 403


async def test_of_many_who_claim_at_once_one_has_it(house: House, desk: Desk) -> None:
    [task] = await ask(desk)
    people = [await house.desk("clinician", scope=desk.scope) for _ in range(6)]
    answers = await asyncio.gather(
        *(person.post(f"/api/tasks/{task['id']}/claim") for person in people)
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 5]
    history = await desk.data(f"/api/tasks/{task['id']}/history")
    assert [entry["action"] for entry in history] == ["task.create", "task.claim"]


async def test_a_task_is_released_assigned_and_delegated_with_its_history(
    house: House, desk: Desk
) -> None:
    [task] = await ask(desk)
    address = f"/api/tasks/{task['id']}"
    first = await house.desk("clinician", scope=desk.scope)
    second = await house.desk("clinician", scope=desk.scope)
    holder = (await first.post(f"{address}/claim")).json()["data"]["assignee"]
    names = {p["principal_id"] for p in await desk.services.identity.principals(desk.scope)}
    other = next(name for name in names if name.startswith("clinician") and name != holder)
    assert (await second.post(f"{address}/release")).status_code == 409
    assert (await first.post(f"{address}/assign", {"to": {"user": other}})).status_code == 403
    given = {"to": {"user": other}, "comment": "You know this patient"}
    assert (await first.post(f"{address}/delegate", given)).status_code == 200
    assert (await first.post(f"{address}/decision", {"decision": "approve"})).status_code == 409
    shown = await second.data(address)
    assert (shown["assignee"], shown["status"]) == (other, "requested")
    assert [c["text"] for c in shown["comments"]] == ["You know this patient"]
    history = await desk.data(f"{address}/history")
    assert history[-1]["detail"] == {"from": holder, "to": {"user": other}}
    assert history[-1]["by"] == holder
    assert (await second.post(f"{address}/claim")).status_code == 200
    assert (await second.post(f"{address}/release")).json()["data"]["status"] == "requested"
    absent = await desk.post(f"{address}/assign", {"to": {"user": "nobody"}})
    assert (absent.status_code, absent.json()["error"]["code"]) == (422, "unknown_principal")
    wrong = await desk.post(f"{address}/assign", {"to": {"room": "3"}})
    assert (wrong.status_code, wrong.json()["error"]["path"]) == (400, "/to")
    moved = await desk.post(f"{address}/assign", {"to": {"queue": "other"}})
    assert moved.status_code == 200
    assert (await desk.data(address))["queue"] == "other"
    assert (await desk.post(f"{address}/decision", {"decision": "approve"})).status_code == 200
    ended = await desk.data(f"{address}/history")
    assert ended[-1]["action"] == "task.completed"


async def test_a_viewer_reads_and_changes_nothing(house: House, desk: Desk) -> None:
    [task] = await ask(desk)
    viewer = await house.desk("viewer", scope=desk.scope)
    address = f"/api/tasks/{task['id']}"
    assert (await viewer.get(address)).status_code == 200
    for path in ("claim", "release", "assign", "delegate", "comments", "decision", "link"):
        answer = await viewer.post(f"{address}/{path}", {"decision": "approve"})
        assert answer.status_code == 403, path
    assert (await viewer.put(f"{address}/draft", json={})).status_code == 403
    coordinator = await house.desk("coordinator", scope=desk.scope)
    moved = await coordinator.post(f"{address}/assign", {"to": {"queue": "other"}})
    assert moved.status_code == 200


async def test_a_comment_is_sealed_and_seen_by_those_who_see_the_task(desk: Desk) -> None:
    [task] = await ask(desk)
    address = f"/api/tasks/{task['id']}"
    answer = await desk.post(f"{address}/comments", {"text": "Call the Brightwater family"})
    assert answer.json()["data"]["comments"][0]["text"] == "Call the Brightwater family"
    rows = await desk.services.db.rows(
        "task_read", desk.scope.tenant, desk.scope.store, uuid.UUID(task["id"]), None
    )
    assert b"Brightwater" not in rows[0]["notes"][0]["body"]
    assert (await desk.post(f"{address}/comments", {"text": " "})).status_code == 400


async def test_the_tasks_of_a_cancelled_run_end_with_it(desk: Desk) -> None:
    [task] = await ask(desk)
    await desk.post(f"/api/workflows/runs/{task['runId']}/cancel")
    await desk.ended(task["runId"])
    shown = await desk.data(f"/api/tasks/{task['id']}")
    assert shown["status"] == "cancelled"
    answer = await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    assert answer.status_code == 409
