"""Undoing completed steps in reverse order: which come, and with what."""

from __future__ import annotations

from collections.abc import Mapping

from careloom.types import JsonObject
from careloom.workflows.engine.commands import Undo
from careloom.workflows.engine.groups import Frame, Group
from careloom.workflows.engine.journal import Key, StepRecord
from careloom.workflows.engine.layer import Layer
from careloom.workflows.engine.program import (
    UNDO,
    Program,
    ProgramStep,
    opening_path,
    undoing,
)

_HALF_DONE = ("workflow",)
"""Types that may have done something even when they failed."""


class Rollback:
    """Goes through the steps that completed before the rollback began, the last one first."""

    def __init__(
        self,
        program: Program,
        journal: Mapping[Key, StepRecord],
        begun: StepRecord,
        layer: Layer,
    ) -> None:
        self.error: JsonObject = begun.error or {}
        self._program = program
        self._layer = layer
        self._loops: dict[str, list[StepRecord]] = {}
        self._items: dict[tuple[str, str], StepRecord] = {}
        self._scopes: dict[str, Layer] = {"": layer}
        self._written: dict[str, list[int]] = {}
        """Versions of resources that the rollback wrote or has undone, by reference."""
        completed = []
        for record in journal.values():
            if record.path.startswith(f"{UNDO}/"):
                self.note(record)
            if record.seq >= begun.seq or record.path.startswith("~"):
                continue
            if record.outcome == "opened":
                self._items[record.key] = record
                continue
            if record.iteration:
                self._loops.setdefault(record.iteration, []).append(record)
            completed.append(record)
        completed.sort(key=lambda record: record.seq)
        self._left = completed

    def note(self, record: StepRecord) -> None:
        """Take down which versions of resources a row's effect wrote."""
        for result in record.effect or ():
            if "version" in result and "type" in result:
                reference = f"{result['type']}/{result['id']}"
                self._written.setdefault(reference, []).append(int(result["version"]))

    def next(self) -> Undo | Frame | None:
        """What undoes the next step that can be undone; None when all are."""
        while self._left:
            record = self._left.pop()
            step = self._program.by_path.get(record.path)
            if step is not None and _to_undo(step, record):
                return self._undoing(step, record)
        return None

    def gave_up(self, error: JsonObject) -> JsonObject:
        """The run's error when a step could not be undone."""
        return {
            **self.error,
            "code": "rollback_failed",
            "message": f"{error.get('stepPath')} could not be undone: {error.get('message')}",
            "cause": self.error,
            "undo": error,
        }

    def _undoing(self, step: ProgramStep, record: StepRecord) -> Undo | Frame:
        layer = self._scope(record.iteration, step)
        if isinstance(step.compensate, tuple):
            self.note(record)
            origin = Frame((step,), record.iteration, layer, None, "")
            group = Group("undo", step, origin)
            frame = Frame(step.compensate, record.iteration, layer.inner(), group, "compensate")
            group.open[frame.name] = frame
            return frame
        done: JsonObject = {
            "path": record.path,
            "input": record.input,
            "output": record.output,
            "effect": record.effect,
            "outcome": record.outcome,
            "error": record.error,
            "written": self._written_of(record),
        }
        return Undo(undoing(step), record.iteration, layer, done)

    def _written_of(self, record: StepRecord) -> JsonObject:
        """For each resource that the step wrote, the later versions that count no more."""
        references = {f"{one.get('type')}/{one.get('id')}" for one in record.effect or ()}
        written = {one: list(self._written[one]) for one in references if one in self._written}
        self.note(record)
        return written

    def _scope(self, iteration: str, step: ProgramStep) -> Layer:
        """What the steps of one iteration saw."""
        layer = self._scopes.get(iteration)
        if layer is None:
            layer = self._loop(iteration, step)
            # Iterations are undone one after the other, mostly: keep the last few.
            if len(self._scopes) > 8:
                self._scopes = {"": self._layer}
            self._scopes[iteration] = layer
        return layer

    def _loop(self, iteration: str, step: ProgramStep) -> Layer:
        outer, _, last = iteration.rpartition(".")
        layer = self._scope(outer, step).inner()
        loop = self._around(step, iteration.count("."))
        if loop is not None:
            opened = self._items.get((opening_path(loop.path), outer))
            if opened is not None:
                index = int(last)
                layer = self._scope(outer, step).loop(loop.id, index, opened.output["items"][index])
        for record in self._loops.get(iteration, ()):
            inner = self._program.by_path.get(record.path)
            if inner is not None:
                layer.show(inner, record)
        return layer

    def _around(self, step: ProgramStep, depth: int) -> ProgramStep | None:
        """The foreach around a step; depth 0 is the outermost."""
        parts = step.path.split("/")
        found = []
        for end in range(2, len(parts)):
            outer = self._program.by_path.get("/".join(parts[:end]))
            if outer is not None and outer.definition.type == "foreach":
                found.append(outer)
        return found[depth] if depth < len(found) else None


def _to_undo(step: ProgramStep, record: StepRecord) -> bool:
    if step.compensate == "none":
        return False
    if record.outcome == "succeeded":
        return isinstance(step.compensate, tuple) or step.undo
    half = record.outcome in ("failed", "cancelled", "degraded") and record.attempt > 0
    return half and step.undo and step.definition.type in _HALF_DONE
