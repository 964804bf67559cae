"""What a worker's turn costs beside the model, and how many conversations go on at once.

python benchmarks/ai.py [--turns N] [--sessions N] [--model-ms MS] [--slow-ms MS] [--repeats N]

1. One conversation, a message at a time: from the commit of the message to the commit of its
   answer, less the time in which the model's server had the request.
2. Many conversations at once, with a model that takes as long as real ones.
The model is the tests' own server, in a process of its own, speaking OpenAI chat completions; what
it takes is what it was told to. DATABASE_URL names the PostgreSQL to use (default: embedded).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import report
import uvloop

sys.path.insert(0, str(report.ROOT))

from tests.ai_server.script import Say
from tests.ai_server.server import ai_server

from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.types import Scope

ACTOR = {"principal": "bench", "kind": "user", "grants": ["fhir:read", "workflow:run"]}
Row = dict[str, Any]


async def serve(model_s: float) -> None:
    """The other process: the model, until its input ends."""
    async with ai_server(name="127.0.0.1") as server:
        server.script.otherwise = lambda _asked: Say("The answer.", pause_s=model_s)
        print(server.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


class Model:
    """That process, from here."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self._process = process
        self.port = port

    @classmethod
    async def start(cls, model_ms: float) -> Model:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "--serve", str(model_ms)), stdin=pipe, stdout=pipe
        )
        assert process.stdout is not None
        return cls(process, int(await process.stdout.readline()))

    async def stop(self) -> None:
        self._process.terminate()
        await self._process.wait()


async def worker_of(services: Services, scope: Scope, model: Model) -> str:
    """A worker whose model is that process."""
    settings = {"url": f"http://127.0.0.1:{model.port}/v1", "rate": {"concurrent": 256}}
    given = {"kind": "http", "settings": settings}
    await services.connections.put(scope, "llm", given, ACTOR)
    facts = {"provider": "openai", "connection": "llm", "dataClass": "phi"}
    await services.ai.models.put(scope, "bench", facts, ACTOR)
    worker = {"name": "bench", "defaultModelName": "bench", "instructions": "Answer."}
    made = await services.ai.workers.create(scope, worker, ACTOR, "development")
    return str(made["id"])


async def talk(services: Services, scope: Scope, session: str, turns: int) -> list[float]:
    """So many messages, one after another: seconds from commit to commit of each."""
    talks, spent = services.ai.conversations, []
    for number in range(turns):
        await talks.send(scope, session, {"content": f"Message {number}"}, ACTOR)
        while True:
            last = (await talks.turns(scope, session, after=number))[0]
            if not last.is_open:
                break
            await asyncio.sleep(0.02)
        assert last.status == "completed", last
        assert last.closed_at is not None
        spent.append((last.closed_at - last.at).total_seconds())
    return spent


async def measure(settings: Settings, sessions: int, turns: int, model_ms: float) -> Row:
    """A row: milliseconds of a turn beside the model's own."""
    model = await Model.start(model_ms)
    settings = replace(settings, outgoing_allow=("127.0.0.1/32",), worker_concurrency=512)
    try:
        async with open_services(settings, listen=False) as services:
            scope = Scope(f"b{time.time_ns()}", "main")
            await services.db.call("tenant_create", scope.tenant, "Bench", "development")
            worker = await worker_of(services, scope, model)
            made = [
                (await services.ai.conversations.create(scope, worker, {}, ACTOR))["id"]
                for _ in range(sessions)
            ]
            await talk(services, scope, made[0], 3)
            fresh = (await services.ai.conversations.create(scope, worker, {}, ACTOR))["id"]
            made[0] = fresh
            begun, cpu = time.monotonic(), time.process_time()
            parts = await asyncio.gather(*(talk(services, scope, one, turns) for one in made))
            wall, busy = time.monotonic() - begun, time.process_time() - cpu
    finally:
        await model.stop()
    beside = [1000 * one - model_ms for part in parts for one in part]
    return {
        "system": "careloom",
        "case": "turn",
        "concurrency": sessions,
        "model_ms": model_ms,
        "turns": len(beside),
        "per_second": len(beside) / wall,
        "p50_ms": report.percentile(beside, 0.5),
        "p99_ms": report.percentile(beside, 0.99),
        "cpu_ms_each": 1000 * busy / len(beside),
    }


def median_of(rows: list[Row]) -> Row:
    """One row of several: the median of each figure."""
    measured = ("per_second", "p50_ms", "p99_ms", "cpu_ms_each")
    medians = {key: round(statistics.median(row[key] for row in rows), 2) for key in measured}
    return {**rows[0], **medians}


def new_home() -> str:
    """A data folder that the user of the embedded PostgreSQL can reach."""
    home = Path(tempfile.mkdtemp(prefix="careloom-bench-"))
    home.chmod(0o711)
    return str(home)


async def run(given: argparse.Namespace) -> None:
    settings = Settings.from_environment()
    if settings.database_url is None and "CARELOOM_HOME" not in os.environ:
        settings = Settings.from_environment({**os.environ, "CARELOOM_HOME": new_home()})
    cases = [(1, given.turns, given.model_ms), (given.sessions, 5, given.slow_ms)]
    rows = []
    for sessions, turns, model_ms in cases:
        repeats = [await measure(settings, sessions, turns, model_ms) for _ in range(given.repeats)]
        rows.append(median_of(repeats))
    conditions = {
        "database": "DATABASE_URL" if settings.database_url else "embedded PostgreSQL, fsync on",
        "model": "a scripted server in a process of its own, OpenAI chat completions",
        "measured": "commit of the message to commit of the answer, less the model's time",
        "repeats": given.repeats,
    }
    report.write("ai", conditions, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--model-ms", type=float, default=50.0)
    parser.add_argument("--slow-ms", type=float, default=3000.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--serve", type=float, default=None)
    given = parser.parse_args()
    uvloop.run(run(given) if given.serve is None else serve(given.serve / 1000))


if __name__ == "__main__":
    main()
