"""Every figure of the analytics equals plain SQL over the rows of the runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

from careloom.types import JsonObject
from careloom.workflows import analytics

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

FIGURES = "/api/analytics/runs"
NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
QUICK = {"id": "quick", "steps": [NAP, {**NAP, "id": "then"}]}
GONE = {"type": "fhir", "action": "read", "resourceType": "Patient", "resourceId": "absent"}
FAILS = {"id": "fails", "steps": [NAP, {"id": "look", **GONE}]}
ASK = {"id": "ask", "steps": [{"id": "sign", "type": "task", "title": "Sign", "queue": "ward"}]}
DAILY = {
    "id": "daily",
    "trigger": {"type": "schedule", "cron": "0 6 * * *", "timezone": "Europe/Berlin"},
    "steps": [NAP],
}
_LENGTH = "extract(epoch FROM closed_at - created_at) * 1000"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count at every request."""
    monkeypatch.setattr(analytics, "_SHOWN_S", 0.0)
    monkeypatch.setattr(analytics, "_SHOWN_FOR_EACH_S", 0.0)


async def sql(desk: Desk, statement: str, *more: Any) -> list[Any]:
    tenant = desk.scope.tenant
    return await desk.services.db.query(tenant, statement, tenant, *more)


async def one(desk: Desk, statement: str, *more: Any) -> Any:
    return (await sql(desk, statement, *more))[0][0]


async def busy(desk: Desk) -> None:
    """Runs that succeeded, failed, were cancelled, and wait; a task decided, and open ones."""
    for definition in (QUICK, FAILS, ASK, DAILY):
        await desk.deployed(definition)
    for _ in range(5):
        await desk.execute("quick", {})
    for _ in range(2):
        await desk.execute("fails", {})
    names = []
    for _ in range(4):
        answer = await desk.post("/api/workflows/ask/execute", {})
        names.append(answer.json()["data"]["runId"])
    for name in names:
        await desk.reached(name, lambda run: run["status"] == "waiting")
    tasks = await desk.data("/api/tasks?sort=age")
    decided = await desk.post(f"/api/tasks/{tasks[0]['id']}/decision", {"decision": "complete"})
    assert decided.is_success, decided.text
    await desk.post(f"/api/workflows/runs/{tasks[1]['runId']}/cancel")
    for name in names:
        if name in (tasks[0]["runId"], tasks[1]["runId"]):
            await desk.ended(name)


async def test_counts_times_and_buckets_equal_sql(desk: Desk) -> None:
    await busy(desk)
    found = await desk.data(FIGURES)
    states = {
        row["state"]: row["count"]
        for row in await sql(desk, "SELECT state, count(*) FROM run WHERE tenant = $1 GROUP BY 1")
    }
    assert states == {"succeeded": 6, "failed": 2, "cancelled": 1, "running": 2}
    period = found["period"]
    assert {name: period[name] for name in ("succeeded", "failed", "cancelled")} == {
        name: states[name] for name in ("succeeded", "failed", "cancelled")
    }
    assert (period["started"], period["ended"], period["rolledBack"]) == (11, 9, 0)
    assert found["now"] == {"running": 0, "waiting": 2, "queued": 0, "paused": 0}
    for share, name in ((0.5, "p50Ms"), (0.95, "p95Ms")):
        wanted = await one(
            desk,
            f"SELECT percentile_cont({share}) WITHIN GROUP (ORDER BY {_LENGTH})"
            " FROM run WHERE tenant = $1 AND state = 'succeeded'",
        )
        assert period[name] == pytest.approx(float(wanted), abs=0.11)
    hours = await sql(
        desk,
        "SELECT date_trunc('hour', closed_at) AS at, count(*) FILTER (WHERE state = 'succeeded')"
        " AS succeeded, count(*) FILTER (WHERE state = 'failed') AS failed,"
        " count(*) FILTER (WHERE state = 'cancelled') AS other"
        " FROM run WHERE tenant = $1 AND closed_at IS NOT NULL GROUP BY 1",
    )
    kinds = ("succeeded", "failed", "other")
    shown = {datetime.fromisoformat(b["at"]): b for b in found["buckets"]}
    for row in hours:
        assert {kind: shown[row["at"]][kind] for kind in kinds} == {k: row[k] for k in kinds}
    for kind in kinds:
        assert sum(b[kind] for b in found["buckets"]) == sum(row[kind] for row in hours)
    assert sum(b["started"] for b in found["buckets"]) == 11
    assert len(found["buckets"]) in (24, 25)


