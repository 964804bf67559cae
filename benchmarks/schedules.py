"""Schedules that are all due in one second: each starts one run, and how long that takes.

python benchmarks/schedules.py [--count 10000] [--workers 2] [--json]

A hundred triggers in each workflow; worker processes that were running before. Afterwards firings,
runs and their nominal times are counted: one of each for every schedule, or the result counts for
nothing. DATABASE_URL names the PostgreSQL to use (default: an embedded one).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import uvloop

from careloom.bootstrap import open_services
from careloom.settings import Settings
from careloom.types import JsonObject, Scope

ACTOR: JsonObject = {"principal": "bench", "kind": "system"}
EACH = 100
"""Triggers of one workflow."""
PREPARE_S = 5.0
LIMIT_S = 600.0


def _settings(home: str) -> Settings:
    given = {"CARELOOM_HOME": home}
    if os.environ.get("DATABASE_URL"):
        given["DATABASE_URL"] = os.environ["DATABASE_URL"]
    return Settings.from_environment(given)


async def work(home: str, tenant: str) -> None:
    """A worker process: until it is told to end."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with open_services(_settings(home), listen=False, tenants=frozenset({tenant})):
        print("ready", flush=True)
        await stop.wait()


async def measure(count: int, workers: int) -> JsonObject:
    with tempfile.TemporaryDirectory(prefix="careloom-schedules-") as home:
        async with open_services(_settings(home), work=False, listen=False) as services:
            scope = Scope(f"b{uuid.uuid4().hex[:12]}", "main")
            await services.db.call("tenant_create", scope.tenant, "Bench", "development")
            for number in range(0, count, EACH):
                size = min(EACH, count - number)
                trigger = {"type": "schedule", "cron": "0 0 1 1 *"}
                flow = {
                    "id": f"w{number // EACH}",
                    "triggers": [trigger] * size,
                    "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}],
                }
                await services.deployment.deploy(scope, flow, ACTOR)
            processes = [await _worker(home, scope.tenant) for _ in range(workers)]
            admin = await asyncpg.connect(services.db.dsn)
            try:
                return await _fire(admin, scope.tenant, count, workers)
            finally:
                for process in processes:
                    process.terminate()
                    await process.wait()
                await admin.close()


async def _worker(home: str, tenant: str) -> asyncio.subprocess.Process:
    command = (sys.executable, __file__, "--worker", home, "--tenant", tenant)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    if b"ready" not in await process.stdout.readline():
        raise SystemExit("a worker did not start")
    return process


async def _fire(admin: asyncpg.Connection, tenant: str, count: int, workers: int) -> JsonObject:
    """Let all be due within one second, and wait until every run has ended."""
    await _until(
        admin,
        "SELECT count(*) = $2 FROM careloom.schedule WHERE tenant = $1 AND next_at IS NOT NULL",
        tenant,
        count,
    )
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=PREPARE_S)
    await admin.execute(
        "UPDATE careloom.schedule s SET next_at = d.at, due_at = d.at FROM (SELECT ctid AS row,"
        " $2::timestamptz + make_interval(secs => 0.999 * row_number() OVER () / $3::float8) AS at"
        " FROM careloom.schedule WHERE tenant = $1) d WHERE s.ctid = d.row",
        tenant,
        at,
        float(count),
    )
    ended = "SELECT count(*) = $2 FROM careloom.run WHERE tenant = $1 AND state <> 'running'"
    await _until(admin, ended, tenant, count)
    row = await admin.fetchrow(
        "SELECT (SELECT count(*) FROM careloom.firing WHERE tenant = $1 AND outcome = 'started')"
        " AS firings, count(*) AS runs, count(DISTINCT run_id) AS distinct_runs,"
        " count(*) FILTER (WHERE state = 'succeeded') AS succeeded,"
        " extract(epoch FROM max(created_at) - $2)::float8 AS started_s,"
        " extract(epoch FROM max(closed_at) - $2)::float8 AS ended_s"
        " FROM careloom.run WHERE tenant = $1",
        tenant,
        at,
    )
    found = dict(row) | {"schedules": count, "workers": workers}
    once = {found[name] for name in ("firings", "runs", "distinct_runs", "succeeded")} == {count}
    return {**found, "each_once": once}


async def _until(admin: asyncpg.Connection, sql: str, *args: object) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not await admin.fetchval(sql, *args):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--worker", metavar="HOME", help=argparse.SUPPRESS)
    parser.add_argument("--tenant", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        uvloop.run(work(given.worker, given.tenant))
        return
    found = uvloop.run(measure(given.count, given.workers))
    if given.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['schedules']} schedules due in one second, {found['workers']} workers: all"
            f" started after {found['started_s']:.1f} s, all ended after {found['ended_s']:.1f} s;"
            f" each once: {'yes' if found['each_once'] else 'NO'}"
        )
    if not found["each_once"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
