"""The torture of the shipped workflows: kills at every call, cut replies, ended connections, and
kills of the whole server and its PostgreSQL."""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.kill.behind_proxy import cut_replies, end_connections
from tests.acceptance.kill.cases import KINDS, REVIEW, Clinic, Kind
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.served import ServedHome
from tests.acceptance.kill.sweep import MODES, Boundary, Survived, Sweep, Undisturbed
from tests.acceptance.kill.tally import Tally
from torture_place import Place
from torture_shapes import Tell

FLIGHT_S = 0.008
"""A call takes a few milliseconds; a kill in mid-call comes within this time."""


async def flagships(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """A worker killed at every call of both shipped workflows, in each mode."""
    left, number = options.kills, 0
    while left > 0:
        seed = options.seed + number
        number += 1
        for kind in KINDS:
            if left <= 0:
                return
            tally = Tally()
            async with place.chapter() as clinic:
                await _swept(Sweep(clinic, place.forks[0], kind), seed, left, tally)
            tell("flagships", tally, {"seed": seed, "case": kind.name})
            left -= tally.kills


async def _swept(sweep: Sweep, seed: int, most: int, tally: Tally) -> None:
    expected, chance = await sweep.undisturbed(), random.Random(f"{seed}{sweep.kind.name}")
    for decided in (False, True) if sweep.kind is REVIEW else (False,):
        for boundary in expected.boundaries(decided=decided):
            for mode in MODES:
                if tally.kills >= most:
                    return
                delay = chance.uniform(0, FLIGHT_S)
                found = await sweep.kill(mode, boundary, expected, delay=delay, decided=decided)
                tally.kills += found.killed
                tally.holding += found.killed
                _add(tally, found)


def _add(tally: Tally, found: Survived) -> None:
    kinds = {"lost": found.lost, "doubled": found.doubled}
    kinds |= {"stranded": found.stranded, "wrong": found.wrong}
    tally.add({kind: [f"{found.where}: {one}" for one in said] for kind, said in kinds.items()})
    tally.sent_twice += found.duplicates
    if found.resume_ms is not None:
        tally.resume_ms.append(found.resume_ms)


async def replies(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """The reply of a call that was carried out never arrives."""
    for kind in KINDS:
        tally = Tally()
        async with place.chapter() as clinic, _proxy(place.dsn) as proxy:
            sweep = Sweep(clinic, place.forks[0], kind)
            expected = await sweep.undisturbed()
            where = _cuts(expected)[: options.kills]
            found = await cut_replies(clinic, proxy, place.home, sweep, expected, where)
            for one in found:
                tally.kills += one.killed
                _add(tally, one)
        tell("replies", tally, {"seed": options.seed, "case": kind.name})


def _cuts(expected: Undisturbed) -> list[Boundary]:
    flushes = (expected.calls + expected.calls_after).count("engine_flush")
    every = {*expected.boundaries(), *expected.boundaries(decided=True)}
    every |= {Boundary("engine_flush", n) for n in range(1, flushes + 1)}
    return sorted(every, key=lambda one: (one.call, one.at))


async def connections(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """PostgreSQL ends the worker's connections at random while it works."""
    left, number = options.kills, 0
    while left > 0:
        seed, tally = options.seed + number, Tally()
        number += 1
        async with place.chapter() as clinic, _proxy(place.dsn) as proxy:
            cases = [
                (await clinic.prepared(kind), sweep, expected)
                for kind, sweep, expected in await _expected(place, clinic)
                for _ in range(5)
            ]
            tally.kills, found = await end_connections(
                clinic, proxy, place.home, cases, random.Random(seed)
            )
            for one in found:
                _add(tally, one)
        tell("connections", tally, {"seed": seed})
        left -= max(tally.kills, 1)


async def _expected(place: Place, clinic: Clinic) -> list[tuple[Kind, Sweep, Undisturbed]]:
    sweeps = [Sweep(clinic, place.forks[0], kind) for kind in KINDS]
    return [(sweep.kind, sweep, await sweep.undisturbed()) for sweep in sweeps]


@asynccontextmanager
async def _proxy(dsn: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(dsn)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()


async def servers(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """kill -9 of the server and of its PostgreSQL while letters are uploaded."""
    left, number = options.kills, 0
    while left > 0:
        await _server_killed(place, min(left, 30), options.seed + number, tell)
        left, number = left - 30, number + 1


async def _server_killed(place: Place, kills: int, seed: int, tell: Tell) -> None:
    place.receiver.by_label.pop("served", None)
    with tempfile.TemporaryDirectory(prefix="careloom-torture-") as folder:
        served = ServedHome(Path(folder) / "home", place.receiver)
        try:
            await served.prepare()
            await served.storm(kills, random.Random(seed))
            said = await served.verdict()
            await served.stop()
        finally:
            await served.close()
    found, tally = served.tally, Tally()
    tally.kills = tally.holding = found.server_kills + found.postmaster_kills
    tally.runs = len(found.acknowledged)
    tally.sent_twice = place.receiver.of("served").duplicates
    tally.resume_ms = found.restart_ms
    for fault in said:
        tally.faults[_kind(fault)].append(fault)
    conditions = {
        "seed": seed,
        "postgresql_kills": found.postmaster_kills,
        "acknowledged": len(found.acknowledged),
        "unanswered": found.unanswered,
    }
    tell("servers", tally, conditions)


def _kind(fault: str) -> str:
    kinds = {"lost": "lost", "doubled": "doubled", "stranded": "stranded", "run ": "stranded"}
    return next((kind for begins, kind in kinds.items() if fault.startswith(begins)), "wrong")
