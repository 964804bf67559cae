"""The keys that each type of trigger has, and whether their values can be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from careloom.identity.permissions import PERMISSIONS
from careloom.types import Json
from careloom.workflows.cron import Plan, upcoming, zone_of
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.definition.durations import LONGEST_S
from careloom.workflows.definition.trigger_form import STUDY_STABLE
from careloom.workflows.verification.finding import Finding, did_you_mean, error

_ALWAYS = frozenset({"where", "description"})
_LIMITED = frozenset({"requires", "allow"})
_TIMED = frozenset({"cron", "timezone", "overlap", "catchUp", "catchUpWithin", "jitter"})
KEYS: dict[str, frozenset[str]] = {
    "manual": _LIMITED | {"description"},
    "fhir": _ALWAYS | {"event", "filter", "changed", "becomes"},
    "dicom": _ALWAYS | {"event", "quietPeriod"},
    "file": _ALWAYS | _LIMITED | {"event", "contentType", "bucket", "name"},
    "schedule": _TIMED | {"description"},
    "webhook": _ALWAYS | _LIMITED | {"path", "secret", "signature", "contentType", "headers"},
}
"""Beside `type`."""
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
HIDDEN_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "webhook-signature",
        "x-hub-signature",
        "x-hub-signature-256",
    }
)
"""What proves who sent it is never handed to a run."""


def check_keys(trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    """Every key of a trigger whose type is known."""
    given = {"event": trigger.event, "filter": trigger.filter, "where": trigger.where}
    values = {key: value for key, value in given.items() if value is not None} | trigger.params
    for key in values:
        if key not in KEYS[trigger.type] and key not in ("event", "filter", "where"):
            yield error(
                "E-TRIGGERKEY",
                f"{path}/{key}",
                f"a {trigger.type} trigger has no key {key!r}",
                cause="it would be kept and never looked at",
                fix=did_you_mean(key, KEYS[trigger.type], "remove it"),
            )
    for key, (is_usable, fix) in _RULES.items():
        if key in trigger.params and not is_usable(trigger.params[key]):
            yield _wrong(f"{path}/{key}", f"{key} cannot be used as it stands", fix)
    if trigger.type == "schedule":
        yield from _schedule(trigger, path)
    if trigger.type == "webhook":
        for key in ("path", "secret"):
            if key not in trigger.params:
                yield _wrong(f"{path}/{key}", f"a webhook trigger needs a {key}", _RULES[key][1])
    if "quietPeriod" in trigger.params and trigger.event != STUDY_STABLE:
        fix = f"write event: {STUDY_STABLE}"
        yield _wrong(f"{path}/quietPeriod", "a quiet period belongs to a stable study", fix)


def _schedule(trigger: TriggerDefinition, path: str) -> Iterator[Finding]:
    """A cron expression and a zone that have a next time."""
    cron, zone = trigger.params.get("cron"), trigger.params.get("timezone", "UTC")
    try:
        zone_of(zone if isinstance(zone, str) else "")
    except ValueError as fault:
        fix = "write a name of the IANA database, such as Europe/Berlin"
        yield _wrong(f"{path}/timezone", str(fault), fix)
        zone = "UTC"
    try:
        if not isinstance(cron, str):
            raise ValueError("a schedule needs a cron expression")
        if not upcoming(Plan(cron, str(zone)), datetime.now(UTC), 1):
            raise ValueError("the cron expression names no time that ever comes")
    except ValueError as fault:
        fix = 'write cron: "0 */6 * * *": minute, hour, day, month, weekday'
        yield _wrong(f"{path}/cron", str(fault), fix)


def _wrong(path: str, message: str, fix: str) -> Finding:
    cause = "nothing would start the workflow as it is meant"
    return error("E-TRIGGER", path, message, cause=cause, fix=fix)


def _one_of(*names: str) -> tuple[Callable[[Json], bool], str]:
    return (lambda value: value in names), f"write {' or '.join(names)}"


def _fits(pattern: re.Pattern[str], fix: str) -> tuple[Callable[[Json], bool], str]:
    return (lambda value: isinstance(value, str) and bool(pattern.fullmatch(value))), fix


def _texts(value: Json) -> bool:
    return isinstance(value, str) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)
    )


def _headers(value: Json) -> bool:
    given = value if isinstance(value, list) else [value]
    return all(
        isinstance(one, str) and _HEADER.fullmatch(one) and one.lower() not in HIDDEN_HEADERS
        for one in given
    )


def _length(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LONGEST_S


_RULES: dict[str, tuple[Callable[[Json], bool], str]] = {
    "overlap": _one_of("forbid", "allow", "queue"),
    "catchUp": _one_of("none", "last", "all"),
    "catchUpWithin": (_length, "write catchUpWithin: 24h"),
    "jitter": (_length, "write jitter: 30s"),
    "quietPeriod": (_length, "write quietPeriod: 60s"),
    "path": _fits(_PATH, "write path: orders (letters, digits and . _ ~ -)"),
    "secret": _fits(
        _NAME, "write secret: the name that PUT /api/webhooks/secrets/{name} was given"
    ),
    "signature": _one_of("standard", "github"),
    "contentType": (_texts, "write contentType: application/pdf, or a list"),
    "bucket": (_texts, "write bucket: letters, or a list"),
    "name": (_texts, 'write name: "*.csv", or a list'),
    "headers": (_headers, "write headers: [x-event-type]; signatures and keys are never handed on"),
    "requires": (
        lambda value: isinstance(value, str) and value in PERMISSIONS,
        "write one of " + ", ".join(sorted(PERMISSIONS)),
    ),
    "allow": (_texts, "write allow: [clinician], roles or principals"),
}
