"""`careloom retry` and `careloom cancel`."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from careloom.bootstrap import open_services
from careloom.cli.runs import ACTOR, json_object
from careloom.errors import InvalidInput
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.control import MANY
from careloom.workflows.retry import RetryOrder, VersionWanted


def register(commands: Any) -> None:
    retry = commands.add_parser("retry", help="do failed runs again, from the step that failed")
    retry.add_argument("run_id", nargs="*")
    retry.add_argument("--workflow", help="all failed runs of this workflow that wait for somebody")
    retry.add_argument("--code", help="with --workflow: those that failed with this code")
    retry.add_argument("--from", dest="begin", help="the path of the step to begin with")
    retry.add_argument(
        "--input", type=json_object, help="a JSON object: what `trigger` shows instead"
    )
    retry.add_argument("--version", help="a version's number, or `latest`")
    retry.add_argument("--json", action="store_true", help="print JSON")
    retry.set_defaults(run=_retry)
    cancel = commands.add_parser("cancel", help="stop runs and their children")
    cancel.add_argument("run_id", nargs="+")
    cancel.add_argument("--json", action="store_true", help="print JSON")
    cancel.set_defaults(run=_cancel)


def _retry(arguments: argparse.Namespace) -> int:
    if bool(arguments.run_id) == bool(arguments.workflow):
        raise InvalidInput("Name runs, or a workflow with --workflow")
    given: JsonObject | None = arguments.input
    if given is not None and len(arguments.run_id) != 1:
        raise InvalidInput("An input belongs to one run", fix="retry it alone")
    order = RetryOrder(arguments.begin, given, _version(arguments.version))
    return asyncio.run(_retrying(arguments, order))


async def _retrying(arguments: argparse.Namespace, order: RetryOrder) -> int:
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        operations, names = services.operations, arguments.run_id
        if arguments.workflow:
            where = {"workflow": arguments.workflow, "code": arguments.code}
            found = await operations.dead_letters.runs(DEFAULT_SCOPE, where, None, MANY)
            names = [letter["id"] for letter in found]
        outcomes = await operations.retry.retry_many(DEFAULT_SCOPE, names, order, ACTOR)
    return _tell(outcomes, as_json=arguments.json)


def _cancel(arguments: argparse.Namespace) -> int:
    return asyncio.run(_cancelling(arguments))


async def _cancelling(arguments: argparse.Namespace) -> int:
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        outcomes = await services.operations.control.apply_to_many(
            DEFAULT_SCOPE, arguments.run_id, "cancel", ACTOR
        )
    return _tell(outcomes, as_json=arguments.json)


def _tell(outcomes: list[JsonObject], *, as_json: bool) -> int:
    """Print the outcome of each; 1 when one refused."""
    for outcome in outcomes:
        if as_json:
            print(json.dumps(outcome))
        elif outcome["outcome"] == "refused":
            error = outcome["error"]
            print(f"{outcome['runId']}  refused: {error['code']}: {error['message']}")
        else:
            done = outcome.get("retriedAs") or outcome.get("status", "")
            print(f"{outcome['runId']}  {outcome['outcome']}  {done}")
    return 1 if any(outcome["outcome"] == "refused" for outcome in outcomes) else 0


def _version(text: str | None) -> VersionWanted:
    if text is None or text == "latest":
        return "latest" if text else None
    if text.isdecimal():
        return int(text)
    raise InvalidInput("--version is a number, or latest")
