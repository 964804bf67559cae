"""Steps that can never run."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.workflows.definition import StepDefinition
from careloom.workflows.expressions import ExpressionError, compile_condition
from careloom.workflows.verification.finding import Finding, Subject, warning


def check_reachability(subject: Subject) -> Iterator[Finding]:
    """Conditions that are constant, and the branches that they close."""
    for step in subject.definition.walk():
        if step.condition is not None and constant(step.condition) is False:
            yield _never(step.path, "its condition is always false", "remove when:, or the step")
        yield from _branches(step)


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


def _branches(step: StepDefinition) -> Iterator[Finding]:
    if step.type == "if":
        answer = constant(step.params.get("condition"))
        closed = {True: "else", False: "then"}.get(answer) if answer is not None else None
        names = [closed] if closed in step.branches else []
    elif step.type == "switch":
        value = step.params.get("value")
        fixed = isinstance(value, (str, int)) and not (isinstance(value, str) and "{{" in value)
        chosen = (str(value).lower() if isinstance(value, bool) else str(value)) if fixed else None
        taken = chosen if chosen in step.branches else "default"
        names = [name for name in step.branches if chosen is not None and name != taken]
    else:
        return
    for name in names:
        for child in step.branches[name or ""]:
            yield _never(
                child.path, f"{step.id!r} never chooses {name}", "read a value that can differ"
            )


def _never(path: str, cause: str, fix: str) -> Finding:
    return warning("W-UNREACHABLE", path, "the step can never run", cause=cause, fix=fix)
