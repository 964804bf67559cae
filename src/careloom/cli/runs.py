"""`careloom run` and `careloom logs`."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from careloom.bootstrap import Services, open_services
from careloom.errors import InvalidInput
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    run = commands.add_parser("run", help="start a run and wait for it")
    run.add_argument("workflow")
    run.add_argument("--input", default="{}", help="a JSON object: what `trigger` shows")
    run.add_argument("--json", action="store_true", help="print JSON")
    run.set_defaults(run=_run)
    logs = commands.add_parser("logs", help="show what a run did, or list the latest runs")
    logs.add_argument("run_id", nargs="?")
    logs.add_argument("--json", action="store_true", help="print JSON")
    logs.set_defaults(run=_logs)


def _run(arguments: argparse.Namespace) -> int:
    try:
        given = json.loads(arguments.input)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"--input is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidInput("--input must be a JSON object")
    return asyncio.run(_running(arguments, given))


async def _running(arguments: argparse.Namespace, given: JsonObject) -> int:
    async with open_services(Settings.from_environment(), listen=False) as services:
        started = await services.runs.start(DEFAULT_SCOPE, arguments.workflow, given, _ACTOR)
        status = await finished(services, started["runId"])
        show(status, as_json=arguments.json)
        return 0 if status["status"] in ("succeeded", "waiting") else 1


async def finished(services: Services, run_id: str) -> JsonObject:
    """The run once it has ended, or waits for a person or a time."""
    while True:
        status = await services.runs.status(DEFAULT_SCOPE, run_id)
        if status["status"] != "running":
            return status
        await asyncio.sleep(0.05)


def _logs(arguments: argparse.Namespace) -> int:
    return asyncio.run(_showing(arguments))


async def _showing(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        if arguments.run_id:
            status = await services.runs.status(DEFAULT_SCOPE, arguments.run_id)
            show(status, as_json=arguments.json)
            return 0
        for run in await services.runs.page(DEFAULT_SCOPE, limit=20):
            if arguments.json:
                print(json.dumps(run))
            else:
                print(
                    f"{run['createdAt']}  {run['status']:<10} {run['runId']}  {run['workflowId']}"
                )
    return 0


def show(status: JsonObject, *, as_json: bool) -> None:
    """Print a run."""
    if as_json:
        print(json.dumps(status, ensure_ascii=False))
        return
    named = f"{status['workflowId']} version {status['version']}"
    print(f"{status['runId']}  {named}: {status['status']}")
    for step in status["steps"]:
        took = f"{step['durationMs']:.0f} ms" if step.get("durationMs") is not None else ""
        print(f"  {step['status']:<10} {step['path'].removeprefix('steps/'):<40} {took}")
        if step.get("error"):
            print(f"             {step['error'].get('code')}: {step['error'].get('message')}")
    if status["error"]:
        print(f"  {status['error'].get('code')}: {status['error'].get('message')}")
