"""Group commit: what several callers want written at about the same time becomes one transaction.

For each tenant a few calls may be under way; what arrives meanwhile makes the next. Items of the
same owner are never in two calls at once, so each owner's items are written in their order. After a
call that was alone its callers are answered in two parts: the first part's next items travel while
the second part works, and from then on PostgreSQL and this process work at the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_WORTH_A_CALL = 16
"""So many items make a call of their own beside one that is under way; fewer wait for its end."""


class Entry(Generic[T, R]):
    """One caller's part, and where its answer goes."""

    __slots__ = ("done", "item", "owner")

    def __init__(self, item: T, done: asyncio.Future[R], owner: Hashable = None) -> None:
        self.item = item
        self.done = done
        self.owner = owner

    def settle(self, answer: R) -> None:
        """Answer, unless the caller has gone."""
        if not self.done.done():
            self.done.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Raise in the caller, unless it has gone."""
        if not self.done.done():
            self.done.set_exception(error)


@dataclass(slots=True)
class _Queue(Generic[T, R]):
    loop: asyncio.AbstractEventLoop
    waiting: list[Entry[T, R]] = field(default_factory=list)
    owners: set[Hashable] = field(default_factory=set)
    """Whose items are under way."""
    calls: int = 0
    """How many calls are under way."""
    begun: asyncio.Task[None] | None = None
    """The call that goes out at the end of this turn of the loop."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class GroupCommit(Generic[T, R]):
    """`write` answers every entry it is given; `take` removes the next batch from a list."""

    def __init__(
        self,
        write: Callable[[str, list[Entry[T, R]]], Awaitable[None]],
        take: Callable[[list[Entry[T, R]]], list[Entry[T, R]]],
        *,
        at_once: int = 1,
    ) -> None:
        self._write = write
        self._take = take
        self._at_once = at_once
        self._queues: dict[str, _Queue[T, R]] = {}

    def add(self, tenant: str, item: T, owner: Hashable = None) -> asyncio.Future[R]:
        """Have the item written together with whatever else is ready; its own answer."""
        queue = self._queues.get(tenant)
        if queue is None:
            queue = self._queues[tenant] = _Queue(asyncio.get_running_loop())
        done: asyncio.Future[R] = queue.loop.create_future()
        queue.waiting.append(Entry(item, done, owner))
        if queue.begun is None and self._may_begin(queue):
            self._begin(tenant, queue)
        return done

    def waiting(self, tenant: str) -> int:
        """How many items are not being written yet."""
        queue = self._queues.get(tenant)
        return 0 if queue is None else len(queue.waiting)

    async def answer(
        self, tenant: str, entries: Sequence[Entry[T, R]], answers: Sequence[R]
    ) -> None:
        """Answer all entries of a call, in parts while fewer calls are under way than may be."""
        queue = self._queues[tenant]
        parts = min(self._at_once - queue.calls + 1, len(entries) // _WORTH_A_CALL)
        begun = 0
        for left in range(parts, 1, -1):
            end = begun + (len(entries) - begun) // left
            _release(queue, entries[begun:end])
            for entry, answer in zip(entries[begun:end], answers[begun:end], strict=True):
                entry.settle(answer)
            begun = end
            # In the first turn of the loop they work, in the second their items go out.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        for entry, answer in zip(entries[begun:], answers[begun:], strict=True):
            entry.settle(answer)

    def _may_begin(self, queue: _Queue[T, R]) -> bool:
        beside = queue.calls < self._at_once and len(queue.waiting) >= _WORTH_A_CALL
        return beside or not queue.calls

    def _begin(self, tenant: str, queue: _Queue[T, R]) -> None:
        task = queue.loop.create_task(self._next(tenant, queue))
        queue.begun = task
        queue.tasks.add(task)
        task.add_done_callback(queue.tasks.discard)

    async def _next(self, tenant: str, queue: _Queue[T, R]) -> None:
        queue.begun = None
        batch = self._free(queue)
        if not batch:
            return
        queue.owners.update([entry.owner for entry in batch if entry.owner is not None])
        queue.calls += 1
        try:
            await self._write(tenant, batch)
        finally:
            queue.calls -= 1
            _release(queue, batch)
            if queue.waiting and queue.begun is None and self._may_begin(queue):
                self._begin(tenant, queue)

    def _free(self, queue: _Queue[T, R]) -> list[Entry[T, R]]:
        """The next batch, of owners of whom nothing is under way."""
        if not queue.owners:
            return self._take(queue.waiting)
        free: list[Entry[T, R]] = []
        held: list[Entry[T, R]] = []
        for entry in queue.waiting:
            (held if entry.owner in queue.owners else free).append(entry)
        batch = self._take(free)
        queue.waiting[:] = held + free
        return batch


def _release(queue: _Queue[T, R], entries: Sequence[Entry[T, R]]) -> None:
    """The entries are answered: more of their owners' may be written."""
    owners = queue.owners
    for entry in entries:
        if entry.owner is not None:
            owners.discard(entry.owner)
            entry.owner = None
