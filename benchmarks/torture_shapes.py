"""The torture of every shape: a kill at each call, random kills, workers that were paused."""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.every_shape import EVERY
from tests.acceptance.kill.shape_sweep import FLIGHT_S, ShapeSweep
from tests.acceptance.kill.shapes import Shape
from tests.acceptance.kill.storm import Storm
from tests.acceptance.kill.sweep import MODES, Boundary
from tests.acceptance.kill.tally import Tally
from torture_place import Place

CHAPTER = 150
"""Kills, or cases, on one database."""
BESIDE = 8
"""Runs at once in a storm."""
Tell = Callable[[str, Tally, dict[str, Any]], None]


async def storm(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """Random kills while runs of every shape go on."""
    left, chapter = options.kills, 0
    while left > 0:
        kills, seed = min(left, CHAPTER), options.seed + chapter
        tally = Tally()
        async with place.chapter() as clinic:
            blowing = Storm(clinic, place.forks, random.Random(seed))
            await blowing.blow(EVERY, kills, tally, beside=BESIDE)
        tell("storm", tally, {"seed": seed, "workers": len(place.forks)})
        left, chapter = left - kills, chapter + 1


async def shapes(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """A kill at every call of every shape, in each mode; two servers of forks for each lane. The
    shape that is being swept when there were enough kills is swept to its end."""
    left = options.kills
    for number in range(options.first, len(EVERY)):
        if left <= 0:
            print(f"go on with --from {number}")
            return
        shape, tally = EVERY[number], Tally()
        async with place.chapter() as clinic, AsyncExitStack() as stack:
            pairs = zip(place.forks[::2], place.forks[1::2], strict=False)
            sweeps = [ShapeSweep(clinic, *pair) for pair in pairs]
            lanes = [await stack.enter_async_context(sweep) for sweep in sweeps]
            boundaries = await lanes[0].boundaries(shape)
            queue = _orders(boundaries, options.modes)
            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    chance = random.Random(f"{options.seed}{number}{lanes.index(lane)}")
                    group.create_task(_killed(lane, shape, queue, chance, tally))
        conditions: dict[str, Any] = {
            "seed": options.seed,
            "case": shape.name,
            "boundaries": len(boundaries),
        }
        conditions["modes"] = options.modes
        tell("shapes", tally, {**conditions, "next": (number + 1) % len(EVERY)})
        left -= tally.kills
    print("every boundary of every shape was swept")


def _orders(boundaries: list[Boundary], modes: str) -> list[tuple[str, Boundary]]:
    """In reverse: each boundary in every mode, or in one, which changes from one to the next."""
    found = []
    for number, boundary in enumerate(boundaries):
        chosen = MODES if modes == "all" else (MODES[number % len(MODES)],)
        found += [(mode, boundary) for mode in chosen]
    return found[::-1]


async def _killed(
    lane: ShapeSweep,
    shape: Shape,
    queue: list[tuple[str, Boundary]],
    chance: random.Random,
    tally: Tally,
) -> None:
    while queue:
        mode, boundary = queue.pop()
        await lane.kill(shape, mode, boundary, chance.uniform(0, FLIGHT_S), tally)


async def pauses(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """Workers that stop before a commit and go on when another one has ended their run."""
    chance, left = random.Random(options.seed), options.kills
    while left > 0:
        tally, count = Tally(), min(left, CHAPTER)
        async with place.chapter() as clinic:
            for _ in range(count):
                await _paused(place, clinic, chance, tally)
        tell("pauses", tally, {"seed": options.seed})
        left -= count


async def _paused(place: Place, clinic: Clinic, chance: random.Random, tally: Tally) -> None:
    sweep = ShapeSweep(clinic, place.forks[0], place.forks[1])
    boundary = Boundary("engine_flush", chance.choice((1, 1, 2, 3)))
    stopped = await sweep.pause(chance.choice(EVERY), boundary, place.forks[1], tally)
    tally.kills += stopped
    tally.holding += stopped
