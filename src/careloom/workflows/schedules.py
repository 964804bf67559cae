"""Schedules: runs at nominal times, at most one for each, whatever the clock and the processes do.

A schedule is a row beside its workflow, made when that is deployed. Firing it writes the firing,
its run and the next time in one transaction (store/sql/schedules.sql); who comes second finds
another next time and does nothing. The time is the database's, so that processes agree.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg

from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.store.duty import Duty
from careloom.store.effect import Effect
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.cron import Due, Firing, Plan, due, upcoming, zone_of
from careloom.workflows.engine.ids import run_id_at, run_name
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.program import Program
from careloom.workflows.engine.worker import Worker
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.registry import Registry, Workflow
from careloom.workflows.triggers import DUTY, adopt_born, triggered_fields

log = logging.getLogger("careloom.schedules")
BATCH = 500
_AGAIN = timedelta(seconds=1)
"""How often a queued firing looks whether its turn has come."""
_AFTER_FAULT = timedelta(hours=1)
Clock = Callable[[], datetime | None]
"""The time, or None for the database's."""


def database_time() -> None:
    """The database's time: one clock for all processes."""


@dataclass(slots=True)
class _Batch:
    """What some schedules led to; nothing of it is stored yet."""

    fired: list[JsonObject] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    triggers: dict[str, JsonObject] = field(default_factory=dict)
    fields: dict[str, JsonObject] = field(default_factory=dict)
    failed: list[tuple[Scope, str, str]] = field(default_factory=list)
    """Scope, workflow and the code of the fault."""
    workflows: dict[Scope, dict[str, Workflow]] = field(default_factory=dict)


class Scheduler:
    """Fires the schedules of every tenant this process serves."""

    def __init__(
        self,
        db: Database,
        notices: Notices,
        registry: Registry,
        worker: Worker,
        payloads: Payloads,
        *,
        clock: Clock = database_time,
    ) -> None:
        self._db = db
        self._notices = notices
        self._registry = registry
        self._worker = worker
        self._payloads = payloads
        self._clock = clock
        self._duty = Duty("scheduler", self.fire)

    async def start(self) -> None:
        self._duty.start()

    async def stop(self) -> None:
        await self._duty.stop()

    def wake(self, tenant: str) -> None:
        """The tenant may have a schedule that is due."""
        self._duty.wake(tenant)

    async def fire(self, tenant: str) -> int:
        """Do what one batch of due schedules has to do; returns how many there were, 0 also while
        another process fires this tenant's."""
        rows = await self._db.rows(
            "schedules_due", tenant, self._worker.id, DUTY, self._clock(), BATCH
        )
        batch = _Batch()
        for row in rows:
            await self._plan(Scope(tenant, row["store"]), row, batch)
        if not batch.fired:
            return 0
        try:
            started = await self._db.call(
                "schedules_fire",
                tenant,
                self._worker.id,
                self._worker.lease,
                self._worker.room,
                batch.fired,
                batch.inputs,
            )
        except Unavailable:
            self._worker.doubt(tenant)
            raise
        adopt_born(self._worker, self._notices, tenant, started, batch.fields, batch.triggers)
        for scope, workflow, code in batch.failed:
            await self._say(scope, workflow, code)
        return len(batch.fired)

    async def _plan(self, scope: Scope, row: asyncpg.Record, batch: _Batch) -> None:
        """What one schedule has to do; a fault of it stops no other schedule."""
        now: datetime = row["clock"]
        try:
            found = await self._workflow(scope, row, batch)
            if found is None:
                return
            one, firings = await self._firings(scope, *found, row, batch)
        except Unavailable:
            raise
        except Exception as error:
            # Looked at again in an hour: until then somebody has seen the incident.
            batch.failed.append((scope, row["workflow_id"], _code(error)))
            one, firings = Due((), 0, row["next_at"] or now, now + _AFTER_FAULT), []
        batch.fired.append(
            {
                "store": scope.store,
                "workflow": row["workflow_id"],
                "number": row["number"],
                "version": row["version"],
                "expect": _iso(row["next_at"]),
                "next": _iso(one.next_at),
                "due": _iso(one.due_at),
                "again": _iso(now + _AGAIN),
                "missed": one.missed,
                "firings": firings,
            }
        )

    async def _firings(
        self,
        scope: Scope,
        workflow: Workflow,
        program: Program,
        row: asyncpg.Record,
        batch: _Batch,
    ) -> tuple[Due, list[JsonObject]]:
        """What is due, and the runs for it. A run that cannot be made is left out and told of."""
        plan, now = Plan.of(row["settings"]), row["clock"]
        identity = f"{scope.tenant}|{scope.store}|{row['workflow_id']}|{row['number']}"
        one = due(plan, identity, row["since"], row["next_at"], now)
        queued = [] if row["busy"] else [Firing(at, True, True) for at in row["queued"]]
        firings = []
        for firing in (*queued, *one.firings):
            try:
                shown = _shown(plan, firing, now)
                fields = await self._run(scope, workflow, program, identity, firing, shown, batch)
                firings.append(fields)
            except Unavailable:
                raise
            except Exception as error:
                batch.failed.append((scope, workflow.id, _code(error)))
        return one, firings

    async def _workflow(
        self, scope: Scope, row: asyncpg.Record, batch: _Batch
    ) -> tuple[Workflow, Program] | None:
        """The workflow of a schedule; None while a newer version is on its way to this process."""
        if scope not in batch.workflows:
            listed = await self._registry.all(scope)
            batch.workflows[scope] = {workflow.id: workflow for workflow in listed}
        workflow = batch.workflows[scope].get(row["workflow_id"])
        if workflow is None or workflow.version != row["version"]:
            return None
        return workflow, await self._registry.program(scope.tenant, workflow.hash)

    async def _run(
        self,
        scope: Scope,
        workflow: Workflow,
        program: Program,
        identity: str,
        firing: Firing,
        shown: JsonObject,
        batch: _Batch,
    ) -> JsonObject:
        run_id = run_id_at(firing.nominal, f"{identity}|{_iso(firing.nominal)}")
        fields = triggered_fields(workflow, str(run_id), "schedule", [workflow.id], shown)
        gated(scope, program.definition, fields, shown)
        sealed = await self._payloads.seal(scope.tenant, None, run_id, "input", shown)
        fields["input"] = len(batch.inputs)
        batch.inputs.append(sealed)
        batch.triggers[fields["id"]] = shown
        batch.fields[fields["id"]] = fields
        return {"nominal": _iso(firing.nominal), "queue": firing.queue, "run": fields}

    async def _say(self, scope: Scope, workflow: str, code: str) -> None:
        log.error("a schedule of %s could not be fired: %s", workflow, code)
        effect = Effect()
        ref = {"workflow": workflow}
        effect.add("incident.open", kind="schedule.failed", cause=f"{workflow}: {code}", ref=ref)
        actor = {"principal": "system", "kind": "system"}
        await self._db.call(
            "effect_commit", scope.tenant, scope.store, effect.ops, effect.bodies, actor
        )

    async def all(self, scope: Scope) -> list[JsonObject]:
        """Every schedule of the store: its next five times, its last firing, what it missed."""
        rows = await self._db.rows("schedule_list", scope.tenant, scope.store)
        now = self._clock() or datetime.now(UTC)
        return [_listed(row, now) for row in rows]

    async def next_times(self, scope: Scope) -> dict[str, str]:
        """When each workflow with a schedule starts next."""
        coming: dict[str, str] = {}
        for schedule in await self.all(scope):
            for at in schedule["next"][:1]:
                coming[schedule["workflowId"]] = min(at, coming.get(schedule["workflowId"], at))
        return coming


