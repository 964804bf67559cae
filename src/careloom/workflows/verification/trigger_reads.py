"""What steps read of `trigger`: names that no trigger gives, and such as a start may leave out."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import JsonObject
from careloom.workflows.expressions import Reference
from careloom.workflows.verification.finding import (
    Finding,
    Subject,
    did_you_mean,
    error,
    warning,
)

_IMAGE = "file uri study series instance patientId"
_STUDY = "imagingStudy instances newInstances instanceCount seriesCount again"
SHOWN: dict[str, frozenset[str]] = {
    "fhir": frozenset(["resourceType", "id", "resource", "patientId"]),
    "file": frozenset(["file", "sha256", "contentType", "size", "bucket", "name"]),
    "dicom": frozenset(f"{_IMAGE} {_STUDY}".split()),
    "schedule": frozenset(["scheduledAt", "localTime", "timezone", "cron", "firedAt", "late"]),
    "webhook": frozenset(["body", "contentType", "headers", "path", "deliveryId", "receivedAt"]),
}
"""What `trigger` shows of an event, by type of trigger; beside `event` and `source`."""
_ALWAYS = frozenset({"event", "source"})


def check_trigger_read(
    subject: Subject, path: str, reference: Reference, *, required: bool
) -> Iterator[Finding]:
    """A path that begins with `trigger`."""
    if len(reference) < 2:
        return
    name, schema = reference[1], subject.definition.input_schema or {}
    closed = _closed_names(subject, schema)
    if closed is not None and name not in closed:
        yield error(
            "E-INPUTKEY",
            path,
            f"the input has no {name!r}",
            cause="the workflow's input schema allows no other properties",
            fix=did_you_mean(name, closed, "add it to input"),
        )
    elif required and name in schema.get("properties", {}):
        yield from _optional(schema, path, name)
    elif required:
        yield from _never_shown(subject, path, name)


def _closed_names(subject: Subject, schema: JsonObject) -> frozenset[str] | None:
    """What `trigger` can have, when only the input schema decides it."""
    manual = all(trigger.type == "manual" for trigger in subject.definition.triggers)
    if schema.get("additionalProperties") is not False or not manual:
        return None
    return frozenset({*schema.get("properties", {}), "source"})


def _optional(schema: JsonObject, path: str, name: str) -> Iterator[Finding]:
    if name in schema.get("required", ()):
        return
    yield warning(
        "W-REFMAYBE",
        path,
        f"a start may leave out {name!r}, and the step would fail",
        cause="the workflow's input has it and does not require it",
        fix=f"write coalesce(trigger.{name}, 'a default'), or require it in input",
    )


def _never_shown(subject: Subject, path: str, name: str) -> Iterator[Finding]:
    """A name that no event carries; a start by hand may give any, where one is meant."""
    types = {trigger.type for trigger in subject.definition.triggers}
    if not types or not types <= SHOWN.keys():
        return
    names = frozenset[str]().union(*(SHOWN[kind] for kind in types)) | _ALWAYS
    if name in names:
        return
    yield warning(
        "W-INPUTKEY",
        path,
        f"no event of these triggers shows {name!r}, and the run would fail",
        cause=f"{' and '.join(sorted(types))} events show {', '.join(sorted(names))}",
        fix=did_you_mean(name, names, "read what there is, or add a manual trigger"),
    )
