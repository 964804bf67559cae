"""From rows to a run in memory."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from careloom.types import JsonObject
from careloom.workflows.engine.journal import Key, RunState, StepRecord, WaitRecord, settle_output
from careloom.workflows.engine.payloads import Payloads, step_place, wait_place
from careloom.workflows.engine.steady import steady_now

_CLOCKS_AGREE = timedelta(seconds=2)


async def run_from_claim(tenant: str, row: asyncpg.Record, payloads: Payloads) -> RunState:
    """A claimed run with its journal, opened."""
    trigger = await payloads.open(tenant, row["origin_run"], "input", row["input"])
    run = _claimed(tenant, row, trigger, row["patient"])
    run.control = row["ctl"]
    run.skew = skew_of(row["claimed_at"])
    for fields, sealed in zip(row["steps"], row["results"] or (), strict=True):
        record = await _step(run, fields, sealed, payloads)
        run.steps[record.key] = record
        run.next_seq = max(run.next_seq, record.seq + 1)
    for fields in row["attempts"]:
        _attempt(run, fields)
    for fields, sealed in zip(row["waits"], row["wait_results"] or (), strict=True):
        waiting = await _wait(run, fields, sealed, payloads)
        run.waits[waiting.path, waiting.iteration] = waiting
    return run


def unreadable_run(tenant: str, row: asyncpg.Record) -> RunState:
    """A claimed run whose payloads cannot be opened: enough of it to be closed.

    It names no patient, so that what is written last is sealed with the tenant's key.
    """
    run = _claimed(tenant, row, {}, None)
    for number, fields in enumerate(row["steps"]):
        key = fields["path"], fields["iter"]
        run.steps[key] = StepRecord(*key, number, fields["attempt"], fields["outcome"])
        run.next_seq = max(run.next_seq, fields["seq"] + 1)
    return run


def _attempt(run: RunState, fields: JsonObject) -> None:
    key = fields["path"], fields["iter"]
    if fields["attempt"] > run.attempts.get(key, 0):
        run.attempts[key] = fields["attempt"]
        run.retry_at[key] = datetime.fromisoformat(fields["retry_at"])


def _claimed(
    tenant: str, row: asyncpg.Record, trigger: JsonObject, patient: str | None
) -> RunState:
    """A run as its claim's row has it, before its journal."""
    return RunState(
        tenant=tenant,
        store=row["store"],
        run_id=row["run_id"],
        fence=row["fence"],
        wakes=row["wakes"],
        workflow_id=row["workflow_id"],
        version=row["version"],
        def_hash=row["def_hash"],
        origin_run=row["origin_run"],
        source=row["source"],
        actor=row["actor"],
        patient=patient,
        trigger=trigger,
        created_at=row["created_at"],
        crashes=row["crashes"],
    )


async def _step(
    run: RunState, fields: JsonObject, sealed: bytes | None, payloads: Payloads
) -> StepRecord:
    path, iteration = fields["path"], fields["iter"]
    place = step_place(path, iteration)
    payload: JsonObject = {}
    if sealed is not None:
        payload = await payloads.open(run.tenant, run.origin_run, place, sealed)
    return StepRecord(
        path=path,
        iteration=iteration,
        seq=fields["seq"],
        attempt=fields["attempt"],
        outcome=fields["outcome"],
        output=settle_output(payload.get("output", {}), fields["effect"]),
        error=payload.get("error"),
        branch=payload.get("branch"),
        effect=fields["effect"],
        input=payload.get("input"),
    )


async def _wait(
    run: RunState, fields: JsonObject, sealed: bytes | None, payloads: Payloads
) -> WaitRecord:
    path, iteration = fields["path"], fields["iter"]
    resume: JsonObject | None = None
    if fields["resolved"]:
        resume = await what_came(run, (path, iteration), sealed, payloads)
    elif fields["due"]:
        resume = {"reason": "time"}
    until = datetime.fromisoformat(fields["until"]) if fields["until"] else None
    return WaitRecord(path, iteration, resume, until, fields["resolved"])


async def what_came(
    run: RunState, key: Key, sealed: bytes | None, payloads: Payloads
) -> JsonObject:
    """What a step is resumed with when something ended its wait."""
    if sealed is None:
        return {"reason": "event"}
    value = await payloads.open(run.tenant, run.origin_run, wait_place(*key), sealed)
    return {"reason": "event", **value}


def skew_of(theirs: datetime) -> timedelta:
    """How far the database's clock is ahead, from a time it has just told; small differences are
    the way of the answer."""
    ahead = theirs - steady_now()
    return ahead if abs(ahead) > _CLOCKS_AGREE else timedelta()


def new_run(tenant: str, fields: JsonObject, born: JsonObject, trigger: JsonObject) -> RunState:
    """A run that its creator owns at birth: nothing needs to be read back."""
    run_id, created_at = uuid.UUID(str(fields["id"])), datetime.fromisoformat(born["created_at"])
    origin: Any = fields.get("origin")
    return RunState(
        tenant=tenant,
        store=fields["store"],
        run_id=run_id,
        fence=born["fence"],
        wakes=0,
        workflow_id=fields["workflow"],
        version=fields["version"],
        def_hash=fields["hash"],
        origin_run=uuid.UUID(str(origin)) if origin else run_id,
        source=fields["source"],
        actor=fields["actor"],
        patient=fields.get("patient"),
        trigger=trigger,
        created_at=created_at,
        skew=skew_of(created_at),
    )
