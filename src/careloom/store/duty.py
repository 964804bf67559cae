"""Background work by tenant: woken by a notice or by the lookout, one tenant at a time.

Each turn takes one batch of one tenant, so that a tenant with much to do delays no other. A notice
may be lost; the lookout is the slow poll behind all of them.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping

from careloom.errors import Unavailable
from careloom.store.database import Database

log = logging.getLogger("careloom.duty")
POLL_S = 1.0
_PAUSE_S = 0.5


class Duty:
    """`work(tenant)` does one batch and says how much it was; after 0 there is no more to do."""

    def __init__(self, name: str, work: Callable[[str], Awaitable[int]]) -> None:
        self._name = name
        self._work = work
        self._ready: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"careloom-{self._name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self, tenant: str) -> None:
        """The tenant may have something to do."""
        self._ready[tenant] = None
        self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ready:
                tenant = next(iter(self._ready))
                del self._ready[tenant]
                await self._once(tenant)

    async def _once(self, tenant: str) -> None:
        try:
            if await self._work(tenant):
                self._ready[tenant] = None
        except Unavailable:
            await asyncio.sleep(_PAUSE_S)
            self.wake(tenant)
        except Exception as error:
            # A fault of one tenant must not end the work of all; the lookout comes back to it.
            log.error("%s failed: %s", self._name, type(error).__name__)
            await asyncio.sleep(_PAUSE_S)


async def look_on(
    stop: asyncio.Event,
    look: Callable[[], Awaitable[object]],
    every_s: float,
    told: logging.Logger,
    name: str,
) -> None:
    """Look again and again until told to stop, `every_s` seconds after each look."""
    while not stop.is_set():
        try:
            await look()
        except Exception as error:
            # One look that fails must not end the others; the rows stay and are seen again.
            if not isinstance(error, Unavailable):
                told.error("%s failed: %s", name, type(error).__name__)
        try:
            await asyncio.wait_for(stop.wait(), every_s)
        except TimeoutError:
            continue


class Lookout:
    """Looks once a second which tenants have queued events, due schedules or quiet studies."""

    def __init__(
        self,
        db: Database,
        serves: Callable[[str], bool],
        wakes: Mapping[str, Callable[[str], None]],
    ) -> None:
        """`wakes`: by column of the SQL function tenants_timed, whom to tell."""
        self._db = db
        self._serves = serves
        self._wakes = dict(wakes)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="careloom-lookout")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Wake whoever has something to do."""
        for row in await self._db.rows("tenants_timed", ""):
            if self._serves(row["tenant"]):
                for name, wake in self._wakes.items():
                    if row[name]:
                        wake(row["tenant"])

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as error:
                # Whatever it is, the next look comes: a lookout that ended nobody would miss.
                if not isinstance(error, Unavailable):
                    log.error("looking for work failed: %s", type(error).__name__)
            await asyncio.sleep(POLL_S * random.uniform(0.8, 1.2))  # noqa: S311
