"""Which steps of a run a new one may take over, and which versions can go on with its journal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from careloom.types import JsonObject
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.engine.program import UNDO, opening_path

_KEPT = frozenset({"succeeded", "skipped", "degraded", "opened"})
_OPEN = opening_path("")
_CHOOSERS = frozenset({"if", "switch"})
"""Their row says which branch was taken and stands before the steps of it; the row of every other
step that has steps inside sums up what is inside."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a journal: where, and how it ended."""

    path: str
    iteration: str
    outcome: str


def kept_rows(definition: Definition, rows: Sequence[Row], begin: str | None = None) -> list[Row]:
    """The rows that a retry takes over, in the journal's order.

    Without `begin`: all but the steps that failed or were stopped, and what sums them up. With it:
    of these, none of the step at that path and none that follows it. Raises KeyError when there
    is no such step. Of a run that was rolled back nothing is left to take over.
    """
    steps = {step.path: step for step in definition.walk()}
    redone = set() if begin is None else _from(definition, begin)
    if any(row.path.startswith(UNDO) for row in rows):
        return []
    again = {row.path for row in rows if not _stays(steps.get(_place(row)), row)} | redone
    kept = []
    for row in rows:
        path = _place(row)
        step = steps.get(path)
        if step is None or not _stays(step, row) or path in redone:
            continue
        sums_up = step.type not in _CHOOSERS and row.path == path
        if sums_up and any(inner.startswith(f"{path}/") for inner in again):
            continue
        kept.append(row)
    return kept


def _place(row: Row) -> str:
    """The step that the row belongs to; a parallel or foreach has one more, for its beginning."""
    return row.path.removesuffix(_OPEN)


def _stays(step: StepDefinition | None, row: Row) -> bool:
    if row.outcome == "failed":
        return step is not None and step.on_error == "continue"
    return row.outcome in _KEPT


def _from(definition: Definition, begin: str) -> set[str]:
    """The paths of a step, of what is inside it and of all that follows it. The other branches of
    a `parallel` around it stand beside it and do not follow."""
    found = _following(definition.steps, begin)
    if found is None:
        raise KeyError(begin)
    return found


def _following(steps: tuple[StepDefinition, ...], begin: str) -> set[str] | None:
    for number, step in enumerate(steps):
        if step.path == begin:
            return {inner.path for later in steps[number:] for inner in later.walk()}
        for inside in _lists(step):
            below = _following(inside, begin)
            if below is not None:
                rest = steps[number + 1 :]
                return below | {inner.path for later in rest for inner in later.walk()}
    return None


def _lists(step: StepDefinition) -> Iterator[tuple[StepDefinition, ...]]:
    yield from step.branches.values()
    yield step.fallback
    if isinstance(step.compensate, tuple):
        yield step.compensate


def obstacles(
    old: Definition, new: Definition, rows: Iterable[Row], waiting: Iterable[str] = ()
) -> list[JsonObject]:
    """Why a run with this journal cannot go on with another version; nothing when it can.

    It can when every step that is recorded or waits stands in the new version at the same path
    with the same type, and no new step stands before one that is recorded.
    """
    here = {step.path: step for step in new.walk()}
    before = {step.path: step for step in old.walk()}
    recorded = [row for row in rows if not row.path.startswith("~")]
    found: list[JsonObject] = []
    places = {_place(row): "was carried out" for row in recorded}
    places |= dict.fromkeys(waiting, "waits now")
    for path, done in sorted(places.items()):
        if path not in here:
            found.append(_obstacle("step_missing", path, f"{done}, and is not in the new version"))
        elif path in before and here[path].type != before[path].type:
            message = f"{done} as {before[path].type!r} and is {here[path].type!r} now"
            found.append(_obstacle("step_type", path, message))
    done_paths = {_place(row) for row in recorded}
    found += _inserted(new.steps, done_paths)
    return found


def _inserted(steps: tuple[StepDefinition, ...], done: set[str]) -> list[JsonObject]:
    """New steps before recorded ones: the run would carry them out after what should follow."""
    found: list[JsonObject] = []
    reached = [n for n, step in enumerate(steps) if any(i.path in done for i in step.walk())]
    last = max(reached, default=-1)
    for number, step in enumerate(steps):
        if number < last and step.path not in done and number not in reached:
            message = f"is new and stands before {steps[last].path}, which was carried out"
            found.append(_obstacle("step_before", step.path, message))
        for inside in _lists(step):
            found += _inserted(inside, done)
    return found


def _obstacle(code: str, path: str, message: str) -> JsonObject:
    return {"code": code, "path": path, "message": f"{path} {message}"}
