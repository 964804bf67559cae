"""Schedules in a house where only the test fires them, at the time that it says."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.conftest import create_database
from tests.integration.conftest import Desk, OpenHouse

from careloom.identity.service import SYSTEM_ACTOR
from careloom.types import JsonObject
from careloom.workflows.schedules import Scheduler

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}


class Clock:
    """The time as a test wants it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class Bench:
    """A desk with a scheduler of its own."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        now = datetime.now(UTC)
        self.clock = Clock(now)
        self.scheduler = self.another()
        self.hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        """The next full hour."""

    def another(self) -> Scheduler:
        one = self.desk.services
        return Scheduler(
            one.db, one.notices, one.registry, one.worker, one.payloads, clock=self.clock
        )

    async def fire(self, at: datetime) -> None:
        """Everything that is due at a time."""
        self.clock.at = at
        while await self.scheduler.fire(self.desk.scope.tenant):
            [row] = await self.desk.services.db.rows("schedule_list", *self.place)
            if row["queued"] or row["next_at"] > at:
                return

    @property
    def place(self) -> tuple[str, str]:
        return self.desk.scope.tenant, self.desk.scope.store

    async def deploy(self, **trigger: Any) -> None:
        await self.desk.deployed(_flow("hourly", **trigger))
        await self.fire(self.clock.at)

    async def runs(self) -> list[JsonObject]:
        runs: list[JsonObject] = await self.desk.data("/api/workflows/runs")
        return runs

    async def listed(self) -> JsonObject:
        [one] = await self.desk.data("/api/schedules")
        assert isinstance(one, dict)
        return one

    async def finish(self) -> None:
        """End every run that is under way."""
        await self.desk.services.db.query(
            self.desk.scope.tenant, "DELETE FROM live WHERE tenant = $1", self.desk.scope.tenant
        )


def _flow(name: str, **trigger: Any) -> JsonObject:
    given = {"type": "schedule", "cron": "0 * * * *", **trigger}
    return {"id": name, "trigger": given, "steps": [NAP]}


@pytest.fixture
async def bench(open_house: OpenHouse, server_dsn: str) -> Bench:
    house = await open_house({"DATABASE_URL": await create_database(server_dsn)})
    return Bench(await house.desk())


async def test_a_tick_starts_one_run_and_its_trigger_says_when(bench: Bench) -> None:
    await bench.deploy(timezone="Europe/Berlin")
    assert await bench.runs() == []
    await bench.fire(bench.hour + timedelta(seconds=1))
    await bench.fire(bench.hour + timedelta(seconds=2))
    [run] = await bench.runs()
    assert run["source"] == "schedule"
    trigger = (await bench.desk.run(run["runId"]))["trigger"]
    assert datetime.fromisoformat(trigger["scheduledAt"]) == bench.hour
    assert datetime.fromisoformat(trigger["localTime"]) == bench.hour
    assert (trigger["timezone"], trigger["late"]) == ("Europe/Berlin", False)


@pytest.mark.parametrize(("policy", "runs"), [("none", 0), ("last", 1), ("all", 2)])
async def test_a_server_that_was_down_across_two_ticks_starts_what_its_policy_says(
    bench: Bench, policy: str, runs: int
) -> None:
    await bench.deploy(catchUp=policy, overlap="allow")
    await bench.fire(bench.hour + timedelta(hours=1, minutes=20))
    assert len(await bench.runs()) == runs
    assert (await bench.listed())["missed"] == 2 - runs


async def test_what_is_caught_up_goes_one_after_another(bench: Bench) -> None:
    await bench.deploy(catchUp="all")
    later = bench.hour + timedelta(hours=1, minutes=20)
    await bench.fire(later)
    assert len(await bench.runs()) == 1
    assert (await bench.listed())["queued"] == 1
    await bench.fire(later + timedelta(seconds=5))
    assert len(await bench.runs()) == 1
    await bench.finish()
    await bench.fire(later + timedelta(seconds=10))
    assert len(await bench.runs()) == 2
    assert (await bench.listed())["queued"] == 0


@pytest.mark.parametrize(
    ("overlap", "runs", "queued"), [("forbid", 1, 0), ("allow", 3, 0), ("queue", 1, 2)]
)
async def test_a_tick_during_a_run_does_what_overlap_says(
    bench: Bench, overlap: str, runs: int, queued: int
) -> None:
    await bench.deploy(overlap=overlap)
    for hours in range(3):
        await bench.fire(bench.hour + timedelta(hours=hours, seconds=1))
    assert len(await bench.runs()) == runs
    found = await bench.listed()
    assert found["queued"] == queued
    wanted = {"forbid": "skipped", "allow": "started", "queue": "queued"}[overlap]
    assert found["last"]["outcome"] == wanted


async def test_a_clock_that_jumps_starts_nothing_twice(bench: Bench) -> None:
    await bench.deploy(overlap="allow")
    first = bench.hour + timedelta(seconds=1)
    await bench.fire(first)
    await bench.fire(first + timedelta(days=2))
    count = len(await bench.runs())
    assert count == 2
    for at in (
        first - timedelta(hours=3),
        first,
        first + timedelta(hours=5),
        first + timedelta(days=2),
    ):
        await bench.fire(at)
    assert len(await bench.runs()) == count
    # Begun anew after the clock was set right, the times that were used start nothing again.
    await bench.desk.post("/api/workflows/hourly/pause")
    await bench.desk.post("/api/workflows/hourly/resume")
    await bench.fire(first - timedelta(seconds=30))
    await bench.fire(first)
    assert len(await bench.runs()) == count


async def test_a_pause_is_not_caught_up_and_a_new_version_goes_on(bench: Bench) -> None:
    await bench.deploy(catchUp="all", overlap="allow")
    await bench.desk.post("/api/workflows/hourly/pause")
    assert (await bench.listed())["paused"] is True
    assert (await bench.listed())["next"] == []
    await bench.fire(bench.hour + timedelta(seconds=5))
    assert await bench.runs() == []
    await bench.desk.post("/api/workflows/hourly/resume")
    before = await bench.listed()
    answer = await bench.desk.deploy({**_flow("hourly"), "name": "Another name"})
    assert answer.status_code == 201
    after = await bench.listed()
    assert (after["version"], after["next"]) == (before["version"] + 1, before["next"])
    await bench.fire(bench.hour + timedelta(seconds=5))
    assert [run["version"] for run in await bench.runs()] == [2]


async def test_without_its_trigger_a_workflow_has_no_schedule(bench: Bench) -> None:
    await bench.deploy()
    answer = await bench.desk.deploy(
        {"id": "hourly", "trigger": {"type": "manual"}, "steps": [NAP]}
    )
    assert answer.status_code == 201
    assert await bench.desk.data("/api/schedules") == []
    assert await bench.scheduler.fire(bench.desk.scope.tenant) == 0


async def test_the_view_shows_the_next_five_times_and_the_last_firing(bench: Bench) -> None:
    await bench.deploy(cron="0 */6 * * *")
    found = await bench.listed()
    nexts = [datetime.fromisoformat(text) for text in found["next"]]
    assert len(nexts) == 5
    assert all(two - one == timedelta(hours=6) for one, two in itertools.pairwise(nexts))
    assert nexts[0] > datetime.now(UTC)
    assert found["last"] is None
    await bench.fire(nexts[0])
    last = (await bench.listed())["last"]
    [run] = await bench.runs()
    assert (last["outcome"], last["runId"]) == ("started", run["runId"])
    assert datetime.fromisoformat(last["scheduledAt"]) == nexts[0]


async def test_a_workflow_whose_run_cannot_be_started_stops_no_other(bench: Bench) -> None:
    desk = bench.desk
    await desk.deployed({**_flow("odd"), "orderBy": "{{trigger.nothing}}"})
    await desk.deployed(_flow("hourly"))
    bench.clock.at = datetime.now(UTC)
    await bench.scheduler.fire(desk.scope.tenant)
    bench.clock.at = bench.hour
    assert await bench.scheduler.fire(desk.scope.tenant) == 2
    assert [run["workflowId"] for run in await bench.runs()] == ["hourly"]
    incident = await desk.incident("schedule.failed")
    assert incident["cause"].startswith("odd: ")
    assert await bench.scheduler.fire(desk.scope.tenant) == 0


async def test_many_processes_start_each_of_many_schedules_once(bench: Bench) -> None:
    desk, count = bench.desk, 1000
    services, (tenant, store) = desk.services, bench.place
    await desk.deployed(_flow("hourly"))
    await services.db.query(
        tenant,
        "INSERT INTO schedule (tenant, store, workflow_id, number, version, cron, timezone,"
        " settings, since, due_at) SELECT tenant, store, workflow_id, n, version, cron, timezone,"
        " settings, since, due_at FROM schedule, generate_series(1, $2 - 1) n WHERE tenant = $1",
        tenant,
        count,
    )
    others = [bench.scheduler, bench.another(), bench.another()]

    async def fire(at: datetime) -> None:
        bench.clock.at = at
        rows = [None]
        while rows:
            # As if nobody kept to the order of turns: what counts is decided by the commits.
            await services.db.query(tenant, "DELETE FROM duty WHERE tenant = $1", tenant)
            await asyncio.gather(*(one.fire(tenant) for one in others))
            rows = await services.db.query(
                tenant, "SELECT 1 FROM schedule WHERE tenant = $1 AND due_at <= $2", tenant, at
            )

    await fire(datetime.now(UTC))
    await fire(bench.hour)
    sql = "SELECT count(*) AS n, count(DISTINCT run_id) AS runs FROM firing WHERE tenant = $1"
    [row] = await services.db.query(tenant, sql + " AND outcome = 'started'", tenant)
    assert (row["n"], row["runs"]) == (count, count)
    [row] = await services.db.query(
        tenant, "SELECT count(*) AS n FROM run WHERE tenant = $1 AND store = $2", tenant, store
    )
    assert row["n"] == count


async def test_a_running_house_fires_by_itself(desk: Desk) -> None:
    await desk.deployed(_flow("hourly", cron="* * * * *"))
    tenant = desk.scope.tenant
    await desk.services.db.query(
        tenant,
        "UPDATE schedule SET next_at = date_trunc('minute', now()), due_at = now()"
        " WHERE tenant = $1",
        tenant,
    )
    [run, *_] = await desk.runs_of("hourly", 1)
    assert (run["status"], run["source"]) == ("succeeded", "schedule")
    assert run["runId"]
    actor = (await desk.run(run["runId"]))["startedBy"]
    assert actor != SYSTEM_ACTOR["principal"]


async def test_a_schedule_that_nobody_foresaw_stops_no_other(bench: Bench) -> None:
    desk, tenant = bench.desk, bench.desk.scope.tenant
    await desk.deployed(_flow("odd"))
    await desk.deployed(_flow("hourly"))
    sql = "UPDATE schedule SET settings = '{}' WHERE workflow_id = 'odd'"
    await desk.services.db.query(tenant, sql)
    bench.clock.at = datetime.now(UTC)
    assert await bench.scheduler.fire(tenant) == 2
    bench.clock.at = bench.hour
    assert await bench.scheduler.fire(tenant) >= 1
    assert [run["workflowId"] for run in await bench.runs()] == ["hourly"]
    assert (await desk.incident("schedule.failed"))["cause"] == "odd: KeyError"


async def test_a_component_can_be_the_schedule_of_a_workflow(bench: Bench) -> None:
    desk = bench.desk
    body = {"type": "schedule", "cron": "0 * * * *", "overlap": "allow"}
    kept = await desk.put("/api/components/trigger/hourly", json=body)
    assert kept.status_code in (200, 201), kept.text
    await desk.deployed({"id": "hourly", "trigger": {"use": "hourly"}, "steps": [NAP]})
    assert (await bench.listed())["overlap"] == "allow"


async def test_old_firings_are_forgotten_but_not_what_is_still_due(bench: Bench) -> None:
    await bench.deploy()
    await bench.fire(bench.hour + timedelta(seconds=1))
    db, tenant = bench.desk.services.db, bench.desk.scope.tenant
    old = (
        "INSERT INTO firing (tenant, store, workflow_id, number, nominal, outcome, at)"
        " SELECT $1, 'main', 'hourly', 0, at, $2, at"
        " FROM generate_series(91, 92) n, LATERAL (SELECT now() - n * interval '1 day' AS at) a"
    )
    await db.query(tenant, old, tenant, "skipped")
    await db.query(tenant, old.replace("91, 92", "93, 93"), tenant, "queued")
    await bench.fire(bench.hour + timedelta(hours=1, seconds=1))
    rows = await db.query(tenant, "SELECT outcome FROM firing ORDER BY nominal")
    assert [row["outcome"] for row in rows][:1] == ["queued"]
    assert "skipped" not in [row["outcome"] for row in rows][:-1]
