"""Which deployed workflow starts which: what one writes to the store may trigger another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careloom.workflows.definition import Definition
from careloom.workflows.verification.finding import Finding, warning
from careloom.workflows.verification.references import find_cycles
from careloom.workflows.verification.writes import writes_of


@dataclass(frozen=True, slots=True)
class Cascade:
    """A write of one workflow that may start another, or itself."""

    source: str
    step: str
    """Path of the writing step."""
    event: str
    target: str


@dataclass(frozen=True, slots=True)
class TriggerGraph:
    """All cascades among deployed workflows, and the cycles they form."""

    cascades: tuple[Cascade, ...]
    cycles: tuple[tuple[str, ...], ...]


def trigger_graph(definitions: Iterable[Definition]) -> TriggerGraph:
    """The graph of fhir writes to fhir triggers. Filters are not evaluated: an edge is a may."""
    listed = sorted(definitions, key=lambda one: one.id)
    cascades = [
        Cascade(source.id, step.path, event, target.id)
        for source in listed
        for step in source.walk()
        for event in sorted({f"{w.resource_type}.{w.action}" for w in writes_of(step)})
        for target in listed
        if _listens(target, event)
    ]
    edges: dict[str, list[str]] = {one.id: [] for one in listed}
    for cascade in cascades:
        edges[cascade.source].append(cascade.target)
    return TriggerGraph(tuple(cascades), tuple(find_cycles(edges)))


def _listens(target: Definition, event: str) -> bool:
    return any(
        trigger.type == "fhir" and (trigger.event or "").lower() == event.lower()
        for trigger in target.triggers
    )


def cascade_findings(graph: TriggerGraph, workflow_id: str) -> list[Finding]:
    """The cycles that a workflow is part of, as findings of its deploy report."""
    return [
        warning(
            "W-CASCADE",
            "triggers",
            f"the workflows may start each other for ever: {' → '.join([*cycle, cycle[0]])}",
            cause="each writes a resource whose event triggers the next",
            fix="narrow a trigger with filter: or where:, so that the chain ends",
        )
        for cycle in graph.cycles
        if workflow_id in cycle
    ]
