"""The rules of the screens' house that a tool can check."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ROOT / "web" / "src"
CEILING = 400
PICTURES = ("features/studies/", "evidence/")
"""Pictures stand on black, whatever the theme, and what is drawn on them has colours of its own."""
COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b(?=\s*[;,)])")


def sources(*suffixes: str) -> list[Path]:
    return sorted(path for path in SOURCES.rglob("*") if path.suffix in suffixes)


def shown(path: Path) -> str:
    return path.relative_to(SOURCES).as_posix()


def test_the_sources_are_found() -> None:
    assert len(sources(".ts", ".tsx", ".css")) > 50


def test_no_file_is_longer_than_the_ceiling() -> None:
    lines = {shown(p): p.read_text("utf-8").count("\n") for p in sources(".ts", ".tsx", ".css")}
    assert {name: count for name, count in lines.items() if count > CEILING} == {}


def test_colours_stand_in_the_theme_only() -> None:
    found = {
        shown(path): COLOUR.findall(path.read_text("utf-8"))
        for path in sources(".css")
        if path.name != "theme.css" and not shown(path).startswith(PICTURES)
    }
    assert {name: colours for name, colours in found.items() if colours} == {}


def test_no_text_is_smaller_than_twelve_pixels() -> None:
    small = re.compile(r"font-size:\s*(?:[0-9]|1[01])(?:\.\d+)?px")
    assert [shown(p) for p in sources(".css") if small.search(p.read_text("utf-8"))] == []


def test_nothing_is_typed_as_anything() -> None:
    anything = re.compile(r"(?::|<|\bas|\|)\s*any\b|@ts-(?:ignore|nocheck)")
    assert [shown(p) for p in sources(".ts", ".tsx") if anything.search(p.read_text("utf-8"))] == []


def test_no_component_needs_an_inline_style_element() -> None:
    """The Content-Security-Policy takes none; these of Mantine write one."""
    used = re.compile(r"\b(?:SimpleGrid|AppShell|LoadingOverlay|hiddenFrom|visibleFrom|Affix)\b")
    assert [shown(p) for p in sources(".tsx") if used.search(p.read_text("utf-8"))] == []
