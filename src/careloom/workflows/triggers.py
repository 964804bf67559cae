"""Triggers: from stored events to runs, once per (trigger, event).

An event row is written with its cause and acknowledged only then; the matcher takes queued events,
gives them dense numbers, starts their runs and opens their incidents in one transaction. A filter
that fails puts its event aside as an incident; it never blocks the others. What a run writes
carries the workflows that led to it: beyond MAX_CHAIN of them no further run starts, and an
incident names the cycle.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg

from careloom.errors import CareloomError, Gone, NotFound, Unavailable
from careloom.store.database import Database
from careloom.store.duty import Duty
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.engine.ids import run_id_at
from careloom.workflows.engine.load import new_run
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.program import Program
from careloom.workflows.engine.worker import Worker
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.matching import MatchesSearch, Seen, listens, needs_previous, passes
from careloom.workflows.registry import Registry, Workflow

log = logging.getLogger("careloom.triggers")
BATCH = 200
_BATCH_BYTES = 16 << 20
"""Of run inputs: a batch of large resources ends early, so that a burst keeps memory bounded."""
DUTY = timedelta(seconds=10)
"""How long another process leaves a tenant's events to the one that took them."""
MAX_CHAIN = 8
"""Runs that may start one another in a row."""
TEST = "~test"
"""Stands first in the chain of what a test writes: it starts no run of anything."""

LoadEvent = Callable[[Scope, str, str, JsonObject], Awaitable[JsonObject | None]]
"""(scope, kind, name, ref) → what `trigger.*` shows, or None when the thing is gone."""


@dataclass(slots=True)
class _Batch:
    """What some events led to; nothing of it is stored yet."""

    events: list[asyncpg.Record]
    active: dict[str, list[tuple[Workflow, Program]]] = field(default_factory=dict)
    """Workflows whose triggers count, by store."""
    runs: list[JsonObject] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    triggers: dict[str, JsonObject] = field(default_factory=dict)
    incidents: list[JsonObject] = field(default_factory=list)
    size: int = 0
    """Bytes of the inputs."""

    def only(self, event: asyncpg.Record) -> _Batch:
        """What this one event led to."""
        one = _Batch([event], incidents=[i for i in self.incidents if i["n"] == event["n"]])
        for entry in self.runs:
            if entry["n"] == event["n"]:
                run = {**entry["run"], "input": len(one.inputs)}
                one.inputs.append(self.inputs[entry["run"]["input"]])
                one.triggers[run["id"]] = self.triggers[run["id"]]
                one.runs.append({**entry, "run": run})
        return one


