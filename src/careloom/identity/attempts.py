"""Wrong secrets per key: beyond a bound the answer is 429 instead of 401.

A right secret always passes, so that nobody locks another's key by guessing at it; at 190 bits
guessing is hopeless anyway. The counts live in this process only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from careloom.errors import Unauthenticated


class TooManyAttempts(Unauthenticated):
    """Wrong secrets for one key too often; `retry_after` is in seconds."""

    status, issue, default_code = 429, "throttled", "too_many_attempts"
    retryable = True

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            "Too many attempts with a wrong key",
            fix=f"wait {retry_after} seconds, then use the right key",
            details={"retry_after": retry_after},
        )
        self.retry_after = retry_after


class Attempts:
    """Failures per name within a window of seconds, for at most `most` names."""

    def __init__(
        self,
        *,
        limit: int = 10,
        window: float = 60.0,
        most: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._window = window
        self._most = most
        self._clock = clock
        self._failures: dict[str, tuple[float, int]] = {}

    def failed(self, name: str) -> None:
        """Count a failure; raises `TooManyAttempts` when the window has more than the limit."""
        now = self._clock()
        began, count = self._failures.pop(name, (now, 0))
        if now - began >= self._window:
            began, count = now, 0
        if len(self._failures) >= self._most:
            del self._failures[next(iter(self._failures))]
        self._failures[name] = (began, count + 1)
        if count + 1 > self._limit:
            raise TooManyAttempts(max(1, round(began + self._window - now)))
