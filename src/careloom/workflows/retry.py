"""Runs again: a new run takes the place of one that ended, from the step that failed or another.

What is taken over is copied from the journal; the new run has the same origin, so that it can read
it. Who retries lends no more than the own grants, and gains none.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from careloom.errors import CareloomError, Conflict, NotFound, Unprocessable
from careloom.identity.permissions import intersect
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.control import refused
from careloom.workflows.definition import Definition
from careloom.workflows.engine.generation import next_generation
from careloom.workflows.engine.ids import parse_run_name, run_id_at, run_name
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.fork import Row, kept_rows, obstacles
from careloom.workflows.input_schema import check_input
from careloom.workflows.registry import Registry
from careloom.workflows.triggers import patient_of
from careloom.workflows.versions import Version, Versions

VersionWanted = int | Literal["latest"] | None
MayStart = Callable[[Definition], None]
"""Raises Forbidden unless whoever retries may start the workflow by request."""
_ENDED = frozenset({"failed", "cancelled", "succeeded"})


@dataclass(frozen=True, slots=True)
class RetryOrder:
    """How a run is to be done again."""

    begin: str | None = None
    """The path of the step to begin with; None for the one that failed."""
    trigger: JsonObject | None = None
    """What it is started with instead; then it begins with the first step, unless `begin` says."""
    version: VersionWanted = None
    """None for the version that it ran on."""

    def to_json(self) -> JsonObject:
        return {"from": self.begin, "input": self.trigger, "version": self.version}


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What a retry will do, decided and checked, before anything is written."""

    source: Any
    version: Version
    new: Definition
    kept: list[Row]
    journal: list[Row]
    trigger: JsonObject
    before: JsonObject
    same: list[str]
    """Paths of steps that are called with the key of their last call."""


