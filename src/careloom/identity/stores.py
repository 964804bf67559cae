"""The life of FHIR stores: made, changed, emptied and closed; and who may use which of them.

A store's id is its name in every key of the database. Its own key works at its own address only.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable

from careloom.errors import CareloomError, Conflict, Forbidden, InvalidInput, NotFound
from careloom.identity.principal import Principal
from careloom.identity.service import Identity, IssuedKey
from careloom.store.database import Database
from careloom.store.placement import Placements, new_database
from careloom.types import DEFAULT_SCOPE, Json, JsonObject, Scope

REGIONS = ("global",)
FHIR_VERSIONS = ("R4",)
INFRASTRUCTURES = ("serverless", "dedicated")
INTEGRITY = ("none", "warn", "enforce")
"""Whether a reference to a resource of the store must find it: settings.referenceIntegrity."""
UNKNOWN_PROFILES = ("ignore", "refuse")
"""What becomes of a resource that names a profile which is not loaded: settings.unknownProfile."""
SETTINGS = {"referenceIntegrity": INTEGRITY, "unknownProfile": UNKNOWN_PROFILES}
KIND = "store"
"""The kind of the principal that a store's own key belongs to."""
_LONGEST = {"name": 200, "description": 2000}
_LETTERS = string.ascii_lowercase + string.digits
_AT_ONCE = 2000
_FRESH = 5.0


class StoreNotFound(NotFound):
    """There is no such store, or none any more."""

    default_code = "fhir_server_not_found"

    def __init__(self, store: str) -> None:
        super().__init__("FHIR server not found", details={"id": store[:100]})


