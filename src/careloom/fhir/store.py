"""The FHIR store: the room's door, which hands each interaction to its file."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import orjson

from careloom.errors import CareloomError
from careloom.fhir.admission import admitted
from careloom.fhir.conformance import Conformance
from careloom.fhir.context import FhirContext, Stored
from careloom.fhir.creates import Creates
from careloom.fhir.definitions import Definitions, load_definitions
from careloom.fhir.interactions import (
    create,
    delete,
    history,
    patch,
    read,
    transaction,
    update,
    vread,
)
from careloom.fhir.interactions import search as search_type
from careloom.fhir.interactions.contained import asks_contained, search_contained
from careloom.fhir.interactions.transaction import TransactionPlan
from careloom.fhir.later import Later
from careloom.fhir.patching.form import Patch
from careloom.fhir.planned import Planned
from careloom.fhir.reads import Reads
from careloom.fhir.restriction import Access
from careloom.fhir.search.index import SearchIndex
from careloom.fhir.search.query import Pairs
from careloom.fhir.search.statements import Statements
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

ATTEMPTS = 40
"""Every round of a race has a winner, so this many writers of one resource all get through."""

AnyPlan = TypeVar("AnyPlan", bound=Planned)
Companion = Callable[[Scope, Planned, JsonObject], Awaitable[None]]
"""Adds to the plan of a write by request; the last argument is who writes."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one resource: created, updated, matched, deleted or absent."""

    outcome: str
    type: str
    id: str
    version: int | None
    body: bytes | None = None
    """The JSON bytes stored by this write."""
    updated_at: datetime | None = None


