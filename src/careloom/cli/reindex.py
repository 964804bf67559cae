"""`careloom reindex`: search rows of this version for resources that an earlier one stored."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from careloom.bootstrap import open_services
from careloom.fhir.search.reindex import reindex
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, Scope


def register(commands: Any) -> None:
    """Add `reindex` to the command line."""
    command = commands.add_parser("reindex", help="make the search rows of stored resources anew")
    command.add_argument("--tenant", default=DEFAULT_SCOPE.tenant)
    command.add_argument("--store", default=DEFAULT_SCOPE.store)
    command.set_defaults(run=_reindex)


def _reindex(arguments: argparse.Namespace) -> int:
    return asyncio.run(_reindexing(Scope(arguments.tenant, arguments.store)))


async def _reindexing(scope: Scope) -> int:
    settings = Settings.from_environment()
    seen = changed = 0
    async with open_services(settings, work=False, listen=False) as services:
        async for seen, changed in reindex(services.fhir.context, scope):
            if sys.stderr.isatty():
                print(f"\r{seen} looked at, {changed} changed", end="", file=sys.stderr)
    print(f"{seen} resources looked at, {changed} of them with new search rows")
    return 0
