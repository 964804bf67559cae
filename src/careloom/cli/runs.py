"""`careloom run` and `careloom logs`."""

from __future__ import annotations

import argparse
import asyncio
import json
import textwrap
from typing import Any

from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.idempotency import once_of

ACTOR: JsonObject = {"principal": "cli", "kind": "system"}
TOO_LATE = 4
"""The exit code of what has not ended in time."""
STATES = (
    *("running", "waiting", "held", "paused"),
    *("succeeded", "failed", "cancelled", "rolled_back"),
)
_STATED = ", ".join(STATES)
_UNDO = "~comp/"


def register(commands: Any) -> None:
    run = commands.add_parser("run", help="start a run and wait for it")
    run.add_argument("workflow")
    run.add_argument(
        "--input", type=json_object, default={}, help="a JSON object: what `trigger` shows"
    )
    run.add_argument("--key", help="an idempotency key: the same start again is one run")
    wait = run.add_mutually_exclusive_group()
    wait.add_argument("--no-wait", action="store_true", help="start it and leave it to a server")
    wait.add_argument("--wait", action="store_true", help="also while it waits for people or times")
    run.add_argument("--timeout", type=float, help="wait for so many seconds; then exit code 4")
    run.add_argument("--json", action="store_true", help="print JSON")
    run.set_defaults(run=_run)
    logs = commands.add_parser("logs", help="show what a run did, or list the latest runs")
    logs.add_argument("run_id", nargs="?")
    logs.add_argument("--workflow", help="list runs of this workflow")
    logs.add_argument("--status", choices=STATES, metavar="STATUS", help=f"one of {_STATED}")
    logs.add_argument("--limit", type=int, default=20, help="list so many")
    logs.add_argument("--json", action="store_true", help="print JSON")
    logs.set_defaults(run=_logs)


def json_object(text: str) -> JsonObject:
    """The value of an option that is a JSON object; anything else is wrong use."""
    try:
        given = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(given, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return given


def _run(arguments: argparse.Namespace) -> int:
    return asyncio.run(_running(arguments, arguments.input))


async def _running(arguments: argparse.Namespace, given: JsonObject) -> int:
    settings = Settings.from_environment()
    once = once_of(arguments.key, "cli", f"execute {arguments.workflow}", given)
    work = not arguments.no_wait
    async with open_services(settings, work=work, listen=False) as services:
        started = await services.runs.start(
            DEFAULT_SCOPE, arguments.workflow, given, ACTOR, once=once
        )
        if arguments.no_wait:
            print(json.dumps(started) if arguments.json else started["runId"])
            return 0
        try:
            async with asyncio.timeout(arguments.timeout):
                status = await finished(services, started["runId"], through=arguments.wait)
        except TimeoutError:
            status = await services.runs.status(DEFAULT_SCOPE, started["runId"])
            show(status, as_json=arguments.json)
            return TOO_LATE
        show(status, as_json=arguments.json, output=True)
        return 0 if status["status"] in ("succeeded", "waiting") else 1


async def finished(services: Services, run_id: str, *, through: bool = False) -> JsonObject:
    """The run once it has ended, or, unless `through`, waits for a person or a time."""
    going = ("running", "waiting") if through else ("running",)
    while True:
        status = await services.runs.status(DEFAULT_SCOPE, run_id)
        if status["status"] not in going:
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
        for run in await services.runs.page(
            DEFAULT_SCOPE,
            workflow_id=arguments.workflow,
            state=arguments.status,
            limit=arguments.limit,
        ):
            if arguments.json:
                print(json.dumps(run))
            else:
                state = run["held"] or run["status"]
                print(f"{run['createdAt']}  {state:<11} {run['runId']}  {run['workflowId']}")
    return 0


def _place(step: JsonObject) -> str:
    undoes = step["path"].startswith(_UNDO)
    place = step["path"].removeprefix(_UNDO).removeprefix("steps/")
    place = f"{place} [{step['iteration']}]" if step["iteration"] else place
    return f"undo {place}" if undoes else str(place)


def show(status: JsonObject, *, as_json: bool, output: bool = False) -> None:
    """Print a run; for people, its output only when asked for, as that is a patient's mostly."""
    if as_json:
        print(json.dumps(status, ensure_ascii=False))
        return
    named = f"{status['workflowId']} version {status['version']}"
    print(f"{status['runId']}  {named}: {status['held'] or status['status']}")
    for step in status["steps"]:
        took = f"{step['durationMs']:.0f} ms" if step.get("durationMs") is not None else ""
        if step["status"] == "waiting" and step.get("until"):
            took = f"until {step['until']}"
        print(f"  {step['status']:<10} {_place(step):<40} {took}".rstrip())
        if step.get("error"):
            print(f"             {step['error'].get('code')}: {step['error'].get('message')}")
    if status["error"]:
        print(f"  {status['error'].get('code')}: {status['error'].get('message')}")
    if status["retriedAs"]:
        print(f"  retried as {status['retriedAs']}")
    if output and status["output"] is not None:
        text = json.dumps(status["output"], indent=2, ensure_ascii=False)
        print(textwrap.indent(f"output: {text}", "  "))
