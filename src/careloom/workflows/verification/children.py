"""Workflows that start workflows: whether the child exists and takes what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careloom.types import Json
from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.definition.json_schema import validator
from careloom.workflows.verification.cycles import find_cycles, shown
from careloom.workflows.verification.finding import Finding, Subject, did_you_mean, error


def started(step: StepDefinition) -> str | None:
    """The workflow that a step starts in its newest version, when that is written out.

    A step that names a version starts that one, which can never change.
    """
    name = step.params.get("workflow")
    plain = isinstance(name, str) and "{{" not in name
    newest = step.params.get("version") is None
    return name if step.type == "workflow" and plain and newest else None


def check_child(subject: Subject, step: StepDefinition) -> Iterator[Finding]:
    """The child of a `workflow` step, its version and its input."""
    name, known = step.params.get("workflow"), subject.known.workflows
    if step.type != "workflow" or known is None or not isinstance(name, str) or "{{" in name:
        return
    everything = not subject.known.more_workflows
    if name not in known and name != subject.definition.id:
        if everything:
            yield error(
                "E-WORKFLOW",
                f"{step.path}/workflow",
                f"there is no workflow {name!r}",
                cause="the step would start nothing",
                fix=did_you_mean(name, known, "deploy that workflow first"),
            )
        return
    newest = known[name][0] if name in known else 0
    version = step.params.get("version")
    if everything and isinstance(version, int) and not 1 <= version <= newest:
        yield error(
            "E-WORKFLOW",
            f"{step.path}/version",
            f"workflow {name!r} has no version {version}",
            cause=f"its newest version is {newest}" if newest else "it was never deployed",
            fix="leave version: out for the newest",
        )
    child = subject.child(name)
    if version is None and child is not None:
        yield from _input(step, child)


def _input(step: StepDefinition, child: Definition) -> Iterator[Finding]:
    given = step.params.get("input", {})
    if child.input_schema is None or not isinstance(given, dict):
        return
    for fault in validator(child.input_schema).iter_errors(given):
        if fault.validator in ("required", "additionalProperties") or not _template(fault):
            place = "/".join([step.path, "input", *map(str, fault.absolute_path)])
            rule = f"{fault.validator}: {fault.validator_value!r}"[:200]
            yield error(
                "E-CHILDINPUT",
                place,
                f"workflow {child.id!r} does not take this input",
                cause=f"it breaks the input schema of that workflow ({rule})",
                fix="give what its input: asks for",
            )


def _template(fault: Any) -> bool:
    return "{{" in str(fault.instance)


def check_recursion(subject: Subject) -> Iterator[Finding]:
    """A workflow that starts itself, directly or through others."""
    others = {name: found for name, (_, found) in (subject.known.workflows or {}).items()}
    everything: dict[str, Definition] = {**others, subject.definition.id: subject.definition}
    edges = {name: sorted(set(_children(one))) for name, one in sorted(everything.items())}
    for cycle in find_cycles(edges):
        if subject.definition.id not in cycle:
            continue
        follow = cycle[(cycle.index(subject.definition.id) + 1) % len(cycle)]
        step = next(one for one in subject.definition.walk() if started(one) == follow)
        yield error(
            "E-WORKFLOWCYCLE",
            f"{step.path}/workflow",
            f"the workflows start each other for ever: {shown(cycle)}",
            cause="each starts the next and waits for it",
            fix="remove this step, or name an older version: that does not lead back",
        )


def _children(definition: Definition) -> Iterator[str]:
    for step in definition.walk():
        name: Json = started(step)
        if name is not None:
            yield name
