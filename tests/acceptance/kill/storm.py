"""Kills at random moments: several workers serve many runs at once and are killed all the time."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field

from tests.acceptance.kill.cases import Case, Clinic
from tests.acceptance.kill.forks import Fork, Forks
from tests.acceptance.kill.shape_runs import ENDED, LIMIT_S, begun, faults_of, feed, given_up
from tests.acceptance.kill.shapes import Shape
from tests.acceptance.kill.tally import Tally

from careloom.workflows.engine.ids import parse_run_name

LOOK_S = 0.05
LIFE_S = (0.0, 0.8)
"""How long a worker lives after it began to work, or after its first commit. A run whose workers
die five times without a step being completed is a dead letter, so most live until they commit."""
EAGER = 0.25
"""The share of workers that may die before they have committed anything."""
_STATES = "SELECT run_id::text, state FROM careloom.run WHERE run_id = ANY($1::uuid[])"
_OWNED = "SELECT DISTINCT owner FROM careloom.live WHERE owner = ANY($1::text[])"


@dataclass(slots=True)
class _Running:
    shape: Shape
    case: Case
    run: str
    since: float = field(default_factory=time.monotonic)
    state: asyncio.Future[str] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Storm:
    """One storm on one database: as many workers at once as there are servers of forks."""

    def __init__(self, clinic: Clinic, forks: list[Forks], chance: random.Random) -> None:
        self._clinic = clinic
        self._forks = forks
        self._chance = chance
        self._prefix = f"s{uuid.uuid4().hex[:6]}"
        self._running: dict[str, _Running] = {}
        self._orphaned: dict[str, float] = {}
        """Dead workers that still own runs, with the time of their death."""
        self._left = 0
        self._blowing = 0
        self._calm = asyncio.Event()

    async def blow(self, shapes: list[Shape], kills: int, tally: Tally, *, beside: int) -> None:
        """Keep `beside` runs going and kill workers until there were so many kills; then let
        everything end in peace. Each run is examined at its end."""
        self._left, self._blowing = kills, len(self._forks)
        self._calm.clear()
        survivors: list[Fork] = []
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look(tally))
                lanes = [group.create_task(self._lane(shapes, tally)) for _ in range(beside)]
                for forks in self._forks:
                    group.create_task(self._disturb(forks, survivors, tally))
                await asyncio.gather(*lanes)
                looking.cancel()
        finally:
            for survivor in survivors:
                await survivor.kill()

    async def _disturb(self, forks: Forks, survivors: list[Fork], tally: Tally) -> None:
        """Kill one worker after another; the last one is left alive."""
        while self._left > 0:
            self._left -= 1
            life, busy = self._chance.uniform(*LIFE_S), self._chance.random() > EAGER
            worker = await self._worker(forks, busy=busy, **{"for": life})
            ended = await worker.ended()
            assert ended.worker is not None, "killed before it had begun to work"
            tally.kills += 1
            if await self._clinic.admin.fetchval(_OWNED, [ended.worker]):
                tally.holding += 1
                self._orphaned[ended.worker] = time.monotonic()
        # Runs are begun until nobody is killed any more: a worker that is to die after its first
        # commit would wait for one for ever.
        self._blowing -= 1
        if not self._blowing:
            self._calm.set()
        survivors.append(await self._worker(forks))

    async def _worker(self, forks: Forks, **more: float) -> Fork:
        return await forks.fork("", prefix=self._prefix, lease=2, **more)

    async def _lane(self, shapes: list[Shape], tally: Tally) -> None:
        """One run after another; each is looked at when it has ended."""
        while not self._calm.is_set():
            shape = self._chance.choice(shapes)
            case, run = await begun(self._clinic, shape, self._prefix)
            one = self._running[str(parse_run_name(run))] = _Running(shape, case, run)
            state = await one.state
            dead_letter = await given_up(self._clinic, case, state)
            tally.given_up += dead_letter
            found = await faults_of(self._clinic, case, shape, state, whole=not dead_letter)
            found["wrong"] += await self._more_faults(case, shape)
            tally.add(found)

    async def _more_faults(self, case: Case, shape: Shape) -> list[str]:
        """What this kind of storm looks at besides."""
        return []

    async def _look(self, tally: Tally) -> None:
        """Who has ended, who asks for something, whose runs have found another worker."""
        while True:
            await asyncio.sleep(LOOK_S)
            rows = await self._clinic.admin.fetch(_STATES, list(self._running))
            for row in rows:
                if row["state"] in ENDED:
                    self._running.pop(row["run_id"]).state.set_result(row["state"])
            for run, one in list(self._running.items()):
                if time.monotonic() - one.since > LIMIT_S:
                    self._running.pop(run).state.set_result("stranded")
            asked = [one for one in self._running.values() if one.shape.people]
            for one in asked:
                await feed(self._clinic, one.case, one.shape)
            if self._orphaned:
                await self._adopted(tally)

    async def _adopted(self, tally: Tally) -> None:
        rows = await self._clinic.admin.fetch(_OWNED, list(self._orphaned))
        still = {row["owner"] for row in rows}
        for owner in self._orphaned.keys() - still:
            tally.resume_ms.append((time.monotonic() - self._orphaned.pop(owner)) * 1000)