class Retry:
    """The service behind /api/workflows/runs/{id}/retry."""

    def __init__(
        self,
        db: Database,
        registry: Registry,
        versions: Versions,
        payloads: Payloads,
    ) -> None:
        self._db = db
        self._registry = registry
        self._versions = versions
        self._payloads = payloads

    async def retry(
        self,
        scope: Scope,
        name: str,
        order: RetryOrder,
        actor: JsonObject,
        may_start: MayStart | None = None,
    ) -> JsonObject:
        """Start the run that takes this one's place. Raises Conflict when one did already,
        Unprocessable when the run has not ended or the version cannot go on with its journal.
        With another input it is a start, and `may_start` is asked."""
        plan = await self.plan(scope, name, order, may_start)
        return await self._fork(scope, plan, order, actor)

    async def plan(
        self, scope: Scope, name: str, order: RetryOrder, may_start: MayStart | None = None
    ) -> RetryPlan:
        """What `retry` would do; raises what it raises, and writes nothing."""
        rows = await self._db.rows("run_read", scope.tenant, scope.store, parse_run_name(name))
        if not rows:
            raise NotFound("There is no such run", code="run_not_found")
        source = rows[0]["run"]
        if source["retried_as"] is not None:
            raise Conflict(
                "The run was retried already", details={"run": run_name(source["retried_as"])}
            )
        if "test" in source["actor"]:
            raise Unprocessable(
                "The run is a test of a draft, and is not retried",
                code="test_run",
                fix="test the draft again: POST /api/drafts/{id}/test-run",
            )
        if source["state"] not in _ENDED:
            raise Unprocessable(
                "The run has not ended",
                code="run_not_ended",
                fix="wait for its end, or cancel it first",
            )
        if source["state"] == "succeeded" and order.begin is None and order.trigger is None:
            raise Unprocessable(
                "The run succeeded; nothing of it failed",
                code="run_succeeded",
                fix='say with "from" which step to begin with',
            )
        journal = [Row(step["path"], step["iter"], step["outcome"]) for step in rows[0]["steps"]]
        return await self._planned(scope, source, journal, order, may_start)

    async def retry_many(
        self, scope: Scope, names: list[str], order: RetryOrder, actor: JsonObject
    ) -> list[JsonObject]:
        """The outcome of each run; one that refuses does not keep the others from it."""
        outcomes: list[JsonObject] = []
        for name in names:
            try:
                answer = await self.retry(scope, name, order, actor)
                outcomes.append({"runId": name, "outcome": "done", "retriedAs": answer["runId"]})
            except CareloomError as error:
                outcomes.append(refused(name, error))
        return outcomes

    async def _planned(
        self,
        scope: Scope,
        source: Any,
        journal: list[Row],
        order: RetryOrder,
        may_start: MayStart | None,
    ) -> RetryPlan:
        version = await self._version(scope, source, order.version)
        old = (await self._registry.program(scope.tenant, source["def_hash"])).definition
        new = Definition.from_canonical(version.canonical)
        if order.trigger is not None and may_start is not None:
            may_start(new)
        kept = _kept(old, new, journal, order)
        before: JsonObject = await self._payloads.open(
            scope.tenant, source["origin_run"], "input", source["input"]
        )
        trigger = before
        if order.trigger is not None:
            trigger = {**order.trigger}
            if "source" in before:
                trigger.setdefault("source", before["source"])
            check_input(await self._registry.program(scope.tenant, version.hash), trigger)
        failed = [row.path for row in journal if row.outcome == "failed"]
        same = failed if order.begin is None and order.trigger is None else []
        return RetryPlan(source, version, new, kept, journal, trigger, before, same)

    async def _fork(
        self, scope: Scope, plan: RetryPlan, order: RetryOrder, actor: JsonObject
    ) -> JsonObject:
        source, version, trigger = plan.source, plan.version, plan.trigger
        sealed, patient = None, source["patient"]
        if order.trigger is not None:
            patient = patient_of(trigger) or patient
            sealed = await self._payloads.seal(
                scope.tenant, patient, source["origin_run"], "input", trigger
            )
        now = datetime.now(UTC)
        fields: JsonObject = {
            "id": str(run_id_at(now)),
            "store": scope.store,
            "workflow": source["workflow_id"],
            "version": version.number,
            "hash": version.hash,
            "source": source["source"],
            "actor": next_generation(_actor(source["actor"], actor, version), plan.same),
            "patient": patient,
            "input": 0,
        }
        gated(scope, plan.new, fields, trigger)
        answer = await self._db.call(
            "run_fork",
            scope.tenant,
            scope.store,
            source["run_id"],
            fields,
            sealed,
            [{"path": row.path, "iter": row.iteration} for row in plan.kept],
            uuid.uuid4(),
            _detail(order, version, plan.before, trigger),
            actor,
        )
        self._db.notify(scope.tenant, "runs")
        return {
            "runId": run_name(uuid.UUID(fields["id"])),
            "status": "running",
            "retryOf": run_name(source["run_id"]),
            "workflowId": source["workflow_id"],
            "version": version.number,
            "keptSteps": answer["kept"],
        }

    async def _version(self, scope: Scope, source: Any, wanted: VersionWanted) -> Version:
        workflow_id: str = source["workflow_id"]
        if wanted == "latest":
            wanted = (await self._registry.get(scope, workflow_id)).version
        number = source["version"] if wanted is None else wanted
        return await self._versions.read(scope, workflow_id, number)


def _kept(old: Definition, new: Definition, journal: list[Row], order: RetryOrder) -> list[Row]:
    if order.begin is None and order.trigger is not None:
        return []
    try:
        kept = kept_rows(old, journal, order.begin)
    except KeyError:
        raise Unprocessable(
            "The run has no step at the path in `from`",
            code="step_not_found",
            path="/from",
            fix="give the path of a step as the run shows it, for example steps/analyze",
        ) from None
    found = [] if old.hash == new.hash else obstacles(old, new, kept)
    if found:
        raise Unprocessable(
            f"The version cannot go on with this run: {found[0]['message']}",
            code="version_incompatible",
            fix='begin earlier with "from", or send the run again from its first step by "input"',
            details={"obstacles": found},
        )
    return kept


def _actor(before: JsonObject, actor: JsonObject, version: Version) -> JsonObject:
    """Who the new run acts for: what the first starter and who retries both may."""
    lent: list[str] | None = before.get("grants")
    given: list[str] | None = actor.get("grants")
    both = lent if given is None else given if lent is None else list(intersect(lent, given))
    kept = {name: value for name, value in before.items() if name != "grants"}
    grants: JsonObject = {} if both is None else {"grants": both}
    return {**kept, **grants, "owner": version.owner, "retriedBy": actor.get("principal")}


def _detail(
    order: RetryOrder, version: Version, before: JsonObject, trigger: JsonObject
) -> JsonObject:
    """For the audit trail: what was changed, as hashes."""
    return {
        "from": order.begin,
        "version": version.number,
        "inputBefore": _digest(before),
        "inputAfter": _digest(trigger),
    }


def _digest(value: JsonObject) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
