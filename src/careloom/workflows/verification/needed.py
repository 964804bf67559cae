"""What a fhir step needs for the action that it names: a type to write, and what to write."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json
from careloom.workflows.definition import StepDefinition
from careloom.workflows.verification.finding import Finding, error

_WRITES = ("create", "update")


def check_needed(step: StepDefinition) -> Iterator[Finding]:
    """A create or update of no type fails when it runs. Where the type is known, the check of what
    is written says what is missing of it."""
    action, data = step.params.get("action"), step.params.get("data")
    if step.type != "fhir" or action not in _WRITES:
        return
    if _said(step.params.get("resourceType")) or _typed(data):
        return
    yield _missing(step, "resourceType", "name what is written, e.g. resourceType: Observation")
    if not _said(data):
        yield _missing(step, "data", "write the resource's elements under data:")


def _said(value: Json) -> bool:
    return value is not None and value != "" and value != {}


def _typed(data: Json) -> bool:
    """Whether the resource brings its type, or is an expression that may bring one."""
    return isinstance(data, str) or (isinstance(data, dict) and _said(data.get("resourceType")))


def _missing(step: StepDefinition, key: str, fix: str) -> Finding:
    return error(
        "E-MISSINGKEY",
        f"{step.path}/{key}",
        f"{key} is missing",
        cause=f"a fhir step with action {step.params['action']} needs resourceType and data",
        fix=fix,
    )
