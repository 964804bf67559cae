"""Requests that are answered later: begun, looked at, cancelled; their answers kept for a while.

http://hl7.org/fhir/R4/async.html; the answer is a Bundle as in
http://hl7.org/fhir/R5/async-bundle.html. Only what writes nothing goes this way, so that one that a
crash interrupted has changed nothing: its status says so, and nothing is ever run a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from careloom.errors import CareloomError, NotFound
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope

Work = Callable[[], Awaitable[bytes]]
"""Makes the whole answer, also of what fails."""

AT_ONCE = 4
"""Requests that one process works on at the same time; the others wait for their turn."""
MOST_WAITING = 32
"""Unfinished requests of one store."""
LEASE = timedelta(seconds=30)
BEAT_S = 5.0
KEPT = timedelta(hours=1)
"""How long an answer can be fetched."""
SWEEP_EVERY_S = 300.0
_log = logging.getLogger(__name__)


class TooManyRequests(CareloomError):
    """As many requests as may be answered later are under way."""

    status, issue, default_code, retryable = 429, "throttled", "too_many_async_requests", True


class Interrupted(CareloomError):
    """The process that worked on the request was stopped."""

    status, issue, default_code, retryable = 500, "transient", "async_interrupted", True


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands."""

    body: bytes | None
    """The answer, once it is there."""
    age_s: float
    expires_at: datetime


def owner_of(principal: str, grants: tuple[str, ...] | None) -> bytes:
    """Whose a request is: another principal, or a key of the same one that grants another access,
    finds nothing."""
    return hashlib.sha256(json.dumps([principal, grants]).encode()).digest()


class Later:
    """Requests answered later. One per process and database."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, scope: Scope, owner: bytes, work: Work) -> str:
        """Work on a request from now on; returns its id. Raises TooManyRequests."""
        id = secrets.token_urlsafe(24)
        what = (scope.tenant, scope.store, id, owner)
        if not await self._db.call("fhir_async_begin", *what, LEASE, KEPT, MOST_WAITING):
            raise TooManyRequests(
                f"{MOST_WAITING} requests of this store are under way",
                fix="wait for one of them, or cancel it by DELETE of its status address",
            )
        task = asyncio.create_task(self._carry_out(scope, id, owner, work), name="careloom-later")
        self._tasks[id] = task
        task.add_done_callback(lambda _: self._tasks.pop(id, None))
        return id

    async def look(self, scope: Scope, owner: bytes, id: str) -> Progress:
        """How the request stands; raises NotFound, or Interrupted."""
        rows = await self._db.rows("fhir_async_look", scope.tenant, scope.store, id, owner)
        if not rows:
            raise _absent()
        row = rows[0]
        if row["state"] == "interrupted":
            raise Interrupted(
                "The server was stopped while it worked on the request; nothing was changed",
                fix="send the request again",
            )
        body = None
        if row["body"] is not None:
            body = await self._keyring.open(scope.tenant, row["body"], _place(scope, id, owner))
        return Progress(body, row["age"], row["expires_at"])

    async def cancel(self, scope: Scope, owner: bytes, id: str) -> None:
        """Give the request up, or its answer away; raises NotFound."""
        if not await self._db.call("fhir_async_drop", scope.tenant, scope.store, id, owner):
            raise _absent()
        task = self._tasks.get(id)
        if task is not None:
            task.cancel()

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep what has expired until told to stop; then give up what is under way."""
        while not stop.is_set():
            try:
                for row in await self._db.rows("fhir_async_tenants", ""):
                    await self._db.call("fhir_async_sweep", row["tenant"])
            except CareloomError as error:
                _log.warning("expired answers are not swept yet: %s", error.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SWEEP_EVERY_S)
        under_way = list(self._tasks.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _carry_out(self, scope: Scope, id: str, owner: bytes, work: Work) -> None:
        sealed: bytes | None = None
        task = asyncio.create_task(self._answer(work))
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=BEAT_S)
                if not task.done() and not await self._beat(scope, id):
                    return
            place = _place(scope, id, owner)
            sealed = await self._keyring.seal(scope.tenant, None, place, task.result())
        except CareloomError as error:
            _log.warning("a request answered later was given up: %s", error.message)
        finally:
            task.cancel()
            await asyncio.shield(self._end(scope, id, sealed))

    async def _beat(self, scope: Scope, id: str) -> bool:
        """False when it was cancelled; a database that does not answer just now is asked again."""
        try:
            return bool(
                await self._db.call("fhir_async_beat", scope.tenant, scope.store, id, LEASE, KEPT)
            )
        except CareloomError as error:
            _log.warning("a request answered later cannot be noted: %s", error.message)
            return True

    async def _end(self, scope: Scope, id: str, sealed: bytes | None) -> None:
        try:
            await self._db.call("fhir_async_end", scope.tenant, scope.store, id, sealed, KEPT)
        except CareloomError as error:
            # Its lease runs out, and its status says that it was interrupted.
            _log.warning("the answer of a request is not kept: %s", error.message)

    async def _answer(self, work: Work) -> bytes:
        async with self._turn:
            return await work()


def _absent() -> NotFound:
    return NotFound(
        "There is no such request, or its answer was thrown away",
        code="async_unknown",
        fix="send the request again with Prefer: respond-async",
    )


def _place(scope: Scope, id: str, owner: bytes) -> str:
    return f"{scope.store}|async|{id}|{owner.hex()}"
