"""`careloom validate`: what is wrong with definitions. Nothing is stored.

Exit codes: 0 no errors, 1 errors were found, 2 something could not be read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from careloom.bootstrap import open_services
from careloom.bootstrap.offline import NOT_CHECKED, offline_ports
from careloom.cli.findings import counts, report_of, show
from careloom.errors import CareloomError
from careloom.settings import Settings
from careloom.steps.schema import every_schema
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.definition.source import MAX_BYTES
from careloom.workflows.deployment import Checked, Mode, check_definition
from careloom.workflows.published_schema import published_schema

UNREADABLE = 2
_KINDS = (".yaml", ".yml", ".json")
_LOOKS_LIKE_ONE = re.compile(r"(^|[{,])\s*[\"']?(workflow|steps)[\"']?\s*:", re.MULTILINE)
_Check = Callable[[str], Awaitable[Checked]]


def register(commands: Any) -> None:
    command = commands.add_parser(
        "validate", help="say what is wrong with definitions; nothing is stored"
    )
    command.add_argument("file", nargs="*", type=Path, help="a YAML or JSON file, a folder, or -")
    command.add_argument("--strict", action="store_true", help="repair nothing")
    command.add_argument(
        "--production", action="store_true", help="refuse what production refuses, too"
    )
    command.add_argument(
        "--deployed",
        action="store_true",
        help="check against what is deployed and configured here, too",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of definitions"
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.schema:
        print(json.dumps(published_schema(every_schema()), indent=2, ensure_ascii=False))
        return 0
    if not arguments.file:
        print("careloom: name a file, a folder or -, or ask for --schema", file=sys.stderr)
        return UNREADABLE
    return asyncio.run(_validate(arguments))


async def _validate(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    production = arguments.production or settings.environment == "production"
    environment = "production" if production else "development"
    strict: Mode = "strict" if arguments.strict or production else "compat"
    if arguments.deployed:
        async with open_services(settings, work=False, listen=False) as services:

            async def check(text: str) -> Checked:
                mode: Literal["strict"] | None = "strict" if arguments.strict else None
                return await services.deployment.check(
                    DEFAULT_SCOPE,
                    text,
                    mode=mode,
                    environment="production" if production else None,
                )

            return await _each(arguments, check, ())
    ports = offline_ports(settings)
    known = await ports.known(DEFAULT_SCOPE)

    async def check_here(text: str) -> Checked:
        return await check_definition(
            DEFAULT_SCOPE, text, ports, known, [], mode=strict, environment=environment
        )

    return await _each(arguments, check_here, NOT_CHECKED)


async def _each(arguments: argparse.Namespace, check: _Check, not_checked: tuple[str, ...]) -> int:
    files, unread, errors, warnings = 0, 0, 0, 0
    for path in _files(arguments.file):
        text = _read(path)
        if isinstance(text, CareloomError):
            unread += 1
            show(str(path), report_of(text), as_json=arguments.json)
            continue
        if path not in arguments.file and not _LOOKS_LIKE_ONE.search(text):
            continue
        files += 1
        report = await _report(check, text, path)
        report["notChecked"] = list(not_checked)
        show(str(path), report, as_json=arguments.json)
        found = counts(report)
        errors, warnings = errors + found[0], warnings + found[1]
    if not arguments.json:
        print(
            f"{_number(files, 'file')}: {_number(errors, 'error')}, {_number(warnings, 'warning')}"
        )
        if not_checked and files:
            print(f"not checked without --deployed: {'; '.join(not_checked)}", file=sys.stderr)
    if unread or not files:
        return UNREADABLE
    return 1 if errors else 0


async def _report(check: _Check, text: str, path: Path) -> JsonObject:
    try:
        checked = await check(text)
    except CareloomError as error:
        return {**report_of(error), "valid": False}
    return {**checked.report(), "valid": not checked.errors}


def _files(given: list[Path]) -> Iterator[Path]:
    """The files that are named, and those in the folders that are named."""
    for path in given:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.suffix in _KINDS)
        else:
            yield path


def _read(path: Path) -> str | CareloomError:
    """The text, or why it cannot be read; never more than a definition may have."""
    try:
        if str(path) == "-":
            return sys.stdin.read(MAX_BYTES + 1)
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        return _unread(f"the file cannot be read: {error.strerror}", "name a file that is there")
    except UnicodeDecodeError:
        return _unread("the file is not UTF-8 text", "save it as UTF-8")


def _unread(message: str, fix: str) -> CareloomError:
    return CareloomError(message, code="unreadable", fix=fix)


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
