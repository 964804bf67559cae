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
    command.add_argument("--store", help="one store; without it all of the tenant's")
    command.set_defaults(run=_reindex)


def _reindex(arguments: argparse.Namespace) -> int:
    return asyncio.run(reindexing(arguments.tenant, arguments.store))


async def reindexing(tenant: str, store: str | None) -> int:
    """Make the rows of one store anew, or of all, each in the database that it is placed in."""
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        stores = [] if store is None else [store]
        if store is None:
            listed = await services.stores.list(Scope(tenant, DEFAULT_SCOPE.store))
            stores = [one["store"] for one in listed if one["status"] == "running"]
        for name in stores:
            scope = Scope(tenant, name)
            seen = changed = 0
            fhir = await services.neighbours.find(scope)
            async for seen, changed in reindex(fhir.context, scope):
                if sys.stderr.isatty():
                    print(f"\r{seen} looked at, {changed} changed", end="", file=sys.stderr)
            print(f"{name}: {seen} resources looked at, {changed} of them with new search rows")
    return 0
