"""docs/reference/fhirpath.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from careloom.fhirpath import Hooks, Limits
from careloom.fhirpath.functions import FUNCTIONS
from careloom.fhirpath.lexer import MAX_TEXT
from careloom.fhirpath.parser import MAX_DEPTH, MAX_STEPS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "fhirpath.md").read_text("utf-8")


def section(name: str) -> str:
    return PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]


def examples() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| `(.+)` \| (.+) \|$", section("Values"), re.MULTILINE)
    return [(expression.replace("\\|", "|"), answer) for expression, answer in rows]


@pytest.mark.parametrize(("expression", "answer"), examples())
def test_an_example_gives_what_the_page_says(expression: str, answer: str, value: Any) -> None:
    found = value(expression)
    if answer.startswith("nothing"):
        assert found == []
        return
    (shown,) = found
    text = str(shown).lower() if isinstance(shown, bool) else str(shown)
    assert f"`{text}`" == answer


def test_every_function_is_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", section("Functions")))
    conversions = {name for name in FUNCTIONS if name.startswith("convertsTo")}
    assert {name.removeprefix("converts") for name in conversions} == {
        name[0].upper() + name[1:] for name in named if re.match(r"to[A-Z]", name)
    } - {"ToChars"}
    assert FUNCTIONS.keys() - conversions - named == set()
    assert named - FUNCTIONS.keys() == set()


def test_the_limits_are_those_of_the_page() -> None:
    limits = Limits()
    numbers = (MAX_TEXT, MAX_DEPTH, MAX_STEPS, limits.steps, limits.items, limits.text)
    for number in (*numbers, limits.nesting):
        assert f"{number:,}" in section("Limits")


def test_every_hook_is_on_the_page() -> None:
    for name in Hooks.__dataclass_fields__:
        assert f"`{name}`" in section("Limits")
