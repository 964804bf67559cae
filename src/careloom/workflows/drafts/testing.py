"""Test runs of drafts: real runs in the engine, marked, with pinned data and effects in bounds.

`store`: what a deployed run writes into this store is written; nothing leaves the house: messages
are captured, and steps that call other systems are not carried out. `all`: as a deployed run.
`off`: nothing is written but the run's own journal.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from careloom.errors import Unprocessable
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope, iso
from careloom.workflows.definition import Definition
from careloom.workflows.deployment import Checked, Deployment, refusal
from careloom.workflows.drafts.effects import goes_out, how, kept_inside, leaves
from careloom.workflows.drafts.service import (
    Draft,
    DraftConflict,
    Drafts,
    draft_name,
    refuse_pinned,
)
from careloom.workflows.engine.calls import Calls, Pulse
from careloom.workflows.engine.ids import run_id_at, run_name
from careloom.workflows.engine.journal import RunState
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.engine.program import ProgramStep
from careloom.workflows.input_schema import check_input
from careloom.workflows.registry import Registry
from careloom.workflows.runs import CheckLinks
from careloom.workflows.step import (
    StepCall,
    StepCatalog,
    StepError,
    StepResult,
    stays_inside,
)
from careloom.workflows.triggers import TEST, patient_of

Effects = Literal["store", "all", "off"]
EFFECTS: tuple[Effects, ...] = ("store", "all", "off")
LaySample = Callable[[Scope, str, JsonObject, bool], Awaitable[JsonObject]]
"""(scope, name of a sample, actor, may it be stored) → what the trigger shows."""
ReadTrigger = Callable[[Scope, str], Awaitable[JsonObject]]
"""(scope, run) → what a run was started with."""
MayStart = Callable[[Definition], None]
"""Raises Forbidden unless whoever tests may start such a workflow by request."""
_KEPT = 128


@dataclass(frozen=True, slots=True)
class TestOrder:
    """How a draft is tested. One of body, sample and run says what it is started with; without
    any it is the pinned trigger."""

    __test__ = False

    body: JsonObject | None = None
    sample: str | None = None
    run: str | None = None
    effects: Effects | None = None
    expect: int | None = None


class TestRuns:
    """The service behind /api/drafts/{id}/test-run, and the engine's port for such runs."""

    __test__ = False

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        notices: Notices,
        payloads: Payloads,
        catalog: StepCatalog,
        environment_of: Callable[[str], Awaitable[str]],
    ) -> None:
        self.db = db
        self.keyring = keyring
        self._notices = notices
        self._payloads = payloads
        self.catalog = catalog
        self._environment_of = environment_of
        self._pinned: OrderedDict[tuple[str, uuid.UUID], JsonObject] = OrderedDict()

    async def start(
        self,
        scope: Scope,
        name: str,
        order: TestOrder,
        actor: JsonObject,
        rooms: Rooms,
    ) -> JsonObject:
        """Start a test run of a draft's newest revision. Raises Unprocessable with the findings
        when the draft has errors, when its input misses something, or in production for pinned
        data and for effects."""
        draft = await rooms.drafts.read(scope, name)
        if order.expect is not None and order.expect != draft.revision:
            raise DraftConflict(
                f"The draft is at revision {draft.revision}, not at {order.expect}",
                fix="save it, or test the newest revision",
                details={"draftId": name, "revision": draft.revision},
            )
        await refuse_pinned(self._environment_of, scope, draft.content)
        production = await self._environment_of(scope.tenant) == "production"
        effects = order.effects or ("off" if production else "store")
        if production and effects != "off":
            raise Unprocessable(
                "In a production environment a test has its effects off",
                code="effects_in_production",
                path="/effects",
                fix='send {"effects": "off"}',
            )
        checked = await rooms.deployment.check(scope, draft.content.source)
        if checked.errors:
            raise refusal(checked)
        rooms.may_start(checked.definition)
        trigger = await self._trigger(scope, draft, order, actor, rooms, keep=not production)
        started = await self._start(scope, draft, checked, trigger, effects, actor, rooms)
        self._notices.publish("runs", scope.tenant)
        return started

    async def pinned(self, run: RunState, step: ProgramStep) -> JsonObject | None:
        """The output that is pinned to the step, if any is."""
        if step.id not in run.actor["test"].get("pinned", ()):
            return None
        key = run.tenant, run.run_id
        known = self._pinned.get(key)
        if known is None:
            sealed = await self.db.call("test_run_read", run.tenant, run.store, run.run_id)
            known = {}
            if sealed is not None:
                plain = await self.keyring.open(run.tenant, sealed, _place(run.run_id))
                known = orjson.loads(plain)
            self._pinned[key] = known
            while len(self._pinned) > _KEPT:
                self._pinned.popitem(last=False)
        output: JsonObject | None = known.get(step.id)
        return output

    async def execute(
        self, calls: Calls, step: ProgramStep, call: StepCall, pulse: Pulse
    ) -> StepResult:
        """Carry a step out as far as the effects of the test allow."""
        effects = call.actor["test"]["effects"]
        implementation = self.catalog.get(step.definition.type)
        schema = {} if implementation is None else implementation.schema
        if effects == "all":
            return await calls.execute(step, call, pulse)
        if effects == "store":
            if leaves(schema, call.input):
                return _not_done(step, f"it {goes_out(schema, call.input)}")
            result = await calls.execute(step, call, pulse)
            result.effect = kept_inside(result.effect)
            return result
        if how(schema, call.input) == "say":
            why = "the effects of this test are off"
            if not stays_inside(schema, call.input):
                why += f", and it {goes_out(schema, call.input)}"
            return _not_done(step, why)
        result = await calls.execute(step, call, pulse)
        if result.effect:
            result.effect, result.patient = Effect(), None
            note = "Carried out; what it wants written was thrown away"
            result.notes.append({"code": "I-EFFECTSOFF", "path": step.path, "message": note})
        return result

    async def undoes(self, run: RunState, step: ProgramStep, done: JsonObject) -> bool:
        """Nothing of a pinned step, of one that called something outside, or with effects off."""
        test = run.actor["test"]
        if test["effects"] == "off" or step.id in test.get("pinned", ()):
            return False
        implementation = self.catalog.get(step.definition.type)
        schema = {} if implementation is None else implementation.schema
        return test["effects"] == "all" or not leaves(schema, done.get("input") or {})

    async def _trigger(
        self,
        scope: Scope,
        draft: Draft,
        order: TestOrder,
        actor: JsonObject,
        rooms: Rooms,
        *,
        keep: bool,
    ) -> JsonObject:
        if order.sample is not None:
            writer = {**actor, "chain": [TEST]}
            return await rooms.lay_sample(scope, order.sample, writer, keep)
        if order.run is not None:
            return await rooms.read_trigger(scope, order.run)
        if order.body is not None:
            return order.body
        pinned: JsonObject = draft.content.pinned.get("trigger") or {}
        return pinned

    async def _start(
        self,
        scope: Scope,
        draft: Draft,
        checked: Checked,
        body: JsonObject,
        effects: Effects,
        actor: JsonObject,
        rooms: Rooms,
    ) -> JsonObject:
        definition = checked.definition
        check_input(rooms.registry.draft(definition.canonical), body)
        await rooms.check_links(scope, body)
        trigger = {"source": "manual", **body}
        run_id = run_id_at(datetime.now(UTC))
        outputs: JsonObject = draft.content.pinned["steps"]
        ids = {step.id for step in definition.walk()}
        test: JsonObject = {
            "effects": effects,
            "pinned": sorted(ids & outputs.keys()),
            "draft": draft_name(draft.row["draft_id"]),
            "revision": draft.revision,
        }
        fields: JsonObject = {
            "id": str(run_id),
            "store": scope.store,
            "workflow": definition.id,
            "version": 0,
            "hash": definition.hash,
            "source": "test",
            "actor": {
                **actor,
                "kind": "run",
                "owner": actor,
                "chain": [TEST, definition.id],
                "test": test,
            },
            "patient": patient_of(trigger),
            "input": 0,
        }
        sealed = await self._payloads.seal(
            scope.tenant, fields["patient"], run_id, "input", trigger
        )
        pinned = await self.keyring.seal(
            scope.tenant, fields["patient"], _place(run_id), orjson.dumps(outputs)
        )
        created = await self.db.call(
            "test_run_start",
            scope.tenant,
            scope.store,
            fields,
            sealed,
            definition.canonical,
            draft.row["draft_id"],
            draft.revision,
            pinned,
            {"effects": effects, "pinned": len(test["pinned"])},
            actor,
        )
        return {
            "runId": run_name(run_id),
            "status": "running",
            "message": "Test run started",
            "createdAt": iso(datetime.fromisoformat(created)),
            "workflowId": definition.id,
            "test": test,
            "unusedPins": sorted(outputs.keys() - ids),
        }


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a test run is started with; may_start is the principal's."""

    drafts: Drafts
    registry: Registry
    deployment: Deployment
    check_links: CheckLinks
    lay_sample: LaySample
    read_trigger: ReadTrigger
    may_start: MayStart


def _not_done(step: ProgramStep, why: str) -> StepResult:
    """A step that is not carried out gives nothing; when later steps read it, that is said here."""
    if step.expects:
        raise StepError(
            f"The step was not carried out, because {why}, and later steps read"
            f" {', '.join(sorted(step.expects))} of it",
            code="effects_off",
            details={"fix": "pin data to the step, or choose other effects for the test"},
        )
    message = f"Not carried out, because {why}"
    return StepResult(notes=[{"code": "I-EFFECTSOFF", "path": step.path, "message": message}])


def _place(run_id: uuid.UUID) -> str:
    return f"test|{run_id.hex}"
