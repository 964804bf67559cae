"""`careloom validate`, `careloom deploy`, `careloom pause` and `careloom resume`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Literal

from careloom.bootstrap import open_services
from careloom.errors import CareloomError, InvalidInput
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    for name, text, run in (
        ("validate", "say what is wrong with definitions; nothing is stored", _validate),
        ("deploy", "store definitions as new versions", _deploy),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("file", nargs="+", type=Path, help="a YAML or JSON file")
        command.add_argument("--strict", action="store_true", help="repair nothing")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=run)

    for name, text, run in (
        ("pause", "let no event start a run of a workflow", _pause),
        ("resume", "let events start runs of a workflow again", _resume),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("workflow")
        command.set_defaults(run=run)


def _pause(arguments: argparse.Namespace) -> int:
    return asyncio.run(_activate(arguments.workflow, active=False))


def _resume(arguments: argparse.Namespace) -> int:
    return asyncio.run(_activate(arguments.workflow, active=True))


async def _activate(workflow_id: str, *, active: bool) -> int:
    scope = DEFAULT_SCOPE
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        workflow = await services.registry.get(scope, workflow_id)
        changed = await services.db.call(
            "workflow_activate", scope.tenant, scope.store, workflow.id, active, _ACTOR
        )
    state = "may be started by events" if active else "is started by no event"
    print(f"{workflow.id} {state}{'' if changed else ', as before'}")
    return 0


def _validate(arguments: argparse.Namespace) -> int:
    return asyncio.run(_each(arguments, deploy=False))


def _deploy(arguments: argparse.Namespace) -> int:
    return asyncio.run(_each(arguments, deploy=True))


async def _each(arguments: argparse.Namespace, *, deploy: bool) -> int:
    failed = False
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        for path in arguments.file:
            mode: Literal["strict"] | None = "strict" if arguments.strict else None
            try:
                text = _read(path)
                if deploy:
                    report = await services.deployment.deploy(
                        DEFAULT_SCOPE, text, _ACTOR, mode=mode
                    )
                else:
                    checked = await services.deployment.check(DEFAULT_SCOPE, text, mode=mode)
                    report = checked.report()
                    failed = failed or bool(checked.errors)
            except CareloomError as error:
                failed = True
                report = _error(error)
            _show(path, report, as_json=arguments.json)
    return 1 if failed else 0


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {type(error).__name__}") from error


def _error(error: CareloomError) -> JsonObject:
    if "findings" in error.details:
        return error.details
    finding = {
        "code": error.code,
        "severity": "error",
        "path": error.path or "",
        "message": error.message,
        "fix": error.fix or "",
        "line": error.details.get("line"),
    }
    return {"receipts": [], "findings": [finding]}


def _show(path: Path, report: JsonObject, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"file": str(path), **report}, ensure_ascii=False))
        return
    for finding in report["findings"]:
        line = f":{finding['line']}" if finding.get("line") else ""
        print(
            f"{path}{line}: {finding['severity']}: {finding['code']} at {finding['path']}:"
            f" {finding['message']}"
        )
        if finding.get("fix"):
            print(f"    {finding['fix']}")
    for receipt in report["receipts"]:
        line = f":{receipt['line']}" if receipt.get("line") else ""
        print(
            f"{path}{line}: repaired: {receipt['code']} at {receipt['path']}: {receipt['message']}"
        )
    if "version" in report:
        state = "deployed" if report["created"] else "unchanged"
        print(f"{path}: {report['id']} version {report['version']} {state}")
    elif not any(finding["severity"] == "error" for finding in report["findings"]):
        print(f"{path}: {report['id']} is valid")
    sys.stdout.flush()
