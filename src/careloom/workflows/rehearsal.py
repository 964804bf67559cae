"""One past run done again in memory on another version, with every effect off.

Steps whose schema says `"replay": "run"` and that call nothing outside are carried out; what they
want written is thrown away. Of every other step the recorded output counts, when it was given the
same input; when it was not, nothing is carried out, and the step is said to be one that would run,
with what it would be given. The engine's own core says what comes next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from careloom.types import Json, JsonObject, Scope
from careloom.workflows.engine.calls import Calls, call_beside
from careloom.workflows.engine.commands import BeginRollback, Close, Execute, Settle, Undo
from careloom.workflows.engine.frontier import Frontier
from careloom.workflows.engine.journal import Key, RunState, StepRecord
from careloom.workflows.engine.program import Program, opening_path
from careloom.workflows.expressions import ExpressionError
from careloom.workflows.grants import run_grants
from careloom.workflows.step import StepCall, StepCatalog, StepError, is_computed
from careloom.workflows.step_input import value_fault

_MOST_STEPS = 100_000
How = Literal["run", "reused", "would_run", "skipped", "settled"]


@dataclass(slots=True)
class Rehearsed:
    """What a run would have become."""

    state: str
    """As a run ends; unknown when it depends on what was not carried out."""
    output: Json = None
    error: JsonObject | None = None
    steps: dict[Key, StepRecord] = field(default_factory=dict)
    how: dict[Key, How] = field(default_factory=dict)
    planned: dict[Key, JsonObject] = field(default_factory=dict)
    """What steps that would run would be given."""


class Rehearsal:
    """Rehearses runs with the steps of one catalog."""

    def __init__(self, catalog: StepCatalog, environment: str) -> None:
        self._calls = Calls(catalog)
        self._catalog = catalog
        self._environment = environment

    async def of(
        self, program: Program, run: RunState, recorded: dict[Key, StepRecord]
    ) -> Rehearsed:
        """Go through the program with the run's trigger; `run` has no steps yet."""
        frontier = Frontier(program, run)
        seen = Rehearsed("unknown", steps=run.steps)
        for _ in range(_MOST_STEPS):
            command = frontier.take()
            if command is None or isinstance(command, Undo):
                # What waits for ever, or is being undone, is not known here.
                return seen
            if isinstance(command, Close):
                _close(seen, frontier, command)
                return seen
            if isinstance(command, BeginRollback):
                seen.state, seen.error = "rolled_back", command.error
                return seen
            if isinstance(command, Settle):
                seen.how[command.key] = "settled"
                end = command.outcome, command.output, command.error
                frontier.apply(_row(run, command.key, *end))
                continue
            record = await self._execute(frontier, command, recorded, seen)
            if record is None:
                return seen
            frontier.apply(record)
        return seen

    async def _execute(
        self,
        frontier: Frontier,
        command: Execute,
        recorded: dict[Key, StepRecord],
        seen: Rehearsed,
    ) -> StepRecord | None:
        """The row of a step; None when it depends on what was not carried out."""
        run, step = frontier.run, command.step
        path = opening_path(step.path) if step.opens else step.path
        key = path, command.iteration
        try:
            if step.condition is not None and not step.condition.holds(command.layer.context):
                seen.how[command.key] = "skipped"
                return _row(run, command.key, "skipped", {})
            given = step.params.render(command.layer.context)
        except ExpressionError as error:
            if any(how == "would_run" for how in seen.how.values()):
                return None
            return _failed(
                step.fallback, run, command.key, {"code": error.code, "message": str(error)}
            )
        past = recorded.get(key)
        if not is_carried_out(self._catalog, step.definition.type, given):
            return self._reuse(run, command, given, past, seen)
        seen.how[key] = "run"
        try:
            result = await self._calls.execute(step, self._call(run, command, given))
        except StepError as error:
            detail = {"code": error.code, "message": error.message, **error.details}
            return _failed(step.fallback, run, command.key, detail)
        if result.wait is not None:
            return self._reuse(run, command, given, past, seen)
        missing = () if step.opens else step.expects - result.output.keys()
        if missing:
            message = f"The step gave no {', '.join(sorted(missing))}, which later steps read"
            detail = {"code": "missing_output", "message": message}
            return _failed(step.fallback, run, command.key, detail)
        record = _row(run, key, "opened" if step.opens else "succeeded", result.output)
        record.branch, record.input = result.branch, given
        return record

    def _reuse(
        self,
        run: RunState,
        command: Execute,
        given: JsonObject,
        past: StepRecord | None,
        seen: Rehearsed,
    ) -> StepRecord | None:
        key = command.key
        if past is not None and past.outcome == "cancelled":
            past = None
        if past is None or past.input != given:
            seen.how[key], seen.planned[key] = "would_run", given
        else:
            seen.how[key] = "reused"
        if past is None or past.outcome == "skipped":
            return _row(run, key, "succeeded", {})
        record = _row(run, key, past.outcome, past.output, past.error)
        record.branch, record.input = past.branch, given
        return record

    def _call(self, run: RunState, command: Execute, given: JsonObject) -> StepCall:
        step = command.step
        return call_beside(
            step,
            scope=Scope(run.tenant, run.store),
            run_id=f"run_{run.run_id.hex}",
            workflow_id=run.workflow_id,
            iteration=command.iteration,
            given=given,
            key=f"replay:{run.run_id.hex}:{step.path}:{command.iteration}",
            environment=self._environment,
            grants=run_grants(run.actor),
            evidence=command.layer.evidence,
            patient=run.patient,
            now=run.created_at,
            actor=run.actor,
        )


def is_carried_out(catalog: StepCatalog, kind: str, given: JsonObject) -> bool:
    """Whether a step is carried out with this input: it reads or computes, inside the house."""
    step = catalog.get(kind)
    return step is not None and is_computed(step.schema, given)


def _close(seen: Rehearsed, frontier: Frontier, close: Close) -> None:
    """The run's end: its output, or the error that there can be none."""
    seen.state, seen.error = close.state, close.error
    if close.state != "succeeded":
        return
    definition, template = frontier.program.definition, frontier.program.output
    try:
        seen.output = None if template is None else template.render(frontier.layer.context)
    except ExpressionError as error:
        unknown = any(how == "would_run" for how in seen.how.values())
        seen.state = "unknown" if unknown else "failed"
        seen.error = {"code": error.code, "message": str(error), "path": "output"}
        return
    fault = None
    if definition.result_schema is not None:
        fault = value_fault(definition.result_schema, seen.output, "The run's output")
    if fault is not None:
        seen.state, seen.error = "failed", {"code": "result_invalid", "message": fault}
        seen.output = None


def _row(
    run: RunState, key: Key, outcome: str, output: JsonObject, error: JsonObject | None = None
) -> StepRecord:
    seq = run.next_seq
    run.next_seq = seq + 1
    return StepRecord(*key, seq, 1, outcome, output, error)


def _failed(fallback: object, run: RunState, key: Key, detail: JsonObject) -> StepRecord:
    return _row(run, key, "degraded" if fallback else "failed", {}, detail)