def _shown(plan: Plan, firing: Firing, now: datetime) -> JsonObject:
    """What `trigger.*` shows of a firing."""
    return {
        "event": "schedule",
        "scheduledAt": _iso(firing.nominal),
        "localTime": firing.nominal.astimezone(zone_of(plan.timezone)).isoformat(),
        "timezone": plan.timezone,
        "cron": plan.cron,
        "firedAt": _iso(now),
        "late": firing.late,
    }


def _listed(row: asyncpg.Record, now: datetime) -> JsonObject:
    plan = Plan.of(row["settings"])
    coming: list[datetime] = []
    if not row["paused"]:
        first = row["next_at"] or row["since"]
        after = max(now, first - timedelta(seconds=1)) if row["next_at"] else max(now, first)
        coming = upcoming(plan, after, 5)
    last = None
    if row["last_at"] is not None:
        run = row["last_run"] if row["last_outcome"] == "started" else None
        last = {
            "scheduledAt": _iso(row["last_at"]),
            "outcome": row["last_outcome"],
            "runId": run_name(run) if run else None,
        }
    return {
        "workflowId": row["workflow_id"],
        "trigger": row["number"],
        "version": row["version"],
        "cron": plan.cron,
        "timezone": plan.timezone,
        "overlap": plan.overlap,
        "catchUp": plan.catch_up,
        "catchUpWithin": int(plan.within.total_seconds()),
        "jitter": int(plan.jitter.total_seconds()),
        "paused": row["paused"],
        "next": [_iso(moment) for moment in coming],
        "last": last,
        "started": row["fired"],
        "missed": row["missed"],
        "queued": row["queued"],
    }


def _code(error: Exception) -> str:
    """By code or type: what an error says may be a patient's."""
    known = isinstance(error, CareloomError | ExpressionError)
    return str(getattr(error, "code", "error")) if known else type(error).__name__


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
