"""The quick predicate of a schema says yes only where the validator finds nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import careloom.steps
from careloom.types import Json, JsonObject
from careloom.workflows.definition.json_schema import validator
from careloom.workflows.definition.quick_check import quick_check
from careloom.workflows.step_input import input_fault

SCHEMA: JsonObject = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {
        "text": {"type": "string"},
        "count": {"type": ["integer", "null"]},
        "share": {"type": "number"},
        "kind": {"enum": ["a", "b", 1, True]},
        "list": {"type": "array", "items": {"type": "boolean"}},
        "any": {},
        "free": {"type": "object", "additionalProperties": {"type": "string"}},
        "bounded": {"type": "string", "maxLength": 3},
    },
}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5, "", "a", "b", "long text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", *SCHEMA["properties"]]), inner, max_size=4)
    ),
    max_leaves=8,
)
INPUTS = st.dictionaries(st.sampled_from(["a", *SCHEMA["properties"]]), VALUES, max_size=6)


@given(INPUTS | VALUES)
@settings(max_examples=500, deadline=None)
def test_yes_means_that_the_schema_allows_it(value: Json) -> None:
    if quick_check(SCHEMA)(value):
        assert validator(SCHEMA).is_valid(value)


@pytest.mark.parametrize(
    ("value", "quick"),
    [
        ({"text": "x"}, True),
        ({"text": "x", "count": 2, "share": 1.5, "kind": "a", "list": [True], "any": [1]}, True),
        ({"text": "x", "free": {"y": "z"}}, True),
        ({}, False),
        ({"text": 1}, False),
        ({"text": "x", "other": 1}, False),
        ({"text": "x", "count": True}, False),
        ({"text": "x", "bounded": "ab"}, False),
    ],
)
def test_what_is_quick(value: Json, quick: bool) -> None:
    assert quick_check(SCHEMA)(value) is quick


def test_a_schema_with_an_unknown_keyword_is_never_quick() -> None:
    assert not quick_check({"oneOf": [{"type": "string"}]})("x")


def test_the_schemas_of_the_step_types_are_quick_for_an_input_of_their_own() -> None:
    folder = Path(str(careloom.steps.__file__)).parent
    for path in folder.glob("*/*schema.json"):
        schema = json.loads(path.read_text("utf-8"))["input"]
        assert not quick_check(schema)({"no such parameter": 1}) or schema.get(
            "additionalProperties", True
        )


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
def test_a_nul_is_found_where_the_schema_has_nothing_against_it(text: str) -> None:
    fault = input_fault(SCHEMA, {"text": "x", "any": [{"deep": text}]})
    assert fault is not None
    assert "U+0000" in fault


def test_the_spelled_escape_of_a_nul_is_a_text_like_any_other() -> None:
    assert input_fault(SCHEMA, {"text": "\\u0000"}) is None
