"""Prefect with five tasks of one flow, against its own server, results persisted.

The server keeps its state in SQLite, its default: on PostgreSQL it asks for the extension pg_trgm,
which the server that is used here does not carry.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any

import closed_loop

PORT = 14200


def serve(home: str) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers."""
    os.environ |= {
        "PREFECT_HOME": home,
        "PREFECT_API_URL": f"http://127.0.0.1:{PORT}/api",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--port", str(PORT)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(240):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/api/health", timeout=2):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    server.terminate()
    raise SystemExit("the Prefect server did not start")


async def measured(options: Any, server_pids: list[int]) -> None:
    from prefect import flow, task  # read after the settings are in the environment

    @task
    async def step(value: str, number: int) -> str:
        return f"{value[:20]}{number}"

    @flow
    async def five(value: str) -> str:
        for number in range(5):
            value = await step(value, number)
        return value

    for clients in closed_loop.levels(options.concurrency):
        row = await closed_loop.measure(
            lambda: five("start"), clients, options.seconds, server_pids, warm_s=0.1
        )
        closed_loop.say("prefect", "five_steps", row)


def main() -> None:
    options = closed_loop.arguments(__doc__ or "")
    with tempfile.TemporaryDirectory() as home:
        server = serve(home)
        try:
            asyncio.run(measured(options, [server.pid]))
        finally:
            server.terminate()
            server.wait(30)


if __name__ == "__main__":
    main()
