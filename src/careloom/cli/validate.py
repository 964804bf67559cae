"""`careloom validate`: what is wrong with definitions. Nothing is stored.

Exit codes: 0 no errors, 1 errors were found, 2 something could not be read.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from careloom.ai.policy_file.form import PolicyFile
from careloom.ai.workers import WorkerRegistry
from careloom.cli import policies
from careloom.cli.definition_files import given_files
from careloom.cli.findings import counts, report_of, show
from careloom.cli.offline import NOT_CHECKED, offline_ports
from careloom.errors import CareloomError
from careloom.settings import Settings
from careloom.steps.house_rules import DefinitionRules
from careloom.steps.schema import every_schema
from careloom.types import DEFAULT_SCOPE, JsonObject
from careloom.workflows.definition import Definition
from careloom.workflows.deployment import (
    Checked,
    Deployment,
    Mode,
    Ports,
    check_definition,
    read_definition,
)
from careloom.workflows.published_schema import published_schema
from careloom.workflows.verification import Known

UNREADABLE = 2


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
    policies.register(command)
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
    given = list(given_files(arguments.file))
    if not arguments.deployed:
        strict: Mode = "strict" if arguments.strict or production else "compat"
        here = await _Here.open(settings, strict, production=production)
        return await _each(arguments, given, here, NOT_CHECKED)
    # Without --deployed no database is opened, and all that belongs to one costs a second.
    from careloom.bootstrap import open_services

    async with open_services(settings, work=False, listen=False) as services:
        rules = services.ai.rules.definitions(every_schema())
        there = _There(services.deployment, rules, arguments.strict, production)
        return await _each(arguments, given, there, ())


class _Place(Protocol):
    """Against what definitions are checked."""

    async def read(self, text: str) -> Definition: ...

    async def check(
        self, text: str, together: list[Definition], policy: PolicyFile | None
    ) -> Checked: ...


@dataclass(frozen=True, slots=True)
class _There:
    """This installation, with what is deployed and configured."""

    deployment: Deployment
    rules: DefinitionRules
    strict: bool
    production: bool

    async def read(self, text: str) -> Definition:
        mode, environment = self._demands()
        return await self.deployment.read(DEFAULT_SCOPE, text, mode=mode, environment=environment)

    async def check(
        self, text: str, together: list[Definition], policy: PolicyFile | None
    ) -> Checked:
        mode, environment = self._demands()
        deployment = self.deployment
        if policy is not None:
            deployment = deployment.ruled_by(self.rules.beside(policy).findings)
        return await deployment.check(
            DEFAULT_SCOPE, text, mode=mode, environment=environment, together=together
        )

    def _demands(self) -> tuple[Mode | None, str | None]:
        return "strict" if self.strict else None, "production" if self.production else None


@dataclass(frozen=True, slots=True)
class _Here:
    """What can be said without a database."""

    ports: Ports
    known: Known
    mode: Mode
    environment: str

    @classmethod
    async def open(cls, settings: Settings, mode: Mode, *, production: bool) -> _Here:
        ports = offline_ports(settings)
        known = await ports.known(DEFAULT_SCOPE)
        return cls(ports, known, mode, "production" if production else "development")

    async def read(self, text: str) -> Definition:
        return read_definition(text, self.ports, self.mode)[1]

    async def check(
        self, text: str, together: list[Definition], policy: PolicyFile | None
    ) -> Checked:
        beside = {one.id: (1, one) for one in together}
        known = replace(self.known, workflows=beside, more_workflows=True)
        ports = self.ports
        if policy is not None:
            rules = DefinitionRules(every_schema(), (), WorkerRegistry()).beside(policy)
            ports = replace(ports, ruled=rules.findings)
        return await check_definition(
            DEFAULT_SCOPE,
            text,
            ports,
            known,
            together,
            mode=self.mode,
            environment=self.environment,
        )


async def _together(
    given: list[tuple[Path, str | CareloomError]], place: _Place
) -> list[Definition]:
    """The definitions of several files, which know each other."""
    found = []
    for _, text in given if len(given) > 1 else ():
        # A text that is no workflow has its report when its turn comes.
        with contextlib.suppress(CareloomError):
            if isinstance(text, str):
                found.append(await place.read(text))
    return found


async def _each(
    arguments: argparse.Namespace,
    given: list[tuple[Path, str | CareloomError]],
    place: _Place,
    not_checked: tuple[str, ...],
) -> int:
    files, unread, errors, warnings = 0, 0, 0, 0
    together = await _together(given, place)
    for path, text in given:
        if isinstance(text, CareloomError):
            unread += 1
            show(str(path), report_of(text), as_json=arguments.json)
            continue
        files += 1
        policy = policies.policy_for(path, arguments.policy)
        report = await _report(place, text, together, policy)
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


async def _report(
    place: _Place, text: str, together: list[Definition], policy: PolicyFile | None
) -> JsonObject:
    try:
        checked = await place.check(text, together, policy)
    except CareloomError as error:
        return {**report_of(error), "valid": False}
    return {**checked.report(), "valid": not checked.errors}


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
