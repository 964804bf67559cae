"""Workers that die at a chosen call to the database: `mortal_worker.py`, a server of forks.

Each line of its input is one order:
  {"dsn", "home", "tenant", "also", "prefix", "folder", "mode", "call", "at", "delay", "lease",
   "run", "until", "for", "busy", "awaited"}
It forks a worker that serves this tenant, those in `also`, those whose name begins with `prefix`
and those that have a file in `folder`, and answers {"pid"}; when the worker has ended it answers
{"signal", "status", "calls", "worker"}: what killed it, the calls inside `tenant` it had come to,
and its name. With `until` it ends by itself, without any cleaning up, when the tenant's run, or
`run` of several, is in that state. With `for` it is killed so many seconds after it began to work,
with `busy` after its first commit. With `awaited` the first answer comes when it works. With
`decide`, a task id, it is a server that decides this task and ends.
The modes, where the call is the `at`-th one to the SQL function `call`:
  none    the worker lives until somebody ends it
  before  SIGKILL instead of sending the call
  flight  SIGKILL `delay` seconds after sending it, answer or not
  after   SIGKILL when its answer was read, before anything is done with it
  pause   SIGSTOP instead of sending it; who sends SIGCONT lets it be sent late
The imports are done before the forks, no loop or socket is open then.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import sys
import threading
import time
from datetime import timedelta
from typing import Any
from unittest import mock

import asyncpg
import uvloop

from careloom import bootstrap
from careloom.fhir.definitions import load_definitions
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.types import Scope

WORKER = b"worker "
BUSY = b"busy "
TIMED = ("engine_renew", "engine_reap", "audit_")
"""Calls that a timer makes: they are no part of a run and come at any moment."""


STATE = """
    SELECT CASE WHEN r.state = 'running' AND l.owner IS NULL AND EXISTS (
        SELECT FROM careloom.wait w WHERE w.tenant = $1 AND w.run_id = r.run_id AND NOT w.resolved)
      THEN 'waiting' ELSE r.state END
    FROM careloom.run r LEFT JOIN careloom.live l ON l.tenant = $1 AND l.run_id = r.run_id
    WHERE r.tenant = $1 AND r.run_id = coalesce($2::uuid, r.run_id)
"""
"""running, waiting (parked behind an open wait), or what the tenant's run ended as."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


class Beginning(frozenset[str]):
    """The given tenants, every one whose name begins so, whenever it is made, and those that have
    a file of their name in a folder."""

    prefix = ""
    folder = ""

    def __contains__(self, tenant: object) -> bool:
        if super().__contains__(tenant):
            return True
        if self.prefix and str(tenant).startswith(self.prefix):
            return True
        return bool(self.folder) and os.path.exists(os.path.join(self.folder, str(tenant)))


class MortalDatabase(Database):
    """Counts the calls inside the tenant and dies at one of them."""

    tenant = ""
    mode = "none"
    target = ""
    at = 0
    delay = 0.0
    report = -1
    count = 0
    pending = 0
    busy = False

    async def _repeat(self, sql: str, *args: Any) -> Any:
        MortalDatabase.pending += 1
        try:
            answer = await self._mortally(sql, *args)
            if not MortalDatabase.busy and "engine_flush" in sql:
                MortalDatabase.busy = True
                os.write(MortalDatabase.report, BUSY + b"\n")
            return answer
        finally:
            MortalDatabase.pending -= 1

    async def _mortally(self, sql: str, *args: Any) -> Any:
        mortal = MortalDatabase
        name = sql.rpartition("careloom.")[2].partition("(")[0]
        timed = name.startswith(TIMED) and name != mortal.target
        if not args or args[0] != mortal.tenant or timed:
            return await super()._repeat(sql, *args)
        os.write(mortal.report, name.encode() + b"\n")
        mortal.count += name == mortal.target
        if name != mortal.target or mortal.count != mortal.at:
            return await super()._repeat(sql, *args)
        if mortal.mode == "before":
            die()
        if mortal.mode == "pause":
            os.kill(os.getpid(), signal.SIGSTOP)
            return await super()._repeat(sql, *args)
        if mortal.mode == "flight":
            threading.Timer(mortal.delay, die).start()
            await super()._repeat(sql, *args)
            await asyncio.Event().wait()
        answer = await super()._repeat(sql, *args)
        die()
        return answer


