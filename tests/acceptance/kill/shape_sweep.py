"""kill -9 at every call of a shape's run, before it, during it and after it; and kills at random
moments while many shapes run."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.acceptance.kill.cases import Case, Clinic
from tests.acceptance.kill.forks import Fork, Forks
from tests.acceptance.kill.shape_runs import (
    ENDED,
    LIMIT_S,
    begun,
    ended,
    faults_of,
    feed,
    state_of,
)
from tests.acceptance.kill.shapes import Shape

FLIGHT_S = 0.006
IDLE = ("events_pending", "tenants_", "run_waits")
"""Calls that look whether there is something to do: a kill there is a kill while idle."""


@dataclass(slots=True)
class Tally:
    """What kills have led to."""

    kills: int = 0
    runs: int = 0
    faults: dict[str, list[str]] = field(
        default_factory=lambda: {"lost": [], "doubled": [], "stranded": [], "wrong": []}
    )
    resume_ms: list[float] = field(default_factory=list)

    def add(self, found: dict[str, list[str]]) -> None:
        self.runs += 1
        for kind, said in found.items():
            self.faults[kind] += said

    @property
    def all_faults(self) -> list[str]:
        return [f"{kind}: {said}" for kind, found in self.faults.items() for said in found]


class ShapeSweep:
    """Kills at the calls of one worker."""

    def __init__(self, clinic: Clinic, forks: Forks, successors: Forks) -> None:
        self._clinic = clinic
        self._forks = forks
        self._successors = successors

    async def calls(self, shape: Shape) -> Counter[str]:
        """How often each SQL function is called when nobody is killed."""
        case, run = await begun(self._clinic, shape)
        worker = await self._forks.fork(case.tenant, lease=2)
        await ended(self._clinic, case, run, shape)
        found = await worker.kill()
        return Counter(call for call in found.calls if not call.startswith(IDLE))

    async def kill(
        self, shape: Shape, mode: str, call: str, at: int, delay: float, tally: Tally
    ) -> None:
        """One run whose worker is killed there; another worker goes on."""
        case, run = await begun(self._clinic, shape)
        mortal = await self._forks.fork(
            case.tenant, lease=2, mode=mode, call=call, at=at, delay=delay
        )
        killed = await self._dead_or_done(case, run, shape, mortal)
        tally.kills += killed
        began = time.monotonic()
        successor = await self._successors.fork(case.tenant, lease=2)
        try:
            state = await ended(self._clinic, case, run, shape)
        finally:
            await successor.kill()
        if killed:
            tally.resume_ms.append((time.monotonic() - began) * 1000)
        tally.add(await faults_of(self._clinic, case, shape, state))

    async def _dead_or_done(self, case: Case, run: str, shape: Shape, mortal: Fork) -> bool:
        ending = asyncio.create_task(mortal.ended())
        deadline = time.monotonic() + LIMIT_S
        while not ending.done():
            if time.monotonic() > deadline or await state_of(self._clinic, case, run) in ENDED:
                mortal.signal(signal.SIGKILL)
                await ending
                return False
            await feed(self._clinic, case, shape)
            await asyncio.sleep(0.01)
        return ending.result().signal == signal.SIGKILL


@dataclass(slots=True)
class _Running:
    shape: Shape
    case: Case
    run: str


class Storm:
    """Kills at random moments: several workers serve many tenants and are killed all the time."""

    def __init__(self, clinic: Clinic, forks: list[Forks], chance: random.Random) -> None:
        self._clinic = clinic
        self._forks = forks
        self._chance = chance

    async def blow(self, shapes: list[Shape], kills: int, tally: Tally, *, beside: int) -> None:
        """Keep `beside` runs going and kill workers until there were so many kills; then let
        everything end in peace, and look at all of it."""
        done = 0
        while done < kills:
            chosen = [self._chance.choice(shapes) for _ in range(beside)]
            running = [_Running(one, *await begun(self._clinic, one)) for one in chosen]
            tenants = [one.case.tenant for one in running]
            done += await self._wave(running, tenants, kills - done)
            await self._judge(running, tenants, tally)
        tally.kills += done

    async def _wave(self, running: list[_Running], tenants: list[str], most: int) -> int:
        workers = [await self._worker(forks, tenants) for forks in self._forks]
        kills = 0
        deadline = time.monotonic() + LIMIT_S
        while kills < most and await self._open(running) and time.monotonic() < deadline:
            await asyncio.sleep(self._chance.uniform(0.02, 0.6))
            await asyncio.gather(*(feed(self._clinic, r.case, r.shape) for r in running))
            index = self._chance.randrange(len(workers))
            await workers[index].kill()
            kills += 1
            workers[index] = await self._worker(self._forks[index], tenants)
        for worker in workers:
            await worker.kill()
            kills += 1
        return kills

    async def _worker(self, forks: Forks, tenants: list[str]) -> Fork:
        return await forks.fork(tenants[0], also=tenants[1:], lease=2)

    async def _open(self, running: list[_Running]) -> bool:
        states = [await state_of(self._clinic, one.case, one.run) for one in running]
        return any(state not in ENDED for state in states)

    async def _judge(self, running: list[_Running], tenants: list[str], tally: Tally) -> None:
        last = await self._worker(self._forks[0], tenants)
        began = time.monotonic()
        try:
            for one in running:
                state = await ended(self._clinic, one.case, one.run, one.shape)
                tally.add(await faults_of(self._clinic, one.case, one.shape, state))
        finally:
            await last.kill()
        tally.resume_ms.append((time.monotonic() - began) * 1000)
