"""Runs that are started together are born together, of the version that counts, each once."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from careloom.errors import Unavailable
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import parse_definition
from careloom.workflows.engine.birth import Birth
from careloom.workflows.engine.births import Births
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.registry import Registry
from careloom.workflows.runs import Runs

ACTOR: JsonObject = {"principal": "tester", "kind": "system", "request_id": "req-1"}


class CountedDatabase(Database):
    """Counts its calls by function, and answers some of them not at all."""

    def __init__(self, db: Database) -> None:
        super().__init__(db._pool, db.dsn)
        self.calls: Counter[str] = Counter()
        self.silent: set[str] = set()

    async def call(self, function: str, tenant: str, *args: Any) -> Any:
        self.calls[function] += 1
        if function in self.silent:
            raise Unavailable("The database did not confirm the operation")
        return await super().call(function, tenant, *args)


@pytest.fixture
async def db(database: Database) -> AsyncIterator[CountedDatabase]:
    db = CountedDatabase(database)
    yield db
    await db.let_go()


@pytest.fixture
async def notices(dsn: str) -> AsyncIterator[Notices]:
    notices = Notices(dsn)
    await notices.start()
    yield notices
    await notices.stop()


@pytest.fixture
def runs(db: CountedDatabase, keyring: Keyring, notices: Notices) -> Runs:
    async def no_links(_scope: Scope, _body: JsonObject) -> None:
        return None

    return Runs(db, notices, Registry(db, {}), None, Payloads(keyring), no_links)


async def deploy(db: Database, scope: Scope, text: str = "one", name: str = "flow") -> None:
    step = {"id": "say", "type": "echo", "text": text}
    source = {"id": name, "name": name, "triggers": [{"type": "manual"}], "steps": [step]}
    parsed = parse_definition(source, mode="strict", format=None).definition
    await Registry(db, {}).deploy(
        scope, parsed.id, parsed.name, parsed.hash, parsed.canonical, "", [], ACTOR
    )


async def test_runs_that_start_together_are_one_transaction(
    runs: Runs, db: CountedDatabase, scope: Scope
) -> None:
    await deploy(db, scope)
    await runs.start(scope, "flow", {}, ACTOR)
    db.calls.clear()
    started = await asyncio.gather(*(runs.start(scope, "flow", {}, ACTOR) for _ in range(40)))
    assert len({one["runId"] for one in started}) == 40
    assert db.calls["run_births"] == 1
    rows = await db.query(
        scope.tenant,
        "SELECT r.run_id, r.created_at, l.owner, l.fence, a.n AS audited, a.request FROM run r"
        " JOIN live l USING (tenant, run_id) JOIN (SELECT run_id, count(*) AS n, min(request_id)"
        " AS request FROM audit WHERE tenant = $1 AND action = 'run.start' GROUP BY run_id) a"
        " USING (run_id) WHERE r.tenant = $1",
        scope.tenant,
    )
    assert len(rows) == 41
    assert {(row["owner"], row["fence"], row["audited"], row["request"]) for row in rows} == {
        (None, 1, 1, "req-1")
    }


async def test_a_version_deployed_by_another_process_counts_at_once(
    runs: Runs, db: CountedDatabase, scope: Scope
) -> None:
    await deploy(db, scope, "one")
    assert (await runs.start(scope, "flow", {}, ACTOR))["version"] == 1
    await deploy(db, scope, "two")
    started = await asyncio.gather(*(runs.start(scope, "flow", {}, ACTOR) for _ in range(5)))
    assert [one["version"] for one in started] == [2] * 5
    rows = await db.query(
        scope.tenant, "SELECT count(*) AS n FROM run WHERE tenant = $1", scope.tenant
    )
    assert rows[0]["n"] == 6


async def test_one_that_is_stale_does_not_keep_the_others(
    db: CountedDatabase, notices: Notices, scope: Scope
) -> None:
    await deploy(db, scope, "one")
    births = Births(db, notices, None)
    made = await asyncio.gather(
        births.start(_birth(scope, version=1)),
        births.start(_birth(scope, version=7)),
    )
    assert made[0] is not None
    assert made[1] is None


async def test_one_that_cannot_be_written_does_not_keep_the_others(
    db: CountedDatabase, notices: Notices, scope: Scope
) -> None:
    await deploy(db, scope, "one")
    births = Births(db, notices, None)
    again = _birth(scope, version=1)
    assert await births.start(again) is not None
    done = await asyncio.gather(
        births.start(_birth(scope, version=1)),
        births.start(again),
        return_exceptions=True,
    )
    assert not isinstance(done[0], BaseException)
    assert isinstance(done[1], Exception)


async def test_a_lost_reply_is_said_to_everyone_who_waits_for_it(
    runs: Runs, db: CountedDatabase, scope: Scope
) -> None:
    await deploy(db, scope)
    db.silent.add("run_births")
    found = await asyncio.gather(
        *(runs.start(scope, "flow", {}, ACTOR) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in found] == [Unavailable] * 3


def _birth(scope: Scope, version: int) -> Birth:
    fields = {
        "id": str(uuid.uuid4()),
        "store": "main",
        "workflow": "flow",
        "version": version,
        "hash": "h",
        "source": "manual",
        "actor": ACTOR,
        "patient": None,
    }
    return Birth(scope.tenant, fields, b"sealed", {}, datetime.now(UTC))
