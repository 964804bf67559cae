"""One turn of a run: carry out a command and say, as a unit, what is to be written."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careloom.store.effect import Effect, shifted
from careloom.types import JsonObject
from careloom.workflows.engine.calls import Calls, Pulse, where
from careloom.workflows.engine.commands import (
    BeginRollback,
    Close,
    Command,
    Execute,
    Settle,
    Undo,
)
from careloom.workflows.engine.decisions import (
    decided,
    decision_missed,
    decision_of,
    decision_waits,
)
from careloom.workflows.engine.ending import output_of, reads_step
from careloom.workflows.engine.facts import facts_of
from careloom.workflows.engine.frontier import Frontier
from careloom.workflows.engine.generation import generation
from careloom.workflows.engine.journal import Key, RunState, StepRecord
from careloom.workflows.engine.ledger import Unit
from careloom.workflows.engine.load import what_came
from careloom.workflows.engine.payloads import (
    CannotBeKept,
    Payloads,
    attempt_place,
    step_place,
    wait_place,
)
from careloom.workflows.engine.program import UNDO, opening_path
from careloom.workflows.engine.steady import steady_now
from careloom.workflows.engine.testing import TestMode, pinned_result
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.step import StepCall, StepCatalog, StepError, StepResult, Wait

__all__ = ["WORTH_PARKING", "Turn", "Turns", "where"]
WORTH_PARKING = timedelta(milliseconds=100)
"""A run that waits for less is held."""


@dataclass(slots=True)
class Turn:
    """A unit to commit, and what becomes of the run in memory once it is committed."""

    unit: Unit
    key: Key
    record: StepRecord | None = None
    wait: Wait | None = None
    """The step waits."""
    retry_at: datetime | None = None
    """The step failed and is tried again then."""
    parked: float | None = None
    """The run is let go of: seconds until it is due again; infinity while it waits for an event."""
    closed: str | None = None
    patient: str | None = None


class Turns:
    """Makes turns; holds the step catalog and nothing of any run."""

    def __init__(
        self,
        catalog: StepCatalog,
        payloads: Payloads,
        environment_of: Callable[[str], Awaitable[str]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        steady: Callable[[], datetime] = steady_now,
        tests: TestMode | None = None,
    ) -> None:
        self._calls = Calls(catalog)
        self._tests = tests
        self._payloads = payloads
        self._environment_of = environment_of
        self._clock = clock
        self._steady = steady

    def now(self, run: RunState) -> datetime:
        """The time by which the run's waits are measured."""
        now = self._steady()
        return now + run.skew if run.skew else now

    def make(self, frontier: Frontier, command: Command) -> Awaitable[Turn]:
        """Carry out a command up to its commit."""
        match command:
            case Execute():
                return self._execute(frontier, command)
            case Undo():
                return self._undo(frontier, command)
            case Settle():
                return self._settle(frontier, command)
            case BeginRollback():
                return self._begin_rollback(frontier, command)
            case Close():
                return self._close_only(frontier, command)

    def is_harmless(self, command: Command) -> bool:
        """Whether carrying out the command sends and writes nothing before its commit."""
        return isinstance(command, Execute) and self._calls.is_harmless(command.step)

    async def what_came(self, run: RunState, key: Key, sealed: bytes | None) -> JsonObject:
        """What a step is resumed with when something ended its wait."""
        return await what_came(run, key, sealed, self._payloads)

    async def failed_effect(
        self, frontier: Frontier, command: Execute | Undo, state: str, detail: JsonObject
    ) -> Turn:
        """The store refused a step's effect for good: the step fails with that cause."""
        error = StepError(
            str(detail.get("message", "The store refused the step's effect")),
            code=f"effect_{state.lower()}",
            details={key: value for key, value in detail.items() if key != "message"},
        )
        return await self._failure(frontier, command, error, self._clock(), final=True)

    async def dead_letter(self, run: RunState, message: str) -> Turn:
        """Close a run that cannot go on by itself, and open an incident."""
        error = {"code": "dead_letter", "message": message}
        unit = self._unit(run, "step", "~dead", "", error=error)
        blob = await self._seal(run, step_place("~dead", ""), {"error": error})
        unit.fields |= {"o": "failed", "a": 1, "b": unit.add_blob(blob), "q": run.next_seq}
        unit.fields["s"] = self._clock().timestamp()
        unit.fields["ops"] = _incident(run, "run.dead_letter", message).ops
        await self._finish(unit, run, None, Close("failed", error))
        return Turn(unit, ("~dead", ""), closed="failed")

    async def park(self, frontier: Frontier) -> Turn:
        """Let go of a run in which everything waits."""
        unit = self._unit(frontier.run, "park", None, "")
        return Turn(unit, ("", ""), parked=self._parked(unit, frontier, frontier.next_due()))

    async def _close_only(self, frontier: Frontier, close: Close) -> Turn:
        run, error = frontier.run, close.error
        unit = self._unit(run, "close", (error or {}).get("stepPath"), "", error=error)
        return Turn(unit, close.key, closed=await self._finish(unit, run, frontier, close))

    async def _execute(self, frontier: Frontier, command: Execute) -> Turn:
        run, step, started = frontier.run, command.step, self.now(frontier.run)
        context = command.layer.context
        call: StepCall | None = None
        try:
            if step.condition is not None and not step.condition.holds(context):
                return await self._skip(frontier, command, started)
            left = None
            if frontier.deadline is not None and not frontier.rolling_back:
                left = max((frontier.deadline - started) / timedelta(seconds=1), 0.001)
            pulse = Pulse(step, left, run.bear)
            tests = self._tests if "test" in run.actor else None
            pinned = None if tests is None else await tests.pinned(run, step)
            given = {} if pinned is not None else step.params.render(context)
            if run.environment is None:
                run.environment = await self._environment_of(run.tenant)
            call = self._call(run, command, given, started, run.environment, pulse.heart)
            if tests is None:
                result = await self._calls.execute(step, call, pulse)
            elif pinned is not None:
                result = pinned_result(step, pinned)
            else:
                result = await tests.execute(self._calls, step, call, pulse)
        except StepError as error:
            given = None if call is None else call.input
            return await self._failure(frontier, command, error, started, given=given)
        except ExpressionError as error:
            wrapped = StepError(str(error), code=error.code)
            return await self._failure(frontier, command, wrapped, started)
        try:
            if result.wait is not None:
                return await self._wait(frontier, command, result, result.wait, call)
            return await self._success(frontier, command, result, call, started)
        except CannotBeKept as error:
            wrapped = StepError(error.message, code=error.code)
            return await self._failure(frontier, command, wrapped, started)

    async def _undo(self, frontier: Frontier, command: Undo) -> Turn:
        started, done = self.now(frontier.run), command.done
        environment = await self._environment_of(frontier.run.tenant)
        call = self._call(frontier.run, command, done.get("input") or {}, started, environment)
        again = generation(frontier.run.actor, done["path"])
        key = f"{frontier.run.origin_run.hex}:{done['path']}:{command.iteration}:{again}"
        call = call._replace(done={**done, "key": key})
        try:
            tests = self._tests if "test" in frontier.run.actor else None
            if tests is not None and not await tests.undoes(frontier.run, command.step, done):
                result = StepResult()
            else:
                result = await self._calls.undo(command.step, call, done["output"])
        except StepError as error:
            return await self._failure(frontier, command, error, started, given=call.input)
        if result.wait is not None:
            return await self._wait(frontier, command, result, result.wait, call)
        return await self._success(frontier, command, result, call, started)

    async def _settle(self, frontier: Frontier, command: Settle) -> Turn:
        run, (path, iteration) = frontier.run, command.key
        unit = self._unit(run, "step", path, iteration, error=command.error)
        record = self._row(run, command.key, command.attempt, command.outcome, command.output)
        record.error = command.error
        payload: JsonObject = {"output": command.output, "error": command.error}
        await self._record(unit, run, record, payload, self._clock(), run.patient)
        if command.outcome == "cancelled":
            effect = Effect()
            effect.add("step.abandon", run=str(run.run_id), path=path, iter=iteration)
            self._attach(unit, effect)
        closed = await self._close_if_last(unit, frontier, record, run.patient)
        return Turn(unit, command.key, record=record, closed=closed)

    async def _begin_rollback(self, frontier: Frontier, command: BeginRollback) -> Turn:
        run, error = frontier.run, command.error
        unit = self._unit(run, "step", UNDO, "", error=error)
        record = self._row(run, command.key, 1, "opened", {})
        record.error = error
        await self._record(unit, run, record, {"error": error}, self._clock(), run.patient)
        effect = Effect()
        effect.add("run.abandon", run=str(run.run_id))
        if not command.requested:
            place = error.get("stepPath") or "output"
            cause = f"{place}: {error.get('code', 'failed')}"
            effect.extend(_incident(run, "run.failed", cause, separator=", "))
        self._attach(unit, effect)
        return Turn(unit, command.key, record=record)

    @staticmethod
    def _call(
        run: RunState,
        command: Execute | Undo,
        given: JsonObject,
        now: datetime,
        environment: str,
        heart: Callable[[], None] | None = None,
    ) -> StepCall:
        step, iteration, facts = command.step, command.iteration, facts_of(run)
        path = step.path
        key = path, iteration
        waiting = run.waits.get(key)
        definition = step.definition
        return StepCall(
            facts.scope,
            facts.name,
            run.workflow_id,
            path,
            iteration,
            run.attempts.get(key, 0) + 1,
            given,
            definition.output,
            step.expects,
            f"{facts.origin}:{path}:{iteration}:{generation(run.actor, path)}",
            environment,
            facts.grants,
            step.ai_fed,
            step.unreviewed,
            tuple(command.layer.evidence),
            run.patient,
            now,
            None if waiting is None else waiting.resume,
            definition.timeout_s,
            run.actor,
            None,
            heart,
            step.reviewed,
        )

    async def _success(
        self,
        frontier: Frontier,
        command: Execute | Undo,
        result: StepResult,
        call: StepCall,
        started: datetime,
    ) -> Turn:
        run, step = frontier.run, command.step
        missing = () if step.opens else step.expects - result.output.keys()
        if missing:
            error = StepError(
                f"The step gave no {', '.join(sorted(missing))}, which later steps read;"
                f" it gave {', '.join(sorted(result.output)) or 'nothing'}",
                code="missing_output",
            )
            return await self._failure(frontier, command, error, started, given=call.input)
        payload = {
            "input": call.input,
            "output": result.output,
            "branch": result.branch,
            "messages": result.messages,
            "notes": result.notes,
        }
        patient = result.patient if result.patient and run.patient is None else None
        if step.opens and step.definition.timeout_s is not None:
            ends = started + timedelta(seconds=step.definition.timeout_s)
            result.output["deadline"] = ends.isoformat()
        path, outcome = step.path, "succeeded"
        if step.opens:
            path, outcome = opening_path(path), "opened"
        seq = run.next_seq
        run.next_seq = seq + 1
        record = StepRecord(
            *(path, command.iteration, seq, call.attempt, outcome, result.output),
            branch=result.branch,
            input=call.input,
        )
        subject = run.patient or patient
        unit = self._unit(run, "step", path, command.iteration, call=call)
        if not self._record_at_once(unit, run, record, payload, started, subject):
            await self._record(unit, run, record, payload, started, subject)
        if step.ai or step.fed or result.audited:
            sealed = unit.blobs[unit.fields["b"]]
            decided(unit, decision_of(run, step, call, result, sealed))
        if result.effect:
            self._attach(unit, result.effect)
        if patient is not None:
            unit.fields["patient"] = patient
        closed, close = None, self._closing(unit, frontier, record)
        if close is not None:
            closed = await self._finish(unit, run, frontier, close, subject, record)
        return Turn(unit, command.key, record=record, closed=closed, patient=patient)

    async def _skip(self, frontier: Frontier, command: Execute, started: datetime) -> Turn:
        run = frontier.run
        unit = self._unit(run, "step", command.step.path, command.iteration)
        record = self._row(run, command.key, 0, "skipped", {})
        decided(unit, decision_missed(run, command.step, None))
        await self._record(unit, run, record, {"output": {}}, started, run.patient)
        closed = await self._close_if_last(unit, frontier, record, run.patient)
        return Turn(unit, command.key, record=record, closed=closed)

    async def _failure(
        self,
        frontier: Frontier,
        command: Execute | Undo,
        error: StepError,
        started: datetime,
        *,
        final: bool = False,
        given: JsonObject | None = None,
    ) -> Turn:
        run, step = frontier.run, command.step
        attempt = run.attempts.get(command.key, 0) + 1
        detail: JsonObject = {"code": error.code, "message": error.message, **_safe(error.details)}
        policy = step.definition.retry
        if error.retryable and attempt < policy.attempts and not final:
            delay = min(policy.initial_s * policy.factor ** (attempt - 1), policy.max_s)
            delay = max(delay * random.uniform(1 - policy.jitter, 1), error.retry_after or 0.0)  # noqa: S311
            return await self._retry(frontier, command, detail, started, attempt, delay)
        unit = self._unit(run, "step", step.path, command.iteration, error=detail)
        decided(unit, decision_missed(run, step, given))
        outcome = "degraded" if step.fallback else "failed"
        record = self._row(run, command.key, attempt, outcome, {})
        record.error, record.input = detail, given
        payload: JsonObject = {"input": given, "error": detail}
        try:
            await self._record(unit, run, record, payload, started, run.patient)
        except CannotBeKept:
            record.error = {"code": error.code, "message": error.message}
            kept: JsonObject = {"input": None, "error": record.error}
            await self._record(unit, run, record, kept, started, run.patient)
        effect = error.effect
        if step.path.startswith(f"{UNDO}/") and step.definition.on_error != "continue":
            effect.extend(_incident(run, "rollback.failed", f"{step.path}: {error.code}"))
        if effect:
            self._attach(unit, effect)
        closed = await self._close_if_last(unit, frontier, record, run.patient)
        return Turn(unit, command.key, record=record, closed=closed)

    async def _retry(
        self,
        frontier: Frontier,
        command: Execute | Undo,
        detail: JsonObject,
        started: datetime,
        attempt: int,
        delay: float,
    ) -> Turn:
        run, step = frontier.run, command.step
        unit = self._unit(run, "attempt", step.path, command.iteration)
        place = attempt_place(step.path, command.iteration, attempt)
        unit.fields |= {
            "a": attempt,
            "o": detail["code"],
            "s": started.timestamp(),
            "after": delay,
            "b": unit.add_blob(await self._seal(run, place, detail)),
            "d": {"code": detail["code"], "attempt": attempt},
        }
        retry_at = self.now(run) + timedelta(seconds=delay)
        parked = self._park_if_alone(unit, frontier, retry_at)
        return Turn(unit, command.key, retry_at=retry_at, parked=parked)

    async def _wait(
        self,
        frontier: Frontier,
        command: Execute | Undo,
        result: StepResult,
        wait: Wait,
        call: StepCall,
    ) -> Turn:
        run, (path, iteration) = frontier.run, command.key
        unit = self._unit(run, "wait", path, iteration, call=call)
        decided(unit, decision_waits(command.step, result))
        place = wait_place(path, iteration) + "|detail"
        detail = {"input": call.input, "messages": result.messages, "notes": result.notes}
        before = run.waits.get(command.key)
        unit.fields |= {
            "b": unit.add_blob(await self._seal(run, place, detail)),
            "event": wait.event,
            "until": wait.until.isoformat() if wait.until else None,
            "met": before is not None and before.resolved,
        }
        if result.effect:
            self._attach(unit, result.effect)
        if result.lock is not None:
            unit.fields["lock"] = result.lock
        parked = self._park_if_alone(unit, frontier, wait.until)
        return Turn(unit, command.key, wait=wait, parked=parked)

    def _park_if_alone(
        self, unit: Unit, frontier: Frontier, until: datetime | None
    ) -> float | None:
        """Let go of the run in the same commit, when nothing else goes on in it and it waits for
        longer than it takes to claim it again."""
        due = frontier.next_due(until)
        if not frontier.alone() or (
            due is not None and due - self.now(frontier.run) < WORTH_PARKING
        ):
            return None
        return self._parked(unit, frontier, due)

    def _parked(self, unit: Unit, frontier: Frontier, until: datetime | None) -> float:
        """Let go of the run until its time comes, or, without one, until something wakes it."""
        until_text = until.isoformat() if until else None
        run = frontier.run
        unit.fields["fin"] = {"seen": run.wakes, "ctl": run.control, "until": until_text}
        if until is None:
            return float("inf")
        return max((until - self.now(frontier.run)) / timedelta(seconds=1), 0.0)

    @staticmethod
    def _row(run: RunState, key: Key, attempt: int, outcome: str, output: JsonObject) -> StepRecord:
        """The next journal row; what follows it is numbered behind it."""
        seq = run.next_seq
        run.next_seq = seq + 1
        return StepRecord(*key, seq, attempt, outcome, output)

    def _unit(
        self,
        run: RunState,
        kind: str,
        path: str | None,
        iteration: str,
        *,
        call: StepCall | None = None,
        error: JsonObject | None = None,
    ) -> Unit:
        detail: JsonObject = {}
        if call is not None and call.attempt > 1:
            detail["attempt"] = call.attempt
        if error is not None:
            detail["code"] = error.get("code", "failed")
        if iteration:
            detail["iteration"] = iteration
        facts = facts_of(run)
        fields: JsonObject = {
            "r": facts.run_id,
            "f": run.fence,
            "k": kind,
            "p": path,
            "i": iteration,
            "store": run.store,
            "d": detail,
        }
        return Unit(fields, facts=facts)

    async def _record(
        self,
        unit: Unit,
        run: RunState,
        record: StepRecord,
        payload: JsonObject,
        started: datetime,
        patient: str | None,
    ) -> None:
        if not self._record_at_once(unit, run, record, payload, started, patient):
            place = step_place(record.path, record.iteration)
            sealed = await self._payloads.seal(run.tenant, patient, run.origin_run, place, payload)
            _put(unit, run, record, sealed, started)

    def _record_at_once(
        self,
        unit: Unit,
        run: RunState,
        record: StepRecord,
        payload: JsonObject,
        started: datetime,
        patient: str | None,
    ) -> bool:
        """Whether the row could be written down without waiting for a key."""
        place = step_place(record.path, record.iteration)
        origin = facts_of(run).origin
        sealed = self._payloads.seal_cached(run.tenant, patient, origin, place, payload)
        if sealed is not None:
            _put(unit, run, record, sealed, started)
        return sealed is not None

    @staticmethod
    def _attach(unit: Unit, effect: Effect) -> None:
        offset = len(unit.blobs)
        unit.blobs.extend(effect.bodies)
        unit.fields["ops"] = shifted(effect.ops, offset)

    async def _close_if_last(
        self, unit: Unit, frontier: Frontier, record: StepRecord, patient: str | None
    ) -> str | None:
        """Merge the run's end into its last step's commit.

        Not when the output reads that step and its effect is still to come: a conditional create
        may meet a resource whose id only the transaction learns.
        """
        close = self._closing(unit, frontier, record)
        if close is None:
            return None
        return await self._finish(unit, frontier.run, frontier, close, patient, record)

    @staticmethod
    def _closing(unit: Unit, frontier: Frontier, record: StepRecord) -> Close | None:
        """The run's end, when it goes into the commit of this row."""
        if not frontier.alone() or frontier.blocked:
            return None
        close = frontier.closes_with(record.key, record)
        if close is None or ("ops" in unit.fields and reads_step(frontier.program, record.path)):
            return None
        return close

    async def _finish(
        self,
        unit: Unit,
        run: RunState,
        frontier: Frontier | None,
        close: Close,
        patient: str | None = None,
        record: StepRecord | None = None,
    ) -> str:
        """Write the run's end into a unit; returns the state it ends in."""
        payload: JsonObject = {"error": close.error}
        if close.state == "succeeded" and frontier is not None:
            layer = frontier.layer if record is None else frontier.layer_with(record)
            payload |= output_of(frontier.program, layer.context)
            if payload["error"] is not None:
                close = Close("failed", payload["error"])
        subject = patient or run.patient
        place = run.tenant, subject, run.origin_run, "output"
        try:
            sealed = await self._payloads.seal(*place, payload)
        except CannotBeKept as error:
            fault = {"code": error.code, "message": error.message, "path": "output"}
            close = Close("failed", fault)
            sealed = await self._payloads.seal(*place, {"output": None, "error": fault})
        unit.fields["fin"] = {"state": close.state, "out": unit.add_blob(sealed)}
        if "parent" in run.actor or "queued" in run.actor:
            unit.fields["followed"] = True
        return close.state

    async def _seal(self, run: RunState, place: str, value: JsonObject) -> bytes:
        return await self._payloads.seal(run.tenant, run.patient, run.origin_run, place, value)


def _put(unit: Unit, run: RunState, record: StepRecord, sealed: bytes, started: datetime) -> None:
    """Give a unit what its journal row says."""
    fields = unit.fields
    fields["q"] = record.seq
    fields["a"] = record.attempt
    fields["o"] = record.outcome
    fields["s"] = started.timestamp()
    fields["b"] = unit.add_blob(sealed)
    fields["waited"] = (record.path, record.iteration) in run.waits


def _incident(run: RunState, kind: str, cause: str, *, separator: str = ": ") -> Effect:
    effect = Effect()
    if "test" in run.actor:
        return effect
    effect.add(
        "incident.open",
        kind=kind,
        cause=f"{run.workflow_id}{separator}{cause}",
        ref={"run": f"run_{run.run_id.hex}"},
    )
    return effect


def _safe(details: JsonObject) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value is not None}
