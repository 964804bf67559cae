"""Triggers: types that are offered, keys that they have, events that exist, filters that can be
read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.definition.trigger_form import STUDY_STABLE
from careloom.workflows.expressions import ExpressionError, compile_condition, compile_expression
from careloom.workflows.expressions.tokens import tokenize
from careloom.workflows.verification.finding import (
    FHIR_EVENT,
    Finding,
    Subject,
    did_you_mean,
    error,
)
from careloom.workflows.verification.references import expression_finding
from careloom.workflows.verification.trigger_keys import KEYS, check_keys

OFFERED = frozenset(KEYS)
EVENTS = {"dicom": ("NewImageUploaded", STUDY_STABLE), "file": ("NewFileUploaded",)}
VERSIONS = frozenset({"current", "previous"})
"""What `%` stands before in a `where:`."""
_FILTER_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9_.:-]*", re.ASCII)


def check_triggers(subject: Subject) -> Iterator[Finding]:
    """Every trigger."""
    for number, trigger in enumerate(subject.definition.triggers):
        path = f"triggers/{number}"
        if trigger.type not in OFFERED:
            yield error(
                "E-TRIGGERTYPE",
                f"{path}/type",
                f"there is no trigger type {trigger.type!r}",
                cause="the type is none of the known ones",
                fix=did_you_mean(trigger.type, OFFERED, "use a type of the catalog"),
            )
        else:
            yield from check_keys(trigger, path)
            yield from _event(subject, trigger, path)
            yield from _conditions(trigger, path)
            yield from _changes(trigger, path)


def _event(subject: Subject, trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    if trigger.type in EVENTS:
        known = EVENTS[trigger.type]
        if trigger.event is not None and trigger.event.lower() not in map(str.lower, known):
            yield _no_event(trigger, path, f"write event: {' or '.join(known)}")
    if trigger.type != "fhir":
        return
    found = FHIR_EVENT.fullmatch(trigger.event or "")
    types = subject.known.resource_types
    if found is None:
        yield _no_event(trigger, path, "write event: Observation.create (or .update, .delete)")
    elif types is not None and found[1] not in types:
        near = did_you_mean(found[1], types, "use an R4 resource type")
        fix = f"{near}.{found[2]}" if near.startswith("write ") else near
        yield _no_event(trigger, path, fix)


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


def _changes(trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    """`changed:` and `becomes:` name elements of the resource."""
    changed, becomes = trigger.params.get("changed"), trigger.params.get("becomes")
    given = changed if isinstance(changed, list) else [changed] if changed is not None else []
    elements = [*given, *(becomes if isinstance(becomes, dict) else ())]
    if becomes is not None and not isinstance(becomes, dict):
        elements.append(None)
    for element in elements:
        try:
            if not isinstance(element, str):
                raise ExpressionError("the name of an element is missing")
            compile_expression(element, focus=True)
        except ExpressionError:
            yield error(
                "E-CHANGE",
                f"{path}/{'becomes' if becomes is not None else 'changed'}",
                "this does not name elements of the resource",
                cause="whether they changed could not be told",
                fix="write changed: status, or becomes: {status: booked}",
            )
            return


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
