"""`careloom role put` and `careloom role list`: roles of a tenant's own."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from careloom.bootstrap import open_services
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    role = commands.add_parser("role", help="make or list roles of your own")
    actions = role.add_subparsers(dest="action", required=True)
    put = actions.add_parser("put", help="make a role, or give it other grants")
    put.add_argument("name")
    put.add_argument(
        "--grant", action="append", required=True, help="for example fhir:read/Patient"
    )
    put.set_defaults(run=_put)
    listing = actions.add_parser("list", help="show the roles of your own")
    listing.set_defaults(run=_list)


def _put(arguments: argparse.Namespace) -> int:
    return asyncio.run(_putting(arguments))


async def _putting(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        made = await services.identity.put_role(
            DEFAULT_SCOPE, arguments.name, arguments.grant, actor=_ACTOR
        )
        print(f"{made['id']}: {', '.join(made['grants'])}")
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    return asyncio.run(_listing())


async def _listing() -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        for role in await services.identity.roles(DEFAULT_SCOPE):
            print(f"{role['id']}: {', '.join(role['grants'])}")
    return 0
