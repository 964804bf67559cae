"""Expressions that cannot be read, and references that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import JsonObject
from careloom.workflows.expressions import ExpressionError, Reference
from careloom.workflows.verification.cycles import find_cycles, shown
from careloom.workflows.verification.finding import (
    Finding,
    Subject,
    did_you_mean,
    error,
    info,
)
from careloom.workflows.verification.flow import Place, Read, read_templates
from careloom.workflows.verification.scopes import (
    Reader,
    check_loop_root,
    check_scope,
    reader_of,
)
from careloom.workflows.verification.trigger_reads import check_trigger_read

LOOP_ROOTS = frozenset({"item", "index", "loops"})
_OF_STEP = ("output", "outcome", "error")


def check_references(subject: Subject, all_places: list[Place]) -> Iterator[Finding]:
    """Every expression of every step, of the workflow's policies and of its output."""
    by_id = {place.step.id: place for place in reversed(all_places)}
    for place in all_places:
        for path, fault in place.faults:
            yield expression_finding(path, fault)
        told: set[tuple[Reference, bool]] = set()
        for read in place.reads:
            if (read.reference, read.per_item) not in told:
                told.add((read.reference, read.per_item))
                reader = reader_of(place, read, all_places)
                yield from _reference(subject, read, reader, by_id, all_places, place)
    yield from _output(subject, by_id, all_places)
    yield from _policies(subject)
    yield from _cycles(all_places, by_id)


def expression_finding(path: str, fault: ExpressionError) -> Finding:
    """An expression's own error as a finding."""
    return error(
        fault.code,
        path,
        f"the expression cannot be used: {fault.message}",
        cause=f"in {fault.expression!r}" if fault.expression else "the text is no expression",
        fix=fault.fix or "see docs/reference/expressions.md",
    )


def _output(
    subject: Subject, by_id: dict[str, Place], all_places: list[Place]
) -> Iterator[Finding]:
    faults: list[tuple[str, ExpressionError]] = []
    end = Reader(len(all_places), ())
    for path, template in read_templates(faults, "output", subject.definition.output):
        for reference in sorted(template.references):
            read = Read(path, reference, reference in template.required)
            yield from _reference(subject, read, end, by_id, all_places, None)
    for path, fault in faults:
        yield expression_finding(path, fault)


def _policies(subject: Subject) -> Iterator[Finding]:
    """`orderBy` and `concurrency.key` are answered before any step runs."""
    definition = subject.definition
    limit = definition.concurrency
    texts = {"orderBy": definition.order_by, "concurrency/key": limit.key if limit else None}
    faults: list[tuple[str, ExpressionError]] = []
    for path, text in texts.items():
        for _, template in read_templates(faults, path, text):
            for reference in sorted(template.references):
                yield from _policy(subject, path, reference, reference in template.required)
    for path, fault in faults:
        yield expression_finding(path, fault)


def _policy(subject: Subject, path: str, reference: Reference, required: bool) -> Iterator[Finding]:
    if reference[0] == "trigger":
        yield from _root(subject, path, reference, required=required)
        return
    yield error(
        "E-REFROOT",
        path,
        f"{reference[0]} does not exist before the run begins",
        cause="the key decides when the run begins, so only the trigger is known",
        fix="read trigger, as in {{trigger.patientId}}",
    )


def _reference(
    subject: Subject,
    read: Read,
    reader: Reader,
    by_id: dict[str, Place],
    all_places: list[Place],
    place: Place | None,
) -> Iterator[Finding]:
    path, reference = read.path, read.reference
    if reference[0] in LOOP_ROOTS:
        yield from check_loop_root(path, reference, reader, all_places)
        return
    if reference[0] != "steps":
        yield from _root(subject, path, reference, required=read.required)
        return
    faults = list(_named(subject, by_id, path, reference))
    yield from faults
    if faults and faults[0].severity == "error":
        return
    if len(reference) > 1 and (by_id[reference[1]] is not place or read.per_item):
        yield from check_scope(path, read, reader, by_id[reference[1]], all_places)


def _root(
    subject: Subject, path: str, reference: Reference, *, required: bool
) -> Iterator[Finding]:
    if reference[0] in ("current", "previous"):
        yield error(
            "E-REFROOT",
            path,
            f"{reference[0]} does not exist here",
            cause="%current and %previous belong to a trigger's where:",
            fix="read trigger, steps, run or session",
        )
    if reference[0] == "trigger":
        yield from check_trigger_read(subject, path, reference, required=required)


def _named(
    subject: Subject, by_id: dict[str, Place], path: str, reference: Reference
) -> Iterator[Finding]:
    if len(reference) < 2:
        return
    name = reference[1]
    if name not in by_id:
        yield error(
            "E-REF",
            path,
            f"there is no step {name!r}",
            cause=f"steps.{name} is read here",
            fix=did_you_mean(name, by_id, "name a step of this workflow"),
        )
    elif len(reference) > 2 and reference[2] not in _OF_STEP:
        yield error(
            "E-REFSHAPE",
            path,
            f"a step has {', '.join(_OF_STEP)}, not {reference[2]!r}",
            cause="results stand under output",
            fix=f"write steps.{name}.output.{reference[2]}",
        )
    elif len(reference) > 3 and reference[2] == "output":
        yield from _output_key(subject, by_id[name], path, reference)


def _output_key(
    subject: Subject, target: Place, path: str, reference: Reference
) -> Iterator[Finding]:
    key, step = reference[3], target.step
    schema: JsonObject = subject.schemas.get(step.type, {}).get("output", {})
    properties = schema.get("properties", {})
    if key in properties or key == step.output or not properties or step.fallback:
        # With a fallback the output may be that of its last step.
        return
    if schema.get("additionalProperties") is True:
        yield info(
            "I-EXPECTS",
            path,
            f"step {step.id!r} will be asked for {key!r}",
            cause="a later step reads it, so it becomes part of the output that is required",
            fix="nothing to mend; a run in which it is missing stops at this step and says so",
        )
        return
    yield error(
        "E-OUTPUTKEY",
        path,
        f"the output of step {step.id!r} has no {key!r}",
        cause=f"a {step.type} step answers {', '.join(sorted(properties))}",
        fix=did_you_mean(key, properties, "read one of these"),
    )


def _cycles(all_places: list[Place], by_id: dict[str, Place]) -> Iterator[Finding]:
    edges = {place.step.id: sorted(place.step_ids & by_id.keys()) for place in all_places}
    for cycle in find_cycles(edges):
        first = by_id[cycle[0]]
        yield error(
            "E-CYCLE",
            first.step.path,
            f"the steps wait for each other: {shown(cycle)}",
            cause="each reads a result of the next",
            fix="remove one of these references",
        )
