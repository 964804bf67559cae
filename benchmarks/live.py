"""From commit to screen: how long after its commit a change is told, and what telling costs.

python benchmarks/live.py [--seconds S] [--per-minute N] [--watchers N]

1. Runs of five steps start at an even pace (1,000 a minute); watchers in a process of their own
   read /api/stream over HTTP. The latency of an event is the time at which its line was read minus
   the time of the change's audit row, which its transaction took before it committed: so the commit
   itself counts as well, and both clocks are this machine's.
2. Runs as many as possible, 32 at a time, with nobody looking on and with watchers: runs a second.
DATABASE_URL names the PostgreSQL to use (default: an embedded one).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import report
import uvloop
from engine_careloom import (
    ACTOR,
    check,
    counted,
    definition,
    load,
    postmaster,
    scope_with,
    settle_memory,
    with_echo,
)

from careloom.bootstrap import Services, open_services
from careloom.cli.serve import HttpServer
from careloom.settings import Settings
from careloom.types import Scope

_CASE = "five_step_default"
_QUERY = "topics=runs,steps"
Row = dict[str, Any]


async def watch(port: int, key: str, seconds: int, found: Row) -> None:
    """Read one stream to its end; latencies in ms into `found`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /api/stream?{_QUERY}&seconds={seconds} HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {key}\r\nConnection: close\r\n\r\n".encode()
    )
    while line := await reader.readline():
        if line.startswith(b": beat"):
            found["ready"] += 1
            if found["ready"] == found["streams"]:
                print("READY", flush=True)
        elif line.startswith(b"event: resync"):
            found["resyncs"] += 1
        elif line.startswith(b"data: {") and b'"at":' in line:
            now = time.time()
            at = datetime.fromisoformat(json.loads(line[6:])["at"]).timestamp()
            found["millis"].append((now - at) * 1000)
    writer.close()


async def watchers(port: int, key: str, seconds: int, streams: int) -> None:
    """The other process: so many streams, then one line of JSON."""
    found: Row = {"streams": streams, "ready": 0, "resyncs": 0, "millis": []}
    await asyncio.gather(*(watch(port, key, seconds, found) for _ in range(streams)))
    print(json.dumps(found), flush=True)


class Watchers:
    """That process, from here."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def of(cls, port: int, key: str, seconds: int, streams: int) -> Watchers:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "--watch", str(port), key, str(seconds), str(streams)),
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 28,
        )
        assert process.stdout is not None
        if await process.stdout.readline() != b"READY\n":
            raise SystemExit("the watchers could not begin")
        return cls(process)

    async def found(self) -> Row:
        assert self._process.stdout is not None
        said: Row = json.loads(await self._process.stdout.readline())
        await self._process.wait()
        return said


async def paced(services: Services, scope: Scope, seconds: float, per_minute: int) -> int:
    """Start runs at an even pace; how many."""
    began, count = time.perf_counter(), 0
    while (due := count * 60 / per_minute) < seconds:
        await asyncio.sleep(max(0.0, began + due - time.perf_counter()))
        await services.runs.start(scope, "bench", {"text": "abcdefghij"}, ACTOR)
        count += 1
    return count


async def latency(services: Services, port: int, options: argparse.Namespace) -> Row:
    scope = await scope_with(services, definition(_CASE))
    key = await _key(services, scope)
    there = await Watchers.of(port, key, int(options.seconds) + 3, options.watchers)
    runs = await paced(services, scope, options.seconds, options.per_minute)
    found = await there.found()
    check(await counted(services, scope), runs)
    # A start, five steps and an end of each run, to everybody.
    expected = 7 * runs * options.watchers
    if found["resyncs"] or len(found["millis"]) != expected:
        raise SystemExit(f"{expected} events were to be told, not {len(found['millis'])}: {found}")
    millis = found["millis"]
    return {
        "system": "careloom",
        "case": "commit_to_event",
        "concurrency": options.watchers,
        "runs": runs,
        "runs_a_minute": options.per_minute,
        "events": len(millis),
        **{f"p{n}_ms": round(report.percentile(millis, n / 100), 1) for n in (50, 95, 99)},
        "max_ms": round(max(millis), 1),
    }


async def throughput(services: Services, port: int, streams: int, options: Any) -> Row:
    scope = await scope_with(services, definition(_CASE))
    parent = await postmaster(services.db.dsn)
    there = None
    await load(services, scope, 32, 1.0, parent)
    if streams:
        key = await _key(services, scope)
        there = await Watchers.of(port, key, int(options.seconds) + 1, streams)
    measured = await load(services, scope, 32, options.seconds, parent)
    found = await there.found() if there is not None else {"resyncs": 0, "millis": []}
    return {
        "system": "careloom",
        "case": "runs_with_watchers",
        "concurrency": 32,
        "watchers": streams,
        "per_second": round(measured.rate, 1),
        "cpu_ms_each": round(measured.python_ms + measured.postgres_ms, 3),
        "events": len(found["millis"]),
        "resyncs": found["resyncs"],
    }


async def _key(services: Services, scope: Scope) -> str:
    issued = await services.identity.ensure_first_key(scope)
    assert issued is not None
    return issued.text


async def measure(options: argparse.Namespace) -> None:
    environment = {"CARELOOM_HOME": options.home}
    if os.environ.get("DATABASE_URL"):
        environment["DATABASE_URL"] = os.environ["DATABASE_URL"]
    settings = replace(Settings.from_environment(environment), worker_concurrency=512)
    async with open_services(settings, listen=False) as services:
        server = HttpServer(services, "127.0.0.1", 0)
        await server.start()
        settle_memory()
        rows = [await latency(services, server.port, options)]
        for streams in (0, 1, options.watchers, 0):
            rows.append(await throughput(services, server.port, streams, options))
        await server.stop()
    conditions = {
        "database": "DATABASE_URL" if settings.database_url else "embedded PostgreSQL, fsync on",
        "process": "HTTP, worker, matcher and sealer in one; watchers in another",
        "on": "audit, encryption, tenancy",
        "seconds": options.seconds,
    }
    report.write("live", conditions, rows)


def main() -> None:
    if sys.argv[1:2] == ["--watch"]:
        port, key, seconds, streams = sys.argv[2:6]
        uvloop.run(watchers(int(port), key, int(seconds), int(streams)))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--per-minute", type=int, default=1000)
    parser.add_argument("--watchers", type=int, default=10)
    options = parser.parse_args()
    with_echo()
    with tempfile.TemporaryDirectory(prefix="careloom-bench-") as home:
        Path(home).chmod(0o711)
        options.home = home
        uvloop.run(measure(options))


if __name__ == "__main__":
    main()
