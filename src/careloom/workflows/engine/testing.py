"""What the engine asks while it carries out a test run: data pinned to steps, and effects kept off.

The run's actor says that it is a test: `{"test": {"effects": "store" | "all" | "off", "pinned":
[step ids]}}`. Pinned data is read by a port, because it is sealed.
"""

from __future__ import annotations

from typing import Protocol

from careloom.types import JsonObject
from careloom.workflows.engine.calls import Calls, Pulse
from careloom.workflows.engine.journal import RunState
from careloom.workflows.engine.program import ProgramStep
from careloom.workflows.step import StepCall, StepResult


class TestMode(Protocol):
    """Stands between the engine and the steps of test runs."""

    async def pinned(self, run: RunState, step: ProgramStep) -> JsonObject | None:
        """The output that is pinned to the step; None when it is to be carried out."""

    async def execute(
        self, calls: Calls, step: ProgramStep, call: StepCall, pulse: Pulse
    ) -> StepResult:
        """Carry the step out as far as the run's effects allow; raises StepError."""

    async def undoes(self, run: RunState, step: ProgramStep, done: JsonObject) -> bool:
        """Whether there is anything to undo of a step that the run has done."""


def pinned_result(step: ProgramStep, output: JsonObject) -> StepResult:
    """What a pinned step gives. `branch` in the data, or `approved`, chooses its list of steps."""
    branch = output.get("branch")
    if step.branches and not isinstance(branch, str) and isinstance(output.get("approved"), bool):
        branch = "then" if output["approved"] else "else"
    note = {"code": "I-PINNED", "path": step.path, "message": "Pinned data; not carried out"}
    chosen = branch if step.branches and isinstance(branch, str) else None
    return StepResult(output=dict(output), notes=[note], branch=chosen)
