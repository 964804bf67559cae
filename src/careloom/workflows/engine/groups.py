"""Lists of steps that run beside each other, and how they join. Decided by states alone, so that
the order in which branches end is no matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from careloom.types import Json, JsonObject
from careloom.workflows.engine.commands import Close, Settle
from careloom.workflows.engine.journal import StepRecord
from careloom.workflows.engine.layer import Layer
from careloom.workflows.engine.program import ProgramStep

Kind = Literal["choice", "fallback", "parallel", "foreach", "undo"]
MAX_CONCURRENCY = 1_000
DEFAULT_CONCURRENCY = 10


@dataclass(slots=True, eq=False)
class Frame:
    """A list of steps that is being gone through."""

    steps: tuple[ProgramStep, ...]
    iteration: str
    layer: Layer
    owner: Group | None
    name: str
    """The branch, or the item's index, in the owner."""
    at: int = 0
    cancelled: bool = False
    state: Literal["open", "succeeded", "failed", "cancelled"] = "open"
    output: JsonObject = field(default_factory=dict)
    """Of the last step that gave one."""
    error: JsonObject | None = None
    group: Group | None = None
    """What the current step opened."""

    @property
    def step(self) -> ProgramStep:
        return self.steps[self.at]


@dataclass(slots=True, eq=False)
class Group:
    """A step with the lists that it opened."""

    kind: Kind
    step: ProgramStep
    frame: Frame
    """Where the step itself stands."""
    items: list[Json] = field(default_factory=list)
    limit: int = DEFAULT_CONCURRENCY
    open: dict[str, Frame] = field(default_factory=dict)
    begun: int = 0
    decided: bool = False
    """Nothing further is begun here, and what is open is being cancelled."""
    cancelled: bool = False
    late: bool = False
    """It took longer than its `timeout`."""
    succeeded: int = 0
    failed: int = 0
    branches: dict[str, JsonObject] = field(default_factory=dict)
    """How each branch of a parallel ended."""
    results: list[Json] = field(default_factory=list)
    errors: dict[int, JsonObject] = field(default_factory=dict)

    @property
    def iteration(self) -> str:
        return self.frame.iteration

    def to_begin(self) -> bool:
        """Whether a foreach has room and items for one more."""
        return not self.decided and self.begun < len(self.items) and len(self.open) < self.limit

    def note(self, frame: Frame, kept: Json) -> None:
        """Take down how a branch or an item ended; `kept` is what a foreach keeps of it."""
        del self.open[frame.name]
        self.succeeded += frame.state == "succeeded"
        self.failed += frame.state == "failed"
        if self.kind == "foreach":
            index = int(frame.name.rpartition(".")[2])
            if frame.state == "succeeded":
                self.results[index] = kept
            elif frame.error is not None:
                self.errors[index] = frame.error
        elif self.kind == "parallel":
            entry: JsonObject = {"status": frame.state, "output": frame.output}
            if frame.error is not None:
                entry["error"] = frame.error
            self.branches[frame.name] = entry

    def is_decided(self) -> bool:
        """Whether what is open still can change how the step ends."""
        if self.kind == "foreach":
            fails = self.step.definition.params.get("onItemError", "fail") != "continue"
            return fails and self.failed > 0
        total, wanted = len(self.step.branches), self.wanted()
        if self.join() == "settled":
            return False
        return self.succeeded >= wanted or self.failed > total - wanted

    def join(self) -> Any:
        """all, any, settled or {"atLeast": n}."""
        return self.step.definition.params.get("join", "all")

    def wanted(self) -> int:
        """How many branches must succeed."""
        join, total = self.join(), len(self.step.branches)
        if isinstance(join, dict):
            return min(int(join["atLeast"]), total)
        return {"any": 1, "settled": 0}.get(join, total)

    def outcome(self) -> tuple[str, JsonObject, JsonObject | None]:
        """How the step ended, its output and its error."""
        if self.late:
            message = f"The step did not finish within {self.step.definition.timeout_s:g} s"
            counts = {"succeeded": self.succeeded, "failed": self.failed}
            return "failed", {}, {"code": "timed_out", "message": message, **counts}
        return self._joined() if self.kind == "parallel" else self._looped()

    def _joined(self) -> tuple[str, JsonObject, JsonObject | None]:
        names = [name for name in self.step.branches if name in self.branches]
        output: JsonObject = {
            "branches": {name: self.branches[name] for name in names},
            "succeeded": self.succeeded,
            "failed": self.failed,
        }
        if self.succeeded >= self.wanted():
            return "succeeded", output, None
        first = next(name for name in names if "error" in self.branches[name])
        cause = self.branches[first]["error"]
        error: JsonObject = {
            **cause,
            "message": f"Branch {first}: {cause.get('message', 'failed')}",
            "branch": first,
            "branches": {name: self.branches[name]["status"] for name in names},
        }
        return "failed", {}, error

    def _looped(self) -> tuple[str, JsonObject, JsonObject | None]:
        errors = [
            {"index": index, "code": error.get("code"), "message": error.get("message")}
            for index, error in sorted(self.errors.items())
        ]
        output: JsonObject = {
            "count": len(self.items),
            "succeeded": self.succeeded,
            "failed": self.failed,
            "results": self.results,
            "errors": errors,
        }
        if not self.is_decided():
            return "succeeded", output, None
        index, cause = min(self.errors.items())
        message = f"Item {index}: {cause.get('message', 'failed')}"
        error: JsonObject = {**cause, "message": message, "item": index}
        error |= {"succeeded": self.succeeded, "failed": self.failed, "count": len(self.items)}
        return "failed", {}, error


def advance(frame: Frame) -> None:
    """Move past the current step."""
    frame.at += 1
    frame.group = None


def would_end(frame: Frame) -> Close | None:
    """The run's end when the current step of this list is its last."""
    while frame.at + 1 == len(frame.steps):
        owner = frame.owner
        if owner is None:
            return Close("succeeded")
        if owner.kind != "choice":
            # After a fallback its step is seen anew, after branches and items they are joined.
            return None
        frame = owner.frame
    return None


def cancelled(frame: Frame) -> Settle:
    """The command that writes down that a list stopped at its current step."""
    error: JsonObject = {"code": "cancelled", "message": "Its result is no longer needed"}
    return Settle(frame.step, frame.iteration, frame.layer, "cancelled", {}, error, 0)


def error_of(frame: Frame, record: StepRecord) -> JsonObject:
    """The error of a row, with its place."""
    return named_error(record.path, frame.iteration, record.error or {})


def named_error(path: str, iteration: str, error: JsonObject) -> JsonObject:
    """An error with the step at which it came; what came from further inside keeps its place."""
    if "stepPath" in error:
        return error
    named: JsonObject = {"path": path, **error, "step": path.rsplit("/", 1)[-1], "stepPath": path}
    return {**named, "iteration": iteration} if iteration else named


def model_of(said: JsonObject) -> tuple[object, ...]:
    """By what two sayings of AI steps count as one: step, model and version."""
    return said.get("step"), said.get("model"), said.get("version")
