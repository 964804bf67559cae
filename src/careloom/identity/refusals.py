"""Refusals on their way to the audit trail: the first at once, repeats counted together.

Without that, whoever sends wrong keys in a loop would write the audit trail full.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from careloom.errors import CareloomError
from careloom.identity.principal import Principal
from careloom.store.database import Database
from careloom.types import DEFAULT_SCOPE, JsonObject, Scope

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused, to whom; equal refusals are counted together."""

    scope: Scope
    action: str
    entity: str
    principal: str
    kind: str
    reason: str


@dataclass(slots=True)
class _Count:
    pending: int
    written_at: float | None = None


class Refusals:
    """Collects refusals without waiting, and writes them to the audit trail."""

    def __init__(
        self,
        db: Database,
        *,
        window: float = 60.0,
        most: int = 5000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._window = window
        self._most = most
        self._clock = clock
        self._counts: dict[Refusal, _Count] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self.dropped = 0
        """Refusals beyond `most` different ones at a time: counted here, not written."""

    def denied(self, principal: Principal, permission: str, resource_type: str | None) -> None:
        """A permission that a known principal has not."""
        entity = f"Permission/{permission}" + (f"/{resource_type}" if resource_type else "")
        self.add(
            Refusal(
                principal.scope, "identity.denied", entity, principal.id, principal.kind, "no_grant"
            )
        )

    def add(self, refusal: Refusal) -> None:
        """Note a refusal; it is written by a task of the running event loop."""
        count = self._counts.get(refusal)
        if count is None:
            if len(self._counts) >= self._most:
                self.dropped += 1
                return
            count = self._counts[refusal] = _Count(0)
        count.pending += 1
        if self._is_due(count):
            self._start()

    def _start(self) -> None:
        if self._task is not None and not self._task.done():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # called from a thread: `run` writes it within a quarter window
            return
        self._task = loop.create_task(self.flush())

    async def flush(self, *, everything: bool = False) -> None:
        """Write what is due; `everything` includes what still waits for its window. What another
        flush is writing now is in the trail, too, when this one returns."""
        async with self._writing:
            while due := [
                (refusal, count)
                for refusal, count in self._counts.items()
                if count.pending and (everything or self._is_due(count))
            ]:
                for refusal, count in due:
                    if not await self._write(refusal, count):
                        return
            self._forget()

    async def run(self, stop: asyncio.Event) -> None:
        """Write the counted repeats when their window ends, until told to stop."""
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), self._window / 4)
            except TimeoutError:
                await self.flush()
        await self.flush(everything=True)

    def _is_due(self, count: _Count) -> bool:
        return count.written_at is None or self._clock() - count.written_at >= self._window

    async def _write(self, refusal: Refusal, count: _Count) -> bool:
        times, count.pending = count.pending, 0
        actor: JsonObject = {"principal": refusal.principal, "kind": refusal.kind}
        detail: JsonObject = {"reason": refusal.reason, "times": times}
        places = [refusal.scope, DEFAULT_SCOPE]  # a tenant that does not exist has no audit trail
        try:
            for scope in places:
                args = (scope.store, refusal.action, refusal.entity, actor, detail)
                if await self._db.call("audit_note", scope.tenant, *args) is not None:
                    break
        except CareloomError as error:
            count.pending += times
            _log.error("a refusal is not in the audit trail yet: %s", error.message)
            return False
        count.written_at = self._clock()
        return True

    def _forget(self) -> None:
        now = self._clock()
        for refusal, count in list(self._counts.items()):
            written = count.written_at
            if not count.pending and written is not None and now - written >= self._window:
                del self._counts[refusal]
