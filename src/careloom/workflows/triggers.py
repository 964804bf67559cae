"""Triggers: from stored events to runs, once per (trigger, event).

An event row is written with its cause and acknowledged only then; the matcher takes queued events,
gives them dense numbers and starts their runs in one transaction. A filter that fails puts its
event aside as an incident; it never blocks the others. What a run writes carries the workflows that
led to it: beyond MAX_CHAIN of them no further run starts, and an incident names the cycle.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from careloom.errors import CareloomError, Gone, InvalidInput, NotFound, Unavailable
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.engine.ids import run_id_at
from careloom.workflows.engine.load import new_run
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.worker import Worker
from careloom.workflows.expressions import ExpressionError, compile_condition
from careloom.workflows.registry import Registry, Workflow

log = logging.getLogger("careloom.triggers")
_BATCH = 200
MAX_CHAIN = 8
"""Runs that may start one another in a row."""

LoadEvent = Callable[[Scope, str, str, JsonObject], Awaitable[JsonObject | None]]
"""(scope, kind, name, ref) → what `trigger.*` shows, or None when the thing is gone."""
MatchesSearch = Callable[[JsonObject, str], bool]
"""(resource, FHIR search text) → whether the resource, as it is given, matches."""


@dataclass(frozen=True, slots=True)
class _Incident:
    """What became of an event that no run was started for."""

    scope: Scope
    event: asyncpg.Record
    kind: str
    cause: str
    aside: JsonObject | None = None
    """The workflow and the code, when the event is kept to be sent again."""


@dataclass(slots=True)
class _Batch:
    """What some events led to; nothing of it is stored yet."""

    runs: list[JsonObject] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    triggers: dict[str, JsonObject] = field(default_factory=dict)
    incidents: list[_Incident] = field(default_factory=list)


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
        self._ready: set[str] = set()
        self._wake = asyncio.Event()
        self._unsaid: list[_Incident] = []
        """Incidents of dispatched events that are not opened yet."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._notices.subscribe("events", self.wake)
        self._tasks = [
            asyncio.create_task(self._run(), name="careloom-matcher"),
            asyncio.create_task(self._poll(), name="careloom-matcher-poll"),
        ]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self, tenant: str) -> None:
        if self._worker.serves(tenant):
            self._ready.add(tenant)
            self._wake.set()

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):
                for row in await self._db.rows("tenants_with_work", "main"):
                    if row["events"]:
                        self.wake(row["tenant"])
            await asyncio.sleep(random.uniform(0.8, 1.2))  # noqa: S311

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            tenants, self._ready = sorted(self._ready), set()
            for tenant in tenants:
                try:
                    while await self.match(tenant) == _BATCH:
                        pass
                except Unavailable:
                    await asyncio.sleep(0.5)
                    self.wake(tenant)
                except Exception as error:
                    log.error("matching events failed: %s", type(error).__name__)
                    await asyncio.sleep(1.0)

    async def match(self, tenant: str) -> int:
        """Match one batch of queued events; returns how many there were."""
        events = await self._db.rows("events_pending", tenant, _BATCH)
        if not events:
            return 0
        batch = _Batch()
        for event in events:
            await self._match_one(tenant, event, batch)
        try:
            started = await self._db.call(
                "events_dispatch",
                tenant,
                self._worker.id,
                self._worker.lease,
                self._worker.room,
                [event["n"] for event in events],
                batch.runs,
                batch.inputs,
            )
        except Unavailable:
            self._worker.doubt(tenant)
            raise
        self._begin(tenant, started, batch)
        self._unsaid += batch.incidents
        await self._say()
        return len(events)

    def _begin(self, tenant: str, started: list[JsonObject], batch: _Batch) -> None:
        by_id = {entry["run"]["id"]: entry["run"] for entry in batch.runs}
        for born in started:
            if born["owned"]:
                fields = by_id[born["id"]]
                self._worker.adopt(new_run(tenant, fields, born, batch.triggers[born["id"]]))
        if any(not born["owned"] for born in started):
            self._notices.publish("runs", tenant)

    async def _match_one(self, tenant: str, event: asyncpg.Record, batch: _Batch) -> None:
        """The runs that one event starts; what fails is put aside and blocks nothing else."""
        scope = Scope(tenant, event["store"])
        shown: JsonObject | None = None
        only = event["ref"].get("only")
        for workflow, program in await self._registry.active(scope):
            if only is not None and workflow.id != only:
                continue
            for number, trigger in enumerate(program.definition.triggers):
                if not _listens(trigger, event):
                    continue
                try:
                    if shown is None:
                        shown = await self._load_event(
                            scope, event["kind"], event["name"], _without_chain(event["ref"])
                        )
                    if shown is None or not await self._passes(scope, trigger, event, shown):
                        continue
                    if len(_chain(event)) >= MAX_CHAIN:
                        batch.incidents.append(_end_of_chain(scope, workflow, event))
                        continue
                    fields = _fields(workflow, number, event, shown)
                    gated(scope, program.definition, fields, shown)
                    await self._add(tenant, batch, fields, event, shown)
                except Unavailable:
                    raise
                except Exception as error:
                    # A fault that nobody foresaw must not hold up every later event for good.
                    batch.incidents.append(_put_aside(scope, workflow, event, error))

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
        batch.triggers[fields["id"]] = shown
        batch.runs.append({"n": event["n"], "run": fields})

    async def _passes(
        self, scope: Scope, trigger: TriggerDefinition, event: asyncpg.Record, shown: JsonObject
    ) -> bool:
        if trigger.filter:
            resource = shown.get("resource") or await self._previous(scope, event)
            if resource is None:
                raise InvalidInput("There is no resource to filter", code="filter_no_resource")
            if not self._matches_search(resource, trigger.filter):
                return False
        if trigger.where:
            context = {"trigger": shown, "current": shown.get("resource", shown)}
            if "previous" in trigger.where:
                context["previous"] = await self._previous(scope, event)
            return compile_condition(trigger.where, focus=True).holds(context)
        return True

    async def _previous(self, scope: Scope, event: asyncpg.Record) -> JsonObject | None:
        """The resource as it was before the event; None when it is new or was deleted then."""
        ref = _without_chain(event["ref"])
        if event["kind"] != "fhir" or int(ref["version"]) < 2:
            return None
        earlier = {**ref, "version": int(ref["version"]) - 1}
        name = f"{ref['resourceType']}.update"
        try:
            shown = await self._load_event(scope, "fhir", name, earlier)
        except (NotFound, Gone):
            return None
        return None if shown is None else shown.get("resource")

    async def _say(self) -> None:
        """Open the incidents; what cannot be opened now is opened with the next batch."""
        while self._unsaid:
            one = self._unsaid[0]
            effect = Effect()
            ref = {"event": one.event["name"], "n": one.event["n"], "ref": one.event["ref"]}
            effect.add("incident.open", kind=one.kind, cause=one.cause, ref=ref)
            if one.aside is not None:
                shown = {"kind": one.event["kind"], "name": one.event["name"]}
                kept = _without_chain(one.event["ref"])
                effect.add("event.set_aside", n=one.event["n"], ref=kept, **shown, **one.aside)
            actor = {"principal": "system", "kind": "system"}
            place = one.scope
            await self._db.call(
                "effect_commit", place.tenant, place.store, effect.ops, effect.bodies, actor
            )
            self._unsaid.pop(0)


