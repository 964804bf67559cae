"""Steps that can never run."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.workflows.definition import StepDefinition
from careloom.workflows.expressions import ExpressionError, compile_condition
from careloom.workflows.expressions.syntax import Path, parse
from careloom.workflows.expressions.template import split_template
from careloom.workflows.verification.finding import Finding, Subject, warning
from careloom.workflows.verification.flow import Place
from careloom.workflows.verification.kinds import Shapes

_ITEMS = 10_000
"""A foreach's `maxItems` when it states none."""


def check_reachability(subject: Subject, all_places: list[Place]) -> Iterator[Finding]:
    """Conditions that are constant, choices that close a branch, and what comes after a failure."""
    shapes = Shapes(subject, all_places)
    skipped: set[str] = set()
    for place in all_places:
        step = place.step
        if step.condition is not None and constant(step.condition) is False:
            skipped.add(step.id)
            yield _never(step.path, "its condition is always false", "remove when:, or the step")
        for name in _closed(step, shapes):
            for child in step.branches[name]:
                cause = f"{step.id!r} never chooses {name}"
                if step.type == "foreach":
                    cause = f"the list of {step.id!r} is always empty"
                yield _never(child.path, cause, "read a value that can differ")
    yield from _after_failures(subject, all_places, skipped)


def constant(condition: object) -> bool | None:
    """The answer of a condition that reads nothing, or None."""
    if isinstance(condition, bool):
        return condition
    if not isinstance(condition, str):
        return None
    try:
        return compile_condition(condition).constant
    except ExpressionError:
        # Reported as an expression's fault where the step's expressions are checked.
        return None


def _closed(step: StepDefinition, shapes: Shapes) -> list[str]:
    """The lists of a control step that are never chosen."""
    if step.type == "if":
        answer = constant(step.params.get("condition"))
        closed = {True: "else", False: "then"}.get(answer) if answer is not None else None
        return [closed] if closed in step.branches and closed else []
    if step.type == "foreach":
        return ["steps"] if step.params.get("items") == [] and "steps" in step.branches else []
    if step.type != "switch":
        return []
    value = step.params.get("value")
    if isinstance(value, str) and "{{" in value:
        return _never_equal(step, value, shapes)
    if not isinstance(value, (str, int)):
        return []
    chosen = str(value).lower() if isinstance(value, bool) else str(value)
    taken = chosen if chosen in step.branches else "default"
    return [name for name in step.branches if name != taken]


def _never_equal(step: StepDefinition, value: str, shapes: Shapes) -> list[str]:
    """Cases that a value with a fixed list of answers never has, and a default never needed."""
    try:
        pieces = split_template(value)
        node = parse(pieces[0][0].strip()) if len(pieces) == 1 else None
    except ExpressionError:
        # Reported as an expression's fault where the step's expressions are checked.
        return []
    schema = shapes.of(node.root, node.parts) if isinstance(node, Path) else None
    answers = schema.get("enum") if isinstance(schema, dict) else None
    if not answers:
        return []
    texts = {str(one).lower() if isinstance(one, bool) else str(one) for one in answers}
    closed = [name for name in step.branches if name != "default" and name not in texts]
    if "default" in step.branches and texts <= step.branches.keys() and None not in answers:
        closed.append("default")
    return closed


def _after_failures(
    subject: Subject, all_places: list[Place], skipped: set[str]
) -> Iterator[Finding]:
    failing = {
        place.step.id
        for place in all_places
        if place.step.on_error == "fail"
        and not place.step.fallback
        and place.step.condition is None
        and _always_fails(place, skipped)
    }
    lists = [subject.definition.steps]
    for step in subject.definition.walk():
        lists += [*step.branches.values(), step.fallback]
    for steps in lists:
        first = next((n for n, step in enumerate(steps) if step.id in failing), None)
        if first is None:
            continue
        for step in steps[first + 1 :]:
            cause = f"step {steps[first].id!r} before it always fails"
            yield _never(step.path, cause, "correct that step")


def _always_fails(place: Place, skipped: set[str]) -> bool:
    step = place.step
    if step.type == "foreach":
        items, most = step.params.get("items"), step.params.get("maxItems", _ITEMS)
        if isinstance(items, list) and isinstance(most, int) and len(items) > most:
            return True
    join = step.params.get("join")
    least = join.get("atLeast") if isinstance(join, dict) else None
    if step.type == "parallel" and isinstance(least, int) and least > len(step.branches):
        return True
    return any(
        read.required
        and not read.per_item
        and read.reference[0] == "steps"
        and read.reference[1:2]
        and read.reference[1] in skipped
        and len(read.reference) > 3
        for read in place.reads
    )


def _never(path: str, cause: str, fix: str) -> Finding:
    return warning("W-UNREACHABLE", path, "the step can never run", cause=cause, fix=fix)
