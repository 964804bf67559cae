"""Durable runs a second beside DBOS, Restate, Prefect and the commit floor, in turn in one call.

python benchmarks/engine.py [--seconds S] [--repeats N] [--concurrency 1,32,256] [--systems a,b]

Every system that uses PostgreSQL gets a fresh database on the same server (the embedded one, fsync
on, its defaults), and nothing else runs. Peers are installed from the registries into build/peers;
one that cannot be installed is named as missing. Medians over the repeats.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import report
from engine_careloom import postmaster

from careloom.store.postgres_server import EmbeddedServer

HERE = Path(__file__).resolve().parent
PEERS = HERE.parent / "build" / "peers"
SLOW = {"prefect"}
"""Measured once and with at most 32 clients: seconds a run, and far from the others."""
LIMIT_S = 1800
Row = dict[str, Any]


def installed() -> dict[str, str]:
    """What the installer says of each peer: a path, or that it is missing."""
    done = subprocess.run(
        [sys.executable, HERE / "peers" / "install.py", PEERS], capture_output=True, text=True
    )
    pairs = [line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line]
    return {pair[0]: pair[1] for pair in pairs}


async def fresh_database(dsn: str, name: str) -> str:
    """An empty database on the server, and its address."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    parts = urlsplit(dsn)
    # With a socket there is no host, and urlunsplit would leave out the slashes before it.
    return f"{parts.scheme}://{parts.netloc}/{name}" + (f"?{parts.query}" if parts.query else "")


def said(command: list[str], environment: dict[str, str]) -> list[Row]:
    """The rows that a peer's script says; none, with its last words shown, when it failed."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, env=environment, cwd=HERE
    )
    rows = [json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    if done.returncode != 0:
        print(f"{command[1]} ended with {done.returncode}: {done.stderr[-400:]}", flush=True)
    return rows


def careloom(options: argparse.Namespace, dsn: str) -> list[Row]:
    """Our own rows, from the report that the benchmark of the engine alone writes."""
    command = [sys.executable, str(HERE / "engine_careloom.py"), "--repeats", "1"]
    command += ["--seconds", str(options.seconds), "--concurrency", options.concurrency]
    subprocess.run(command, env={**os.environ, "DATABASE_URL": dsn}, check=True, cwd=HERE)
    path = HERE.parent / "build" / "bench" / "engine_careloom.json"
    rows: list[Row] = json.loads(path.read_text("utf-8"))["rows"]
    return rows


async def measure(options: argparse.Namespace, dsn: str) -> list[Row]:
    """Every system in turn, the whole round repeated."""
    peers, rows = installed(), []
    pid = await postmaster(dsn)
    for repeat in range(options.repeats):
        for system in options.systems.split(","):
            if system in SLOW and repeat:
                continue
            print(f"round {repeat + 1}: {system}", flush=True)
            rows += await _one(system, options, dsn, pid, peers)
    return [*_medians(rows), *_missing(options, peers, rows)]


async def _one(
    system: str, options: argparse.Namespace, dsn: str, pid: int | None, peers: dict[str, str]
) -> list[Row]:
    if system == "careloom":
        return careloom(options, await fresh_database(dsn, "bench_careloom"))
    python = peers.get(system, "missing")
    if python.startswith("missing"):
        return []
    levels = options.concurrency
    if system in SLOW:
        levels = ",".join(level for level in levels.split(",") if int(level) <= 32)
    rows = []
    for script, variant in _scripts(system, peers):
        command = [python, str(HERE / "peers" / script), "--concurrency", levels]
        command += ["--seconds", str(options.seconds), "--server-pid", str(pid)]
        command += ["--dsn", await fresh_database(dsn, f"bench_{system}"), "--variant", variant]
        rows += said(command, dict(os.environ))
    return rows


def _scripts(system: str, peers: dict[str, str]) -> list[tuple[str, str]]:
    if system == "floor":
        return [("floor_seven_commits.py", "")]
    if system == "dbos":
        return [("dbos_five_steps.py", ""), ("dbos_five_steps.py", "datasource")]
    if system == "restate":
        server = peers.get("restate-server", "missing")
        return [] if server.startswith("missing") else [("restate_five_steps.py", server)]
    return [("prefect_five_steps.py", "")]


def _medians(rows: list[Row]) -> list[Row]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = row["system"], row["case"], row["concurrency"]
        groups.setdefault(key, []).append(row)
    merged = []
    for (system, case, concurrency), found in groups.items():
        middle: Row = {"system": system, "case": case, "concurrency": concurrency}
        for name in ("per_second", "p50_ms", "p99_ms", "cpu_ms_each"):
            values = [_value(row, name) for row in found]
            known = [value for value in values if value is not None]
            middle[name] = round(statistics.median(known), 3) if known else None
        middle["repeats"] = len(found)
        merged.append(middle)
    return merged


def _value(row: Row, name: str) -> float | None:
    if name == "cpu_ms_each" and "python_ms" in row:
        return float(row["python_ms"] + row["postgres_ms"])
    return row.get(name)


def _missing(options: argparse.Namespace, peers: dict[str, str], rows: list[Row]) -> list[Row]:
    there = {row["system"] for row in rows}
    absent = [name for name in options.systems.split(",") if name not in there]
    return [{"system": name, "case": f"missing: {peers.get(name, '')}"} for name in absent]


def ratios(rows: list[Row]) -> list[Row]:
    """Our default case over each peer's best case, at each concurrency."""
    rates = {(r["system"], r["case"], r.get("concurrency")): r.get("per_second") for r in rows}
    out = []
    for (system, case, clients), rate in rates.items():
        ours = rates.get(("careloom", "five_step_default", clients))
        if system != "careloom" and rate and ours:
            out.append(
                {"over": system, "case": case, "concurrency": clients, "x": round(ours / rate, 1)}
            )
    return out


async def beside(options: argparse.Namespace, home: Path) -> list[Row]:
    """The rows of every system, on a server of their own."""
    server = await EmbeddedServer.attach(home)
    try:
        return await measure(options, server.dsn)
    finally:
        await server.detach()


def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="careloom-bench-") as home:
        Path(home).chmod(0o711)
        rows = asyncio.run(beside(options, Path(home)))
    if options.flagships:
        subprocess.run([sys.executable, str(HERE / "triage.py")], check=True, cwd=HERE)
        path = HERE.parent / "build" / "bench" / "triage.json"
        rows += json.loads(path.read_text("utf-8"))["rows"]
    conditions = {
        "server": "embedded PostgreSQL, fsync on, synchronous_commit on, its own defaults",
        "seconds": options.seconds,
        "repeats": options.repeats,
        "careloom": "audit, encryption and tenancy on; clients and worker in one process",
        "dbos": "async workflow and steps; pool 32, 256 executor threads, log level ERROR",
        "restate": "server defaults, own folder on the same disk; hypercorn, one process",
        "prefect": "own server on SQLite, results persisted; one round, at most 32 clients",
        "floor": "asyncpg, 7 single-row commits a run, pool of 32",
        "ratios": ratios(rows),
    }
    report.write("engine", conditions, rows)
    print()
    for line in ratios(rows):
        print(f"{line['x']:>8} x {line['over']} {line['case']} at {line['concurrency']}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--concurrency", default="1,32,256")
    parser.add_argument("--systems", default="floor,careloom,dbos,restate,prefect")
    parser.add_argument("--flagships", action=argparse.BooleanOptionalAction, default=True)
    main(parser.parse_args())
