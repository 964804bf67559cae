"""`careloom key create` and `careloom key revoke`."""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from careloom.bootstrap import open_services
from careloom.errors import NotFound
from careloom.identity.permissions import ROLES
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    key = commands.add_parser("key", help="make or revoke API keys")
    actions = key.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a principal with a key; the key is shown once")
    create.add_argument("name")
    create.add_argument("--role", action="append", required=True, choices=sorted(ROLES))
    create.set_defaults(run=_create)
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("key_id")
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> int:
    return asyncio.run(_creating(arguments))


async def _creating(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        await services.identity.create_principal(
            DEFAULT_SCOPE, arguments.name, name=arguments.name, roles=arguments.role, actor=_ACTOR
        )
        issued = await services.identity.create_key(DEFAULT_SCOPE, arguments.name, actor=_ACTOR)
        print("The key, shown only now. Keep it:")
        print(f"  {issued.text}")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    return asyncio.run(_revoking(arguments))


async def _revoking(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        if not await services.identity.revoke(DEFAULT_SCOPE, arguments.key_id, actor=_ACTOR):
            raise NotFound("There is no such key", code="key_not_found")
        print(f"{arguments.key_id} is revoked")
    return 0
