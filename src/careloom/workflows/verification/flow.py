"""The order of a definition's steps, and what reads what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from careloom.types import Json
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.expressions import (
    ExpressionError,
    Reference,
    Template,
    compile_condition,
    compile_template,
)


@dataclass(slots=True)
class Place:
    """A step with its position among the others."""

    step: StepDefinition
    index: int
    """Its place in reading order."""
    parents: tuple[tuple[str, str], ...]
    """(id of the if or switch, branch) around it, outermost first."""
    before: tuple[int, ...]
    """Indexes of the steps that have surely been passed when this one begins."""
    reads: list[tuple[str, Reference, bool]] = field(default_factory=list)
    """(path of the text, what it reads, whether that must exist)."""
    faults: list[tuple[str, ExpressionError]] = field(default_factory=list)

    @property
    def step_ids(self) -> set[str]:
        """Ids of the steps it reads from."""
        return {ref[1] for _, ref, _ in self.reads if ref[0] == "steps" and len(ref) > 1}


def places(definition: Definition) -> list[Place]:
    """Every step in reading order with everything it reads."""
    out: list[Place] = []
    _walk(definition.steps, (), (), out)
    for place in out:
        _read(place)
    return out


def _walk(
    steps: tuple[StepDefinition, ...],
    parents: tuple[tuple[str, str], ...],
    before: tuple[int, ...],
    out: list[Place],
) -> None:
    for step in steps:
        place = Place(step, len(out), parents, before)
        out.append(place)
        before = (*before, place.index)
        for branch, children in step.branches.items():
            _walk(children, (*parents, (step.id, branch)), before, out)


def _read(place: Place) -> None:
    step = place.step
    if step.condition is not None:
        _read_condition(place, f"{step.path}/when", step.condition)
    for key, value in step.params.items():
        path = f"{step.path}/{key}"
        if is_bare_condition(step, key, value):
            _read_condition(place, path, value)
        else:
            for where, template in read_templates(place.faults, path, value):
                required = template.required
                place.reads.extend(
                    (where, ref, ref in required) for ref in sorted(template.references)
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
    place.reads.extend((path, ref, ref in required) for ref in sorted(condition.references))