async def test_workflows_and_steps_equal_sql(desk: Desk) -> None:
    await busy(desk)
    found = await desk.data(FIGURES)
    by_id: dict[str, JsonObject] = {one["id"]: one for one in found["workflows"]}
    assert set(by_id) == {"quick", "fails", "ask", "daily"}
    assert (by_id["fails"]["failureRate"], by_id["quick"]["failureRate"]) == (1.0, 0.0)
    assert by_id["daily"]["failureRate"] is None
    assert sorted(run["status"] for run in by_id["ask"]["last"]) == [
        *("cancelled", "succeeded", "waiting", "waiting")
    ]
    ids = [run["runId"] for run in by_id["quick"]["last"]]
    listed = await desk.data("/api/workflows/runs?workflow=quick")
    assert ids == [run["runId"] for run in reversed(listed)]
    [schedule] = await desk.data("/api/schedules")
    assert len(schedule["next"]) == 5
    assert by_id["daily"]["nextFire"] == schedule["next"][0]
    steps = {(s["workflowId"], s["path"]): s for s in found["steps"]["steps"]}
    assert found["steps"]["runs"] == 11
    rows = await sql(
        desk,
        "SELECT r.workflow_id, s.path, count(*) AS count,"
        " count(*) FILTER (WHERE s.outcome = 'failed') AS failures,"
        " percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM s.at - least(w.at,"
        " s.started_at)) * 1000) AS p50"
        " FROM step s JOIN run r ON r.tenant = $1 AND r.run_id = s.run_id"
        " LEFT JOIN wait w ON w.tenant = $1 AND w.run_id = s.run_id AND w.path = s.path"
        " AND w.iter = s.iter WHERE s.tenant = $1 GROUP BY 1, 2",
    )
    assert set(steps) == {(row["workflow_id"], row["path"]) for row in rows}
    for row in rows:
        step = steps[row["workflow_id"], row["path"]]
        assert (step["count"], step["failures"]) == (row["count"], row["failures"])
        assert step["p50Ms"] == pytest.approx(float(row["p50"]), abs=0.11)
    only = await desk.data(f"{FIGURES}?workflow=fails")
    assert [one["id"] for one in only["workflows"]] == ["fails"]
    assert (only["period"]["ended"], only["period"]["failed"]) == (2, 2)
    assert {s["workflowId"] for s in only["steps"]["steps"]} == {"fails"}


async def test_what_people_did_and_what_waits_for_them(desk: Desk) -> None:
    await busy(desk)
    people = (await desk.data(FIGURES))["people"]
    wanted = await one(
        desk,
        "SELECT extract(epoch FROM closed_at - created_at) * 1000 FROM task"
        " WHERE tenant = $1 AND state = 'completed'",
    )
    assert (people["decided"], people["open"]) == (1, 2)
    assert people["decidedP50Ms"] == pytest.approx(float(wanted), abs=0.11)
    assert people["touchesPerRun"] == pytest.approx(1 / 9, abs=1e-4)
    [queue] = people["queues"]
    assert (queue["queue"], queue["open"]) == ("ward", 2)
    assert queue["oldestMs"] >= queue["p50Ms"] > 0
    assert (people["overdue"], people["escalations"]) == (0, 0)


async def test_a_task_whose_time_ran_out_is_counted_with_its_escalation(desk: Desk) -> None:
    late = {"id": "sign", "type": "task", "title": "Sign", "sla": {"due": "1s"}}
    await desk.deployed({"id": "late", "steps": [late]})
    await desk.post("/api/workflows/late/execute", {})

    async def passed_on() -> JsonObject | None:
        people: JsonObject = (await desk.data(FIGURES))["people"]
        return people if people["escalations"] else None

    people = await until(passed_on)
    rows = await one(
        desk,
        "SELECT count(*) FROM audit WHERE tenant = $1 AND action IN ('task.breached',"
        " 'task.escalated')",
    )
    assert (people["overdue"], people["escalations"]) == (1, rows)


async def test_a_period_holds_what_ended_in_it(desk: Desk) -> None:
    await desk.deployed(QUICK)
    await desk.execute("quick", {})
    middle = await one(desk, "SELECT clock_timestamp() WHERE $1 <> ''")
    await desk.execute("quick", {})
    at = middle.isoformat().replace("+00:00", "Z")
    before = await desk.data(f"{FIGURES}?to={at}&bucket=minute")
    after = await desk.data(f"{FIGURES}?from={at}")
    assert (before["period"]["ended"], after["period"]["ended"]) == (1, 1)
    for query, field in (
        (f"from={at}&to={at}", "from"),
        ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z&bucket=minute", "bucket"),
    ):
        answer = await desk.get(f"{FIGURES}?{query}")
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["path"] == field


async def test_many_who_ask_the_same_are_counted_for_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "_SHOWN_S", 60.0)
    await desk.deployed(QUICK)
    first = await desk.data(FIGURES)
    await desk.execute("quick", {})
    assert await desk.data(FIGURES) == first
    other = await desk.data(f"{FIGURES}?workflow=quick")
    assert other["period"]["ended"] == 1
