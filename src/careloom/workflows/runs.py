"""Runs as people and programs see them: start, status, list, session, timeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg

from careloom.errors import NotFound, Unavailable, Unprocessable
from careloom.store.database import Database
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope, iso
from careloom.workflows.admission import gated
from careloom.workflows.cause import cause_of
from careloom.workflows.engine.birth import Birth
from careloom.workflows.engine.births import Births
from careloom.workflows.engine.ids import parse_run_name, run_id_at, run_name
from careloom.workflows.engine.journal import settle_output
from careloom.workflows.engine.load import new_run
from careloom.workflows.engine.payloads import Payloads, attempt_place, step_place, wait_place
from careloom.workflows.engine.worker import Worker
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.input_schema import check_input
from careloom.workflows.registry import Registry, Workflow
from careloom.workflows.run_view import (
    family,
    going_on,
    listed,
    millis,
    parted,
    timeline,
)
from careloom.workflows.triggers import patient_of

MOST_STEPS, MOST_BARS, MOST_SEGMENTS = 1000, 5000, 60
"""Steps of a run, bars of its timeline and segments of it in a list that one answer shows."""
CheckLinks = Callable[[Scope, JsonObject], Awaitable[None]]
"""Raises Unprocessable when a dicom:// or file:// value of the input points at nothing."""


