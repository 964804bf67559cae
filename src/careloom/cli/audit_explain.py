"""`careloom audit explain`: an AI's decision from an export of the audit trail alone. No database,
no server, no network."""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from careloom.audit.explain import decisions, explain, written
from careloom.audit.explain_page import page
from careloom.audit.explain_rows import is_run, rows_of_export
from careloom.audit.report import Report
from careloom.audit.verify import read_public_key
from careloom.audit.verify_export import verify_export
from careloom.errors import InvalidInput
from careloom.types import Json, JsonObject

_CAPITAL = re.compile(r"(?<=[a-z0-9])[A-Z]")
_NOTHING: tuple[Json, ...] = (None, "", [], {})


def register(actions: Any) -> None:
    command = actions.add_parser("explain", help="explain an AI's decision from an export alone")
    command.add_argument("export", type=Path, help="an NDJSON export")
    command.add_argument("run_id", metavar="run")
    command.add_argument("path", nargs="?", help="of the AI step; without it all are listed")
    command.add_argument("--iteration", default="", help="of a loop: 0, or 2.1")
    command.add_argument("--html", type=Path, help="write the page to this file")
    command.add_argument("--public-key", type=Path, help="the key that signed (audit.pub)")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    keys = [read_public_key(arguments.public_key)] if arguments.public_key else None
    must_be_there(arguments.export)
    report = verify_export(arguments.export, public_keys=keys)
    run = _run_id(arguments.run_id)
    rows = rows_of_export(arguments.export, run, keys)
    if arguments.path is None:
        for one in decisions(rows, run):
            print(json.dumps(one) if arguments.json else _line(one))
        return _verdict(report)
    decision = explain(rows, run, arguments.path, arguments.iteration)
    if arguments.html is not None:
        _keep(arguments.html, page(decision, report))
    if arguments.json:
        sys.stdout.buffer.write(written(decision) + b"\n")
    elif arguments.html is None:
        _show(decision)
    return _verdict(report)


def must_be_there(path: Path) -> None:
    """Raise InvalidInput unless the file can be read."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}",
            fix="name a file that `careloom audit export --format ndjson` wrote",
        ) from error


def _run_id(text: str) -> str:
    """The id with hyphens."""
    digits = text.removeprefix("run_").replace("-", "")
    name = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    if not is_run(name):
        raise InvalidInput(f"{text[:80]!r} is not the id of a run", path="run")
    return name


def _verdict(report: Report) -> int:
    """Said beside, so that what is printed is the explanation alone."""
    if report.ok:
        print("The export is whole.", file=sys.stderr)
    for finding in report.findings[:5]:
        print(f"{finding.kind} at {finding.where}: {finding.message}", file=sys.stderr)
    if not report.ok:
        print(f"The export is NOT whole: {report.found} findings.", file=sys.stderr)
    for warning in report.warnings:
        print(f"note: {warning}", file=sys.stderr)
    return report.exit_code


def _line(one: JsonObject) -> str:
    item = f"[{one['iteration']}]" if one["iteration"] else ""
    by = " ".join(filter(None, [one["worker"], one["model"]]))
    return f"{one['path']}{item}  {one['outcome']}  {by}  review: {one['review']}"


def _keep(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be written: {error.strerror}",
            path="--html",
            fix="name a file in a folder that is there",
        ) from error
    # Beside, so that with --json the explanation is printed alone.
    print(f"The explanation is in {path}.", file=sys.stderr)


def _show(decision: JsonObject) -> None:
    """The explanation in lines; what there is none of is left out."""
    proof = decision["proof"]
    for name, value in decision.items():
        if name not in ("v", "proof"):
            _tell(name, value)
    state = "all are what was signed" if proof["signed"] == proof["rows"] else "NOT all are proved"
    print(f"audit rows drawn on: {proof['rows']}; {state}: {_counts(proof)}")


def _tell(name: str, value: Json) -> None:
    if value in _NOTHING:
        return
    if isinstance(value, dict):
        lines = [f"{_label(key)}: {_words(one)}" for key, one in value.items() if _words(one)]
    elif isinstance(value, list):
        lines = [_words(one) for one in value]
    else:
        print(f"{_label(name)}: {_words(value)}")
        return
    if lines:
        print(f"{_label(name)}:")
    for line in lines:
        print(f"  {line}")


def _words(value: Json) -> str:
    """A value in one line of words; nothing for what there is none of."""
    if isinstance(value, dict):
        told = [f"{_label(key)} {_words(one)}" for key, one in value.items() if _words(one)]
        return ", ".join(told)
    if isinstance(value, list):
        return ", ".join(_words(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _label(name: str) -> str:
    """`decidedAt` as it is said: decided at."""
    return _CAPITAL.sub(lambda found: f" {found[0].lower()}", name)


def _counts(proof: JsonObject) -> str:
    return ", ".join(f"{proof[name]} {name}" for name in ("signed", "unsigned", "changed"))