async def work(order: dict[str, Any]) -> None:
    settings = Settings.from_environment(
        {
            "CARELOOM_HOME": order["home"],
            "DATABASE_URL": order["dsn"],
            "CARELOOM_OUTGOING_ALLOW": "127.0.0.1/32",
        }
    )
    if "decide" in order:
        await decide(settings, order)
    tenants = Beginning({order["tenant"], *order.get("also", ())})
    Beginning.prefix = order.get("prefix", "")
    Beginning.folder = order.get("folder", "")
    async with bootstrap.open_services(
        settings,
        listen=False,
        tenants=tenants,
        lease=timedelta(seconds=order.get("lease", 2)),
    ) as services:
        os.write(MortalDatabase.report, WORKER + services.worker.id.encode() + b"\n")
        await reached(order["dsn"], order["tenant"], order.get("run"), order.get("until"))


async def decide(settings: Settings, order: dict[str, Any]) -> None:
    """Be a server that decides a task of the tenant, and ends."""
    async with bootstrap.open_services(settings, work=False, listen=False) as services:
        scope = Scope(order["tenant"], "main")
        actor = {"principal": "dr-test", "kind": "user"}
        await services.tasks.decide(scope, order["decide"], {"decision": "approve"}, actor)
        os._exit(0)


async def reached(dsn: str, tenant: str, run: str | None, state: str | None) -> None:
    """Return when the tenant's run has come to the state; never without one."""
    if state is None:
        await asyncio.Event().wait()
    connection = await asyncpg.connect(dsn)
    while await connection.fetchval(STATE, tenant, run) not in (state, "failed"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    # The call that brought the run there may still be waiting for its reply, and for its death.
    await asyncio.sleep(0.05)
    while MortalDatabase.pending:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    os._exit(0)


def live(order: dict[str, Any], report: int) -> None:
    """In the child: be a worker until the end."""
    MortalDatabase.report = report
    MortalDatabase.tenant = order["tenant"]
    MortalDatabase.mode = order["mode"]
    MortalDatabase.target = order.get("call", "")
    MortalDatabase.at = order.get("at", 0)
    MortalDatabase.delay = order.get("delay", 0.0)
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(bootstrap, "Database", MortalDatabase))
        stack.enter_context(mock.patch.object(bootstrap, "_warm", _nothing))
        uvloop.run(work(order))


async def _nothing(*_: Any) -> None:
    """In place of what a worker warms up: the process that reads DICOM begins when it is needed."""


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def working(reading: int) -> bytes:
    """What a worker says until it works, or has failed to."""
    said = b""
    while WORKER not in said and (piece := os.read(reading, 65536)):
        said += piece
    return said


def watch(reading: int, pid: int, life_s: float | None, since: bytes, said: bytes) -> list[bytes]:
    """Listen to a worker until it has ended; kill it `life_s` after it said this."""
    end = None
    while True:
        left = None if end is None else max(end - time.monotonic(), 0.0)
        if not select.select([reading], [], [], left)[0]:
            os.kill(pid, signal.SIGKILL)
            end, life_s = None, None
            continue
        piece = os.read(reading, 65536)
        if not piece:
            return said.splitlines()
        said += piece
        if life_s is not None and end is None and since in said:
            end = time.monotonic() + life_s


def main() -> None:
    load_definitions()
    gc.freeze()
    say({"ready": os.getpid()})
    for line in sys.stdin:
        order = json.loads(line)
        reading, report = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            # Its own end of input: a worker does not read the orders.
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(2, 1)
            try:
                live(order, report)
            finally:
                os._exit(3)
        os.close(report)
        heard = working(reading) if order.get("awaited") else b""
        say({"pid": pid})
        since = BUSY if order.get("busy") else WORKER
        said = watch(reading, pid, order.get("for"), since, heard)
        os.close(reading)
        _, status = os.waitpid(pid, 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        calls = [line for line in said if not line.startswith((WORKER, BUSY))]
        names = [line.removeprefix(WORKER).decode() for line in said if line.startswith(WORKER)]
        worker = names[0] if names else None
        decoded = [call.decode() for call in calls]
        say({"signal": killed, "status": status, "calls": decoded, "worker": worker})


if __name__ == "__main__":
    main()