class Stores:
    """The stores of every tenant."""

    def __init__(
        self,
        db: Database,
        identity: Identity,
        placements: Placements,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._identity = identity
        self._clock = clock
        self._running: dict[Scope, float] = {}
        self.placements = placements

    async def create(
        self, scope: Scope, given: JsonObject, *, actor: JsonObject
    ) -> tuple[JsonObject, IssuedKey]:
        """A new store and its key; raises `InvalidInput` or `PlacementFailed`."""
        wanted = _read(given)
        made = Scope(scope.tenant, "fhir-server-" + _random(12))
        dedicated = wanted["infrastructure"] == "dedicated"
        await self._db.call("store_create", *_args(made), wanted, actor)
        if dedicated:
            try:
                await self._settle(made, wanted, actor)
            except CareloomError:
                await self._db.call("store_closing", *_args(made), 0, True, actor)
                await self._db.call("store_closed", *_args(made), actor)
                raise
        return await self._identity.open_store(made, actor=actor)

    async def _settle(self, scope: Scope, wanted: JsonObject, actor: JsonObject) -> None:
        """Make the database of a dedicated store, with the rows that others refer to."""
        name = new_database()
        await self.placements.create(name)
        await self._db.call("store_place", *_args(scope), name, actor)
        place = await self.placements.find(scope)
        tenant = await self._db.call("tenant_read", scope.tenant)
        given = {key: wanted[key] for key in ("name", "settings")}
        await place.call("store_settle", *_args(scope), given, tenant["environment"])

    async def list(self, scope: Scope) -> list[JsonObject]:
        """The tenant's stores, oldest first."""
        found: list[JsonObject] = await self._db.call("store_list", scope.tenant)
        return found

    async def read(self, scope: Scope) -> JsonObject:
        """One store; raises `StoreNotFound`."""
        row: JsonObject | None = await self._db.call("store_read", *_args(scope))
        if row is None or row["status"] == "deleted":
            raise StoreNotFound(scope.store)
        return row

    async def change(self, scope: Scope, given: JsonObject, *, actor: JsonObject) -> JsonObject:
        """Name, description or settings; raises `StoreNotFound` or `InvalidInput`."""
        await self.read(scope)
        change = _change(given)
        row: JsonObject | None = await self._db.call("store_change", *_args(scope), change, actor)
        if row is None:
            raise StoreNotFound(scope.store)
        place = await self.placements.find(scope)
        if place is not self._db:
            await place.call("store_change", *_args(scope), change, actor)
        return row

    async def renew_key(self, scope: Scope, *, actor: JsonObject) -> tuple[JsonObject, IssuedKey]:
        """A new key of the store; the one before ends. Raises `StoreNotFound`."""
        if (await self.read(scope))["status"] != "running":
            raise StoreNotFound(scope.store)
        if scope.store == DEFAULT_SCOPE.store:
            raise Conflict(
                "The tenant's first store has no key of its own",
                code="store_has_no_key",
                fix="make a key with `careloom key create`",
            )
        return await self._identity.open_store(scope, actor=actor)

    async def delete(self, scope: Scope, confirmed: str | None, *, actor: JsonObject) -> None:
        """Take the resources out of a store and close it for good; begun before, it goes on.

        Raises `StoreNotFound`, or `Conflict` for one that holds resources unless its id confirms.
        """
        row = await self.read(scope)
        if scope.store == DEFAULT_SCOPE.store:
            raise Conflict("The tenant's first store is not deleted", code="store_in_use")
        unborn = row["status"] == "creating"
        place = self._db if unborn else await self.placements.find(scope)
        held = await place.call("store_held", *_args(scope))
        sure = confirmed == scope.store
        if held and not sure:
            raise Conflict(
                "The store holds resources",
                code="store_not_empty",
                fix=f"repeat the request with confirm={scope.store}, and they are gone for good",
            )
        await self._db.call("store_closing", *_args(scope), held, sure, actor)
        self._running.clear()
        self._identity.forget()
        if place is not self._db:
            await place.call("store_closing", *_args(scope), held, sure, actor)
        while not await place.call("store_empty", *_args(scope), _AT_ONCE):
            pass
        await self._db.call("store_closed", *_args(scope), actor)

    async def enter(self, principal: Principal, store: str | None) -> Scope:
        """Where a request of this principal at a store's address goes; None is the common address.

        Raises `Forbidden` before it says whether the store exists, then `StoreNotFound`.
        """
        if store is None:
            if principal.kind == KIND:
                raise _elsewhere(principal)
            return principal.scope
        if principal.store != store and (
            principal.kind == KIND or not principal.allows("store:use")
        ):
            raise _elsewhere(principal)
        scope = Scope(principal.tenant, store)
        if self._running.get(scope, 0.0) < self._clock():
            row: JsonObject | None = await self._db.call("store_read", *_args(scope))
            if row is None or row["status"] != "running":
                raise StoreNotFound(store)
            self._running[scope] = self._clock() + _FRESH
        return scope


def _elsewhere(principal: Principal) -> Forbidden:
    if principal.sink is not None:
        principal.sink.denied(principal, "store:use", None)
    return Forbidden(
        "This key does not work at this address",
        fix="a store's own key works at the endpoint of the store; other keys work at /fhir, and at"
        " the stores of their tenant with the permission store:use",
    )


def _args(scope: Scope) -> tuple[str, str]:
    return scope.tenant, scope.store


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _read(given: JsonObject) -> JsonObject:
    """What is asked of a new store; every refusal has the code that the document gives it."""
    _known(given, ("name", "description", "region", "fhirVersion", "type", "settings"))
    wanted = {"name": _text(given, "name"), "description": _text(given, "description", None)}
    choices = (
        ("region", "region", REGIONS, "region_not_available"),
        ("fhirVersion", "fhirVersion", FHIR_VERSIONS, "invalid_fhir_version"),
        ("type", "infrastructure", INFRASTRUCTURES, "invalid_infrastructure"),
    )
    for key, name, known, code in choices:
        value = given.get(key, known[0])
        if value not in known:
            raise InvalidInput(
                f"{key} is one of {', '.join(known)}",
                code=code,
                path=key,
                details={key: _shown(value)},
            )
        wanted[name] = value
    return wanted | {"settings": _settings(given.get("settings", {}))}


def _change(given: JsonObject) -> JsonObject:
    _known(given, ("name", "description", "settings"))
    changed: JsonObject = {}
    if "name" in given:
        changed["name"] = _text(given, "name")
    if "description" in given:
        changed["description"] = _text(given, "description", None)
    if "settings" in given:
        changed["settings"] = _settings(given["settings"])
    return changed


def _known(given: JsonObject, names: tuple[str, ...]) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise InvalidInput(f"These are not known here: {', '.join(unknown)[:200]}", path=unknown[0])


def _text(given: JsonObject, name: str, *absent: None) -> str | None:
    value = given.get(name)
    if value is None and absent:
        return None
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST[name]:
        raise InvalidInput(f"{name} is a text of at most {_LONGEST[name]} characters", path=name)
    return value


def _settings(value: Json) -> JsonObject:
    if not isinstance(value, dict) or set(value) - set(SETTINGS):
        raise InvalidInput(f"settings may have {' and '.join(SETTINGS)}", path="settings")
    for name, allowed in SETTINGS.items():
        if value.get(name, allowed[0]) not in allowed:
            raise InvalidInput(f"{name} is one of {', '.join(allowed)}", path=f"settings.{name}")
    return value


def _shown(value: Json) -> Json:
    return value if isinstance(value, str) and len(value) <= 100 else "(not a short text)"
