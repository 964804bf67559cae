"""What the pure core asks for: each command is carried out up to the commit of its journal row."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.types import JsonObject
from careloom.workflows.engine.journal import Key
from careloom.workflows.engine.layer import Layer
from careloom.workflows.engine.program import ProgramStep


@dataclass(slots=True, eq=False)
class Execute:
    """Call this step; for a parallel or foreach: find out what runs in it, and write that down."""

    step: ProgramStep
    iteration: str
    layer: Layer

    @property
    def key(self) -> Key:
        return self.step.path, self.iteration


@dataclass(frozen=True, slots=True)
class Undo:
    """Let the step's type undo what the step did."""

    step: ProgramStep
    """Stands under the path of undoing; `done` says what is to be undone."""
    iteration: str
    layer: Layer
    done: JsonObject
    """Of the step that is undone: path, input, output, effect, outcome, error, and `written`: the
    later versions of its resources that the rollback wrote or has undone."""

    @property
    def key(self) -> Key:
        return self.step.path, self.iteration


@dataclass(frozen=True, slots=True)
class Settle:
    """Write how a step ended that is not called itself: a parallel, a foreach, a cancelled one."""

    step: ProgramStep
    iteration: str
    layer: Layer
    outcome: str
    output: JsonObject
    error: JsonObject | None = None
    attempt: int = 1

    @property
    def key(self) -> Key:
        return self.step.path, self.iteration


@dataclass(frozen=True, slots=True)
class BeginRollback:
    """Write down that the run is rolled back from here on, and why."""

    error: JsonObject
    requested: bool
    """Somebody asked for it; otherwise the run failed."""

    @property
    def key(self) -> Key:
        return "~comp", ""


@dataclass(frozen=True, slots=True)
class Close:
    """Nothing is left to do."""

    state: str
    """succeeded, failed, cancelled or rolled_back."""
    error: JsonObject | None = None

    @property
    def key(self) -> Key:
        return "", ""


Command = Execute | Undo | Settle | BeginRollback | Close
