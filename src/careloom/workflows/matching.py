"""Whether a trigger wants an event: its kind and name, its filters, and what changed.

Nothing is read here but the event and what it shows; loading is the matcher's task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from careloom.errors import InvalidInput
from careloom.types import Json, JsonObject
from careloom.workflows.definition import TriggerDefinition
from careloom.workflows.expressions import compile_condition, compile_expression
from careloom.workflows.signatures import scheme_of

MatchesSearch = Callable[[JsonObject, str], bool]
"""(resource, FHIR search text) → whether the resource, as it is given, matches."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as conditions see it."""

    shown: JsonObject
    """What `trigger.*` will show."""
    current: JsonObject | None
    """The resource after the event; None for a deletion, what is shown for other events."""
    previous: JsonObject | None
    """The resource before the event; None when it is new."""


def listens(trigger: TriggerDefinition, kind: str, name: str, ref: JsonObject) -> bool:
    """Whether the trigger is for such events, by what stands in the event itself."""
    if trigger.type != kind:
        return False
    if kind == "webhook":
        given = trigger.params
        signed = given.get("signature", "standard") == scheme_of(str(ref.get("delivery")))
        return signed and (given.get("path"), given.get("secret")) == (name, ref.get("secret"))
    if trigger.event is not None and trigger.event.lower() != name.lower():
        return False
    if kind == "file":
        return _is_file(trigger, ref)
    if kind == "dicom" and name == "StudyStable":
        return bool(trigger.params.get("quietPeriod") == ref.get("quietSeconds"))
    return kind != "dicom" or trigger.event is not None or name == "NewImageUploaded"


def needs_previous(trigger: TriggerDefinition) -> bool:
    """Whether the version before the event has to be read."""
    return (
        "previous" in (trigger.where or "")
        or "changed" in trigger.params
        or "becomes" in trigger.params
    )


def passes(trigger: TriggerDefinition, seen: Seen, matches_search: MatchesSearch) -> bool:
    """Whether the event meets the trigger's conditions. A filter of a deletion reads what was
    deleted. Raises InvalidInput or ExpressionError when a condition cannot be evaluated."""
    if trigger.filter:
        resource = seen.shown.get("resource") or seen.previous
        if resource is None:
            raise InvalidInput("There is no resource to filter", code="filter_no_resource")
        if not matches_search(resource, trigger.filter):
            return False
    if not all(_changed(path, seen) for path in listed(trigger.params.get("changed"))):
        return False
    becomes: JsonObject = trigger.params.get("becomes") or {}
    if not all(_becomes(path, value, seen) for path, value in becomes.items()):
        return False
    if trigger.where:
        context = {
            "trigger": seen.shown,
            "current": seen.current,
            "previous": seen.previous,
        }
        return compile_condition(trigger.where, focus=True).holds(context)
    return True


def listed(value: Json) -> list[Json]:
    """One value or a list of them, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _is_file(trigger: TriggerDefinition, ref: JsonObject) -> bool:
    bucket, _, name = str(ref["uri"]).removeprefix("file://").partition("/")
    wanted = {key: listed(trigger.params.get(key)) for key in ("bucket", "name", "contentType")}
    media = str(ref.get("contentType")).lower()
    return (
        (not wanted["bucket"] or bucket in wanted["bucket"])
        and (not wanted["name"] or any(fnmatchcase(name, one) for one in wanted["name"]))
        and (
            not wanted["contentType"]
            or any(fnmatchcase(media, one.lower()) for one in wanted["contentType"])
        )
    )


def _changed(path: str, seen: Seen) -> bool:
    return _values(path, seen.current) != _values(path, seen.previous)


def _becomes(path: str, value: Json, seen: Seen) -> bool:
    wanted = listed(value)
    after = any(one in wanted for one in _values(path, seen.current))
    return after and not any(one in wanted for one in _values(path, seen.previous))


def _values(path: str, resource: JsonObject | None) -> list[Json]:
    if resource is None:
        return []
    return list(compile_expression(path, focus=True).collect({"current": resource}))
