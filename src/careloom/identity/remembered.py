"""What right credentials gave, remembered for seconds under a hash of their text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


def slot_of(text: str) -> bytes:
    """Under which a credential is remembered: never its text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


class Remembered(Generic[T]):
    """At most `most` values, each for at most `seconds`; the oldest goes first."""

    def __init__(self, *, seconds: float, most: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._values: dict[bytes, tuple[T, float]] = {}

    def find(self, slot: bytes) -> T | None:
        """The value while it is fresh."""
        found = self._values.get(slot)
        if found is None or self._clock() >= found[1]:
            self._values.pop(slot, None)
            return None
        return found[0]

    def put(self, slot: bytes, value: T, lifetime: float) -> None:
        """Remember it, for no longer than it lives."""
        if len(self._values) >= self._most:
            del self._values[next(iter(self._values))]
        self._values[slot] = (value, self._clock() + min(self._seconds, lifetime))

    def clear(self) -> None:
        self._values.clear()
