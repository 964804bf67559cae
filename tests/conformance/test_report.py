"""The conformance page is what the tests say, and every row rests on tests that exist."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import httpx

from .report import PAGE, RESULTS, named_tests, page, read_run
from .rows import ROWS, SUITES

TESTS = Path(__file__).resolve().parents[1]
NOT_LISTED = {"export", "import", "status", "events"}


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    found = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(one.name for one in found)


def test_every_row_has_a_test_or_says_why_not() -> None:
    assert [row.item for row in ROWS if not row.served and not row.note] == []
    assert len({(row.group, row.item) for row in ROWS}) == len(ROWS)
    assert len({title for title, _, _ in SUITES}) == len(SUITES)


def test_every_named_test_exists() -> None:
    absent = []
    for name in named_tests():
        file, function = name.split("::")
        if not (TESTS / file).is_file() or function not in functions(file):
            absent.append(name)
    assert absent == []


def test_the_page_is_that_of_the_recorded_run() -> None:
    results = json.loads(RESULTS.read_text("utf-8"))
    assert set(results) == set(named_tests())
    assert PAGE.read_text("utf-8") == page(results)


def test_every_test_of_this_folder_is_named_by_a_row() -> None:
    named = set(named_tests())
    own = {
        f"conformance/{path.name}::{function}"
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != Path(__file__).name
        for function in functions(f"conformance/{path.name}")
        if function.startswith("test_")
    }
    assert sorted(own - named) == sorted(NAMED_BY_NOTES)


NAMED_BY_NOTES = [
    "conformance/test_results.py::test_an_include_of_another_type_says_to_iterate",
    "conformance/test_results.py::test_what_is_not_served_is_said",
    "conformance/test_prefixes.py::test_a_second_s_fractions_are_within_it",
]


def test_a_run_is_read_by_outcome(tmp_path: Path) -> None:
    cases = "".join(_case(name) for name in named_tests()) + _case(named_tests()[0], "<failure/>")
    run = tmp_path / "run.xml"
    run.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", "utf-8")
    results = read_run(run)
    assert results[named_tests()[0]] == {"passed": 1, "failed": 1, "skipped": 0}
    assert "**failed** (1 of" in page(results)


def _case(name: str, inside: str = "") -> str:
    file, function = name.split("::")
    module = "tests." + file.removesuffix(".py").replace("/", ".")
    return f'<testcase classname="{module}" name="{function}[a]">{inside}</testcase>'


async def test_what_is_not_served_is_not_listed(http: httpx.AsyncClient) -> None:
    rest = (await http.get("metadata")).json()["rest"][0]
    listed = {one["name"] for one in rest.get("operation", ())}
    for resource in rest["resource"]:
        listed |= {one["name"] for one in resource.get("operation", ())}
    assert not listed & NOT_LISTED
    for name in ("$export", "$import", "Patient/$export"):
        assert (await http.get(name)).status_code in (400, 404)
