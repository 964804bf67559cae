"""Hostile expressions and data end with an error in bounded time and memory."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import FhirPathError, Limits, compile
from careloom.fhirpath.engine import _Kept
from careloom.fhirpath.errors import LIMIT

SMALL = Limits(steps=20_000, items=1_000, text=10_000, nesting=50)
TEN = "(1|2|3|4|5|6|7|8|9|10)"


def nested(depth: int) -> Any:
    item: dict[str, Any] = {"linkId": "x"}
    for _ in range(depth):
        item = {"linkId": "x", "item": [item]}
    return {"resourceType": "Questionnaire", "item": [item]}


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 100 + "1" + ")" * 100,
        "-" * 300 + "1",
        "iif(" * 100 + "true, 1" + ")" * 100,
        "a" + ".a" * 1000,
        "a" + "[0]" * 1000,
        "1" + " + 1" * 2000,
        "1" + " = 1" * 1000,
        "not(" * 500,
        "a.where(" * 200,
    ],
)
def test_nesting_is_bounded_when_it_is_read(expression: str) -> None:
    with pytest.raises(FhirPathError):
        compile(expression, r4_model())


def test_long_unions_and_conditions_are_no_nesting(value: Any) -> None:
    assert value(" | ".join(["id"] * 500)) == ["p1"]
    assert value(" and ".join(["true"] * 500)) == [True]
    assert value(" or ".join(["false"] * 500)) == [False]


@pytest.mark.parametrize(
    "expression",
    [
        f"{TEN}.select({TEN}.select({TEN}.select({TEN}.select({TEN}))))",
        f"{TEN}.select({TEN}.select({TEN}.combine({TEN})))",
        "1.repeat($this + 1)",
        "1.repeatAll(1)",
        "1.repeat($this.combine($this + 1))",
        f"{TEN}.aggregate($total & $total & 'xxxxxxxxxx', 'y')",
        f"{TEN}.aggregate($total.replace('x', 'xxxxxxxxxx'), 'x')",
        f"{TEN}.aggregate($total.replaceMatches('x', 'xxxxxxxxxx'), 'x')",
        f"{TEN}.aggregate($total.toChars().combine($total.toChars()).join(''), 'xxxxxx')",
        f"{TEN}.aggregate($total.combine($total), 1 | 2)",
        f"{TEN}.aggregate($total.encode('hex'), 'xxxxxxxxxxxx')",
        "descendants().select(%resource.descendants().select(%resource.descendants()))",
    ],
)
def test_work_is_bounded(expression: str, value: Any) -> None:
    with pytest.raises(FhirPathError) as caught:
        value(expression, limits=SMALL)
    assert caught.value.code == LIMIT
    assert caught.value.expression == expression


def test_deep_data_are_bounded() -> None:
    data = nested(400)
    for expression in ("descendants().count()", "item = item", "item ~ item"):
        with pytest.raises(FhirPathError) as caught:
            compile(expression, r4_model())(data)
        assert caught.value.code == LIMIT, expression


def test_deep_data_can_be_repeated_within_the_limit() -> None:
    assert compile("repeat(item).count()", r4_model())(nested(80)) == [81]


def test_what_is_kept_compiled_is_bounded() -> None:
    kept = _Kept(1_000)
    first, second = compile("id"), compile("a" * 700)
    kept.put("first", first)
    kept.put("second", second)
    assert kept.get("first") is first
    kept.put("third", compile("b" * 400))
    assert kept.get("second") is None
    assert kept.get("first") is first
    kept.put("too long", compile("c" * 2_000))
    assert kept.get("too long") is None


def test_a_pattern_that_hangs_others_does_not_hang() -> None:
    run = compile("('a' & %tail).matches('^(a+)+$')", r4_model())
    assert run({}, variables={"tail": "a" * 5_000 + "b"}) == [False]


@pytest.mark.parametrize("pattern", ["a" * 2_000, "(a{1000}){1000}", "(((x{100}){100}){100}){100}"])
def test_patterns_are_bounded(pattern: str, value: Any) -> None:
    with pytest.raises(FhirPathError):
        value("'a'.matches(%p)", variables={"p": pattern})


@pytest.mark.parametrize(
    "expression",
    ["9.power(99999999999.0)", "1.5.power(100000)", "100000.exp()", "(1.0 / 3).power(100000)"],
)
def test_numbers_are_bounded(expression: str, value: Any) -> None:
    found = value(f"({expression}).toString().length() < 500 or ({expression}).empty()")
    assert found == [True]


@pytest.mark.parametrize("unit", ["m" * 100, "m99999", "10*999999", "m2" + ".m2" * 30, "(" * 70])
def test_units_are_bounded(unit: str, value: Any) -> None:
    assert value("(1 'g').toQuantity(%u).empty()", variables={"u": unit}) == [True]


@pytest.mark.parametrize("expression", ["__class__", "name.__dict__", "__builtins__", "items"])
def test_names_of_the_host_are_elements_that_do_not_exist(expression: str, value: Any) -> None:
    assert value(expression) == []


@pytest.mark.parametrize("expression", ["%__builtins__", "$this.get('a')", "open('a')", "$self"])
def test_there_is_no_way_to_the_host(expression: str, value: Any) -> None:
    with pytest.raises(FhirPathError):
        value(expression)
