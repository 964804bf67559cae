"""Builds what finds, makes and closes FHIR stores."""

from __future__ import annotations

from contextlib import AsyncExitStack

from careloom.identity.service import Identity
from careloom.identity.stores import Stores
from careloom.settings import Settings
from careloom.store.database import Database
from careloom.store.placement import Placements


def open_stores(
    settings: Settings, db: Database, identity: Identity, stack: AsyncExitStack
) -> Stores:
    """The stores; the databases of dedicated ones are opened when they are first asked for."""
    placements = Placements(db, settings.dedicated_database_url)
    stack.push_async_callback(placements.close)
    return Stores(db, identity, placements)
