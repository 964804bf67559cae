"""`careloom key create`, `careloom key list` and `careloom key revoke`."""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from careloom.bootstrap import open_services
from careloom.errors import NotFound
from careloom.identity.permissions import ROLES
from careloom.settings import Settings
from careloom.types import DEFAULT_SCOPE, JsonObject, Scope

_ACTOR: JsonObject = {"principal": "cli", "kind": "system"}


def register(commands: Any) -> None:
    key = commands.add_parser("key", help="make, list or revoke API keys")
    actions = key.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a principal with a key; the key is shown once")
    create.add_argument("name")
    roles = f"{', '.join(sorted(ROLES))}, or one of your own"
    create.add_argument("--role", action="append", default=[], help=roles)
    create.add_argument(
        "--grant",
        action="append",
        default=[],
        help="what it may do beside its roles, such as fhir:read/Observation?compartment=Patient/1",
    )
    create.add_argument("--store", default=DEFAULT_SCOPE.store, help="the FHIR store it is for")
    create.set_defaults(run=_create)
    listing = actions.add_parser("list", help="show the keys there are, never their text")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("key_id")
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> int:
    return asyncio.run(_creating(arguments))


async def _creating(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        scope, name = Scope(DEFAULT_SCOPE.tenant, arguments.store), arguments.name
        await services.stores.read(scope)
        await services.identity.create_principal(
            scope, name, name=name, roles=arguments.role, grants=arguments.grant, actor=_ACTOR
        )
        issued = await services.identity.create_key(scope, name, actor=_ACTOR)
        print("The key, shown only now. Keep it:")
        print(f"  {issued.text}")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    return asyncio.run(_listing(arguments))


async def _listing(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        principals = await services.identity.principals(DEFAULT_SCOPE)
    now = datetime.now(UTC)
    keys = [_facts(who, key, now) for who in principals for key in who["keys"]]
    if arguments.json:
        print(json.dumps(keys, ensure_ascii=False))
        return 0
    for key in keys:
        print(
            f"{key['id']}  {key['state']:<8} {key['principal']}"
            f"  {', '.join(key['roles'] + key['grants'])}"
            f"  created {key['createdAt']}, last used {key['lastUsedAt'] or 'never'}"
        )
    return 0


def _facts(principal: JsonObject, key: JsonObject, now: datetime) -> JsonObject:
    until = key["expires_at"]
    state = "revoked" if key["revoked_at"] else "disabled" if principal["disabled"] else "valid"
    if state == "valid" and until is not None and datetime.fromisoformat(until) <= now:
        state = "expired"
    return {
        "id": key["key_id"],
        "state": state,
        "principal": principal["principal_id"],
        "roles": principal["roles"],
        "grants": principal["grants"],
        "limit": key["grants"],
        "store": key["store"],
        "createdAt": key["created_at"],
        "lastUsedAt": key["last_used_at"],
        "expiresAt": until,
    }


def _revoke(arguments: argparse.Namespace) -> int:
    return asyncio.run(_revoking(arguments))


async def _revoking(arguments: argparse.Namespace) -> int:
    settings = Settings.from_environment()
    async with open_services(settings, work=False, listen=False) as services:
        if not await services.identity.revoke(DEFAULT_SCOPE, arguments.key_id, actor=_ACTOR):
            raise NotFound("There is no such key", code="key_not_found")
        print(f"{arguments.key_id} is revoked")
    return 0