class Runs:
    """The service behind /api/workflows/…/execute and /api/workflows/runs."""

    def __init__(
        self,
        db: Database,
        notices: Notices,
        registry: Registry,
        worker: Worker | None,
        payloads: Payloads,
        check_links: CheckLinks,
    ) -> None:
        self._db = db
        self._notices = notices
        self._registry = registry
        self._worker = worker
        self._births = Births(db, notices, worker)
        self._payloads = payloads
        self._check_links = check_links

    async def start(
        self,
        scope: Scope,
        workflow_id: str,
        body: JsonObject,
        actor: JsonObject,
        *,
        once: JsonObject | None = None,
    ) -> JsonObject:
        """Start a run by request. Raises Unprocessable (422) before any step when the input
        misses a field or points at nothing. `once` (see idempotency.py): the same request again is
        answered with the run that there is, marked `repeated`."""
        get = self._registry.recent if once is None else self._registry.get
        workflow = await get(scope, workflow_id)
        while True:
            fields, birth = await self._birth(scope, workflow, body, actor)
            if once is not None or "gate" in fields:
                return await self._start_alone(scope, birth, once or {})
            made = await self._births.start(birth)
            if made is not None:
                return _started(fields["id"], made, fields)
            workflow = await self._registry.get(scope, workflow_id)

    async def _birth(
        self, scope: Scope, workflow: Workflow, body: JsonObject, actor: JsonObject
    ) -> tuple[JsonObject, Birth]:
        """What a new run of this version is to be, checked."""
        program = await self._registry.program(scope.tenant, workflow.hash)
        check_input(program, body)
        await self._check_links(scope, body)
        trigger = {**body, "source": "manual"}
        now = datetime.now(UTC)
        fields = _fields(workflow, trigger, actor, now)
        try:
            gated(scope, program.definition, fields, trigger)
        except ExpressionError as error:
            raise Unprocessable(
                f"What the run queues for cannot be told from its input: {error}",
                code="queue_key",
                fix="send what the workflow's orderBy and concurrency.key read",
            ) from error
        origin = _digits(fields["id"])
        place = scope.tenant, fields["patient"], origin, "input", trigger
        sealed = self._payloads.seal_cached(*place) or await self._payloads.seal(*place)
        return fields, Birth(scope.tenant, fields, sealed, trigger, now)

    async def _start_alone(self, scope: Scope, birth: Birth, once: JsonObject) -> JsonObject:
        """Start a run that queues, or that is answered once, in a transaction of its own."""
        worker, fields = self._worker, birth.fields
        try:
            started = await self._db.call(
                "run_start_once",
                scope.tenant,
                worker.id if worker else None,
                worker.lease if worker else None,
                worker.room if worker and worker.serves(scope.tenant) else 0,
                [fields],
                [birth.sealed],
                once,
            )
        except Unavailable:
            if worker is not None:
                worker.doubt(scope.tenant)
            raise
        if "answer" in started:
            answer = started["answer"]
            before = datetime.fromisoformat(answer["created_at"])
            return {**_started(answer["run"], before, answer), "repeated": True}
        born = started["born"][0]
        if born["owned"] and worker is not None:
            worker.adopt(new_run(scope.tenant, fields, born, birth.trigger))
        else:
            self._notices.publish("runs", scope.tenant)
        return _started(fields["id"], datetime.fromisoformat(born["created_at"]), fields)

    async def status(
        self, scope: Scope, name: str, *, after: int = -1, limit: int = MOST_STEPS
    ) -> JsonObject:
        """A run with its steps, opened: envelopes of output, error, timings. Of a long run a page
        of them, behind the place `after`; `nextStep` is the place of the next page. A step that has
        ended has its `place`: one page of one step, behind the place before it, is that step."""
        row = await self._page(scope, name, after, limit)
        run = row["run"]
        program = await self._registry.program(scope.tenant, run["def_hash"])
        around = family(await self._db.call("run_around", scope.tenant, run["run_id"]))
        begun, done = parted([*row["opened"], *row["steps"]])
        began = {(wait["path"], wait["iter"]): wait["at"] for wait in row["waits"]} | begun
        failed = row["failed"]
        if failed is not None and not any(step["seq"] == failed["seq"] for step in done):
            done.append(failed)
        steps = [await self._step(run, step, began) for step in done]
        steps += going_on(run, begun, done)
        steps += [await self._open_wait(run, wait, steps) for wait in _open(row["waits"], steps)]
        attempts = [await self._attempt(run, attempt) for attempt in row["attempts"]]
        closing: JsonObject = {}
        if run["output"] is not None:
            closing = await self._payloads.open(
                scope.tenant, run["origin_run"], "output", run["output"]
            )
        return {
            "runId": run_name(run["run_id"]),
            "workflowId": run["workflow_id"],
            "workflowName": program.definition.name,
            "version": run["version"],
            "definitionHash": run["def_hash"],
            "status": _state(run, row["waits"]),
            "source": run["source"],
            "test": run["actor"].get("test"),
            "startedBy": run["actor"].get("principal"),
            "trigger": await self._payloads.open(
                scope.tenant, run["origin_run"], "input", run["input"]
            ),
            "sessionId": f"ses_{run['run_id'].hex}",
            "createdAt": iso(run["created_at"]),
            "finishedAt": iso(run["closed_at"]),
            "durationMs": millis(run["created_at"], run["closed_at"]),
            "steps": steps,
            "stepCount": row["count"],
            "nextStep": _next(row),
            "attempts": attempts,
            "output": closing.get("output"),
            "error": closing.get("error"),
            "cause": cause_of(around, closing.get("error"), program.definition),
            "rolledBack": run["state"] == "rolled_back",
            **around,
        }

    async def known(self, scope: Scope, name: str) -> None:
        """Raise NotFound unless the store has the run."""
        run_id = parse_run_name(name)
        if not await self._db.call("run_is_known", scope.tenant, scope.store, run_id):
            raise NotFound("There is no such run", code="run_not_found")

    async def timeline(
        self, scope: Scope, name: str, *, after: int = -1, limit: int = MOST_BARS
    ) -> JsonObject:
        """When each part of the run took place, for a Gantt chart; no payloads. Of a long run a
        page of its steps, behind the place `after`; attempts and open waits stand on the first."""
        row = await self._page(scope, name, after, limit)
        steps = [*row["opened"], *row["steps"]]
        beside = (row["attempts"], row["waits"]) if after < 0 else ([], _of_steps(row))
        bars = timeline(row["run"], steps, *beside)
        return {**bars, "stepCount": row["count"], "nextStep": _next(row)}

    async def session(self, scope: Scope, name: str) -> JsonObject:
        """The run's session: its messages, derived from the journal."""
        row = await self._row(scope, name)
        run = row["run"]
        messages: list[JsonObject] = [
            {
                "role": "system",
                "content": f"Run of {run['workflow_id']} started by {run['source']}",
                "at": iso(run["created_at"]),
            }
        ]
        for step in row["steps"]:
            payload = await self._payload(run, step)
            for message in payload.get("messages", ()):
                messages.append({**message, "step": step["path"], "at": iso(step["at"])})
            messages.append(
                {
                    "role": "system",
                    "content": f"{step['path']} {step['outcome']}",
                    "step": step["path"],
                    "at": iso(step["at"]),
                }
            )
        return {
            "id": f"ses_{run['run_id'].hex}",
            "runId": run_name(run["run_id"]),
            "patientId": run["patient"],
            "createdAt": iso(run["created_at"]),
            "messages": messages,
        }

    async def page(
        self,
        scope: Scope,
        *,
        workflow_id: str | None = None,
        state: str | None = None,
        before: str | None = None,
        limit: int = 50,
        gantt: bool = False,
        **more: str | int | None,
    ) -> list[JsonObject]:
        """Newest first, without payloads. `more`: version, from, to, code, text, parent. With
        `gantt` each has its steps as segments of time."""
        where = {"workflow": workflow_id, "status": state, **more}
        rows = await self._db.rows(
            "runs_find",
            scope.tenant,
            scope.store,
            {name: value for name, value in where.items() if value is not None},
            parse_run_name(before) if before else None,
            limit,
        )
        if not gantt:
            return [listed(row) for row in rows]
        ids = [row["run_id"] for row in rows]
        found = await self._db.rows("runs_segments", scope.tenant, ids, MOST_SEGMENTS)
        segments = {row["run_id"]: row["segments"] for row in found}
        return [{**listed(row), "segments": segments.get(row["run_id"], [])} for row in rows]

    async def _page(self, scope: Scope, name: str, after: int, limit: int) -> asyncpg.Record:
        run_id = parse_run_name(name)
        rows = await self._db.rows("run_page", scope.tenant, scope.store, run_id, after, limit)
        if not rows:
            raise NotFound("There is no such run", code="run_not_found")
        return rows[0]

    async def _row(self, scope: Scope, name: str) -> asyncpg.Record:
        rows = await self._db.rows("run_read", scope.tenant, scope.store, parse_run_name(name))
        if not rows:
            raise NotFound("There is no such run", code="run_not_found")
        return rows[0]

    async def _payload(self, run: Any, step: Any) -> JsonObject:
        if step["result"] is None:
            return {}
        place = step_place(step["path"], step["iter"])
        payload: JsonObject = await self._payloads.open(
            run["tenant"], run["origin_run"], place, step["result"]
        )
        return payload

    async def _step(
        self, run: Any, step: Any, began: dict[tuple[str, str], datetime]
    ) -> JsonObject:
        payload = await self._payload(run, step)
        started = began.get((step["path"], step["iter"]), step["started_at"])
        return {
            "id": step["path"].rsplit("/", 1)[-1],
            "path": step["path"],
            "iteration": step["iter"],
            "place": step["seq"],
            "status": step["outcome"],
            "attempt": step["attempt"],
            "startedAt": iso(started),
            "finishedAt": iso(step["at"]),
            "durationMs": millis(started, step["at"]),
            "input": payload.get("input"),
            "output": settle_output(payload.get("output") or {}, step["effect"]),
            "branch": payload.get("branch"),
            "notes": payload.get("notes", []),
            "effect": step["effect"],
            "error": payload.get("error"),
        }

    async def _open_wait(self, run: Any, wait: Any, steps: list[JsonObject]) -> JsonObject:
        payload: JsonObject = {}
        if wait["detail"] is not None:
            place = wait_place(wait["path"], wait["iter"]) + "|detail"
            payload = await self._payloads.open(
                run["tenant"], run["origin_run"], place, wait["detail"]
            )
        return {
            "id": wait["path"].rsplit("/", 1)[-1],
            "path": wait["path"],
            "iteration": wait["iter"],
            "status": "waiting",
            "startedAt": iso(wait["at"]),
            "until": iso(wait["until"]),
            "event": wait["event"],
            "input": payload.get("input"),
            "notes": payload.get("notes", []),
        }

    async def _attempt(self, run: Any, attempt: Any) -> JsonObject:
        detail: JsonObject = {}
        if attempt["detail"] is not None:
            place = attempt_place(attempt["path"], attempt["iter"], attempt["attempt"])
            detail = await self._payloads.open(
                run["tenant"], run["origin_run"], place, attempt["detail"]
            )
        return {
            "path": attempt["path"],
            "iteration": attempt["iter"],
            "attempt": attempt["attempt"],
            "startedAt": iso(attempt["started_at"]),
            "finishedAt": iso(attempt["at"]),
            "retryAt": iso(attempt["retry_at"]),
            "error": detail,
        }


