"""kill -9 at every call of a shape's run: before it, during it and after it."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from collections import Counter
from pathlib import Path

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
from tests.acceptance.kill.sweep import Boundary
from tests.acceptance.kill.tally import Tally

FLIGHT_S = 0.006
IDLE = ("events_pending", "tenants_", "run_waits")
"""Calls that look whether there is something to do: a kill there is a kill while idle."""
SEALING = "audit_seal"
"""A call of the worker's timer: the kill between an effect and the sealing of its audit row."""


class ShapeSweep:
    """Kills at the calls of one worker, each in a run of its own."""

    def __init__(self, clinic: Clinic, forks: Forks, successors: Forks) -> None:
        self._clinic = clinic
        self._forks = forks
        self._successors = successors
        self._orphans: tempfile.TemporaryDirectory[str] | None = None
        self._successor: Fork | None = None

    async def __aenter__(self) -> ShapeSweep:
        """One worker takes over every run whose own has died: their tenants are files here."""
        self._orphans = tempfile.TemporaryDirectory(prefix="careloom-orphans-")
        self._successor = await self._successors.fork("", folder=self._orphans.name, lease=2)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._successor is not None:
            await self._successor.kill()
        if self._orphans is not None:
            self._orphans.cleanup()

    def _adopt(self, case: Case) -> None:
        assert self._orphans is not None
        (Path(self._orphans.name) / case.tenant).touch()

    async def boundaries(self, shape: Shape) -> list[Boundary]:
        """Every call when nobody is killed, in their order, and the first sealing."""
        case, run = await begun(self._clinic, shape)
        worker = await self._forks.fork(case.tenant, lease=2)
        await ended(self._clinic, case, run, shape)
        counted: Counter[str] = Counter()
        found = []
        for call in (await worker.kill()).calls:
            if not call.startswith(IDLE):
                counted[call] += 1
                found.append(Boundary(call, counted[call]))
        return [*found, Boundary(SEALING, 1)]

    async def kill(
        self, shape: Shape, mode: str, boundary: Boundary, delay: float, tally: Tally
    ) -> None:
        """One run whose worker is killed there; another worker goes on."""
        case, run = await begun(self._clinic, shape)
        mortal = await self._forks.fork(
            case.tenant,
            lease=2,
            mode=mode,
            call=boundary.call,
            at=boundary.at,
            delay=delay,
        )
        killed = await self._dead_or_done(case, run, shape, mortal)
        tally.kills += killed
        tally.holding += killed
        began = time.monotonic()
        over = await state_of(self._clinic, case, run) in ENDED
        self._adopt(case)
        state = await ended(self._clinic, case, run, shape)
        if killed and not over:
            tally.resume_ms.append((time.monotonic() - began) * 1000)
        tally.add(await faults_of(self._clinic, case, shape, state))

    async def _dead_or_done(self, case: Case, run: str, shape: Shape, mortal: Fork) -> bool:
        """Whether it died of its order; it is given a second after the end of the run."""
        ending = asyncio.create_task(mortal.ended())
        deadline, over = time.monotonic() + LIMIT_S, False
        while not ending.done():
            if time.monotonic() > deadline:
                mortal.signal(signal.SIGKILL)
                await ending
                return False
            if not over and await state_of(self._clinic, case, run) in ENDED:
                over, deadline = True, time.monotonic() + 1.5
            await feed(self._clinic, case, shape)
            await asyncio.sleep(0.01)
        return ending.result().signal == signal.SIGKILL

    async def pause(self, shape: Shape, boundary: Boundary, other: Forks, tally: Tally) -> bool:
        """Stop a worker before it sends a call, past its lease, until another one has ended the
        run; then let it go on, whose late call must have no effect. False when it was not
        stopped: the run came to its end without that call."""
        case, run = await begun(self._clinic, shape)
        stopped = await self._forks.fork(
            case.tenant,
            lease=1,
            mode="pause",
            call=boundary.call,
            at=boundary.at,
            run=run.removeprefix("run_"),
            until=shape.ends,
        )
        halted = asyncio.create_task(stopped.is_stopped())
        while not halted.done() and await state_of(self._clinic, case, run) not in ENDED:
            await feed(self._clinic, case, shape)
            await asyncio.sleep(0.01)
        if not halted.done():
            halted.cancel()
            await stopped.kill()
            tally.add(await faults_of(self._clinic, case, shape, shape.ends))
            return False
        await halted
        began = time.monotonic()
        successor = await other.fork(case.tenant, lease=1)
        try:
            state = await ended(self._clinic, case, run, shape)
            tally.resume_ms.append((time.monotonic() - began) * 1000)
        finally:
            await successor.kill()
            stopped.signal(signal.SIGCONT)
        if state == shape.ends:
            await stopped.ended()
        else:
            await stopped.kill()
        tally.add(await faults_of(self._clinic, case, shape, state))
        return True
