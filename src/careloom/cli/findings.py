"""What is wrong with a file, as compilers print it, and as JSON."""

from __future__ import annotations

import json
import sys

from careloom.errors import CareloomError
from careloom.types import JsonObject
from careloom.workflows.definition import DefinitionError

_REASONED = frozenset({"E-EVALGATE", "E-POLICY"})
"""Findings whose cause is in no definition: the evaluation with its failing cases, the rule."""


def report_of(error: CareloomError) -> JsonObject:
    """A refusal as the report of a file in which nothing else could be looked at."""
    if "findings" in error.details:
        return error.details
    finding: JsonObject = {"code": error.code, "severity": "error", "path": error.path or ""}
    message = error.message
    if isinstance(error, DefinitionError):
        # The place stands before the message.
        message = message.removesuffix(f" (line {error.line}, column {error.column})")
    finding |= {"message": message, "cause": "", "fix": error.fix or ""}
    finding |= {key: error.details[key] for key in ("line", "column") if key in error.details}
    return {"receipts": [], "findings": [finding]}


def counts(report: JsonObject) -> tuple[int, int]:
    """How many errors and warnings there are."""
    severities = [finding["severity"] for finding in report["findings"]]
    return severities.count("error"), severities.count("warning")


def show(file: str, report: JsonObject, *, as_json: bool) -> None:
    """Print one file's report: `file:line:column: error E-REF: message`, and what to do."""
    if as_json:
        print(json.dumps({"file": file, **report}, ensure_ascii=False))
        sys.stdout.flush()
        return
    for finding in report["findings"]:
        where = f" [{finding['path']}]" if finding["path"] else ""
        print(
            f"{_place(file, finding)}: {finding['severity']} {finding['code']}:"
            f" {finding['message']}{where}"
        )
        if finding["code"] in _REASONED and finding.get("cause"):
            print(f"    why: {finding['cause']}")
        if finding.get("fix"):
            print(f"    fix: {finding['fix']}")
    for receipt in report["receipts"]:
        print(
            f"{_place(file, receipt)}: repaired {receipt['code']}: {receipt['message']}"
            f" [{receipt['path']}]"
        )
    sys.stdout.flush()


def _place(file: str, entry: JsonObject) -> str:
    numbers = [entry.get("line"), entry.get("column")]
    return ":".join([file, *(str(number) for number in numbers if number)])
