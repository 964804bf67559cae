"""The torture by what surrounds the workers: failing networks, clocks that jump, a full disk."""

from __future__ import annotations

import argparse
import random
from contextlib import AsyncExitStack

from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.every_shape import EVERY
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.full_disk import SmallDisk, fill_and_free
from tests.acceptance.kill.tally import Tally
from tests.acceptance.kill.weather import NAP, ClockStorm, FakeClock, NetworkStorm
from torture_place import Place
from torture_shapes import BESIDE, CHAPTER, Tell


async def network(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """The network between workers and PostgreSQL is cut or frozen for up to 3.5 s."""
    left, chapter = options.kills, 0
    while left > 0:
        tally, seed, count = Tally(), options.seed + chapter, min(left, CHAPTER)
        async with AsyncExitStack() as stack:
            clinic = await stack.enter_async_context(place.chapter())
            ways = []
            for forks in place.forks[:3]:
                proxy = CuttingProxy(place.dsn)
                await proxy.start()
                stack.push_async_callback(proxy.stop)
                forks.serve(proxy.dsn, place.home)
                ways.append((forks, proxy))
            await NetworkStorm(clinic, ways, random.Random(seed)).blow(
                EVERY, count, tally, beside=BESIDE
            )
        tell("network", tally, {"seed": seed, "workers": len(ways)})
        left, chapter = left - count, chapter + 1


async def clock(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """The clock of worker processes jumps an hour ahead, back, and to the true time."""
    fake = FakeClock.at(place.home / "clock")
    if fake is None:
        print("clock: libfaketime is not installed (Debian: apt-get install faketime)")
        return
    forks = [Forks("", place.home, fake.environment) for _ in range(2)]
    async with AsyncExitStack() as stack:
        for one in forks:
            await one.start()
            stack.push_async_callback(one.stop)
        left, chapter = options.kills, 0
        while left > 0:
            tally, seed, count = Tally(), options.seed + chapter, min(left, 2 * CHAPTER)
            async with place.chapter() as clinic:
                for one in forks:
                    one.serve(place.dsn, place.home)
                storm = ClockStorm(clinic, forks, fake, random.Random(seed))
                await storm.blow([*EVERY, *[NAP] * 20], count, tally, beside=BESIDE)
            tell("clock", tally, {"seed": seed, "workers": len(forks)})
            left, chapter = left - count, chapter + 1


async def disk(place: Place, options: argparse.Namespace, tell: Tell) -> None:
    """The file system of PostgreSQL is full while runs go on, and has room again later."""
    reason = SmallDisk.impossible()
    if reason is not None:
        print(f"disk: {reason}")
        return
    left, chapter = options.kills, 0
    while left > 0:
        tally, seed, count = Tally(), options.seed + chapter, min(left, 10)
        with SmallDisk.mounted() as small:
            await fill_and_free(small, place.receiver, place.forks[0], count, seed, tally)
        tell("disk", tally, {"seed": seed})
        left, chapter = left - count, chapter + 1
