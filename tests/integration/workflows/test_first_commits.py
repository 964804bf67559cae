"""A run's birth goes out with its first commit, when its first step can do no harm; whatever waits
or has an effect comes after it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.integration.workflows.test_engine import ACTOR, Bench, Recording

from careloom.errors import Unavailable
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import parse_definition
from careloom.workflows.registry import Registry
from careloom.workflows.step import StepCall, StepResult

HARMLESS: JsonObject = {"effects": [], "replay": "run"}
TOGETHER = "engine_flush_born"


class Watched(Database):
    """Counts its calls; loses the reply to some, before or after they were carried out."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._pool, db.dsn)
        self.calls: Counter[str] = Counter()
        self.cut: dict[str, str] = {}

    async def call(self, function: str, tenant: str, *args: Any) -> Any:
        self.calls[function] += 1
        cut = self.cut.pop(function, None)
        if cut == "before":
            raise Unavailable("The database did not confirm the operation")
        answer = await super().call(function, tenant, *args)
        if cut == "after":
            raise Unavailable("The database did not confirm the operation")
        return answer


class FirstBench(Bench):
    """Step types `pure` (does no harm), `slow` (waits, too) and `sends` (has an effect)."""

    def __init__(self, db: Watched, keyring: Keyring, notices: Notices) -> None:
        self.watched = db
        self.gate = asyncio.Event()
        self.rows_seen: list[int] = []
        self.pure = Recording("pure", self._pure, HARMLESS)
        self.slow = Recording("slow", self._slow, HARMLESS)
        self.sends = Recording("sends", self._sends, {**HARMLESS, "effects": ["call"]})
        super().__init__(db, keyring, notices, [self.pure, self.slow, self.sends])

    async def _pure(self, call: StepCall) -> StepResult:
        return StepResult(output=dict(call.input))

    async def _slow(self, call: StepCall) -> StepResult:
        await self.gate.wait()
        return StepResult(output=dict(call.input))

    async def _sends(self, call: StepCall) -> StepResult:
        rows = await self.db.query(
            call.scope.tenant, "SELECT FROM run WHERE tenant = $1", call.scope.tenant
        )
        self.rows_seen.append(len(rows))
        return StepResult(output=dict(call.input))

    async def begin(self, scope: Scope, *types: str) -> str:
        steps: list[JsonObject] = [
            {"id": f"s{n}", "type": type_, "made": "{{run.createdAt}}"}
            for n, type_ in enumerate(types)
        ]
        source = {"id": "flow", "name": "Flow", "triggers": [{"type": "manual"}], "steps": steps}
        await self.deploy(scope, source)
        await self.registry.get(scope, "flow")
        self.watched.calls.clear()
        started = await self.runs.start(scope, "flow", {}, {**ACTOR, "request_id": "req-1"})
        return str(started["runId"])

    async def trail(self, scope: Scope) -> list[tuple[str, str | None]]:
        rows = await self.db.query(
            scope.tenant,
            "SELECT action, request_id FROM audit WHERE tenant = $1 AND run_id IS NOT NULL"
            " ORDER BY audit_id",
            scope.tenant,
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def first(database: Database, keyring: Keyring, dsn: str) -> AsyncIterator[FirstBench]:
    notices = Notices(dsn)
    await notices.start()
    db = Watched(database)
    bench = FirstBench(db, keyring, notices)
    await bench.worker.start()
    yield bench
    bench.gate.set()
    await bench.worker.stop(grace_s=5)
    await db.let_go()
    await notices.stop()


async def test_birth_first_step_and_end_can_be_one_commit(first: FirstBench, scope: Scope) -> None:
    run = await first.finished(scope, await first.begin(scope, "pure"))
    assert run["status"] == "succeeded", run
    assert first.watched.calls[TOGETHER] == 1
    assert first.watched.calls["run_births"] + first.watched.calls["engine_flush"] == 0
    assert run["steps"][0]["output"]["made"].replace("+00:00", "Z")[:23] == run["createdAt"][:23]
    assert await first.trail(scope) == [("run.start", "req-1"), ("step.succeeded", None)]


async def test_each_later_step_has_a_commit_of_its_own(first: FirstBench, scope: Scope) -> None:
    run = await first.finished(scope, await first.begin(scope, "pure", "pure", "sends"))
    assert [step["status"] for step in run["steps"]] == ["succeeded"] * 3
    assert (first.watched.calls[TOGETHER], first.watched.calls["engine_flush"]) == (1, 2)


async def test_a_step_that_waits_holds_no_birth_up(first: FirstBench, scope: Scope) -> None:
    async with asyncio.timeout(60):
        name = await first.begin(scope, "slow", "pure")
    assert (await first.runs.status(scope, name))["status"] == "running"
    assert len(first.slow.calls) == 1
    first.gate.set()
    assert (await first.finished(scope, name))["status"] == "succeeded"
    assert len(first.slow.calls) == 1


async def test_a_step_with_effects_comes_after_the_birth(first: FirstBench, scope: Scope) -> None:
    await first.finished(scope, await first.begin(scope, "sends"))
    assert first.rows_seen == [1]


async def test_a_newer_version_counts_though_the_first_step_was_done(
    first: FirstBench, scope: Scope
) -> None:
    await first.finished(scope, await first.begin(scope, "pure"))
    step = {"id": "say", "type": "pure", "text": "new"}
    source = {"id": "flow", "name": "Flow", "triggers": [{"type": "manual"}], "steps": [step]}
    parsed = parse_definition(source, mode="strict", format=None).definition
    await Registry(first.db, {}).deploy(
        scope, parsed.id, parsed.name, parsed.hash, parsed.canonical, "", [], ACTOR
    )
    started = await asyncio.gather(*(first.runs.start(scope, "flow", {}, ACTOR) for _ in range(3)))
    assert [one["version"] for one in started] == [2] * 3
    ended = [await first.finished(scope, one["runId"]) for one in started]
    assert [one["steps"][0]["output"] for one in ended] == [{"text": "new"}] * 3
    assert len(await first.trail(scope)) == 2 * 4


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_birth_in_doubt_is_said_to_be_so_and_its_run_is_lost_or_ends(
    first: FirstBench, scope: Scope, cut: str
) -> None:
    other = await first.begin(scope, "slow", "pure", "pure")
    first.watched.cut = {TOGETHER: cut}
    first.gate.set()
    with pytest.raises(Unavailable):
        await first.runs.start(scope, "flow", {}, ACTOR)
    assert (await first.finished(scope, other))["status"] == "succeeded"
    names = [one["runId"] for one in await first.runs.page(scope)]
    assert len(names) == (1 if cut == "before" else 2)
    for name in names:
        run = await first.finished(scope, name)
        assert [step["status"] for step in run["steps"]] == ["succeeded"] * 3
    assert len(await first.trail(scope)) == 4 * len(names)


async def test_births_that_are_refused_together_are_tried_apart(
    first: FirstBench, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One under the id of a run that is there is refused, and holds the other not up."""
    name = await first.begin(scope, "pure", "pure")
    await first.finished(scope, name)
    known = name.removeprefix("run_")
    ids = iter([known, "0" * 31 + "7"])
    monkeypatch.setattr("careloom.workflows.runs.run_id_at", lambda _now: _uuid(next(ids)))
    again, fresh = await asyncio.gather(
        *(first.runs.start(scope, "flow", {}, ACTOR) for _ in range(2)), return_exceptions=True
    )
    assert isinstance(again, Exception)
    assert not isinstance(fresh, BaseException)
    assert (await first.finished(scope, fresh["runId"]))["status"] == "succeeded"
    assert first.watched.calls["run_births"] >= 2


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
