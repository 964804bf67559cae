"""Principals and API keys: make them, revoke them, and tell whose credential this is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from careloom.errors import InvalidInput, Unauthenticated
from careloom.identity.admitted import FIX, admitted, lifetime
from careloom.identity.attempts import Attempts
from careloom.identity.fingerprint import fingerprint
from careloom.identity.keytext import SCHEME, STORE_SCHEME, KeyText, generate, parse
from careloom.identity.peppers import Peppers
from careloom.identity.permissions import ROLES, check_grants
from careloom.identity.principal import Principal
from careloom.identity.refusals import Refusal, Refusals
from careloom.identity.remembered import Remembered, slot_of
from careloom.identity.sessions import IDLE, LONGEST, Sessions
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import DEFAULT_SCOPE, Json, JsonObject, Scope

SYSTEM_ACTOR: JsonObject = {"principal": "system", "kind": "system"}
FIRST_PRINCIPAL = "admin"
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key: its text exists here and nowhere else; show it once."""

    key_id: str
    prefix: str
    text: str = field(repr=False)


class Identity:
    """The service. A right key is remembered for `cache_seconds`, so a revocation made by another
    process takes effect within that time; one made here, at once."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        *,
        cache_seconds: float = 5.0,
        cache_size: int = 4096,
        session_idle: timedelta = IDLE,
        session_longest: timedelta = LONGEST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._known = Remembered[Principal](seconds=cache_seconds, most=cache_size, clock=clock)
        self._peppers = Peppers(db, keyring)
        self._attempts = Attempts(clock=clock)
        self.refusals = Refusals(db, clock=clock)
        self.sessions = Sessions(
            db,
            self._peppers,
            self._attempts,
            self.refusals,
            idle=session_idle,
            longest=session_longest,
            cache_seconds=cache_seconds,
            clock=clock,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Keep the audit trail of refusals up to date until told to stop."""
        await self.refusals.run(stop)

    async def fingerprint(self, tenant: str, value: Json) -> str:
        """A keyed hash of a value that must not be guessed from it: see fingerprint.py."""
        return fingerprint(await self._peppers.ensure(tenant), value)

    async def create_principal(
        self,
        scope: Scope,
        id: str,
        *,
        name: str,
        roles: Iterable[str] = (),
        grants: Iterable[str] = (),
        kind: str = "service",
        actor: JsonObject,
    ) -> JsonObject:
        """A new principal, which may do what its roles and its grants say together; raises
        `InvalidInput` for an unknown role or no grant, `Conflict` for a taken id."""
        given: JsonObject = {"id": id, "kind": kind, "name": name, "grants": check_grants(grants)}
        given |= _roles(roles, may_be_none=bool(given["grants"]))
        if kind not in ("user", "service", "worker") or not id:
            raise InvalidInput("A principal needs an id and a kind: user, service or worker")
        return await self._row("principal_create", scope, given, actor)

    async def change_principal(
        self,
        scope: Scope,
        id: str,
        *,
        roles: Iterable[str] | None = None,
        grants: Iterable[str] | None = None,
        disabled: bool | None = None,
        actor: JsonObject,
    ) -> JsonObject:
        """Set roles or grants, or disable; raises `NotFound`."""
        change: JsonObject = {} if roles is None else _roles(roles, may_be_none=True)
        if grants is not None:
            change["grants"] = check_grants(grants)
        if disabled is not None:
            change["disabled"] = disabled
        changed = await self._row("principal_change", scope, id, change, actor)
        self.forget()
        return changed

    async def principals(self, scope: Scope) -> list[JsonObject]:
        """Every principal of the tenant with its keys: prefixes and dates, never a hash."""
        found: list[JsonObject] = await self._db.call("principal_list", scope.tenant)
        return found

    async def create_key(
        self,
        scope: Scope,
        principal_id: str,
        *,
        expires_at: datetime | None = None,
        grants: Iterable[str] | None = None,
        actor: JsonObject,
    ) -> IssuedKey:
        """A new key for a principal, into this scope's store; raises `NotFound`.

        With `grants` the key may do what its principal may, and of that what they say.
        """
        key, row, digest = await self._new_key(scope, principal_id, expires_at)
        row["grants"] = None if grants is None else check_grants(grants)
        await self._row("api_key_create", scope, row, digest, actor)
        return IssuedKey(key.key_id, key.prefix, key.text)

    async def open_store(self, scope: Scope, *, actor: JsonObject) -> tuple[JsonObject, IssuedKey]:
        """The store's row, open from now on, and its new key; the one before ends."""
        principal = f"store:{scope.store}"
        key, row, digest = await self._new_key(scope, principal, None, scheme=STORE_SCHEME)
        opened = await self._row("store_open", scope, row, digest, key.hint, actor)
        self.forget()
        return opened, IssuedKey(key.key_id, key.prefix, key.text)

    async def put_role(
        self, scope: Scope, name: str, grants: Iterable[str], *, actor: JsonObject
    ) -> JsonObject:
        """Make or change a role of the tenant's own; raises `InvalidInput`."""
        if name in ROLES or not _ROLE.fullmatch(name):
            raise InvalidInput(
                f"This name is not free for a role: {name[:64]}",
                fix="use letters, digits and -, and none of the roles that there are",
            )
        made = await self._row("role_put", scope, name, check_grants(grants), actor)
        self.forget()
        return made

    async def roles(self, scope: Scope) -> list[JsonObject]:
        """The tenant's own roles with their grants."""
        found: list[JsonObject] = await self._db.call("role_list", scope.tenant)
        return found

    def forget(self) -> None:
        """Forget the keys in memory: something that they rest on was changed here."""
        self._known.clear()
        self.sessions.forget()

    async def revoke(self, scope: Scope, key_id: str, *, actor: JsonObject) -> bool:
        """End a key for good; False when it was revoked before; raises `NotFound`."""
        done = await self._db.call("api_key_revoke", scope.tenant, scope.store, key_id, actor)
        self.forget()
        return bool(done)

    async def ensure_first_key(self, scope: Scope = DEFAULT_SCOPE) -> IssuedKey | None:
        """For a tenant without any key: an administrator with one. None when there are keys.

        Several processes may call it at once; one gets the key and prints it.
        """
        key, row, digest = await self._new_key(scope, FIRST_PRINCIPAL, None)
        made = await self._db.call(
            "api_key_first", scope.tenant, scope.store, row, digest, SYSTEM_ACTOR
        )
        return IssuedKey(key.key_id, key.prefix, key.text) if made else None

    async def authenticate(self, text: str) -> Principal:
        """Whose key this is; raises `Unauthenticated` or `TooManyAttempts`."""
        slot = slot_of(text)
        known = self._known.find(slot)
        if known is not None:
            return known
        key = parse(text)
        if key is None:
            self._refuse(DEFAULT_SCOPE, "ApiKey", "unknown", "not_a_key")
            raise Unauthenticated("The credential is not a key of Careloom", fix=FIX)
        found = await self._verify(key)
        principal = admitted(key.tenant, found, f"ApiKey/{key.key_id}", self.refusals)
        self._known.put(slot, principal, lifetime(found))
        if found["touch"]:
            await self._db.call("api_key_touch", key.tenant, key.key_id)
        return principal

    async def _verify(self, key: KeyText) -> JsonObject:
        found: JsonObject | None = await self._db.call("api_key_find", key.tenant, key.key_id)
        pepper = await self._peppers.find(key.tenant) if found else None
        if (
            found is None
            or pepper is None
            or not hmac.compare_digest(_digest(pepper, key), bytes.fromhex(found["hash"]))
        ):
            reason = "wrong_secret" if found else "unknown_key"
            self._refuse(Scope(key.tenant, "main"), f"ApiKey/{key.key_id}", "unknown", reason)
            self._attempts.failed(key.prefix)
            raise Unauthenticated("The key is not valid", fix=FIX)
        return found

    def _refuse(self, scope: Scope, entity: str, principal: str, reason: str) -> None:
        self.refusals.add(Refusal(scope, "identity.rejected", entity, principal, "unknown", reason))

    async def _new_key(
        self,
        scope: Scope,
        principal_id: str,
        expires_at: datetime | None,
        *,
        scheme: str = SCHEME,
    ) -> tuple[KeyText, JsonObject, bytes]:
        key = generate(scope.tenant, scheme)
        if parse(key.text) != key:
            raise InvalidInput(
                "The tenant's name cannot stand in a key",
                fix="use up to 63 letters, digits, - and _, beginning with a letter or digit",
            )
        row: JsonObject = {"id": key.key_id, "principal": principal_id, "prefix": key.prefix}
        row["expires_at"] = expires_at.isoformat() if expires_at else None
        pepper = await self._peppers.ensure(scope.tenant)
        return key, row, _digest(pepper, key)

    async def _row(self, function: str, scope: Scope, *args: Any) -> JsonObject:
        row: JsonObject = await self._db.call(function, scope.tenant, scope.store, *args)
        return row


def _digest(pepper: bytes, key: KeyText) -> bytes:
    return hmac.new(pepper, f"{key.prefix}_{key.secret}".encode(), hashlib.sha256).digest()


def _roles(roles: Iterable[str], *, may_be_none: bool) -> JsonObject:
    """Names of roles, and which of them must be the tenant's own."""
    names = sorted(set(roles))
    wrong = [name for name in names if not _ROLE.fullmatch(name)]
    if wrong or not (names or may_be_none):
        raise InvalidInput(
            f"Not a role: {', '.join(wrong) or 'none given'}",
            fix=f"use one or more of {', '.join(ROLES)}, a role of your own, or grants",
        )
    return {"roles": names, "own_roles": [name for name in names if name not in ROLES]}
