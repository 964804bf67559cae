"""Writes that a rollback leaves behind: each needs an undo or a stated exemption."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from careloom.types import JsonObject
from careloom.workflows.definition import StepDefinition
from careloom.workflows.verification.finding import Finding, Subject, error, warning

_WAITS = frozenset({"wait"})
_READING = {
    "fhir": ("action", frozenset({"read", "vread", "search", "history", "capabilities"})),
    "http": ("method", frozenset({"GET", "HEAD", "OPTIONS"})),
    "sql": ("action", frozenset({"query", "select", "read"})),
}
"""Parameter and values with which a step of a writing type only reads."""


def writes(step: StepDefinition, schema: Mapping[str, object]) -> bool:
    """True when a step leaves something behind, here or outside."""
    effects = schema.get("effects")
    kept = set(effects) - _WAITS if isinstance(effects, list) else set()
    if not kept and not schema.get("egress"):
        return False
    key, reading = _READING.get(step.type, ("", frozenset()))
    chosen = step.params.get(key)
    if step.type == "http" and chosen is None:
        chosen = "GET"
    if step.type == "graphql":
        text = step.params.get("query")
        return not (isinstance(text, str) and text.lstrip()[:1] in ("{", "q"))
    return chosen not in reading


def _undone_by_type(step: StepDefinition, schema: JsonObject) -> bool:
    """Of what the fhir step did on another server, single resources can be taken back."""
    elsewhere = step.type == "fhir" and "server" in step.params
    if elsewhere and step.params.get("action") in ("transaction", "batch", "operation"):
        return False
    return schema.get("undo") in (True, "none-needed")


def check_undo(subject: Subject) -> Iterator[Finding]:
    """Every write of a workflow that is rolled back, or that undoes some of its steps."""
    definition = subject.definition
    strict = definition.on_failure == "rollback"
    if not strict and not any(isinstance(s.compensate, tuple) for s in definition.walk()):
        return
    for step in definition.steps:
        yield from _within(subject, step, strict=strict)


def _within(subject: Subject, step: StepDefinition, *, strict: bool) -> Iterator[Finding]:
    """The step and what is inside it; a compensation covers what it is written for."""
    if step.compensate is not None:
        yield from _nested(step)
        return
    schema: JsonObject = subject.schemas.get(step.type, {})
    if writes(step, schema) and not _undone_by_type(step, schema):
        make, code = (error, "E-NOUNDO") if strict else (warning, "W-NOUNDO")
        yield make(
            code,
            step.path,
            f"what step {step.id!r} does is not undone by a rollback",
            cause=f"a {step.type} step has no undo of its own, and none is written",
            fix="write compensate: with the steps that undo it, or compensate: none",
        )
    for steps in (*step.branches.values(), step.fallback):
        for child in steps:
            yield from _within(subject, child, strict=strict)


def _nested(step: StepDefinition) -> Iterator[Finding]:
    undo = step.compensate if isinstance(step.compensate, tuple) else ()
    for child in (inner for one in undo for inner in one.walk()):
        if child.compensate is not None:
            yield error(
                "E-COMPENSATE",
                f"{child.path}/compensate",
                f"step {child.id!r} undoes another and cannot itself be undone",
                cause="a rollback is not rolled back",
                fix="remove compensate: here",
            )
