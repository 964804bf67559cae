"""Reads that arrive together are answered together: one call of the database for many of them.

A read joins only a call that has not been sent yet, so that it sees all that was committed before it came.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from careloom.store.database import Database
from careloom.types import Scope

FLIGHTS = 2
"""Calls under way for one store: while one travels, the next gathers."""
MOST = 100
"""Resources of one call."""


@dataclass(slots=True)
class _Queue:
    """What waits for one store, and how many calls are under way for it."""

    waiting: list[tuple[str, str, asyncio.Future[Any]]] = field(default_factory=list)
    flights: set[asyncio.Task[None]] = field(default_factory=set)


class Reads:
    """Current versions by type and id. One per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._queues: dict[Scope, _Queue] = {}

    async def row(self, scope: Scope, resource_type: str, resource_id: str) -> Any:
        """version, method, updated_at and body of the current version; None when there is none."""
        queue = self._queues.get(scope)
        if queue is None:
            queue = self._queues[scope] = _Queue()
        answer = asyncio.get_running_loop().create_future()
        queue.waiting.append((resource_type, resource_id, answer))
        if len(queue.flights) < FLIGHTS:
            self._send(scope, queue)
        return await answer

    def _send(self, scope: Scope, queue: _Queue) -> None:
        asked, queue.waiting = queue.waiting[:MOST], queue.waiting[MOST:]
        flight = asyncio.create_task(self._fly(scope, asked))
        queue.flights.add(flight)

        def landed(task: asyncio.Task[None]) -> None:
            queue.flights.discard(task)
            if queue.waiting:
                self._send(scope, queue)
            elif not queue.flights:
                self._queues.pop(scope, None)

        flight.add_done_callback(landed)

    async def _fly(self, scope: Scope, asked: list[tuple[str, str, asyncio.Future[Any]]]) -> None:
        try:
            rows = await self._db.rows(
                "fhir_reads", scope.tenant, scope.store, [a[0] for a in asked], [a[1] for a in asked]
            )
        except BaseException as error:
            for _, _, answer in asked:
                if not answer.done():
                    answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        found = {row["place"]: row for row in rows}
        for place, (_, _, answer) in enumerate(asked, 1):
            if not answer.done():
                answer.set_result(found.get(place))
