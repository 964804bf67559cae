"""docs/reference/fhir.md says what the code serves."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from careloom.api.fhir import reading
from careloom.fhir.entries import MOST_ENTRIES
from careloom.fhir.interactions.capabilities import INTERACTIONS, SYSTEM_INTERACTIONS
from careloom.fhir.search.including import MOST_INCLUDED
from careloom.fhir.search.parameters import NOT_SERVED, SERVED_TYPES
from careloom.fhir.search.query import DEFAULT_COUNT, MODIFIERS, MOST_COUNT, PREFIXES

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/reference/fhir.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text("utf-8")


def rows(page: str, title: str) -> list[list[str]]:
    """The cells of the table under a heading."""
    section = page.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_interactions_are_those_served(page: str) -> None:
    listed = {
        word.strip("` ") for row in rows(page, "Interactions") for word in row[0].split(",") if word
    }
    assert listed == {*INTERACTIONS, *SYSTEM_INTERACTIONS}


def test_the_modifiers_are_those_served(page: str) -> None:
    listed = {
        row[0]: {word.strip("`:") for word in row[1].split() if word != "`:[type]`"}
        for row in rows(page, "Search")
    }
    assert listed == {kind: set(names) for kind, names in MODIFIERS.items()}
    assert set(listed) == set(SERVED_TYPES)


def test_prefixes_limits_and_gaps_are_named(page: str) -> None:
    prefixes = page.split("Prefixes: ", 1)[1].split(".", 1)[0]
    assert [word.strip("`") for word in prefixes.split()] == list(PREFIXES)
    assert all(f"`{name}`" in page for name in NOT_SERVED)
    assert f"{reading.MOST_BYTES >> 20} MiB" in page
    assert f"({DEFAULT_COUNT} when not given, at most {MOST_COUNT}" in page
    assert f"most {MOST_INCLUDED} resources a page" in page
    assert f"at most {MOST_ENTRIES:,} entries" in page


def test_the_codes_that_are_named_exist(page: str) -> None:
    listed = page.split("Codes of the API itself", 1)[1].split("\n\n", 1)[0]
    codes = re.findall(r"`([a-z_]+)`", listed)
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    assert len(codes) > 20
    assert [code for code in codes if f'"{code}"' not in source] == []
