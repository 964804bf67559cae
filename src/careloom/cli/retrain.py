"""`careloom retrain` and `careloom promote`. Exit codes: 0 done; 1 the training failed, the version
is worse than the running one, or a gate refuses it; 2 wrong use; 3 something we depend on does not
answer."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from careloom.ai.evaluation.reviewed import Wanted
from careloom.ai.learning.card import text_of
from careloom.ai.learning.definition import PREFIX
from careloom.ai.learning.retraining import Training
from careloom.ai.learning.split import FEWEST, FEWEST_HELD_OUT, FEWEST_OF_CLASS
from careloom.bootstrap import Services, open_services
from careloom.cli.runs import ACTOR
from careloom.errors import InvalidInput, NotFound
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_LOOK_S = 0.1
_WHY = {
    "too_few_cases": f": it takes at least {FEWEST} cases to train on, {FEWEST_OF_CLASS} of each of"
    f" two classes, and {FEWEST_HELD_OUT} of each held out; cases of a patient stay together",
    "interrupted": ": the process that trained it ended; train again",
}
_EVERYBODY: JsonObject = {"principal": "cli", "roles": [], "all": True, "assign": False}


def register(commands: Any) -> None:
    train = commands.add_parser("retrain", help="train a new version of a model of the store's own")
    train.add_argument("model", metavar="MODEL")
    train.add_argument("--from", dest="gold_set", metavar="GOLDSET", help="learn from its cases")
    train.add_argument(
        "--reviewed",
        metavar="WORKFLOW",
        help="first add to the gold set what reviewers decided in this workflow",
    )
    train.add_argument("--label", help="of a gold set that is made: the field that has the class")
    train.add_argument("--positive", help="of a gold set that is made: the class that is positive")
    train.add_argument("--definition", type=Path, help="declare the model as this file has it")
    train.add_argument("--seed", type=int, default=1, help="the same seed gives the same model")
    train.add_argument("--json", action="store_true", help="print JSON")
    train.set_defaults(run=lambda arguments: asyncio.run(_retraining(arguments)))
    promote = commands.add_parser("promote", help="let a trained version answer from here on")
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("version", type=int, metavar="VERSION")
    promote.add_argument("--json", action="store_true", help="print JSON")
    promote.set_defaults(run=lambda arguments: asyncio.run(_promoting(arguments)))


async def _retraining(arguments: argparse.Namespace) -> int:
    name = arguments.model.removeprefix(PREFIX)
    if arguments.reviewed and not arguments.gold_set:
        raise InvalidInput("--reviewed adds to a gold set: name it with --from")
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        learning = services.ai.learning
        if arguments.definition is not None:
            given = _definition(arguments.definition)
            await learning.shelf.put(DEFAULT_SCOPE, name, given, ACTOR)
        added = await _reviewed(services, arguments) if arguments.reviewed else None
        order = Training(name, arguments.gold_set, arguments.seed)
        told = await learning.retraining.begin(DEFAULT_SCOPE, order, ACTOR)
        number, seen = told["version"], ""
        while told["status"] == "training":
            seen = _say(told["progress"], seen)
            await asyncio.sleep(_LOOK_S)
            told = await learning.shelf.progress(DEFAULT_SCOPE, name, number)
        told = await learning.shelf.version(DEFAULT_SCOPE, name, number)
    told = {"model": name, "reviewed": added, **told}
    if arguments.json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(told)
    failed = told["status"] == "failed" or (told["comparison"] or {}).get("verdict") == "worse"
    return 1 if failed else 0


async def _promoting(arguments: argparse.Namespace) -> int:
    name = arguments.model.removeprefix(PREFIX)
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        promotion = services.ai.learning.promotion
        told = await promotion.promote(DEFAULT_SCOPE, name, arguments.version, ACTOR)
    if arguments.json:
        print(json.dumps(told))
    else:
        print(_promoted(told))
    return 0


def _promoted(told: JsonObject) -> str:
    said = f"{told['model']} answers by version {told['version']}"
    if told["before"] == told["version"]:
        return f"{said}, as before"
    return f"{said} now" + (f", in place of version {told['before']}" if told["before"] else "")


async def _reviewed(services: Services, arguments: argparse.Namespace) -> JsonObject:
    """Add the reviewed cases; make the gold set when it is not there."""
    evaluation, name = services.ai.evaluation, arguments.gold_set
    try:
        await evaluation.gold.shown(DEFAULT_SCOPE, name)
    except NotFound:
        settings = {"label": arguments.label, "positive": arguments.positive}
        await evaluation.gold.put(DEFAULT_SCOPE, name, settings, ACTOR)
    wanted = Wanted(workflow=arguments.reviewed, limit=1000)
    return await evaluation.reviewed.add(DEFAULT_SCOPE, name, wanted, _EVERYBODY, ACTOR)


def _definition(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"{path} cannot be read: {type(error).__name__}") from error


def _say(progress: JsonObject, seen: str) -> str:
    if not progress:
        return seen
    of = "" if progress.get("of") is None else f" of {progress['of']}"
    text = f"{progress['stage']}: {progress.get('done', 0)}{of} cases"
    if text != seen:
        print(text, file=sys.stderr)
    return text


def _collected(reviewed: JsonObject) -> str:
    """How many cases the reviewers' decisions gave."""
    added, changed, left = reviewed["added"], reviewed["changed"], reviewed["leftOut"]
    if not (added or changed or left):
        return "Nobody has decided a suggestion in that workflow: no cases added. Is its id right?"
    why = "".join(f", {count} left out ({reason})" for reason, count in left.items())
    return f"From reviewers: {added} cases added, {changed} changed{why}"


def _show(told: JsonObject) -> None:
    if told["reviewed"] is not None:
        print(_collected(told["reviewed"]))
    print(f"{told['model']} version {told['version']}: {told['status']}")
    if told["error"]:
        print(f"  {told['error']}{_WHY.get(told['error'], '')}")
    if told["card"] is not None:
        print()
        print(text_of(told["card"]))
    beside = told["comparison"]
    if beside is None:
        return
    if beside["with"] is None:
        print(f"No version of it answers yet: careloom promote {told['model']} {told['version']}")
        return
    found = beside["difference"]
    print(f"Beside version {beside['with']}, on the same held-out cases: {beside['verdict']}")
    if found is not None:
        print(
            f"  difference of {beside['metric']}: {found['value']:+.4f}"
            f"  [{found['low']:+.4f}, {found['high']:+.4f}]  n = {found['n']}"
        )