class FhirStore:
    """FHIR R4 resources of every tenant and store."""

    def __init__(
        self,
        db: Database,
        keyring: Keyring,
        definitions: Definitions | None = None,
        *,
        base_urls: tuple[str, ...] = (),
        deletes_many: bool = False,
    ) -> None:
        """`base_urls` are this store's own addresses, such as https://host/fhir: absolute
        references below one of them are searched like relative ones. `deletes_many` lets a
        conditional delete take several matches; else they are refused."""
        known = definitions or load_definitions()
        self.context = FhirContext(
            db,
            keyring,
            known,
            SearchIndex(known, base_urls),
            Reads(db),
            Conformance(db, keyring),
            Statements(db),
        )
        self.deletes_many = deletes_many
        self.later = Later(db, keyring)
        self._companions: list[Companion] = []
        self._creates = Creates(db)

    def seen_by(self, access: Access, base: str = "") -> FhirStore:
        """The same store, showing and changing only what the access lets through, at `base`."""
        if access is self.context.access:
            return self
        seen = object.__new__(FhirStore)  # A copy without the detours of copy.copy.
        seen.__dict__.update(self.__dict__)
        seen.context = replace(self.context, access=access, base=base)
        return seen

    def accompany(self, companion: Companion) -> None:
        """Let another room add to writes by request what must commit together with them."""
        self._companions.append(companion)

    async def read(self, scope: Scope, type: str, id: str) -> JsonObject:
        """The current version of a resource; raises NotFound or Gone."""
        return _object(await read.read(self.context, scope, type, id))

    async def read_stored(self, scope: Scope, type: str, id: str) -> Stored:
        """The same as JSON bytes, exactly as stored."""
        return await read.read(self.context, scope, type, id)

    async def vread(self, scope: Scope, type: str, id: str, version: str) -> JsonObject:
        """One version of a resource; raises NotFound or Gone."""
        return _object(await vread.vread(self.context, scope, type, id, version))

    async def vread_stored(self, scope: Scope, type: str, id: str, version: str) -> Stored:
        """The same as JSON bytes, exactly as stored."""
        return await vread.vread(self.context, scope, type, id, version)

    async def plan_create(
        self,
        scope: Scope,
        resource: JsonObject,
        *,
        if_none_exist: str | None = None,
        id: str | None = None,
    ) -> Planned:
        """A create made ready: interactions/create.py."""
        planned = await create.plan_create(
            self.context, scope, resource, if_none_exist=if_none_exist, id=id
        )
        return await admitted(self.context, scope, planned)

    async def plan_update(
        self,
        scope: Scope,
        resource: JsonObject,
        *,
        if_match: int | None = None,
        criteria: str | None = None,
        must_exist: bool = False,
        must_be_new: bool = False,
    ) -> Planned:
        """An update made ready: interactions/update.py."""
        planned = await update.plan_update(
            self.context,
            scope,
            resource,
            if_match=if_match,
            criteria=criteria,
            must_exist=must_exist,
            must_be_new=must_be_new,
        )
        return await admitted(self.context, scope, planned)

    async def plan_patch(
        self,
        scope: Scope,
        type: str,
        id: str | None,
        change: Patch,
        *,
        if_match: int | None = None,
        criteria: str | None = None,
    ) -> Planned:
        """A patch made ready: interactions/patch.py."""
        planned = await patch.plan_patch(
            self.context, scope, type, id, change, if_match=if_match, criteria=criteria
        )
        return await admitted(self.context, scope, planned)

    async def plan_delete(
        self, scope: Scope, type: str, id: str, *, if_match: int | None = None
    ) -> Planned:
        """A deletion made ready: interactions/delete.py."""
        planned = await delete.plan_delete(self.context, scope, type, id, if_match=if_match)
        return await admitted(self.context, scope, planned)

    async def plan_conditional_delete(
        self, scope: Scope, type: str, criteria: str, *, if_match: int | None = None
    ) -> Planned:
        """A deletion by criteria made ready: interactions/delete.py."""
        planned = await delete.plan_conditional_delete(
            self.context, scope, type, criteria, if_match=if_match, many=self.deletes_many
        )
        return await admitted(self.context, scope, planned)

    async def plan_transaction(self, scope: Scope, bundle: JsonObject) -> TransactionPlan:
        """A whole transaction Bundle made ready: interactions/transaction.py."""
        planned = await transaction.plan_transaction(self.context, scope, bundle)
        return await admitted(self.context, scope, planned, planned.places())

    async def search(
        self,
        scope: Scope,
        type: str,
        query: Pairs,
        *,
        base: str = "",
        strict: bool = True,
    ) -> JsonObject:
        """A searchset Bundle; unknown parameters are errors unless `strict` is false."""
        found: JsonObject = orjson.loads(
            await self.search_bytes(scope, type, query, base=base, strict=strict)
        )
        return found

    async def search_bytes(
        self,
        scope: Scope,
        type: str,
        query: Pairs,
        *,
        base: str,
        strict: bool,
        compartment: tuple[str, str] | None = None,
    ) -> bytes:
        """The same as JSON bytes; of all types without one, or of a resource's compartment."""
        if compartment is not None:
            return await search_type.search_compartment(
                self.context, scope, compartment, type, query, base=base, strict=strict
            )
        if not type:
            return await search_type.search_system(
                self.context, scope, query, base=base, strict=strict
            )
        if asks_contained(query):
            return await search_contained(
                self.context, scope, type, query, base=base, strict=strict
            )
        return await search_type.search(self.context, scope, type, query, base=base, strict=strict)

    async def history(
        self, scope: Scope, type: str, id: str | None, query: Pairs, *, base: str = ""
    ) -> bytes:
        """The history Bundle of a resource, of a type, or ("") of the store, as JSON bytes."""
        return await history.history(self.context, scope, type, id, query, base=base)

    async def commit(self, scope: Scope, planned: Planned, actor: JsonObject) -> list[Written]:
        """Store a plan as one transaction; raises PreconditionFailed (code stale) if outdated."""
        effect = planned.effect
        if not effect:
            return []
        if self._creates.takes(planned, actor):
            results = await self._creates.commit(scope, planned, actor)
        else:
            results = await self.context.db.call(
                "effect_commit", scope.tenant, scope.store, effect.ops, effect.bodies, actor
            )
        self.context.conformance.wrote(scope, effect.ops)
        self.context.db.notify(scope.tenant, "events")
        return _written(planned, results)

    async def write(
        self, scope: Scope, plan: Callable[[], Awaitable[Planned]], actor: JsonObject
    ) -> list[Written]:
        """Plan and commit; a plan that another writer made stale is made again."""
        return (await self.write_plan(scope, plan, actor))[1]

    async def write_plan(
        self, scope: Scope, plan: Callable[[], Awaitable[AnyPlan]], actor: JsonObject
    ) -> tuple[AnyPlan, list[Written]]:
        """The same, with the plan that was committed."""
        for attempt in range(ATTEMPTS):
            planned = await plan()
            for companion in self._companions:
                await companion(scope, planned, actor)
            try:
                return planned, await self.commit(scope, planned, actor)
            except CareloomError as error:
                if error.code != "stale" or planned.pinned or attempt == ATTEMPTS - 1:
                    raise
            # Racing writers step aside for different times, or they meet again.
            await asyncio.sleep(random.uniform(0, min(0.05, 0.002 * attempt)))  # noqa: S311
        raise AssertionError("unreachable")


def _object(stored: Stored) -> JsonObject:
    found: JsonObject = orjson.loads(stored.body)
    return found


def _written(planned: Planned, results: list[JsonObject]) -> list[Written]:
    written = []
    bodies = iter(planned.bodies)
    for op, result in zip(planned.effect.ops, results, strict=True):
        if op["op"] not in ("fhir.put", "fhir.delete"):
            continue
        body = next(bodies) if op["op"] == "fhir.put" else None
        moment: datetime | None = datetime.fromisoformat(op["at"])
        if result["outcome"] == "matched":
            body = moment = None
        place = (result["type"], result["id"], result["version"])
        written.append(Written(result["outcome"], *place, body, moment))
    return written