class Matcher:
    """Matches the events of every tenant this process serves."""

    def __init__(
        self,
        db: Database,
        notices: Notices,
        registry: Registry,
        worker: Worker,
        payloads: Payloads,
        load_event: LoadEvent,
        matches_search: MatchesSearch,
    ) -> None:
        self._db = db
        self._notices = notices
        self._registry = registry
        self._worker = worker
        self._payloads = payloads
        self._load_event = load_event
        self._matches_search = matches_search
        self._duty = Duty("matcher", self.match)

    async def start(self) -> None:
        self._notices.subscribe("events", self.wake)
        self._duty.start()

    async def stop(self) -> None:
        await self._duty.stop()

    def wake(self, tenant: str) -> None:
        if self._worker.serves(tenant):
            self._duty.wake(tenant)

    async def match(self, tenant: str) -> int:
        """Match one batch of queued events; returns how many there were, 0 also while another
        process matches this tenant's."""
        taken = await self._db.rows("events_take", tenant, self._worker.id, DUTY, BATCH)
        if not taken:
            return 0
        batch = _Batch([])
        for event in taken:
            if batch.size >= _BATCH_BYTES:
                break
            batch.events.append(event)
            await self._match_one(tenant, event, batch)
        try:
            await self._dispatch(tenant, batch)
        except Unavailable:
            self._worker.doubt(tenant)
            raise
        except CareloomError as error:
            # One event that the database refuses must not hold up those beside it.
            log.error("a batch of events was refused: %s", error.code)
            for event in batch.events:
                await self._alone(tenant, batch.only(event))
        return len(batch.events)

    async def _alone(self, tenant: str, one: _Batch) -> None:
        """One event of a batch that was refused; put aside when it is the one."""
        try:
            await self._dispatch(tenant, one)
        except Unavailable:
            self._worker.doubt(tenant)
            raise
        except CareloomError as error:
            aside = _Batch(one.events)
            ids = sorted({entry["run"]["workflow"] for entry in one.runs})
            aside.incidents = [_put_aside(workflow, one.events[0], error) for workflow in ids]
            await self._dispatch(tenant, aside)

    async def _dispatch(self, tenant: str, batch: _Batch) -> None:
        started = await self._db.call(
            "events_dispatch",
            tenant,
            self._worker.id,
            self._worker.lease,
            self._worker.room,
            [event["n"] for event in batch.events],
            batch.runs,
            batch.inputs,
            batch.incidents,
        )
        fields = {entry["run"]["id"]: entry["run"] for entry in batch.runs}
        adopt_born(self._worker, self._notices, tenant, started, fields, batch.triggers)

    async def _active(self, scope: Scope, batch: _Batch) -> list[tuple[Workflow, Program]]:
        if scope.store not in batch.active:
            batch.active[scope.store] = await self._registry.active(scope)
        return batch.active[scope.store]

    async def _match_one(self, tenant: str, event: asyncpg.Record, batch: _Batch) -> None:
        """The runs that one event starts; what fails is put aside and blocks nothing else."""
        scope = Scope(tenant, event["store"])
        if TEST in _chain(event):
            return
        seen: _Loaded = _Loaded(self, scope, event)
        only = event["ref"].get("only")
        for workflow, program in await self._active(scope, batch):
            if only is not None and workflow.id != only:
                continue
            for number, trigger in enumerate(program.definition.triggers):
                if not listens(trigger, event["kind"], event["name"], event["ref"]):
                    continue
                try:
                    if not await self._passes(trigger, seen):
                        continue
                    if len(_chain(event)) >= MAX_CHAIN:
                        batch.incidents.append(_end_of_chain(workflow, event))
                        continue
                    fields = _fields(workflow, number, event, seen.shown)
                    gated(scope, program.definition, fields, seen.shown)
                    await self._add(tenant, batch, fields, event, seen.shown)
                except Unavailable:
                    raise
                except Exception as error:
                    # A fault that nobody foresaw must not hold up every later event for good.
                    batch.incidents.append(_put_aside(workflow.id, event, error))

    async def _passes(self, trigger: TriggerDefinition, seen: _Loaded) -> bool:
        if not await seen.load():
            return False
        if needs_previous(trigger) or (trigger.filter and "resource" not in seen.shown):
            await seen.load_previous()
        return passes(trigger, seen.seen, self._matches_search)

    async def _add(
        self,
        tenant: str,
        batch: _Batch,
        fields: JsonObject,
        event: asyncpg.Record,
        shown: JsonObject,
    ) -> None:
        run_id = uuid.UUID(fields["id"])
        sealed = await self._payloads.seal(tenant, fields["patient"], run_id, "input", shown)
        fields["input"] = len(batch.inputs)
        batch.inputs.append(sealed)
        batch.size += len(sealed)
        batch.triggers[fields["id"]] = shown
        batch.runs.append({"n": event["n"], "run": fields})

    async def load(self, scope: Scope, kind: str, name: str, ref: JsonObject) -> JsonObject | None:
        """What an event shows, by the port."""
        return await self._load_event(scope, kind, name, ref)


class _Loaded:
    """One event, read from the store when the first trigger wants it, and only once."""

    def __init__(self, matcher: Matcher, scope: Scope, event: asyncpg.Record) -> None:
        self._matcher = matcher
        self._scope = scope
        self._event = event
        self._ref = _without_chain(event["ref"])
        self._known = self._is_there = self._has_previous = False
        self.shown: JsonObject = {}
        self._previous: JsonObject | None = None

    @property
    def seen(self) -> Seen:
        is_fhir = self._event["kind"] == "fhir"
        current = self.shown.get("resource") if is_fhir else self.shown
        return Seen(self.shown, current, self._previous)

    async def load(self) -> bool:
        """Whether the event has something to show."""
        if not self._known:
            event = self._event
            shown = await self._matcher.load(self._scope, event["kind"], event["name"], self._ref)
            self._known, self._is_there, self.shown = True, shown is not None, shown or {}
        return self._is_there

    async def load_previous(self) -> None:
        """The resource as it was before the event; None when it is new or was deleted then."""
        if self._has_previous or self._event["kind"] != "fhir" or int(self._ref["version"]) < 2:
            return
        earlier = {**self._ref, "version": int(self._ref["version"]) - 1}
        name = f"{self._ref['resourceType']}.update"
        try:
            shown = await self._matcher.load(self._scope, "fhir", name, earlier)
        except (NotFound, Gone):
            shown = None
        self._previous = None if shown is None else shown.get("resource")
        self._has_previous = True


