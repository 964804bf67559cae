"""Triggers as they are stored, and what is refused before a deployment."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.types import JsonObject
from careloom.workflows.definition import Definition, parse_definition
from careloom.workflows.definition.trigger_form import trigger_form
from careloom.workflows.verification import verify
from careloom.workflows.verification.trigger_keys import HIDDEN_HEADERS

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
HOOK = {"type": "webhook", "path": "orders", "secret": "shop"}
TIMED = {"type": "schedule", "cron": "0 */6 * * *"}


def _parsed(trigger: JsonObject) -> Definition:
    return parse_definition({"id": "flow", "trigger": trigger, "steps": [NAP]}).definition


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"type": "cron", "cron": "0  */6 * * *"}, TIMED),
        ({"type": "schedule", "schedule": "0 */6 * * *"}, TIMED),
        ({**TIMED, "jitter": "30s"}, {**TIMED, "jitter": 30}),
        ({**TIMED, "catchUpWithin": "PT12H"}, {**TIMED, "catchUpWithin": 43200}),
        (
            {"type": "dicom", "event": "newstudy"},
            {"type": "dicom", "event": "StudyStable", "quietPeriod": 60},
        ),
        (
            {"type": "dicom", "event": "StudyStable", "quietPeriod": "1500ms"},
            {"type": "dicom", "event": "StudyStable", "quietPeriod": 2},
        ),
        ({"type": "dicom", "event": "NewImageUploaded"}, None),
        (HOOK, None),
    ],
)
def test_a_trigger_has_one_form_that_can_be_read_again(
    given: JsonObject, stored: JsonObject | None
) -> None:
    once = _parsed(given).canonical["triggers"][0]
    assert once == (stored or given)
    assert trigger_form(once) == once


def test_the_sync_of_the_documents_fires_four_times_a_day() -> None:
    text = """
id: emr-sync-workflow
trigger:
type: schedule
cron: "0 */6 * * *" # Every 6 hours
steps:
- id: nap
type: wait
duration: 1ms
"""
    assert parse_definition(text, mode="compat").definition.canonical["triggers"] == [TIMED]


def _refused(trigger: JsonObject) -> list[tuple[str, str]]:
    schemas: dict[str, Any] = {"wait": {"input": {"type": "object"}}}
    found = verify(_parsed(trigger), schemas)
    assert all(one.fix for one in found)
    return [(one.code, one.path) for one in found if one.severity == "error"]


@pytest.mark.parametrize(
    "trigger",
    [
        {**TIMED, "timezone": "Europe/Berlin", "overlap": "queue", "catchUp": "all"},
        {**TIMED, "catchUpWithin": "2h", "jitter": "1m"},
        {**HOOK, "headers": "x-event-type", "contentType": ["text/plain", "application/json"]},
        {**HOOK, "signature": "github", "allow": "partner", "requires": "fhir:write"},
        {"type": "file", "name": ["*.csv"], "bucket": "labs", "contentType": "text/csv"},
        {"type": "dicom", "event": "NewStudy", "quietPeriod": 5},
        {"type": "fhir", "event": "Patient.update", "changed": ["name", "birthDate"]},
        {"type": "fhir", "event": "Patient.update", "becomes": {"active": False}},
        {"type": "manual", "requires": "task:complete", "allow": ["clinician"]},
    ],
)
def test_what_can_be_used_is_let_through(trigger: JsonObject) -> None:
    assert _refused(trigger) == []


@pytest.mark.parametrize(
    ("trigger", "key"),
    [
        ({**TIMED, "cron": "61 * * * *"}, "cron"),
        ({**TIMED, "cron": 5}, "cron"),
        ({"type": "schedule"}, "cron"),
        ({**TIMED, "timezone": "Mars/Base"}, "timezone"),
        ({**TIMED, "timezone": ["UTC"]}, "timezone"),
        ({**TIMED, "overlap": "maybe"}, "overlap"),
        ({**TIMED, "catchUp": ["all"]}, "catchUp"),
        ({**TIMED, "catchUpWithin": "long"}, "catchUpWithin"),
        ({**TIMED, "jitter": True}, "jitter"),
        ({"type": "webhook", "secret": "shop"}, "path"),
        ({"type": "webhook", "path": "orders"}, "secret"),
        ({**HOOK, "path": "a/b"}, "path"),
        ({**HOOK, "path": ["orders"]}, "path"),
        ({**HOOK, "secret": "../x"}, "secret"),
        ({**HOOK, "signature": "none"}, "signature"),
        ({**HOOK, "headers": ["a b"]}, "headers"),
        *[({**HOOK, "headers": [name.title()]}, "headers") for name in sorted(HIDDEN_HEADERS)],
        ({**HOOK, "requires": "everything"}, "requires"),
        ({**HOOK, "requires": {"a": 1}}, "requires"),
        ({**HOOK, "allow": []}, "allow"),
        ({"type": "file", "name": 5}, "name"),
        ({"type": "dicom", "event": "StudyStable", "quietPeriod": 0}, "quietPeriod"),
        ({"type": "dicom", "event": "NewImageUploaded", "quietPeriod": 5}, "quietPeriod"),
    ],
)
def test_what_cannot_be_used_is_named(trigger: JsonObject, key: str) -> None:
    assert _refused(trigger) == [("E-TRIGGER", f"triggers/0/{key}")]


@pytest.mark.parametrize(
    "trigger",
    [
        {**TIMED, "catchup": "all"},
        {**HOOK, "cron": "0 0 * * *"},
        {"type": "manual", "bucket": "x"},
        {"type": "fhir", "event": "Patient.create", "allow": ["clinician"]},
    ],
)
def test_a_key_of_another_type_is_refused(trigger: JsonObject) -> None:
    [(code, _)] = _refused(trigger)
    assert code == "E-TRIGGERKEY"


@pytest.mark.parametrize(
    "changes",
    [
        {"changed": 5},
        {"changed": ["name", None]},
        {"changed": "name ="},
        {"becomes": "active"},
        {"becomes": {"": 1}},
        {"becomes": ["status"]},
    ],
)
def test_a_change_names_elements(changes: JsonObject) -> None:
    trigger = {"type": "fhir", "event": "Patient.update", **changes}
    assert {code for code, _ in _refused(trigger)} == {"E-CHANGE"}
