"""One turn of a run: call the next step and say, as a unit, what is to be written."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careloom.errors import CareloomError
from careloom.store.database import DatabaseUnavailable
from careloom.store.effect import Effect, shifted
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.advance import Close, Execute, advance, context_of
from careloom.workflows.engine.generation import generation
from careloom.workflows.engine.journal import RunState, StepRecord, WaitRecord
from careloom.workflows.engine.ledger import Unit
from careloom.workflows.engine.payloads import Payloads, attempt_place, step_place, wait_place
from careloom.workflows.engine.program import Program, ProgramStep
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.grants import run_grants
from careloom.workflows.step import StepCall, StepCatalog, StepError, StepResult
from careloom.workflows.step_input import input_fault

log = logging.getLogger("careloom.worker")
DEFAULT_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Turn:
    """A unit to commit, and what becomes of the run in memory once it is committed."""

    unit: Unit
    record: StepRecord | None = None
    parked: float | None = None
    """Seconds until the run is due again; infinity while it waits for an event."""
    closed: str | None = None
    attempted: int | None = None
    patient: str | None = None


class Turns:
    """Makes turns; holds the step catalog and nothing of any run."""

    def __init__(
        self,
        catalog: StepCatalog,
        payloads: Payloads,
        environment_of: Callable[[str], Awaitable[str]],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._catalog = catalog
        self._payloads = payloads
        self._environment_of = environment_of
        self._clock = clock

    async def next(self, program: Program, run: RunState) -> Turn:
        """Carry out the next command up to its commit."""
        command = advance(program, run)
        if isinstance(command, Close):
            return await self._close_only(program, run, command)
        return await self._execute(program, run, command)

    async def failed_effect(
        self, program: Program, run: RunState, path: str, state: str, detail: JsonObject
    ) -> Turn:
        """The store refused a step's effect for good: the step fails with that cause."""
        step = _find(program.steps, path)
        error = StepError(
            str(detail.get("message", "The store refused the step's effect")),
            code=f"effect_{state.lower()}",
            details={key: value for key, value in detail.items() if key != "message"},
        )
        return await self._failure(program, run, Execute(step), error, self._clock(), final=True)

    async def dead_letter(self, run: RunState, message: str) -> Turn:
        """Close a run that cannot go on by itself, and open an incident."""
        error = {"code": "dead_letter", "message": message}
        unit = self._unit(run, "step", "~dead", "", error=error)
        blob = await self._seal(run, step_place("~dead", ""), {"error": error})
        unit.fields |= {"o": "failed", "a": 1, "b": unit.add_blob(blob), "q": run.next_seq}
        unit.fields["s"] = self._clock().isoformat()
        effect = Effect()
        effect.add(
            "incident.open",
            kind="run.dead_letter",
            cause=f"{run.workflow_id}: {message}",
            ref={"run": f"run_{run.run_id.hex}"},
        )
        unit.fields["ops"] = effect.ops
        await self._finish(unit, run, None, Close("failed", error))
        return Turn(unit, closed="failed")

    async def _close_only(self, program: Program, run: RunState, close: Close) -> Turn:
        unit = self._unit(run, "close", None, "")
        await self._finish(unit, run, program, close)
        return Turn(unit, closed=close.state)

    async def _execute(self, program: Program, run: RunState, command: Execute) -> Turn:
        step, started = command.step, self._clock()
        waiting = run.waits.get((step.path, command.iteration))
        if waiting is not None and waiting.resume is None:
            unit = self._unit(run, "park", step.path, command.iteration)
            return self._parked(unit, run, waiting.until)
        context = context_of(program, run)
        call: StepCall | None = None
        try:
            if step.condition is not None and not step.condition.holds(context):
                return await self._skip(program, run, command, started)
            call = await self._call(run, command, context, waiting, started)
            result = await self._perform(step, call)
        except StepError as error:
            given = None if call is None else call.input
            return await self._failure(program, run, command, error, started, given=given)
        except ExpressionError as error:
            wrapped = StepError(str(error), code=error.code)
            return await self._failure(program, run, command, wrapped, started)
        if result.wait is not None:
            return await self._park(run, command, result, call)
        return await self._success(program, run, command, result, call, started)

    async def _perform(self, step: ProgramStep, call: StepCall) -> StepResult:
        implementation = self._catalog.get(step.definition.type)
        if implementation is None:
            raise StepError(f"There is no step type {step.definition.type!r}", code="unknown_step")
        if not step.params.constant:
            # What was written as a constant was checked when it was deployed.
            fault = input_fault(implementation.schema.get("input", {}), call.input)
            if fault is not None:
                raise StepError(fault, code="step_input")
        timeout = step.definition.timeout_s or DEFAULT_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout):
                return await implementation.execute(call)
        except (StepError, DatabaseUnavailable):
            # The database is ours, not the step's: its outage uses up no attempt of the step.
            raise
        except TimeoutError:
            raise StepError(
                f"The step did not finish within {timeout:g} s", code="timed_out", retryable=True
            ) from None
        except CareloomError as error:
            details: JsonObject = {**error.details, "path": error.path, "fix": error.fix}
            raise StepError(
                error.message, code=error.code, retryable=error.retryable, details=details
            ) from error
        except Exception as error:
            # A bug in a step fails the step, by its policy; what was thrown may carry patient data.
            log.error("step %s: %s at %s", step.definition.type, type(error).__name__, where(error))
            raise StepError(
                f"The step made a mistake ({type(error).__name__})",
                code="step_crashed",
                retryable=True,
            ) from error

    async def _call(
        self,
        run: RunState,
        command: Execute,
        context: JsonObject,
        waiting: WaitRecord | None,
        now: datetime,
    ) -> StepCall:
        step, iteration = command.step, command.iteration
        return StepCall(
            scope=Scope(run.tenant, run.store),
            run_id=f"run_{run.run_id.hex}",
            workflow_id=run.workflow_id,
            path=step.path,
            iteration=iteration,
            attempt=run.attempts.get((step.path, iteration), 0) + 1,
            input=step.params.render(context),
            alias=step.definition.output,
            expects=step.expects,
            key=f"{run.origin_run.hex}:{step.path}:{iteration}:{generation(run.actor, step.path)}",
            environment=await self._environment_of(run.tenant),
            grants=run_grants(run.actor),
            ai_fed=step.ai_fed,
            unreviewed=step.unreviewed,
            ai_evidence=_evidence(run),
            patient=run.patient,
            now=now,
            resume=None if waiting is None else waiting.resume,
        )

    async def _success(
        self,
        program: Program,
        run: RunState,
        command: Execute,
        result: StepResult,
        call: StepCall,
        started: datetime,
    ) -> Turn:
        step = command.step
        missing = step.expects - result.output.keys()
        if missing:
            error = StepError(
                f"The step gave no {', '.join(sorted(missing))}, which later steps read;"
                f" it gave {', '.join(sorted(result.output)) or 'nothing'}",
                code="missing_output",
            )
            return await self._failure(program, run, command, error, started, given=call.input)
        unit = self._unit(run, "step", step.path, command.iteration, call=call)
        payload = {
            "input": call.input,
            "output": result.output,
            "branch": result.branch,
            "messages": result.messages,
            "notes": result.notes,
        }
        patient = result.patient if result.patient and run.patient is None else None
        record = StepRecord(
            path=step.path,
            iteration=command.iteration,
            seq=run.next_seq,
            attempt=call.attempt,
            outcome="succeeded",
            output=result.output,
            branch=result.branch,
        )
        subject = run.patient or patient
        await self._record(unit, run, record, payload, started, subject)
        if result.effect:
            self._attach(unit, result.effect)
        if patient is not None:
            unit.fields["patient"] = patient
        closed = await self._close_if_last(unit, program, run, record, subject)
        return Turn(unit, record=record, closed=closed, patient=patient)

    async def _skip(
        self, program: Program, run: RunState, command: Execute, started: datetime
    ) -> Turn:
        unit = self._unit(run, "step", command.step.path, command.iteration)
        record = StepRecord(command.step.path, command.iteration, run.next_seq, 0, "skipped")
        await self._record(unit, run, record, {"output": {}}, started, run.patient)
        closed = await self._close_if_last(unit, program, run, record, run.patient)
        return Turn(unit, record=record, closed=closed)

    async def _failure(
        self,
        program: Program,
        run: RunState,
        command: Execute,
        error: StepError,
        started: datetime,
        *,
        final: bool = False,
        given: JsonObject | None = None,
    ) -> Turn:
        step, iteration = command.step, command.iteration
        attempt = run.attempts.get((step.path, iteration), 0) + 1
        detail: JsonObject = {"code": error.code, "message": error.message, **_safe(error.details)}
        policy = step.definition.retry
        if error.retryable and attempt < policy.attempts and not final:
            delay = min(policy.initial_s * policy.factor ** (attempt - 1), policy.max_s)
            delay = max(delay * random.uniform(1 - policy.jitter, 1), error.retry_after or 0.0)  # noqa: S311
            unit = self._unit(run, "attempt", step.path, iteration)
            place = attempt_place(step.path, iteration, attempt)
            unit.fields |= {
                "a": attempt,
                "o": error.code,
                "s": started.isoformat(),
                "after": delay,
                "b": unit.add_blob(await self._seal(run, place, detail)),
                "d": {"code": error.code, "attempt": attempt},
                "fin": {"seen": run.wakes, "after": delay},
            }
            return Turn(unit, parked=delay, attempted=attempt)
        unit = self._unit(run, "step", step.path, iteration, error=detail)
        record = StepRecord(step.path, iteration, run.next_seq, attempt, "failed", error=detail)
        payload: JsonObject = {"input": given, "error": detail}
        await self._record(unit, run, record, payload, started, run.patient)
        if error.effect:
            self._attach(unit, error.effect)
        closed = await self._close_if_last(unit, program, run, record, run.patient)
        return Turn(unit, record=record, closed=closed)

    async def _park(
        self, run: RunState, command: Execute, result: StepResult, call: StepCall
    ) -> Turn:
        step, wait = command.step, result.wait
        if wait is None:
            raise AssertionError("a park needs a wait")
        unit = self._unit(run, "wait", step.path, command.iteration, call=call)
        place = wait_place(step.path, command.iteration) + "|detail"
        detail = {"input": call.input, "messages": result.messages, "notes": result.notes}
        until = wait.until.isoformat() if wait.until else None
        unit.fields |= {
            "b": unit.add_blob(await self._seal(run, place, detail)),
            "event": wait.event,
            "until": until,
        }
        if result.effect:
            self._attach(unit, result.effect)
        return self._parked(unit, run, wait.until)

    def _parked(self, unit: Unit, run: RunState, until: datetime | None) -> Turn:
        """Let go of the run until its time comes, or, without one, until something wakes it."""
        unit.fields["fin"] = {"seen": run.wakes, "until": until.isoformat() if until else None}
        seconds = (until - self._clock()) / timedelta(seconds=1) if until else None
        return Turn(unit, parked=float("inf") if seconds is None else max(seconds, 0.0))

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
            detail["code"] = error["code"]
        actor = {
            "principal": run.actor.get("principal"),
            "kind": "run",
            "run_id": str(run.run_id),
            **({"chain": run.actor["chain"]} if "chain" in run.actor else {}),
        }
        if path is not None:
            actor["step"] = path
        fields: JsonObject = {
            "r": str(run.run_id),
            "f": run.fence,
            "k": kind,
            "p": path,
            "i": iteration,
            "store": run.store,
            "actor": actor,
            "d": detail,
        }
        return Unit(fields)

    async def _record(
        self,
        unit: Unit,
        run: RunState,
        record: StepRecord,
        payload: JsonObject,
        started: datetime,
        patient: str | None,
    ) -> None:
        place = step_place(record.path, record.iteration)
        sealed = await self._payloads.seal(run.tenant, patient, run.origin_run, place, payload)
        unit.fields |= {
            "q": record.seq,
            "a": record.attempt,
            "o": record.outcome,
            "s": started.isoformat(),
            "b": unit.add_blob(sealed),
        }

    @staticmethod
    def _attach(unit: Unit, effect: Effect) -> None:
        offset = len(unit.blobs)
        unit.blobs.extend(effect.bodies)
        unit.fields["ops"] = shifted(effect.ops, offset)

    async def _close_if_last(
        self,
        unit: Unit,
        program: Program,
        run: RunState,
        record: StepRecord,
        patient: str | None,
    ) -> str | None:
        """Merge the run's end into its last step's commit.

        Not when the output reads that step and its effect is still to come: a conditional create
        may meet a resource whose id only the transaction learns.
        """
        if "ops" in unit.fields and _reads(program, record.path):
            return None
        run.steps[record.path, record.iteration] = record
        try:
            command = advance(program, run)
            if not isinstance(command, Close):
                return None
            await self._finish(unit, run, program, command, patient)
            return command.state
        finally:
            del run.steps[record.path, record.iteration]

    async def _finish(
        self,
        unit: Unit,
        run: RunState,
        program: Program | None,
        close: Close,
        patient: str | None = None,
    ) -> None:
        payload: JsonObject = {"error": close.error}
        if close.state == "succeeded" and program is not None and program.output is not None:
            try:
                payload["output"] = program.output.render(context_of(program, run))
            except ExpressionError as error:
                payload["error"] = {"code": error.code, "message": str(error), "path": "output"}
                close = Close("failed", payload["error"])
        sealed = await self._payloads.seal(
            run.tenant, patient or run.patient, run.origin_run, "output", payload
        )
        unit.fields["fin"] = {"state": close.state, "out": unit.add_blob(sealed)}

    async def _seal(self, run: RunState, place: str, value: JsonObject) -> bytes:
        return await self._payloads.seal(run.tenant, run.patient, run.origin_run, place, value)


def _find(steps: tuple[ProgramStep, ...], path: str) -> ProgramStep:
    for step in steps:
        if step.path == path:
            return step
        if path.startswith(step.path + "/"):
            for children in step.branches.values():
                for child in children:
                    if path == child.path or path.startswith(child.path + "/"):
                        return _find(children, path)
    raise KeyError(path)


def _reads(program: Program, path: str) -> bool:
    """Whether the workflow's output reads the step of this path."""
    step = path.rsplit("/", 1)[-1]
    references = () if program.output is None else program.output.references
    return any(reference[:2] == ("steps", step) for reference in references)


def _evidence(run: RunState) -> tuple[JsonObject, ...]:
    """What AI steps left under `evidence` in their output, in the order they ran."""
    return tuple(
        {"step": record.path.rsplit("/", 1)[-1], **record.output["evidence"]}
        for record in run.steps.values()
        if isinstance(record.output.get("evidence"), dict)
    )


def _safe(details: JsonObject) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value is not None}


def where(error: BaseException) -> str:
    """File and line of the innermost frame: no values, so no patient data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "unknown" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
