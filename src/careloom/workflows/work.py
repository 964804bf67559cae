"""External work: steps that programs of one's own carry out, in any language, wherever they run.

A program polls a queue, gets work under a lease, gives signs of life, and answers. A lease that
runs out puts the work back; work that was handed out too often fails its step. The answer wakes the
run in the transaction that records it.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from careloom.errors import InvalidInput, NotFound
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import Json, JsonObject, Scope
from careloom.workflows.engine.ids import run_name

QUEUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
LONGEST_WAIT_S = 60.0
MOST_AT_ONCE = 100
LOOK_AGAIN_S = 1.0
ANSWER_LIMIT = 1 << 20
SealAnswer = Callable[[Scope, Any, JsonObject], Awaitable[bytes]]
"""Seals an answer so that the waiting run can read it: (scope, work row, answer)."""

IsGone = Callable[[], Awaitable[bool]]
"""Whether the program that asked has hung up."""


class ExternalWork:
    """The service behind /api/work."""

    def __init__(
        self, db: Database, keyring: Keyring, notices: Notices, seal_answer: SealAnswer
    ) -> None:
        self._db = db
        self._keyring = keyring
        self._seal_answer = seal_answer
        self._waiting: dict[str, set[asyncio.Event]] = {}
        notices.subscribe("events", self._told)

    def _told(self, tenant: str) -> None:
        for event in self._waiting.get(tenant, ()):
            event.set()

    async def poll(
        self,
        scope: Scope,
        queue: str,
        limit: int,
        wait_s: float,
        actor: JsonObject,
        is_gone: IsGone | None = None,
    ) -> list[JsonObject]:
        """Up to `limit` pieces of work, each with its token; waits up to `wait_s` seconds (60 at
        most) for the first. Nothing is taken for a program that is gone."""
        _check_queue(queue)
        until = asyncio.get_running_loop().time() + min(max(wait_s, 0.0), LONGEST_WAIT_S)
        told = asyncio.Event()
        self._waiting.setdefault(scope.tenant, set()).add(told)
        try:
            while True:
                told.clear()
                if is_gone is not None and await is_gone():
                    return []
                found = await self._take(scope, queue, min(limit, MOST_AT_ONCE), actor)
                left = until - asyncio.get_running_loop().time()
                if found or left <= 0:
                    return found
                try:
                    async with asyncio.timeout(min(left, LOOK_AGAIN_S)):
                        await told.wait()
                except TimeoutError:
                    continue
        finally:
            self._waiting[scope.tenant].discard(told)
            if not self._waiting[scope.tenant]:
                del self._waiting[scope.tenant]

    async def _take(
        self, scope: Scope, queue: str, limit: int, actor: JsonObject
    ) -> list[JsonObject]:
        rows = await self._db.rows("work_poll", scope.tenant, scope.store, queue, limit, actor)
        found = []
        for row in rows:
            if row["token"] is None:
                await self._give_up(scope, row, actor)
            else:
                found.append(await self._shown(scope, row))
        return found

    async def _shown(self, scope: Scope, row: asyncpg.Record) -> JsonObject:
        place = work_place(scope, row["work_id"])
        plain = await self._keyring.open(scope.tenant, row["input"], place)
        return {
            "id": str(row["work_id"]),
            "token": str(row["token"]),
            "runId": run_name(row["run_id"]),
            "path": row["path"],
            "iteration": row["iter"],
            "delivery": row["deliveries"],
            "leaseUntil": row["lease_until"].isoformat(),
            "input": orjson.loads(plain),
        }

    async def _give_up(self, scope: Scope, row: asyncpg.Record, actor: JsonObject) -> None:
        answer: JsonObject = {
            "work": str(row["work_id"]),
            "outcome": "lost",
            "deliveries": row["deliveries"],
        }
        await self._settled(scope, row, None, "lost", answer, actor)

    async def beat(
        self, scope: Scope, work_id: str, token: str, progress: JsonObject | None
    ) -> JsonObject:
        """A sign of life, with how far it is; `wanted` is false when the work should stop."""
        wanted = await self._db.call(
            "work_beat", scope.tenant, scope.store, _uuid(work_id), _uuid(token), progress
        )
        return {"id": work_id, "wanted": bool(wanted)}

    async def complete(
        self, scope: Scope, work_id: str, token: str, result: Json, actor: JsonObject
    ) -> JsonObject:
        """The work is done. Raises Conflict when the lease ran out and another has it."""
        row = await self._row(scope, work_id)
        answer: JsonObject = {"work": str(row["work_id"]), "outcome": "succeeded", "result": result}
        return await self._settled(scope, row, _uuid(token), "succeeded", answer, actor)

    async def fail(
        self, scope: Scope, work_id: str, token: str, error: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """The work failed. `error`: {"code", "message", "retryable", "details"}."""
        code, message = error.get("code", "work_failed"), error.get("message", "")
        if not isinstance(code, str) or not CODE.fullmatch(code) or not isinstance(message, str):
            raise InvalidInput(
                "A failure has a code of letters, digits, '_', '.' and '-', and a text",
                path="/code",
                fix='send {"token": "…", "code": "not_found", "message": "…", "retryable": false}',
            )
        row = await self._row(scope, work_id)
        answer: JsonObject = {
            "work": str(row["work_id"]),
            "outcome": "failed",
            "code": code,
            "message": message,
            "retryable": error.get("retryable") is True,
            "details": error.get("details"),
        }
        return await self._settled(scope, row, _uuid(token), "failed", answer, actor)

    async def open(self, scope: Scope, queue: str | None, limit: int) -> list[JsonObject]:
        """Work that is not done, oldest first, without what it carries."""
        rows = await self._db.rows("work_list", scope.tenant, scope.store, queue, limit)
        return [
            {
                "id": str(row["work_id"]),
                "queue": row["queue"],
                "runId": run_name(row["run_id"]),
                "path": row["path"],
                "iteration": row["iter"],
                "state": row["state"],
                "holder": row["holder"],
                "deliveries": row["deliveries"],
                "progress": row["progress"],
                "createdAt": _iso(row["created_at"]),
                "startedAt": _iso(row["started_at"]),
                "leaseUntil": _iso(row["lease_until"]),
            }
            for row in rows
        ]

    async def _row(self, scope: Scope, work_id: str) -> asyncpg.Record:
        rows = await self._db.rows("work_read", scope.tenant, scope.store, _uuid(work_id))
        if not rows:
            raise NotFound("There is no such work", code="work_not_found")
        return rows[0]

    async def _settled(
        self,
        scope: Scope,
        row: asyncpg.Record,
        token: uuid.UUID | None,
        state: str,
        answer: JsonObject,
        actor: JsonObject,
    ) -> JsonObject:
        sealed = await self._seal_answer(scope, row, answer)
        settled: JsonObject = await self._db.call(
            *("work_settle", scope.tenant, scope.store),
            *(row["work_id"], token, state, sealed, actor),
        )
        self._db.notify(scope.tenant, "runs")
        return {"id": settled["work"], "state": settled["state"]}


def work_place(scope: Scope, work_id: uuid.UUID) -> str:
    """What the sealed input is bound to."""
    return f"{scope.store}|work|{work_id.hex}"


def _check_queue(queue: str) -> None:
    if not QUEUE.fullmatch(queue):
        raise InvalidInput(
            "A queue's name is letters, digits, '.', '_' and '-', at most 64", path="queue"
        )


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("There is no such work", code="work_not_found") from None


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
