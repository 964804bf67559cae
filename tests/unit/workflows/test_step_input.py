"""Rendered parameters against the step's schema: what is refused, and in which words."""

from __future__ import annotations

import pytest

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step_input import input_fault

TASK = load_schema("task")["input"]


@pytest.mark.parametrize(
    "given",
    [
        {"title": "Look"},
        {"title": "Look", "priority": "stat", "assignee": None, "show": {"a": [1, None]}},
        {"title": "Look", "queue": None, "due": None},
    ],
)
def test_what_the_schema_allows_has_no_fault(given: JsonObject) -> None:
    assert input_fault(TASK, given) is None


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"title": "Look", "priority": "nonsense"},
            "/priority must be one of routine, urgent, asap, stat",
        ),
        ({"title": 5}, "/title must be of type string"),
        ({"title": None}, "/title must be of type string"),
        ({}, "The step's input misses title"),
        ({"title": "Look", "due": []}, "/due must be of type string or number"),
        (
            {"title": "Look", "assignee": "Smith\x00"},
            "/assignee has the character U+0000, which cannot be stored",
        ),
        (
            {"title": "Look", "show": {"letter": ["one", "t\x00wo"]}},
            "/show/letter/1 has the character U+0000, which cannot be stored",
        ),
        (
            {"title": "Look", "show": {"na\x00me": 1}},
            "/show has the character U+0000, which cannot be stored",
        ),
    ],
)
def test_a_fault_names_the_place_and_what_is_allowed(given: JsonObject, sentence: str) -> None:
    assert input_fault(TASK, given) == sentence


def test_a_fault_never_shows_the_value() -> None:
    for given in ({"title": "Look", "priority": "Jane Doe"}, {"title": "Look", "Jane Doe": 1}):
        fault = input_fault(TASK, given)
        assert fault is not None
        assert "Jane" not in fault


def test_one_of_two_keys_is_asked_for() -> None:
    wait = load_schema("wait")["input"]
    assert input_fault(wait, {"duration": "5m"}) is None
    assert input_fault(wait, {"duration": "5m", "until": None}) is None
    fault = input_fault(wait, {"duration": "5m", "until": "2030-01-01T00:00:00Z"})
    assert fault is not None
    assert "oneOf" in fault