def _put_aside(
    scope: Scope, workflow: Workflow, event: asyncpg.Record, error: Exception
) -> _Incident:
    """The error by its code or its type: what it says may be a patient's."""
    known = isinstance(error, CareloomError | ExpressionError)
    code = getattr(error, "code", "error") if known else type(error).__name__
    aside: JsonObject = {"workflow": workflow.id, "code": code}
    return _Incident(scope, event, "trigger.filter_failed", f"{workflow.id}: {code}", aside)


def _end_of_chain(scope: Scope, workflow: Workflow, event: asyncpg.Record) -> _Incident:
    """No run: workflows have started one another too often in a row."""
    round_ = " → ".join(_cycle([*_chain(event), workflow.id]))
    cause = f"{MAX_CHAIN} runs in a row started one another: {round_}"
    return _Incident(scope, event, "trigger.depth_limit", cause)


def _listens(trigger: TriggerDefinition, event: asyncpg.Record) -> bool:
    if trigger.type != event["kind"]:
        return False
    return trigger.event is None or trigger.event.lower() == event["name"].lower()


def _fields(
    workflow: Workflow, number: int, event: asyncpg.Record, shown: JsonObject
) -> JsonObject:
    seed = f"{workflow.scope.tenant}|{workflow.id}|{number}|{event['n']}"
    return {
        "id": str(run_id_at(event["at"], seed)),
        "store": workflow.scope.store,
        "workflow": workflow.id,
        "version": workflow.version,
        "hash": workflow.hash,
        "source": event["kind"],
        "actor": {**owner_actor(workflow.owner), "chain": [*_chain(event), workflow.id]},
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
