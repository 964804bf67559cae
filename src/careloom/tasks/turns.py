"""Turns: of what is worked out for one link, one thing at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from careloom.errors import CareloomError

MOST_WAITING = 15


class Busy(CareloomError):
    """A link asks for more at a time than it gets."""

    status, issue, default_code, retryable = 429, "throttled", "form_busy", True


class Turns:
    """Lets one at a time in for each name, in the order in which they came; in this process."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._there: Counter[str] = Counter()

    @asynccontextmanager
    async def take(self, name: str) -> AsyncIterator[None]:
        """Wait for the others of this name; Busy when enough of them wait."""
        if self._there[name] > MOST_WAITING:
            raise Busy(
                "The form is being worked out for this link already",
                fix="wait for the answers to what was sent before, then send it again",
            )
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._there[name] += 1
        try:
            async with lock:
                yield
        finally:
            self._there[name] -= 1
            if not self._there[name]:
                del self._there[name]
