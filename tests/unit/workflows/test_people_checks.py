"""What a step that asks people names is there: its calendar, and the ways to tell somebody."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.steps.schema import every_schema
from careloom.types import JsonObject
from careloom.workflows.definition import parse_definition
from careloom.workflows.verification import Known, verify

KNOWN = Known(connections=frozenset({"email"}), calendars=frozenset({"office-hours"}))


def found(step: JsonObject, known: Known = KNOWN, **more: Any) -> list[tuple[str, str, str]]:
    source = {"id": "asks", "steps": [{"id": "ask", "title": "Look", **step}]}
    definition = parse_definition(source, mode="strict").definition
    findings = verify(definition, every_schema(), known=known, **more)
    return [(one.code, one.path, one.fix) for one in findings if one.severity != "info"]


def sla(kind: str, **keys: Any) -> JsonObject:
    return {"type": kind, "sla": {"due": "4h", **keys}}


@pytest.mark.parametrize("kind", ["task", "approval"])
def test_a_calendar_that_is_not_there_is_named(kind: str) -> None:
    [(code, path, fix)] = found(sla(kind, calendar="ofice-hours"))
    assert (code, path, fix) == ("E-CALENDAR", "steps/ask/sla/calendar", "write office-hours")
    assert found(sla(kind, calendar="office-hours")) == []
    assert found(sla(kind, calendar="{{trigger.calendar}}")) == []
    assert found(sla(kind, calendar="ofice-hours"), Known()) == [], "not checked"


@pytest.mark.parametrize(
    ("step", "place"),
    [
        (sla("task", notify="#ward"), "sla/notify"),
        (sla("task", notify=["ward@example.org", "#ward"]), "sla/notify"),
        (sla("task", escalate={"after": "1h", "notify": "#head"}), "sla/escalate/notify"),
        (
            sla("approval", escalate=[{"after": "1h"}, {"after": "2h", "notify": "webhook"}]),
            "sla/escalate/1/notify",
        ),
        ({"type": "form", "form": "Questionnaire/q", "send": "@patient"}, "send"),
        (
            {
                "type": "form",
                "form": "Questionnaire/q",
                "remind": {"every": "1h", "notify": ["#ward"]},
            },
            "remind/notify",
        ),
    ],
)
def test_a_way_to_tell_that_is_not_there_is_named(step: JsonObject, place: str) -> None:
    [(code, path, _)] = found(step)
    assert (code, path) == ("W-CONNECTION", f"steps/ask/{place}")
    [(code, _, _)] = found(step, environment="production")
    assert code == "E-CONNECTION"
    every = Known(connections=frozenset({"email", "slack", "webhook"}))
    assert found(step, every, environment="production") == []


def test_who_is_told_by_a_way_that_there_is_or_by_an_expression_is_no_fault() -> None:
    assert found(sla("task", notify=["ward@example.org", "{{trigger.who}}"])) == []
