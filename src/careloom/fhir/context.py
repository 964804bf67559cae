"""What every interaction needs: the database, the keys and the compiled definitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careloom.errors import Gone, NotFound
from careloom.fhir.conformance import Conformance
from careloom.fhir.definitions import Definitions
from careloom.fhir.reads import Reads
from careloom.fhir.resource import ID_PATTERN, parse, seal_place, serialize
from careloom.fhir.restriction import EVERYTHING, FULL, Access, Restriction, in_compartment
from careloom.fhir.restriction import shown as without_hidden
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.statements import Statements
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope


@dataclass(frozen=True, slots=True)
class FhirContext:
    """The parts that interactions share."""

    db: Database
    keyring: Keyring
    definitions: Definitions
    index: SearchIndex
    reads: Reads
    conformance: Conformance
    searches: Statements
    access: Access = EVERYTHING
    """What may be seen and changed through this context: FhirStore.seen_by."""
    base: str = ""
    """The store's address as the caller knows it; references below it are local ones."""

    def require_type(self, resource_type: str) -> None:
        """Raise NotFound unless this is a concrete R4 resource type."""
        if not self.definitions.is_resource(resource_type):
            raise NotFound(
                "This is not a FHIR R4 resource type",
                code="unknown_resource_type",
                fix="see the types in the CapabilityStatement",
            )

    async def seal(self, scope: Scope, subject: str | None, place: str, plain: bytes) -> bytes:
        """Sealed bytes, without waiting when the key is in memory."""
        sealed = self.keyring.seal_cached(scope.tenant, subject, place, plain)
        if sealed is not None:
            return sealed
        return await self.keyring.seal(scope.tenant, subject, place, plain)

    async def open(
        self, scope: Scope, resource_type: str, resource_id: str, version: int, sealed: bytes
    ) -> bytes:
        """The plain bytes of a stored body."""
        place = seal_place(scope.store, resource_type, resource_id, version)
        plain = self.keyring.open_cached(scope.tenant, sealed, place)
        if plain is not None:
            return plain
        return await self.keyring.open(scope.tenant, sealed, place)

    def gate(self, permission: str, stored: Stored) -> Stored | None:
        """The version as the caller may see it by this permission; None for what it may not.

        Whatever leaves the store for a caller passes here; searches are narrowed before.
        """
        restriction = self.access(stored.type, permission)
        return stored if restriction is FULL else self.shown(restriction, stored)

    def echo(self, stored: Stored) -> bytes | None:
        """The body that a writer gets back: what it sent, or what it may read of what is stored."""
        restriction = self.access(stored.type, "fhir:get")
        if not restriction.allowed:
            # Who reads nothing gets what it sent, not what an update kept for it.
            kept = self.access(stored.type, "fhir:update").hidden
            restriction = Restriction(hidden=kept) if kept else FULL
        if restriction is FULL:
            return stored.body
        seen = self.shown(restriction, stored)
        return None if seen is None else seen.body

    def shown(self, restriction: Restriction, stored: Stored) -> Stored | None:
        """The version as this restriction lets it be seen."""
        if restriction.is_full:
            return stored
        if not restriction.allowed:
            return None
        resource = parse(stored.body)
        if not in_compartment(self.index, restriction.compartment, resource):
            return None
        seen = without_hidden(restriction, resource)
        return stored if seen is resource else replace(stored, body=serialize(seen))


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored version of a resource, as JSON bytes."""

    type: str
    id: str
    version: int
    updated_at: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class Current:
    """The place that a write finds: version 0 when nothing was ever there."""

    version: int = 0
    deleted: bool = False
    updated_at: datetime | None = None


async def current(
    context: FhirContext, scope: Scope, resource_type: str, resource_id: str
) -> Current:
    """The version that a resource has now."""
    if not ID_PATTERN.match(resource_id):
        return Current()
    row = await context.reads.row(scope, resource_type, resource_id)
    if row is None:
        return Current()
    return Current(row["version"], row["method"] == "DELETE", row["updated_at"])


async def stored_of(
    context: FhirContext, scope: Scope, resource_type: str, resource_id: str, row: Any
) -> Stored:
    """A row of the database as a stored version; raises Gone for a deletion."""
    if row["body"] is None:
        raise Gone(
            f"{resource_type}/{resource_id} was deleted", details={"version": row["version"]}
        )
    body = await context.open(scope, resource_type, resource_id, row["version"], row["body"])
    return Stored(resource_type, resource_id, row["version"], row["updated_at"], body)


def absent(resource_type: str, resource_id: str) -> NotFound:
    """The error for a resource that is not in this store; an odd id is not repeated."""
    name = resource_id if ID_PATTERN.match(resource_id) else "(not a FHIR id)"
    return NotFound(f"There is no {resource_type}/{name} in this store")
