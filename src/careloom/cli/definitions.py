"""`careloom deploy`, `careloom pause` and `careloom resume`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any, Literal

from careloom.bootstrap import Services, open_services
from careloom.cli import policies
from careloom.cli.definition_files import given_files
from careloom.cli.findings import report_of, show
from careloom.errors import CareloomError, InvalidInput
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.deployment import Deployment

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    command = commands.add_parser("deploy", help="store definitions as new versions")
    command.add_argument("file", nargs="+", type=Path, help="a YAML or JSON file, or a folder")
    command.add_argument("--strict", action="store_true", help="repair nothing")
    policies.register(command)
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_deploy)

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


def _deploy(arguments: argparse.Namespace) -> int:
    return asyncio.run(_each(arguments))


async def _each(arguments: argparse.Namespace) -> int:
    """Deploy each. What is refused is tried again once others are there: files of one folder may
    name each other."""
    waiting, refused = list(given_files(arguments.file)), 0
    if not waiting:
        raise InvalidInput(
            "There is no definition in what was named", fix="name a YAML or JSON file, or a folder"
        )
    async with open_services(Settings.from_environment(), work=False, listen=False) as services:
        while waiting:
            left: list[tuple[Path, str | CareloomError, CareloomError]] = []
            for path, text in waiting:
                try:
                    _tell(arguments, path, await _one(services, arguments, path, text))
                except CareloomError as refusal:
                    left.append((path, text, refusal))
            if len(left) == len(waiting):
                refused = len(left)
                for path, _, error in left:
                    show(str(path), report_of(error), as_json=arguments.json)
                break
            waiting = [(path, text) for path, text, _ in left]
    return 1 if refused else 0


async def _one(
    services: Services, arguments: argparse.Namespace, path: Path, text: str | CareloomError
) -> JsonObject:
    if isinstance(text, CareloomError):
        raise text
    mode: Literal["strict"] | None = "strict" if arguments.strict else None
    deployment = _by_policy(services, path, arguments.policy)
    return await deployment.deploy(DEFAULT_SCOPE, text, _ACTOR, mode=mode)


def _tell(arguments: argparse.Namespace, path: Path, report: JsonObject) -> None:
    show(str(path), report, as_json=arguments.json)
    if not arguments.json:
        state = "deployed" if report["created"] else "unchanged"
        print(f"{path}: {report['id']} version {report['version']} {state}")


def _by_policy(services: Services, path: Path, named: Path | None) -> Deployment:
    """What deploys the file: by the policy of the store, and by one at hand."""
    policy = policies.policy_for(path, named)
    if policy is None:
        return services.deployment
    rules = services.ai.rules.definitions(services.deployment.ports.schemas)
    return services.deployment.ruled_by(rules.beside(policy).findings)
