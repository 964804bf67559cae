"""The inbox: list, read, claim and decide human tasks. States are those of FHIR Task.

http://hl7.org/fhir/R4/valueset-task-status.html
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import asyncpg

from careloom.errors import InvalidInput, NotFound
from careloom.store.database import Database
from careloom.tasks.content import TaskContent
from careloom.types import JsonObject, Scope

DECISIONS = {"approve": "completed", "complete": "completed", "reject": "rejected"}
SealDecision = Callable[[Scope, Any, JsonObject], Awaitable[bytes]]
"""Seals a decision so that the waiting run can read it: (scope, task row, decision)."""


class Tasks:
    """Human tasks of a tenant's store."""

    def __init__(self, db: Database, content: TaskContent, seal_for_run: SealDecision) -> None:
        self._db = db
        self._content = content
        self._seal_for_run = seal_for_run

    async def page(self, scope: Scope, *, state: str | None, limit: int = 50) -> list[JsonObject]:
        """Open tasks first, most urgent and oldest first."""
        rows = await self._db.rows("task_list", scope.tenant, scope.store, state, limit)
        return [await self._shown(scope, row) for row in rows]

    async def read(self, scope: Scope, task_id: str) -> JsonObject:
        return await self._shown(scope, await self._row(scope, task_id))

    async def claim(self, scope: Scope, task_id: str, actor: JsonObject) -> JsonObject:
        """Take a task; raises Conflict when somebody else was faster."""
        await self._db.call("task_claim", scope.tenant, scope.store, parse_task_id(task_id), actor)
        return await self.read(scope, task_id)

    async def decide(
        self, scope: Scope, task_id: str, decision: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """Record a decision and wake the run that waits for it, in one transaction.

        `decision`: {"decision": approve|reject|complete, "comment"?, "data"?}.
        """
        verb, comment, data = _read(decision)
        row = await self._row(scope, task_id)
        full: JsonObject = {
            "decision": verb,
            "approved": DECISIONS[verb] == "completed",
            "by": actor.get("principal"),
            "comment": comment,
            "data": data,
        }
        sealed = await self._seal_for_run(scope, row, full)
        answer: JsonObject = await self._db.call(
            "task_complete",
            scope.tenant,
            scope.store,
            row["task_id"],
            DECISIONS[verb],
            sealed,
            actor,
        )
        self._db.notify(scope.tenant, "runs")
        return answer

    async def _row(self, scope: Scope, task_id: str) -> asyncpg.Record:
        rows = await self._db.rows("task_read", scope.tenant, scope.store, parse_task_id(task_id))
        if not rows:
            raise NotFound("There is no such task", code="task_not_found")
        return rows[0]

    async def _shown(self, scope: Scope, row: asyncpg.Record) -> JsonObject:
        content = await self._content.open(scope, row["task_id"], "content", row["content"])
        return {
            "id": str(row["task_id"]),
            "status": row["state"],
            "version": row["version"],
            "priority": row["priority"],
            "queue": row["queue"],
            "assignee": row["assignee"],
            "due": _iso(row["due_at"]),
            "runId": f"run_{row['run_id'].hex}" if row["run_id"] else None,
            "path": row["path"],
            "createdAt": _iso(row["created_at"]),
            "closedAt": _iso(row["closed_at"]),
            **content,
        }


def _read(decision: JsonObject) -> tuple[str, str | None, JsonObject]:
    verb, comment = decision.get("decision"), decision.get("comment")
    data = decision.get("data")
    faults = {
        "decision": not isinstance(verb, str) or verb not in DECISIONS,
        "comment": not (comment is None or isinstance(comment, str)),
        "data": not (data is None or isinstance(data, dict)),
    }
    for name in (name for name, wrong in faults.items() if wrong):
        raise InvalidInput(
            "The decision is one of approve, reject and complete, with a text as comment and an"
            " object as data",
            path=f"/{name}",
            fix='send {"decision": "approve", "comment": "…", "data": {…}}',
        )
    return str(verb), comment, data or {}


def parse_task_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound("There is no such task", code="task_not_found") from None


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
