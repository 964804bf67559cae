"""Schemas of definitions: what they say of data is found in time that grows with the data alone."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.types import Json
from careloom.workflows.definition.json_schema import validator

UNIQUE = {"type": "array", "uniqueItems": True}


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([], True),
        ([1, 2, "1", True, None, [1], {"a": 1}], True),
        ([1, 1.0], False),
        ([True, 1], True),
        ([{"a": 1, "b": [2.0]}, {"b": [2], "a": 1}], False),
        (["a", "b", "a"], False),
        ([[], [[]]], True),
    ],
)
def test_an_item_that_comes_twice_is_found(items: Json, unique: bool) -> None:
    assert validator(UNIQUE).is_valid(items) is unique


def test_no_item_is_compared_with_every_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own way takes minutes for 5,000 objects."""

    def compared(*_: Any) -> bool:
        raise AssertionError("items are compared two by two")

    monkeypatch.setattr("jsonschema._utils.equal", compared)
    many: list[Json] = [{"n": number} for number in range(50_000)]
    assert validator(UNIQUE).is_valid(many)
    assert not validator(UNIQUE).is_valid([*many, {"n": 7}])
