"""Expressions drawn by chance end with a result or with a FhirPathError, never otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest

from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import FhirPathError, Limits, compile
from careloom.fhirpath.functions import FUNCTIONS

LIMITS = Limits(steps=50_000, items=5_000, text=50_000, nesting=50)
TERM_TEXT = """
1 2.5 0 -1 'a' '' '2014' '(a+)+' true false {} @2014 @2014-02-28 @2014-01-01T10:30:00Z @T10:30
1'mg' 3days 1year 10'Cel' 5'1' 99999999 name name.given telecom birthDate gender $this $index
%resource contained multipleBirth id active
"""
TERMS = TERM_TEXT.split()
OPERATOR_TEXT = "+ - * / div mod & = != ~ !~ < > <= >= and or xor implies | in contains"
OPERATORS = OPERATOR_TEXT.split()
TYPES = ("Patient", "HumanName", "string", "System.String", "Quantity", "Boolean", "code")
NAMES = sorted(FUNCTIONS)


def drawn(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if depth <= 0 or kind < 0.2:
        return chance.choice(TERMS)
    if kind < 0.5:
        left, right = drawn(chance, depth - 1), drawn(chance, depth - 1)
        return f"({left} {chance.choice(OPERATORS)} {right})"
    if kind < 0.55:
        return f"({drawn(chance, depth - 1)} {chance.choice(('is', 'as'))} {chance.choice(TYPES)})"
    if kind < 0.6:
        return f"({drawn(chance, depth - 1)})[{drawn(chance, depth - 2)}]"
    return called(chance, depth)


def called(chance: random.Random, depth: int) -> str:
    name = chance.choice(NAMES)
    function = FUNCTIONS[name]
    count = chance.randint(function.least, min(function.most, 3))
    given = ", ".join(drawn(chance, depth - 2) for _ in range(count))
    if name in ("is", "as", "ofType"):
        given = chance.choice(TYPES)
    return f"({drawn(chance, depth - 1)}).{name}({given})"


@pytest.mark.parametrize("seed", range(8))
def test_an_expression_ends_with_a_result_or_an_error_of_ours(seed: int, value: Any) -> None:
    chance = random.Random(seed)
    ended = {"result": 0, "error": 0}
    for _ in range(250):
        ended[ending(drawn(chance, chance.randint(1, 5)), value)] += 1
    assert min(ended.values()) > 20


def ending(text: str, value: Any) -> str:
    """How an evaluation ends; anything but a FhirPathError goes through and fails the test."""
    try:
        value(text, limits=LIMITS)
    except FhirPathError:
        return "error"
    return "result"


@pytest.mark.parametrize("seed", range(4))
def test_broken_text_is_refused_with_a_position(seed: int) -> None:
    chance = random.Random(seed)
    positions = []
    for _ in range(250):
        text = list(drawn(chance, 3))
        for _ in range(chance.randint(1, 3)):
            text[chance.randrange(len(text))] = chance.choice("()[]{}.'`@%$,\\\"#/*~ a1é")
        positions.append(refusal("".join(text)))
    known = [position for position in positions if position is not None]
    assert len(known) > 50
    assert all(0 <= position <= 1 for position in known)


def refusal(text: str) -> float | None:
    """Where the text is refused, as a share of its length; None where it is taken."""
    try:
        compile(text, r4_model())
    except FhirPathError as error:
        return error.position / max(1, len(text))
    return None
