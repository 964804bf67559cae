"""A closed loop of clients, measured alike for every system: rate, latency, CPU of the processes.

Standard library and psutil only, because every peer runs in an environment of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil

DRAIN_S = 60.0


def arguments(description: str) -> argparse.Namespace:
    """--dsn, --concurrency 1,32,256, --seconds and --server-pid, for every system."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--dsn", default="")
    parser.add_argument("--concurrency", default="1,32,256")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--server-pid", type=int, action="append", default=[])
    parser.add_argument("--variant", default="")
    return parser.parse_args()


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes and all their children, reaped ones included."""
    total = 0.0
    for pid in pids:
        try:
            root = psutil.Process(pid)
            family = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for process in family:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


async def measure(
    work: Callable[[], Awaitable[Any]],
    concurrency: int,
    seconds: float,
    server_pids: list[int],
    *,
    warm_s: float = 1.0,
) -> dict[str, Any]:
    """Rate and latencies of `work` with this many clients, each beginning anew when it is done.

    What is under way when the time is over is waited for and counted, with its time.
    """
    await _loop(work, concurrency, warm_s)
    own, server = _own_cpu(), cpu_seconds(server_pids)
    latencies, elapsed = await _loop(work, concurrency, seconds)
    own, server = _own_cpu() - own, cpu_seconds(server_pids) - server
    if not latencies:
        return {"concurrency": concurrency, "per_second": 0.0, "runs": 0, "note": "none finished"}
    latencies.sort()
    return {
        "concurrency": concurrency,
        "per_second": round(len(latencies) / elapsed, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 2),
        "cpu_ms_each": round((own + server) * 1000 / len(latencies), 3),
        "server_cpu_ms_each": round(server * 1000 / len(latencies), 3),
        "runs": len(latencies),
    }


async def _loop(
    work: Callable[[], Awaitable[Any]], concurrency: int, seconds: float
) -> tuple[list[float], float]:
    latencies: list[float] = []
    began = time.perf_counter()

    async def client() -> None:
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            await work()
            latencies.append(time.perf_counter() - start)

    tasks = [asyncio.create_task(client()) for _ in range(concurrency)]
    done, waiting = await asyncio.wait(tasks, timeout=seconds + DRAIN_S)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for task in done:
        task.result()
    return latencies, time.perf_counter() - began


def _own_cpu() -> float:
    times = psutil.Process().cpu_times()
    return times.user + times.system


def levels(text: str) -> list[int]:
    """ "1,32,256" as numbers."""
    return [int(part) for part in text.split(",")]


def say(system: str, case: str, row: dict[str, Any]) -> None:
    """One result as a line of JSON on the standard output."""
    print("ROW " + json.dumps({"system": system, "case": case, **row}), flush=True)
