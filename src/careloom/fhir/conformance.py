"""Profiles, value sets and code systems of a store, read once and kept until they change.

Another process learns of a change within FRESH_S; this one at once. What a store does not hold is
taken from the R4 specification. A write never reads a profile again: once in FRESH_S it is asked
whether anything changed.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from careloom.errors import Gone
from careloom.fhir.canonical import Canonical, parse_canonical
from careloom.fhir.definitions.archive import profile_archive, terminology_archive
from careloom.fhir.resource import seal_place
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

FRESH_S = 1.0
"""Seconds for which a store is taken to be as it was."""
MOST_SHELVES = 256
MOST_KEPT = 4000
TYPES = frozenset({"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap"})
VERSION = "4.0.1"


@dataclass(slots=True)
class Shelf:
    """What was read for one store, and what was made from it."""

    stamp: Any = None
    checked: float = 0.0
    found: dict[tuple[str, str], JsonObject | None] = field(default_factory=dict)
    made: dict[Hashable, Any] = field(default_factory=dict)
    settings: JsonObject = field(default_factory=dict)
    settings_read: float = -FRESH_S


class Conformance:
    """Conformance resources and settings of every store."""

    def __init__(self, db: Database, keyring: Keyring) -> None:
        self._db = db
        self._keyring = keyring
        self._shelves: OrderedDict[tuple[str, str], Shelf] = OrderedDict()

    def _shelf(self, scope: Scope) -> Shelf:
        key = (scope.tenant, scope.store)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = Shelf()
            if len(self._shelves) > MOST_SHELVES:
                self._shelves.popitem(last=False)
        return shelf

    async def shelf(self, scope: Scope) -> Shelf:
        """The store's shelf, emptied when a conformance resource changed since it was filled."""
        shelf = self._shelf(scope)
        if time.monotonic() - shelf.checked >= FRESH_S:
            stamp = await self._db.call("fhir_conformance_stamp", scope.tenant, scope.store)
            if stamp != shelf.stamp or len(shelf.made) + len(shelf.found) > MOST_KEPT:
                shelf.found, shelf.made, shelf.stamp = {}, {}, stamp
            shelf.checked = time.monotonic()
        return shelf

    async def settings(self, scope: Scope) -> JsonObject:
        """The settings of a store, at most FRESH_S old."""
        shelf = self._shelf(scope)
        if time.monotonic() - shelf.settings_read >= FRESH_S:
            read = await self._db.call("fhir_store_settings", scope.tenant, scope.store)
            shelf.settings = read or {}
            shelf.settings_read = time.monotonic()
        return shelf.settings

    def wrote(self, scope: Scope, ops: Iterable[JsonObject]) -> None:
        """Take note of what this process wrote."""
        if any(op.get("type") in TYPES for op in ops):
            self.forget(scope)

    def forget(self, scope: Scope) -> None:
        """Read the store's resources and settings again at the next use."""
        self._shelves.pop((scope.tenant, scope.store), None)

    async def resource(self, scope: Scope, kind: str, canonical: str) -> JsonObject | None:
        """The resource of a canonical URL: the store's own, else the specification's, else None."""
        # The dictionary of this moment: the shelf may be emptied while we read.
        found = (await self.shelf(scope)).found
        key = (kind, canonical)
        if key not in found:
            wanted = parse_canonical(canonical)
            own = await self._stored(scope, kind, wanted)
            found[key] = own if own is not None else _specified(kind, wanted)
        return found[key]

    async def by_id(self, scope: Scope, kind: str, id: str) -> JsonObject | None:
        """The store's own resource of an id; None where there is none, or it was erased."""
        rows = await self._db.rows("fhir_reads", scope.tenant, scope.store, [kind], [id])
        if not rows or rows[0]["body"] is None:
            return None
        place = seal_place(scope.store, kind, id, rows[0]["version"])
        try:
            body = await self._keyring.open(scope.tenant, rows[0]["body"], place)
        except Gone:
            return None
        resource: JsonObject = orjson.loads(body)
        return resource

    async def _stored(self, scope: Scope, kind: str, wanted: Canonical) -> JsonObject | None:
        rows = await self._db.rows("fhir_canonical", scope.tenant, scope.store, kind, wanted.url)
        newest: JsonObject | None = None
        for row in rows:
            place = seal_place(scope.store, kind, row["rid"], row["version"])
            try:
                body = await self._keyring.open(scope.tenant, row["body"], place)
            except Gone:
                continue
            resource: JsonObject = orjson.loads(body)
            if wanted.version is None:
                if newest is None or _order(resource) > _order(newest):
                    newest = resource
            elif resource.get("version") == wanted.version:
                return resource
        return newest


def _order(resource: JsonObject) -> tuple[list[int], str]:
    """By business version, numbers as numbers."""
    text = str(resource.get("version", ""))
    return [int(part) if part.isdigit() else 0 for part in text.split(".")], text


def _specified(kind: str, wanted: Canonical) -> JsonObject | None:
    """The specification's resource; its versions are those of R4, whatever R4 patch is named."""
    archive = profile_archive() if kind == "StructureDefinition" else terminology_archive()
    version = archive.version(kind, wanted.url)
    if version is None:
        return None
    if wanted.version is not None and not _same_version(wanted.version, version):
        return None
    return archive.read(kind, wanted.url)


def _same_version(wanted: str, stated: str) -> bool:
    return wanted in (stated, VERSION) or VERSION.startswith(f"{wanted}.")