def adopt_born(
    worker: Worker,
    notices: Notices,
    tenant: str,
    started: list[JsonObject],
    fields: dict[str, JsonObject],
    triggers: dict[str, JsonObject],
) -> None:
    """Drive the runs that this worker owns since their birth; tell the others of the rest."""
    for born in started:
        if born["owned"]:
            one = born["id"]
            worker.adopt(new_run(tenant, fields[one], born, triggers[one]))
    if any(not born["owned"] for born in started):
        notices.publish("runs", tenant)


def _incident(event: asyncpg.Record, kind: str, cause: str) -> JsonObject:
    ref = {"event": event["name"], "n": event["n"], "ref": event["ref"]}
    return {"n": event["n"], "store": event["store"], "kind": kind, "cause": cause, "ref": ref}


def _put_aside(workflow: str, event: asyncpg.Record, error: Exception) -> JsonObject:
    """The error by its code or its type: what it says may be a patient's."""
    known = isinstance(error, CareloomError | ExpressionError)
    code = getattr(error, "code", "error") if known else type(error).__name__
    aside: JsonObject = {"n": event["n"], "kind": event["kind"], "name": event["name"]}
    aside |= {"ref": _without_chain(event["ref"]), "workflow": workflow, "code": code}
    incident = _incident(event, "trigger.filter_failed", f"{workflow}: {code}")
    return {**incident, "aside": aside}


def _end_of_chain(workflow: Workflow, event: asyncpg.Record) -> JsonObject:
    """No run: workflows have started one another too often in a row."""
    round_ = " → ".join(_cycle([*_chain(event), workflow.id]))
    cause = f"{MAX_CHAIN} runs in a row started one another: {round_}"
    return _incident(event, "trigger.depth_limit", cause)


def _fields(
    workflow: Workflow, number: int, event: asyncpg.Record, shown: JsonObject
) -> JsonObject:
    seed = f"{workflow.scope.tenant}|{workflow.id}|{number}|{event['n']}"
    chain = [*_chain(event), workflow.id]
    run_id = str(run_id_at(event["at"], seed))
    return triggered_fields(workflow, run_id, event["kind"], chain, shown)


def triggered_fields(
    workflow: Workflow, run_id: str, source: str, chain: list[str], shown: JsonObject
) -> JsonObject:
    """The row of a run that nobody asked for in person: it acts for its workflow's owner."""
    return {
        "id": run_id,
        "store": workflow.scope.store,
        "workflow": workflow.id,
        "version": workflow.version,
        "hash": workflow.hash,
        "source": source,
        "actor": {**owner_actor(workflow.owner), "chain": chain},
        "patient": patient_of(shown),
    }


def _chain(event: asyncpg.Record) -> list[str]:
    """The workflows whose runs led to the event, the first one first; none for a request."""
    chain: list[str] = event["ref"].get("chain", [])
    return chain


def _without_chain(ref: JsonObject) -> JsonObject:
    return {name: value for name, value in ref.items() if name not in ("chain", "only")}


def _cycle(chain: list[str]) -> list[str]:
    """The round at the end of the chain, or the whole chain when its last workflow is new in it."""
    earlier = chain[:-1]
    if chain[-1] not in earlier:
        return chain
    return chain[len(earlier) - 1 - earlier[::-1].index(chain[-1]) :]


def owner_actor(owner: JsonObject) -> JsonObject:
    """Background work acts for the workflow's owner, with the owner's grants."""
    return {"principal": owner.get("principal"), "kind": "run", "owner": owner}


def patient_of(shown: JsonObject) -> str | None:
    """The Patient id that a run is about, from `trigger.patientId`, when it names one."""
    value: Any = shown.get("patientId")
    if not isinstance(value, str) or not value:
        return None
    name = value.removeprefix("Patient/")
    return name if name.replace("-", "").replace(".", "").isalnum() and len(name) <= 64 else None
