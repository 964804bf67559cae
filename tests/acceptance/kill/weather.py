"""Storms of another kind: workers live on, and their network or their clock does not behave."""

from __future__ import annotations

import asyncio
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.kill.cases import Case, Clinic
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.every_shape import pause
from tests.acceptance.kill.forks import Fork, Forks
from tests.acceptance.kill.shapes import Shape, note
from tests.acceptance.kill.storm import Storm
from tests.acceptance.kill.tally import Tally

HOUR_S = 3600
NAP_S = 2
NAP = Shape("nap", [note("a", "a"), pause("w", f"{NAP_S}s"), note("b", "b")], {"a": 1, "b": 1})
"""A wait that a clock which jumps would end at once, or an hour too late."""
TOO_EARLY = """
    SELECT count(*) FROM careloom.step a JOIN careloom.step w USING (tenant, run_id)
    WHERE a.tenant = $1 AND a.path = 'steps/a' AND w.path = 'steps/w'
      AND w.at < a.at + make_interval(secs => $2)
"""


class NetworkStorm(Storm):
    """The way of each worker to PostgreSQL is cut, or frozen for longer than a lease, again and
    again; each server of forks has a proxy of its own."""

    def __init__(
        self, clinic: Clinic, ways: list[tuple[Forks, CuttingProxy]], chance: random.Random
    ) -> None:
        super().__init__(clinic, [forks for forks, _ in ways], chance)
        self._proxies = dict(ways)

    async def _disturb(self, forks: Forks, survivors: list[Fork], tally: Tally) -> None:
        proxy = self._proxies[forks]
        survivors.append(await self._worker(forks, awaited=True))
        while self._left > 0:
            self._left -= 1
            await asyncio.sleep(self._chance.uniform(0.2, 1.5))
            length = self._chance.choice((0.2, 1.0, 3.5)) * self._chance.uniform(0.5, 1.0)
            if self._chance.random() < 0.5:
                proxy.freeze()
                await asyncio.sleep(length)
                proxy.thaw()
            else:
                proxy.refuse()
                await asyncio.sleep(length)
                proxy.accept()
            tally.kills += 1
        self._calm.set()


@dataclass(frozen=True, slots=True)
class FakeClock:
    """The clock of the processes that have its environment, and of no other."""

    file: Path
    library: Path

    @classmethod
    def at(cls, file: Path) -> FakeClock | None:
        """None where libfaketime is not installed. https://github.com/wolfcw/libfaketime"""
        program = shutil.which("faketime")
        found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")] if program else []
        if not found:
            return None
        clock = cls(file, found[0])
        clock.jump(0)
        return clock

    def jump(self, seconds: int) -> None:
        """Be so far from the true time."""
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{seconds:+d}\n", "ascii")
        beside.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        """Clocks that only go forward are left as they are, as when somebody sets the time."""
        return {
            "LD_PRELOAD": str(self.library),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


class ClockStorm(Storm):
    """The workers' clock jumps an hour ahead and back while leases and timers run."""

    def __init__(
        self, clinic: Clinic, forks: list[Forks], clock: FakeClock, chance: random.Random
    ) -> None:
        super().__init__(clinic, forks, chance)
        self._clock = clock

    async def _disturb(self, forks: Forks, survivors: list[Fork], tally: Tally) -> None:
        survivors.append(await self._worker(forks, awaited=True))
        while self._left > 0:
            self._left -= 1
            self._clock.jump(self._chance.choice((-HOUR_S, 0, HOUR_S)))
            await asyncio.sleep(self._chance.uniform(0.02, 0.4))
            tally.kills += 1
        self._clock.jump(0)
        self._calm.set()

    async def _more_faults(self, case: Case, shape: Shape) -> list[str]:
        if shape is not NAP:
            return []
        early = await self._clinic.admin.fetchval(TOO_EARLY, case.tenant, NAP_S)
        return [f"nap: woke too early ({case.tenant})"] if early else []
