"""Triggers: types that are offered, events that exist, filters that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.expressions import ExpressionError, compile_condition
from careloom.workflows.expressions.tokens import tokenize
from careloom.workflows.verification.finding import Finding, Subject, did_you_mean, error
from careloom.workflows.verification.references import expression_finding

OFFERED = frozenset({"manual", "dicom", "fhir", "file"})
UNDERSTOOD = frozenset({"schedule", "webhook"})
"""Read and kept, but nothing starts runs from them in this version."""
EVENTS = {"dicom": "NewImageUploaded", "file": "NewFileUploaded"}
VERSIONS = frozenset({"current", "previous"})
"""What `%` stands before in a `where:`."""
_FHIR_EVENT = re.compile(r"([A-Z][A-Za-z]+)\.(create|update|delete)", re.ASCII)
_FILTER_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_.:-]*", re.ASCII)


def check_triggers(subject: Subject) -> Iterator[Finding]:
    """Every trigger."""
    for number, trigger in enumerate(subject.definition.triggers):
        path = f"triggers/{number}"
        if trigger.type in UNDERSTOOD:
            yield error(
                "E-TRIGGEROFFER",
                f"{path}/type",
                f"{trigger.type} triggers start no runs in this version",
                cause="the workflow would be deployed and never run",
                fix="use one of " + ", ".join(sorted(OFFERED)) + ", or start it by the API",
            )
        elif trigger.type not in OFFERED:
            yield error(
                "E-TRIGGERTYPE",
                f"{path}/type",
                f"there is no trigger type {trigger.type!r}",
                cause="the type is none of the known ones",
                fix=did_you_mean(trigger.type, OFFERED, "use a type of the catalog"),
            )
        else:
            yield from _event(subject, trigger, path)
            yield from _conditions(trigger, path)


def _event(subject: Subject, trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    if trigger.type == "manual":
        return
    if trigger.type != "fhir":
        wanted = EVENTS[trigger.type]
        if trigger.event is not None and trigger.event.lower() != wanted.lower():
            yield _no_event(trigger, path, f"write event: {wanted}")
        return
    found = _FHIR_EVENT.fullmatch(trigger.event or "")
    types = subject.known.resource_types
    if found is None:
        yield _no_event(trigger, path, "write event: Observation.create (or .update, .delete)")
    elif types is not None and found[1] not in types:
        yield _no_event(trigger, path, did_you_mean(found[1], types, "use an R4 resource type"))


def _no_event(trigger: TriggerDefinition, path: str, fix: str) -> Finding:
    return error(
        "E-EVENT",
        f"{path}/event",
        f"a {trigger.type} trigger has no event {trigger.event!r}",
        cause="nothing would ever start the workflow",
        fix=fix,
    )


def _conditions(trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    if trigger.filter is not None and not _readable(trigger):
        yield error(
            "E-FILTER",
            f"{path}/filter",
            "the filter is not in FHIR search syntax",
            cause="a filter is name=value, joined by &, and belongs to fhir triggers",
            fix="write filter: category=imaging&status=final; expressions go under where:",
        )
    if trigger.where is not None:
        try:
            compile_condition(trigger.where, focus=True)
            yield from _without_percent(trigger.where, f"{path}/where")
        except ExpressionError as fault:
            yield expression_finding(f"{path}/where", fault)


def _without_percent(text: str, path: str) -> Iterator[Finding]:
    """A bare name is an element of the resource, and no R4 resource has one of these names."""
    before = ""
    for token in tokenize(text):
        if token.kind == "name" and token.text in VERSIONS and before not in ("%", "."):
            yield error(
                "E-REFROOT",
                path,
                f"{token.text!r} would be read as an element of the resource, which has none",
                cause="the condition would never hold",
                fix=f"write %{token.text}",
            )
            return
        before = token.text if token.kind == "op" else ""


def _readable(trigger: TriggerDefinition) -> bool:
    pairs = [part.partition("=") for part in (trigger.filter or "").lstrip("?").split("&")]
    return trigger.type == "fhir" and all(
        _FILTER_NAME.fullmatch(name) and sign and value for name, sign, value in pairs
    )
