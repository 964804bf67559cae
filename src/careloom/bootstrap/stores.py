"""Builds what finds, makes and closes FHIR stores, and a house for each database of their own.

A run lives where its store lives: what works with a store's rows (FHIR store, worker, triggers,
audit sealer) is built once more over each database that a store is placed in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from careloom.errors import CareloomError
from careloom.fhir.store import FhirStore
from careloom.identity.service import Identity
from careloom.identity.stores import StoreNotFound, Stores
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.store.placement import Placements
from careloom.types import Scope

LOOK_EVERY_S = 5.0
"""How soon a working process finds a database that another made."""
Build = Callable[[str, Database, Notices, AsyncExitStack], Awaitable[Any]]
"""Builds and starts a house over a database; the name is also that of its audit folder."""
_log = logging.getLogger(__name__)


def open_identity(settings: Settings, db: Database, keyring: Keyring) -> Identity:
    """Principals, keys and browser sessions with the limits that the settings name."""
    return Identity(
        db,
        keyring,
        session_idle=timedelta(minutes=settings.session_idle_minutes),
        session_longest=timedelta(hours=settings.session_hours),
    )


def open_stores(
    settings: Settings, db: Database, identity: Identity, stack: AsyncExitStack
) -> Stores:
    """The stores; the databases of dedicated ones are opened when they are first asked for."""
    placements = Placements(db, settings.dedicated_database_url)
    stack.push_async_callback(placements.close)
    return Stores(db, identity, placements)


class Neighbours:
    """The FHIR stores of a tenant, from whichever database a run lives in."""

    def __init__(self) -> None:
        self._stores: Stores | None = None
        self._home: FhirStore | None = None

    def live_at(self, stores: Stores, home: FhirStore) -> None:
        """Where stores and their placements are kept: known once the home is built."""
        self._stores, self._home = stores, home

    async def find(self, scope: Scope) -> FhirStore:
        """The FHIR store in the database that the store is placed in; raises NotFound."""
        if self._stores is None or self._home is None:
            raise StoreNotFound(scope.store)
        if (await self._stores.read(scope))["status"] != "running":
            raise StoreNotFound(scope.store)
        house = await self._stores.placements.house(scope)
        found: FhirStore = self._home if house is None else house.fhir
        return found


async def open_houses(
    placements: Placements, build: Build, stack: AsyncExitStack, *, work: bool
) -> None:
    """Let each database that is opened have its house; with `work`, open all there are, soon after
    they are made. All end with the stack."""
    rooms = await stack.enter_async_context(AsyncExitStack())

    async def opened(name: str, db: Database) -> Any:
        async with AsyncExitStack() as mine:
            notices = Notices(db.dsn)
            await notices.start()
            mine.push_async_callback(notices.stop)
            db.publish_with(notices.publish)
            house = await build(name, db, notices, mine)
            rooms.push_async_callback(mine.pop_all().aclose)
            return house

    placements.opened = opened
    if work:
        looking = asyncio.create_task(_look(placements), name="careloom-placements")

        async def end() -> None:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

        rooms.push_async_callback(end)


async def _look(placements: Placements) -> None:
    while True:
        try:
            await placements.open_all()
        except CareloomError as error:
            _log.warning("the database of a FHIR store was not opened: %s", error.message)
        await asyncio.sleep(LOOK_EVERY_S)
