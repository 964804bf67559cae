"""Dead letters: runs that failed and events that a workflow could not read, until somebody acts.

A failed run never blocks the next one. It is retried (retry.py), with its input edited if need be,
or let be with a reason; an event is sent again to the workflow once that can read it.
"""

from __future__ import annotations

import base64
import re
import uuid
from datetime import UTC, datetime
from typing import Literal

import asyncpg

from careloom.errors import CareloomError, InvalidInput, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope, iso
from careloom.workflows.engine.ids import parse_run_name, run_name
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.runs import Runs
from careloom.workflows.triggers import LoadEvent

_EVENT = re.compile(r"evt_(\d{1,18})_([\w.:-]{1,128})", re.ASCII)
LONGEST_REASON = 500


class DeadLetters:
    """The service behind /api/workflows/dead-letters."""

    def __init__(self, db: Database, runs: Runs, payloads: Payloads, load_event: LoadEvent) -> None:
        self._db = db
        self._runs = runs
        self._payloads = payloads
        self._load_event = load_event

    async def causes(self, scope: Scope, workflow_id: str | None = None) -> list[JsonObject]:
        """What failed, grouped by its cause, the latest first."""
        rows = await self._db.rows("dead_causes", scope.tenant, scope.store, workflow_id)
        return [
            {
                "kind": row["kind"],
                "workflowId": row["workflow_id"],
                "step": row["path"],
                "code": row["code"],
                "count": row["count"],
                "firstAt": iso(row["first_at"]),
                "lastAt": iso(row["last_at"]),
            }
            for row in rows
        ]

    async def runs(
        self, scope: Scope, where: JsonObject, before: str | None, limit: int
    ) -> list[JsonObject]:
        """Failed runs to deal with, newest first; `where`: workflow, version, code, path."""
        rows = await self._db.rows(
            "runs_dead",
            scope.tenant,
            scope.store,
            {name: value for name, value in where.items() if value is not None},
            parse_run_name(before) if before else None,
            limit,
        )
        return [
            {
                "id": run_name(row["run_id"]),
                "kind": "run",
                "workflowId": row["workflow_id"],
                "version": row["version"],
                "step": row["path"],
                "code": row["code"],
                "createdAt": iso(row["created_at"]),
                "failedAt": iso(row["closed_at"]),
            }
            for row in rows
        ]

    async def events(self, scope: Scope, where: JsonObject, limit: int) -> list[JsonObject]:
        """Events that were put aside, newest first; `where`: workflow, code."""
        kept = {k: v for k, v in where.items() if v is not None and k in ("workflow", "code")}
        rows = await self._db.rows("events_aside", scope.tenant, scope.store, kept, limit)
        return [_event(row) for row in rows]

    async def read(self, scope: Scope, name: str) -> JsonObject:
        """One dead letter with what it was started with: a run whole, or an event."""
        if name.startswith("run_"):
            run = await self._runs.status(scope, name)
            discarded = run["discarded"] and await self._reason(scope.tenant, run)
            return {"id": name, "kind": "run", "run": run, "discarded": discarded}
        row = await self._aside(scope, name)
        ref = {key: value for key, value in row["ref"].items() if key not in ("chain", "only")}
        try:
            shown = await self._load_event(scope, row["kind"], row["name"], ref)
        except CareloomError as error:
            return {**_event(row), "input": None, "error": {"code": error.code}}
        return {**_event(row), "input": shown}

    async def resend(self, scope: Scope, name: str, actor: JsonObject) -> JsonObject:
        """Send an event again, to the workflow that could not read it and to no other."""
        row = await self._aside(scope, name)
        await self._settle(scope, name, row, "resend", {"by": actor.get("principal")}, actor)
        self._db.notify(scope.tenant, "events")
        return {"id": name, "status": "resent"}

    async def discard(self, scope: Scope, name: str, reason: str, actor: JsonObject) -> JsonObject:
        """Let it be. The reason is kept sealed, because it may name a patient."""
        if not reason.strip() or len(reason) > LONGEST_REASON:
            raise InvalidInput(f"A reason has 1 to {LONGEST_REASON} characters", path="/reason")
        place = "discard|" + name
        sealed = await self._payloads.seal(scope.tenant, None, uuid.UUID(int=0), place, reason)
        settled = {
            "by": actor.get("principal"),
            "at": datetime.now(UTC).isoformat(),
            "reason": base64.b64encode(sealed).decode(),
        }
        row = None if name.startswith("run_") else await self._aside(scope, name)
        await self._settle(scope, name, row, "discard", settled, actor)
        return {"id": name, "status": "discarded"}

    async def _reason(self, tenant: str, run: JsonObject) -> JsonObject:
        """Who let it be, when and why."""
        around = await self._db.call("run_around", tenant, parse_run_name(run["runId"]))
        settled = around["discarded"]
        place = "discard|" + run["runId"]
        sealed = base64.b64decode(settled["reason"])
        reason = await self._payloads.open(tenant, uuid.UUID(int=0), place, sealed)
        return {"by": settled["by"], "at": settled["at"], "reason": reason}

    async def _settle(
        self,
        scope: Scope,
        name: str,
        row: asyncpg.Record | None,
        action: Literal["resend", "discard"],
        settled: JsonObject,
        actor: JsonObject,
    ) -> None:
        done = await self._db.call(
            "dead_settle",
            scope.tenant,
            scope.store,
            parse_run_name(name) if row is None else None,
            None if row is None else row["n"],
            None if row is None else row["workflow_id"],
            action,
            settled,
            actor,
        )
        if done is None:
            raise NotFound("There is no such run", code="run_not_found")
        if not done:
            raise Unprocessable(
                "It is no dead letter, or somebody has dealt with it", code="not_a_dead_letter"
            )

    async def _aside(self, scope: Scope, name: str) -> asyncpg.Record:
        found = _EVENT.fullmatch(name)
        rows: list[asyncpg.Record] = []
        if found is not None:
            where = {"n": int(found[1]), "workflow": found[2]}
            rows = await self._db.rows("events_aside", scope.tenant, scope.store, where, 1)
        if not rows:
            raise NotFound("There is no such dead letter", code="dead_letter_not_found")
        return rows[0]


def _event(row: asyncpg.Record) -> JsonObject:
    return {
        "id": f"evt_{row['n']}_{row['workflow_id']}",
        "kind": "event",
        "workflowId": row["workflow_id"],
        "event": f"{row['kind']} {row['name']}",
        "step": "trigger",
        "code": row["code"],
        "status": row["state"],
        "failedAt": iso(row["at"]),
    }
