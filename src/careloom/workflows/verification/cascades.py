"""Which deployed workflow starts which: by what it writes to the store, or as its child."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from careloom.workflows.definition import Definition, StepDefinition
from careloom.workflows.verification.cycles import find_cycles, shown
from careloom.workflows.verification.finding import Finding, warning
from careloom.workflows.verification.writes import writes_of

STARTS = "workflow"
"""The event of a cascade in which a step starts the other workflow itself."""


@dataclass(frozen=True, slots=True)
class Cascade:
    """A step of one workflow that may start another, or itself."""

    source: str
    step: str
    """Path of the writing or starting step."""
    event: str
    """`Observation.create`, or `workflow` when the step starts it as its child."""
    target: str


@dataclass(frozen=True, slots=True)
class TriggerGraph:
    """All cascades among deployed workflows, and the cycles they form."""

    cascades: tuple[Cascade, ...]
    cycles: tuple[tuple[str, ...], ...]
    orphans: tuple[str, ...] = ()
    """Workflows that no trigger and no other workflow starts."""


def trigger_graph(definitions: Iterable[Definition]) -> TriggerGraph:
    """The graph of fhir writes to fhir triggers, and of workflows to those that they start.

    Filters are not evaluated: an edge is a may.
    """
    listed = sorted(definitions, key=lambda one: one.id)
    listeners = _listeners(listed)
    names = {one.id for one in listed}
    cascades = [
        Cascade(source.id, step.path, event, target)
        for source in listed
        for step in source.walk()
        for event, targets in _starts(step, listeners)
        for target in targets
        if target in names
    ]
    edges: dict[str, list[str]] = {one.id: [] for one in listed}
    for cascade in cascades:
        edges[cascade.source].append(cascade.target)
    reached = {cascade.target for cascade in cascades if cascade.source != cascade.target}
    orphans = tuple(one.id for one in listed if not one.triggers and one.id not in reached)
    return TriggerGraph(tuple(cascades), tuple(find_cycles(edges)), orphans)


def _listeners(listed: list[Definition]) -> dict[str, list[str]]:
    """The workflows that listen to an event of the store, by its name in small letters."""
    found: dict[str, list[str]] = {}
    for one in listed:
        events = {(t.event or "").lower() for t in one.triggers if t.type == "fhir"}
        for event in events:
            found.setdefault(event, []).append(one.id)
    return found


def _starts(
    step: StepDefinition, listeners: dict[str, list[str]]
) -> Iterator[tuple[str, list[str]]]:
    for event in sorted({event for write in writes_of(step) for event in write.events}):
        yield event, listeners.get(event.lower(), [])
    child = step.params.get("workflow")
    if step.type == "workflow" and isinstance(child, str):
        yield STARTS, [child]


def cascade_findings(graph: TriggerGraph, workflow_id: str) -> list[Finding]:
    """The cycles that a workflow is part of, as findings of its deploy report."""
    return [
        warning(
            "W-CASCADE",
            "triggers",
            f"the workflows may start each other for ever: {shown(cycle)}",
            cause="each writes a resource whose event triggers the next, or starts it",
            fix="narrow a trigger with filter: or where:, so that the chain ends",
        )
        for cycle in graph.cycles
        if workflow_id in cycle
    ]
