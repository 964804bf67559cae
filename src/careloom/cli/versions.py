"""`careloom diff` and `careloom replay`."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

from careloom.bootstrap import Services, open_services
from careloom.cli.runs import ACTOR
from careloom.errors import InvalidInput
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.difference import difference
from careloom.workflows.replay import MOST_RUNS, ReplayOrder


def register(commands: Any) -> None:
    diff = commands.add_parser("diff", help="say what changed between versions of a workflow")
    diff.add_argument("workflow")
    diff.add_argument(
        "--from", dest="before", type=int, help="a version; the one before, if not given"
    )
    diff.add_argument("--to", dest="after", type=int, help="a version; the newest, if not given")
    diff.add_argument("--file", type=Path, help="compare with this definition instead of --to")
    replay = commands.add_parser("replay", help="do past runs again on a version, with effects off")
    replay.add_argument("workflow")
    replay.add_argument("--last", type=int, default=100, help=f"so many runs, up to {MOST_RUNS}")
    replay.add_argument("--run", action="append", dest="runs", help="this run; several times")
    replay.add_argument("--version", type=int, help="on this version; the newest, if not given")
    replay.add_argument("--file", type=Path, help="on this definition, which is not deployed")
    for command, run in ((diff, _diff), (replay, _replay)):
        command.add_argument("--exit-code", action="store_true", help="1 when something changes")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=run)


def _diff(arguments: argparse.Namespace) -> int:
    return asyncio.run(_comparing(arguments))


async def _comparing(arguments: argparse.Namespace) -> int:
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        told = await _difference(services, arguments)
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        for words in told["words"] or ["nothing changed"]:
            print(words)
    return 1 if arguments.exit_code and not told["same"] else 0


async def _difference(services: Services, arguments: argparse.Namespace) -> JsonObject:
    versions = services.operations.versions
    if arguments.file is None:
        return await versions.compare(
            DEFAULT_SCOPE, arguments.workflow, arguments.before, arguments.after
        )
    newest = await services.registry.get(DEFAULT_SCOPE, arguments.workflow)
    number = newest.version if arguments.before is None else arguments.before
    old = await versions.read(DEFAULT_SCOPE, arguments.workflow, number)
    checked = await services.deployment.check(DEFAULT_SCOPE, _read(arguments.file))
    told = difference(old.canonical, checked.definition.canonical).to_json()
    return {"workflowId": arguments.workflow, "from": number, "to": None, **told}


def _replay(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.last <= MOST_RUNS:
        raise InvalidInput(f"--last is a number from 1 to {MOST_RUNS}")
    return asyncio.run(_replaying(arguments))


async def _replaying(arguments: argparse.Namespace) -> int:
    order = ReplayOrder(
        run_ids=arguments.runs,
        limit=arguments.last,
        version=arguments.version,
        draft=None if arguments.file is None else _read(arguments.file),
    )
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        replays = services.operations.replays
        told = await replays.begin(DEFAULT_SCOPE, arguments.workflow, order, ACTOR)
        while told["status"] == "running":
            await asyncio.sleep(0.05)
            told = await replays.read(DEFAULT_SCOPE, told["replayId"])
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(told)
    verdicts = told["summary"]["verdicts"]
    changed = bool(verdicts.keys() - {"same"})
    return 1 if told["status"] != "done" or (arguments.exit_code and changed) else 0


def _show(told: JsonObject) -> None:
    summary = told["summary"]
    counts = ", ".join(f"{count} {name}" for name, count in sorted(summary["verdicts"].items()))
    print(f"{told['replayId']}  {told['status']}: {told['progress']['done']} runs: {counts}")
    for path, count in summary["changedFields"].items():
        print(f"  {count:>5}  {path}")
    for run in told["runs"]:
        planned = ", ".join(step["step"] for step in run["wouldRun"])
        if planned:
            print(f"  {run['runId']} would run {planned}")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {type(error).__name__}") from error
