"""What changes, for whoever looks on: runs, steps, tasks, messages, incidents and workflows.

Every one of these changes leaves an audit row in its own transaction, and the sealer puts these
rows into one chain without gaps whose order is that of their commits. So nothing is written for
the sake of those who look on: a place in the chain is the id of a change, in every process and
after every restart. Nobody who looks on costs anything but memory for `MOST_WAITING` changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from careloom.errors import CareloomError
from careloom.store.database import Database
from careloom.types import Scope
from careloom.workflows.change import Change, beat, changes_of, told, told_to_look_again

log = logging.getLogger("careloom.changes")
LOOK_EVERY_S = 0.1
_EACH_S = 0.002
"""For each tenant that is looked at, so that many do not make the database busy."""
_AGAIN_AFTER_S = 1.0
_PAGE = 600
_TOO_FAR = 2 * _PAGE
"""When the chain goes on for more than this, it grows faster than anybody could be told: nothing is
read, and those who look on are told to look again."""
LONGEST_GAP = 20_000
"""Places of the chain that are read again for somebody who comes back."""
_NEVER = 1 << 62
MOST_AT_ONCE = 500
"""Changes in one look that are told one by one."""
MOST_WAITING = 1000
_RESYNC_EVERY_S = 1.0

Wanted = Callable[[Change], bool]


class Subscription:
    """Somebody who looks on; `next` gives what to send."""

    def __init__(self, scope: Scope, wanted: Wanted) -> None:
        self.scope = scope
        self.place = 0
        """How far everything was told, or is waiting to be."""
        self.first: int | None = None
        """Where it began, for one that begins now."""
        self._wanted = wanted
        self._waiting: list[bytes] = []
        self._flooded: str | None = None
        self._resynced = float("-inf")
        self._something = asyncio.Event()
        self.is_closed = False

    def offer(self, rows: list[list[Change]], place: int, *, most: int = MOST_AT_ONCE) -> None:
        """The changes of some places, each place's together, up to `place`."""
        self.place = place
        if self._flooded is not None:
            return
        found = []
        for row in rows:
            mine = [change for change in row if self._is_mine(change)]
            if mine:
                found.append(told(mine))
        if len(found) > most or len(found) + len(self._waiting) > MOST_WAITING:
            self.flood("many")
        elif found:
            self._waiting += found
            self._something.set()

    def flood(self, reason: str) -> None:
        """Too much to tell one by one: who looks on is to look at everything again."""
        self._waiting.clear()
        self._flooded = reason
        self._something.set()

    def close(self) -> None:
        self.is_closed = True
        self._something.set()

    async def next(self, patience_s: float) -> bytes | None:
        """What came; after `patience_s` without anything a sign of life; None at the end."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience_s):
                await self._something.wait()
                pause = self._resynced + _RESYNC_EVERY_S - loop.time()
                if self._flooded is not None and pause > 0 and not self.is_closed:
                    await asyncio.sleep(pause)
        except TimeoutError:
            # The id must not move past what is still to be told.
            return beat(None if self._something.is_set() else self.place)
        if self.is_closed:
            return None
        self._something.clear()
        waiting, self._waiting = self._waiting, []
        if self._flooded is not None:
            reason, self._flooded = self._flooded, None
            self._resynced = loop.time()
            return told_to_look_again(reason, self.place)
        return b"".join(waiting)

    def _is_mine(self, change: Change) -> bool:
        return change.store == self.scope.store and self._wanted(change)


@dataclass(eq=False)
class _Watched:
    """A tenant that somebody looks at."""

    tenant: str
    users: int = 0
    place: int | None = None
    """How far it was read."""
    subscriptions: set[Subscription] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None


class Changes:
    """The service behind /api/stream. `sealed` hears of tenants whose rows were sealed here."""

    def __init__(self, db: Database, sealed: Callable[[str], None]) -> None:
        self._db = db
        self._sealed = sealed
        self._watched: dict[str, _Watched] = {}

    async def subscribe(self, scope: Scope, wanted: Wanted, last: int | None) -> Subscription:
        """Look on from now, or from the place `last` that was told before. To be given back by
        `unsubscribe`."""
        watched = self._watched.setdefault(scope.tenant, _Watched(scope.tenant))
        watched.users += 1
        subscription = Subscription(scope, wanted)
        try:
            async with watched.lock:
                if watched.place is None:
                    watched.place = await self._db.call("changes_head", scope.tenant)
                place = await self._look(watched)
                subscription.place = place
                if last is None:
                    subscription.first = place
                else:
                    await self._catch_up(subscription, last, place)
                watched.subscriptions.add(subscription)
        except BaseException:
            self._leave(watched)
            raise
        if watched.task is None:
            watched.task = asyncio.create_task(
                self._follow(watched), name=f"careloom-changes-{scope.tenant}"
            )
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Look on no more; a second time it does nothing."""
        watched = self._watched.get(subscription.scope.tenant)
        if watched is not None and subscription in watched.subscriptions:
            watched.subscriptions.discard(subscription)
            self._leave(watched)

    async def stop(self) -> None:
        """End every subscription."""
        tasks = []
        for watched in self._watched.values():
            for subscription in watched.subscriptions:
                subscription.close()
            if watched.task is not None:
                watched.task.cancel()
                tasks.append(watched.task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave(self, watched: _Watched) -> None:
        watched.users -= 1
        if watched.users:
            return
        self._watched.pop(watched.tenant, None)
        if watched.task is not None:
            watched.task.cancel()

    async def _catch_up(self, subscription: Subscription, last: int, until: int) -> None:
        if not 0 <= until - last <= LONGEST_GAP:
            subscription.flood("gap")
            return
        while last < until:
            rows, end = await self._read(subscription.scope.tenant, last, until - last, _NEVER)
            last = int(end["pos"])
            subscription.offer(rows, last, most=MOST_WAITING)
        subscription.place = until

    async def _follow(self, watched: _Watched) -> None:
        while True:
            try:
                async with watched.lock:
                    await self._look(watched)
            except CareloomError as error:
                log.warning("what changes cannot be read: %s", error.message)
                await asyncio.sleep(_AGAIN_AFTER_S)
                continue
            except Exception as error:
                # A bug must not leave anybody looking at what stands still: they come again.
                log.error("what changes cannot be told: %s", type(error).__name__)
                for subscription in watched.subscriptions:
                    subscription.close()
                raise
            await asyncio.sleep(max(LOOK_EVERY_S, _EACH_S * len(self._watched)))

    async def _look(self, watched: _Watched) -> int:
        """Tell what came; how far that is. The caller holds the lock."""
        rows, end = await self._read(watched.tenant, watched.place or 0, _PAGE, _TOO_FAR)
        watched.place = int(end["pos"])
        for subscription in watched.subscriptions:
            if end["skipped"]:
                subscription.flood("many")
            subscription.offer(rows, watched.place)
        return watched.place

    async def _read(
        self, tenant: str, after: int, most: int, far: int
    ) -> tuple[list[list[Change]], Any]:
        rows = await self._db.rows("changes_read", tenant, after, min(most, _PAGE), far)
        end = rows.pop()
        if end["sealed"]:
            self._sealed(tenant)
        return [changes_of(row) for row in rows], end
