"""The pure core: from a definition and a journal to what comes next. No clock, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from careloom.types import JsonObject
from careloom.workflows.engine.journal import RunState, StepRecord
from careloom.workflows.engine.program import Program, ProgramStep


@dataclass(frozen=True, slots=True)
class Execute:
    """Call this step next."""

    step: ProgramStep
    iteration: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing is left to do."""

    state: str
    """succeeded, failed or cancelled."""
    error: JsonObject | None = None


Command = Execute | Close


def advance(program: Program, run: RunState) -> Command:
    """The next command for a run: the first step without a journal row, or the end."""
    if run.cancelled:
        return Close("cancelled", {"code": "cancelled", "message": "The run was cancelled"})
    return _next(program.steps, run) or Close("succeeded")


def _next(steps: tuple[ProgramStep, ...], run: RunState) -> Command | None:
    for step in steps:
        record = run.record(step.path)
        if record is None:
            return Execute(step)
        if record.outcome == "failed" and step.definition.on_error != "continue":
            error = {"path": step.path, **(record.error or {})}
            return Close("failed", {**error, "step": step.id, "stepPath": step.path})
        if record.branch is not None:
            chosen = step.branches.get(record.branch, step.branches.get("default", ()))
            command = _next(chosen, run)
            if command is not None:
                return command
    return None


def context_of(program: Program, run: RunState) -> JsonObject:
    """What expressions may read: trigger, steps by id, run and session."""
    return {
        "trigger": run.trigger,
        "steps": {step.id: _visible(record) for step, record in _recorded(program.steps, run)},
        "run": {
            "id": f"run_{run.run_id.hex}",
            "workflowId": run.workflow_id,
            "version": run.version,
            "createdAt": run.created_at.isoformat(),
            "source": run.source,
        },
        "session": {"id": f"ses_{run.run_id.hex}", "patientId": run.patient},
    }


def _visible(record: StepRecord) -> JsonObject:
    visible: JsonObject = {"output": record.output, "outcome": record.outcome}
    if record.error is not None:
        visible["error"] = record.error
    return visible


def _recorded(
    steps: tuple[ProgramStep, ...], run: RunState
) -> Iterator[tuple[ProgramStep, StepRecord]]:
    for step in steps:
        record = run.record(step.path)
        if record is not None:
            yield step, record
        for children in step.branches.values():
            yield from _recorded(children, run)