def _fields(
    workflow: Workflow, trigger: JsonObject, actor: JsonObject, now: datetime
) -> JsonObject:
    return {
        "id": str(run_id_at(now)),
        "store": workflow.scope.store,
        "workflow": workflow.id,
        "version": workflow.version,
        "hash": workflow.hash,
        "source": "manual",
        "actor": {**actor, "kind": "run", "owner": workflow.owner, "chain": [workflow.id]},
        "patient": patient_of(trigger),
        "input": 0,
    }


def _next(page: Any) -> int | None:
    """The place behind which the next page of steps begins."""
    return page["steps"][-1]["seq"] if page["is_more"] else None


def _of_steps(page: Any) -> list[Any]:
    """The waits of the page's steps: when these began."""
    done = {(step["path"], step["iter"]) for step in page["steps"]}
    return [wait for wait in page["waits"] if (wait["path"], wait["iter"]) in done]


def _open(waits: list[Any], steps: list[JsonObject]) -> list[Any]:
    done = {(step["path"], step["iteration"]) for step in steps}
    return [wait for wait in waits if (wait["path"], wait["iter"]) not in done]


def _started(run: str, made: datetime, born: JsonObject) -> JsonObject:
    return {
        "runId": f"run_{_digits(run)}",
        "status": "running",
        "message": "Workflow execution started",
        "createdAt": iso(made),
        "workflowId": born["workflow"],
        "version": born["version"],
    }


def _digits(run: str) -> str:
    """A run's id without its hyphens."""
    return run.replace("-", "")


def _state(run: Any, waits: list[Any]) -> str:
    if run["state"] == "running" and any(not wait["resolved"] for wait in waits):
        return "waiting"
    return str(run["state"])
