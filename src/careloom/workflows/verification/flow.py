"""The order of a definition's steps, what stands inside what, and what reads what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from careloom.types import Json
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.expressions import (
    ExpressionError,
    Reference,
    Template,
    compile_condition,
    compile_template,
)

Around = Literal["choice", "parallel", "loop", "fallback", "undo"]
_PER_ITEM = {"foreach": ("collect",), "map": ("each", "match", "only")}
"""Parameters that are read once for each item, by step type."""
_KINDS: dict[str, Around] = {"parallel": "parallel", "foreach": "loop"}


@dataclass(frozen=True, slots=True)
class Inside:
    """One list of steps around a step: whose it is, and which of its lists."""

    owner: int
    """Index of the step that holds the list."""
    branch: str
    kind: Around


@dataclass(frozen=True, slots=True)
class Read:
    """One path that a step's text reads."""

    path: str
    """The place of the text."""
    reference: Reference
    required: bool
    """It must exist for the text to have a value."""
    per_item: bool = False
    """Read once for each item of the loop that the step is, after its steps."""


@dataclass(slots=True)
class Place:
    """A step with its position among the others."""

    step: StepDefinition
    index: int
    """Its place in reading order."""
    parents: tuple[Inside, ...]
    """The lists around it, outermost first."""
    last: int = 0
    """Index of the last step inside it; its own when nothing is inside."""
    reads: list[Read] = field(default_factory=list)
    faults: list[tuple[str, ExpressionError]] = field(default_factory=list)

    @property
    def step_ids(self) -> set[str]:
        """Ids of the steps it reads from before it runs."""
        references = (one.reference for one in self.reads if not one.per_item)
        return {ref[1] for ref in references if ref[0] == "steps" and len(ref) > 1}


def places(definition: Definition) -> list[Place]:
    """Every step in reading order with everything it reads."""
    out: list[Place] = []
    _walk(definition.steps, (), out)
    for place in out:
        _read(place)
    return out


def _walk(steps: tuple[StepDefinition, ...], parents: tuple[Inside, ...], out: list[Place]) -> None:
    for step in steps:
        place = Place(step, len(out), parents)
        out.append(place)
        kind = _KINDS.get(step.type, "choice")
        for branch, children in step.branches.items():
            _walk(children, (*parents, Inside(place.index, branch, kind)), out)
        _walk(step.fallback, (*parents, Inside(place.index, "fallback", "fallback")), out)
        undo = step.compensate if isinstance(step.compensate, tuple) else ()
        _walk(undo, (*parents, Inside(place.index, "compensate", "undo")), out)
        place.last = len(out) - 1


def _read(place: Place) -> None:
    step = place.step
    if step.condition is not None:
        _read_condition(place, f"{step.path}/when", step.condition)
    for key, value in step.params.items():
        path = f"{step.path}/{key}"
        if is_bare_condition(step, key, value):
            _read_condition(place, path, value)
        else:
            per_item = key in _PER_ITEM.get(step.type, ())
            for where, template in read_templates(place.faults, path, value):
                required = template.required
                place.reads.extend(
                    Read(where, ref, ref in required, per_item)
                    for ref in sorted(template.references)
                )


def is_bare_condition(step: StepDefinition, key: str, value: Json) -> bool:
    """An if's condition is an expression, with or without braces."""
    return step.type == "if" and key == "condition" and isinstance(value, str)


def read_templates(
    faults: list[tuple[str, ExpressionError]], path: str, value: Json
) -> Iterator[tuple[str, Template]]:
    """Every text with an expression, compiled, with its place; faults go to the list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _compiled(faults, path, {key: None})
            yield from read_templates(faults, f"{path}/{key}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from read_templates(faults, f"{path}/{number}", item)
    else:
        yield from _compiled(faults, path, value)


def _compiled(
    faults: list[tuple[str, ExpressionError]], path: str, value: Json
) -> Iterator[tuple[str, Template]]:
    try:
        template = compile_template(value)
    except ExpressionError as fault:
        faults.append((path, fault))
        return
    if not template.constant:
        yield path, template


def _read_condition(place: Place, path: str, text: str) -> None:
    try:
        condition = compile_condition(text)
    except ExpressionError as fault:
        place.faults.append((path, fault))
        return
    required = condition.expression.required
    place.reads.extend(Read(path, ref, ref in required) for ref in sorted(condition.references))
