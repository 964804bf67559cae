"""Lists of steps that run beside each other, and how they join. Decided by states alone, so that
the order in which branches end is no matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from careloom.types import Json, JsonObject
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
