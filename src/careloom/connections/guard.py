"""What protects a peer and ourselves: a circuit breaker, a rate limit and a bound on calls at once.

One guard stands before each connection in each process; what it knows is not shared between
processes and is gone after a restart.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from careloom.connections.call import CallFailed
from careloom.types import JsonObject

_HUNG_S = 1.0
State = Literal["closed", "open", "half-open"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How hard a peer may be used."""

    failures: int = 5
    """Failures in a row that open the circuit."""
    pause_s: float = 30.0
    """How long it stays open before one call is let through to try."""
    per_second: float | None = None
    burst: int = 1
    concurrent: int = 16
    longest_queue_s: float = 5.0
    """A call that would wait longer for its turn is sent back, to wait elsewhere."""


@dataclass(slots=True)
class Health:
    """What the calls of this process said of the peer."""

    calls: int = 0
    failures: int = 0
    in_a_row: int = 0
    last_success: datetime | None = None
    last_failure: datetime | None = None
    last_error: str | None = None


@dataclass(slots=True)
class Guard:
    """Let calls through as the limits say; `clock` gives seconds that never run backwards."""

    name: str
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    health: Health = field(default_factory=Health)
    _open_until: float = 0.0
    _probing: bool = False
    _next_turn: float = 0.0
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._places = asyncio.Semaphore(self.limits.concurrent)

    @property
    def state(self) -> State:
        """closed: calls go through; open: none; half-open: the next one tries the peer."""
        if self.health.in_a_row < self.limits.failures:
            return "closed"
        return "open" if self.clock() < self._open_until or self._probing else "half-open"

    @asynccontextmanager
    async def passage(self) -> AsyncIterator[None]:
        """Around one call. Raises CallFailed (circuit_open, rate_limited), both retryable.

        A CallFailed from inside counts against the peer when its status or its silence does; any
        other end, a refusal of our request included, counts as an answer.
        """
        probing, begun = self._admit(), math.inf
        try:
            await self._turn()
            async with self._places:
                begun = self.clock()
                yield
        except asyncio.CancelledError:
            # The step's own time-out ends a call that hangs; a short one says nothing of the peer.
            if self.clock() - begun >= _HUNG_S:
                self._failed(CallFailed("no answer", code="timed_out", retryable=True))
            raise
        except CallFailed as error:
            if is_outage(error):
                self._failed(error)
            elif error.code != "rate_limited":
                self._answered()
            raise
        else:
            self._answered()
        finally:
            if probing:
                self._probing = False

    def _admit(self) -> bool:
        state = self.state
        if state == "open":
            left = max(self._open_until - self.clock(), 1.0)
            raise CallFailed(
                f"{self.name} failed {self.health.in_a_row} times in a row; no call is made for a"
                " while",
                code="circuit_open",
                retryable=True,
                sent="no",
                retry_after=left,
            )
        self._probing = self._probing or state == "half-open"
        return state == "half-open"

    async def _turn(self) -> None:
        """Wait for this call's turn; the n-th call may go `burst` turns ahead of its time."""
        rate = self.limits.per_second
        if rate is None:
            return
        now = self.clock()
        at = max(self._next_turn, now - (self.limits.burst - 1) / rate)
        wait = at - now
        if wait > self.limits.longest_queue_s:
            raise CallFailed(
                f"{self.name} is called as often as its connection allows",
                code="rate_limited",
                retryable=True,
                sent="no",
                retry_after=wait,
            )
        self._next_turn = at + 1 / rate
        if wait > 0:
            await asyncio.sleep(wait)

    def _answered(self) -> None:
        self.health.calls += 1
        self.health.in_a_row = 0
        self.health.last_success = datetime.now(UTC)

    def _failed(self, error: CallFailed) -> None:
        health = self.health
        health.calls += 1
        health.failures += 1
        health.in_a_row += 1
        health.last_failure = datetime.now(UTC)
        health.last_error = error.code if error.status is None else f"status {error.status}"
        if health.in_a_row >= self.limits.failures:
            self._open_until = self.clock() + self.limits.pause_s

    def to_json(self) -> JsonObject:
        """As the list of connections shows it."""
        health = self.health
        return {
            "circuit": self.state,
            "calls": health.calls,
            "failures": health.failures,
            "lastSuccessAt": _time(health.last_success),
            "lastFailureAt": _time(health.last_failure),
            "lastError": health.last_error,
        }


def is_outage(error: CallFailed) -> bool:
    """Whether the peer itself is at fault, and not our request or our own limits."""
    if error.code in ("circuit_open", "rate_limited"):
        return False
    if error.status is not None:
        return error.status >= 500 or error.status == 408
    return error.retryable


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
