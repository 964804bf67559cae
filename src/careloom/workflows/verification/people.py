"""Steps that ask people: the calendar that their times are counted by, and who is told."""

from __future__ import annotations

from collections.abc import Iterator

from careloom.types import Json
from careloom.workflows.channels import channel_of
from careloom.workflows.definition import StepDefinition
from careloom.workflows.verification.finding import Finding, Subject, did_you_mean, error
from careloom.workflows.verification.parameters import no_connection

_ASKING = frozenset({"task", "approval", "form"})


def check_people(subject: Subject) -> Iterator[Finding]:
    """Every step that asks people."""
    for step in subject.definition.walk():
        if step.type in _ASKING:
            yield from _calendar(subject, step)
            yield from _told(subject, step)


def _calendar(subject: Subject, step: StepDefinition) -> Iterator[Finding]:
    sla, known = step.params.get("sla"), subject.known.calendars
    name = sla.get("calendar") if isinstance(sla, dict) else None
    if known is None or not isinstance(name, str) or "{{" in name or name in known:
        return
    yield error(
        "E-CALENDAR",
        f"{step.path}/sla/calendar",
        f"there is no business calendar {name!r}",
        cause="the time could not be counted, so the step would fail",
        fix=did_you_mean(name, known, f"make it with PUT /api/calendars/{name}"),
    )


def _told(subject: Subject, step: StepDefinition) -> Iterator[Finding]:
    """Whether a connection carries what is sent to each."""
    kinds = subject.known.connections
    if kinds is None:
        return
    said: set[str] = set()
    for place, to in _targets(step.params):
        kind = channel_of(to)
        if "{{" not in to and kind not in kinds and kind not in said:
            said.add(kind)
            path = f"{step.path}/{place}"
            yield no_connection(subject, path, f"connection {kind!r}", sorted(kinds), kept=True)


def _targets(params: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """Everybody who is named, with the place."""
    sla, remind = params.get("sla"), params.get("remind")
    yield from _listed("send", params.get("send"))
    if isinstance(remind, dict):
        yield from _listed("remind/notify", remind.get("notify"))
    if not isinstance(sla, dict):
        return
    yield from _listed("sla/notify", sla.get("notify"))
    levels = sla.get("escalate")
    if isinstance(levels, dict):
        yield from _listed("sla/escalate/notify", levels.get("notify"))
    for number, level in enumerate(levels if isinstance(levels, list) else ()):
        if isinstance(level, dict):
            yield from _listed(f"sla/escalate/{number}/notify", level.get("notify"))


def _listed(place: str, given: Json) -> Iterator[tuple[str, str]]:
    listed = given if isinstance(given, list) else [given]
    yield from ((place, one) for one in listed if isinstance(one, str) and one)
