"""Background work by tenant: woken by a notice, looked for by a slow poll, one tenant at a time.

Each look takes one batch of one tenant, so that a tenant with much to do delays no other.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable

from careloom.errors import Unavailable

log = logging.getLogger("careloom.duty")
POLL_S = 1.0
_PAUSE_S = 0.5


class Duty:
    """`work(tenant)` does one batch and says whether there may be more; `look()` names the tenants
    that have something to do."""

    def __init__(
        self,
        name: str,
        work: Callable[[str], Awaitable[bool]],
        look: Callable[[], Awaitable[Iterable[str]]],
    ) -> None:
        self._name = name
        self._work = work
        self._look = look
        self._ready: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(), name=f"careloom-{self._name}"),
            asyncio.create_task(self._poll(), name=f"careloom-{self._name}-poll"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self, tenant: str) -> None:
        """The tenant may have something to do."""
        self._ready[tenant] = None
        self._wake.set()

    async def _poll(self) -> None:
        while True:
            try:
                for tenant in await self._look():
                    self.wake(tenant)
            except Exception as error:
                # Whatever it is, the next look comes; a poll that ended would be missed by nobody.
                if not isinstance(error, Unavailable):
                    log.error("%s cannot look: %s", self._name, type(error).__name__)
            await asyncio.sleep(POLL_S * random.uniform(0.8, 1.2))  # noqa: S311

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
            # A fault of one tenant must not end the work of all; the poll comes back to it.
            log.error("%s failed: %s", self._name, type(error).__name__)
            await asyncio.sleep(_PAUSE_S)
