"""Write docs/reference/fhir/conformance.md from the results of a run of the tests.

python -m pytest --junitxml=run.xml $(python tests/conformance/report.py --tests)
python tests/conformance/report.py run.xml
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.conformance.rows import ROWS, SUITES, Row  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "fhir" / "conformance.md"
RESULTS = Path(__file__).with_name("results.json")
OUTCOMES = ("passed", "failed", "skipped")
Results = dict[str, dict[str, int]]
"""Number of cases by outcome, by test (file::function below tests/)."""

HEAD = """# Conformance to FHIR R4

What R4 asks of a server, item by item, the tests that show it, and what their last run said.
The page is written by `tests/conformance/report.py`; a test fails when a row has no test, when a
test is gone, or when the page is not what the run said. An item that is not served is not in the
CapabilityStatement. How the API works is told by [FHIR API](../fhir.md).
"""
SUITES_HEAD = """
## Public data

Cases that others published, run by tests of this project. This is no certificate of their makers.

| Data | Cases | Result | What to know |
|---|---|---|---|
"""


def named_tests() -> list[str]:
    """Every test that a row or a suite names, once, in order."""
    names = [name for row in ROWS for name in row.tests] + [name for _, name, _ in SUITES]
    return sorted(set(names))


def read_run(path: Path) -> Results:
    """The results of the named tests in a JUnit file; raises LookupError where one did not run."""
    found: Results = {name: dict.fromkeys(OUTCOMES, 0) for name in named_tests()}
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        module = (case.get("classname") or "").removeprefix("tests.").replace(".", "/")
        name = f"{module}.py::{(case.get('name') or '').split('[')[0]}"
        if name in found:
            found[name][_outcome(case)] += 1
    absent = [name for name, counts in found.items() if not sum(counts.values())]
    if absent:
        raise LookupError(f"not in the run: {', '.join(absent)}")
    return found


def _outcome(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def page(results: Results) -> str:
    """The page for these results."""
    parts = [HEAD, _summary(results)]
    group = ""
    for row in ROWS:
        if row.group != group:
            group = row.group
            parts.append(f"\n## {group}\n\n| Item | Result | Tests |\n|---|---|---|\n")
        parts.append(_line(row, results))
    parts.append(SUITES_HEAD)
    for title, test, note in SUITES:
        counts = results[test]
        parts.append(f"| {title} | {sum(counts.values())} | {result([test], results)} | {note} |\n")
    return "".join(parts)


def _summary(results: Results) -> str:
    served = [row for row in ROWS if row.served]
    good = sum(result(row.tests, results).startswith("passed") for row in served)
    return (
        f"\nOf {len(ROWS)} items {len(served)} are served, {good} of them with every test passed;"
        f" {len(ROWS) - len(served)} are not served. The rows rest on"
        f" {len({name for row in served for name in row.tests})} tests with"
        f" {_cases(served, results)} cases.\n"
    )


def _cases(rows: Iterable[Row], results: Results) -> int:
    names = {name for row in rows for name in row.tests}
    return sum(sum(results[name].values()) for name in names)


def _line(row: Row, results: Results) -> str:
    item = row.item.replace("|", "\\|")
    if not row.served:
        return f"| {item} | not served | {row.note} |\n"
    tests = "<br>".join(f"`{name}`" for name in row.tests)
    note = f"<br>{row.note}" if row.note else ""
    return f"| {item} | {result(row.tests, results)} | {tests}{note} |\n"


def result(tests: Iterable[str], results: Results) -> str:
    """What the tests of a row said together."""
    counts = {kind: sum(results[name][kind] for name in tests) for kind in OUTCOMES}
    if counts["failed"]:
        return f"**failed** ({counts['failed']} of {sum(counts.values())})"
    if counts["skipped"]:
        return f"passed ({counts['passed']}), skipped ({counts['skipped']})"
    return f"passed ({counts['passed']})"


def main(arguments: list[str]) -> None:
    if arguments == ["--tests"]:
        print("\n".join(f"tests/{name}" for name in named_tests()))  # noqa: T201
        return
    results = read_run(Path(arguments[0]))
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", "utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(results), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
