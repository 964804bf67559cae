"""Group commit: what several callers want written at about the same time becomes one transaction.

For each tenant one call is under way, or a few; what arrives meanwhile makes the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Entry(Generic[T, R]):
    """One caller's part, and where its answer goes."""

    item: T
    done: asyncio.Future[R]

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
    waiting: list[Entry[T, R]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class GroupCommit(Generic[T, R]):
    """`write` settles every entry it is given; `take` removes the next batch from the waiting."""

    def __init__(
        self,
        write: Callable[[str, list[Entry[T, R]]], Awaitable[None]],
        take: Callable[[list[Entry[T, R]]], list[Entry[T, R]]],
    ) -> None:
        self._write = write
        self._take = take
        self._queues: dict[str, _Queue[T, R]] = {}

    def add(self, tenant: str, item: T) -> asyncio.Future[R]:
        """Have the item written together with whatever else is ready; its own answer."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(tenant)
        if queue is None:
            queue = self._queues[tenant] = _Queue()
        entry: Entry[T, R] = Entry(item, loop.create_future())
        queue.waiting.append(entry)
        if queue.task is None:
            queue.task = loop.create_task(self._drain(tenant, queue))
        return entry.done

    def waiting(self, tenant: str) -> int:
        """How many items are not being written yet."""
        queue = self._queues.get(tenant)
        return 0 if queue is None else len(queue.waiting)

    async def _drain(self, tenant: str, queue: _Queue[T, R]) -> None:
        try:
            while queue.waiting:
                await self._write(tenant, self._take(queue.waiting))
        finally:
            queue.task = None
            if queue.waiting:
                queue.task = asyncio.get_running_loop().create_task(self._drain(tenant, queue))
