"""Which database a store lives in: the one that holds its placement row, or one of its own.

`serverless` stores share the home database. A `dedicated` store has a database with the whole
schema, on the server of the home database or on the one that CARELOOM_DEDICATED_DATABASE_URL
names. No transaction crosses a placement (docs/howto/stores.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from careloom.errors import CareloomError, ConfigurationError
from careloom.store.database import Database
from careloom.store.migrate import migrate
from careloom.types import Scope

LOCAL = "local"
_CONNECTIONS = 4
Opened = Callable[[str, Database], Awaitable[Any]]
"""Called with a database when this process opens it; makes what works with it."""


class PlacementFailed(CareloomError):
    """The database of a dedicated store could not be made."""

    default_code = "server_creation_failed"


def new_database() -> str:
    """A name that no database has."""
    return f"careloom_{secrets.token_hex(8)}"


async def _nothing(name: str, db: Database) -> None:
    """Where nobody works with the databases."""


@dataclass(frozen=True, slots=True)
class Place:
    """One database, and what works with it in this process: None for the home database."""

    db: Database
    house: Any = None


class Placements:
    """Finds, makes and opens the databases of stores; each is opened once."""

    def __init__(self, home: Database, server: str | None = None) -> None:
        """`server` is the address below which dedicated databases are made; the home's if None."""
        self._home = home
        self._server = server or home.dsn
        self._places: dict[Scope, Place] = {}
        self._open: dict[str, asyncio.Task[Place]] = {}
        self.opened: Opened = _nothing

    async def find(self, scope: Scope) -> Database:
        """The database that holds the store's rows; raises `Unavailable`."""
        return (await self._place(scope)).db

    async def house(self, scope: Scope) -> Any:
        """What `opened` made for the store's database; None where that is the home database."""
        return (await self._place(scope)).house

    async def open_all(self) -> None:
        """Open every database that a store is placed in; raises `Unavailable` for the first that
        does not answer, when all others are open."""
        names = [row["database"] for row in await self._home.rows("placement_databases", "")]
        done = await asyncio.gather(*map(self._opened, names), return_exceptions=True)
        for failed in done:
            if isinstance(failed, BaseException):
                raise failed

    async def _place(self, scope: Scope) -> Place:
        found = self._places.get(scope)
        if found is None:
            name = await self._home.call("placement_read", scope.tenant, scope.store)
            found = Place(self._home) if name == LOCAL else await self._opened(name)
            self._places[scope] = found
        return found

    async def create(self, name: str) -> None:
        """Make an empty database of this version's schema. Raises `PlacementFailed`."""
        try:
            connection = await asyncpg.connect(self._server)
            try:
                await connection.execute(f'CREATE DATABASE "{name}"')
            finally:
                await connection.close()
            await migrate(at_database(self._server, name))
        except (asyncpg.PostgresError, OSError, CareloomError) as error:
            raise PlacementFailed(
                f"No database could be made for the store ({type(error).__name__})",
                fix="the role in CARELOOM_DEDICATED_DATABASE_URL, or else in DATABASE_URL, needs"
                " the right CREATEDB",
            ) from error

    async def close(self) -> None:
        """Close every database that was opened here; the home database stays open."""
        for task in self._open.values():
            with contextlib.suppress(CareloomError):
                await (await task).db.close()
        self._open.clear()
        self._places.clear()

    async def _opened(self, name: str) -> Place:
        task = self._open.get(name)
        if task is None or (task.done() and task.exception() is not None):
            task = self._open[name] = asyncio.create_task(self._begin(name))
        return await asyncio.shield(task)

    async def _begin(self, name: str) -> Place:
        dsn = at_database(self._server, name)
        await migrate(dsn)
        db = await Database.open(dsn, max_size=_CONNECTIONS)
        try:
            return Place(db, await self.opened(name, db))
        except BaseException:
            await db.close()
            raise


def at_database(dsn: str, name: str) -> str:
    """The same server and login, another database."""
    scheme, separator, rest = dsn.partition("://")
    if not separator:
        raise ConfigurationError(
            "The address of the server of dedicated stores is not one of PostgreSQL",
            fix="write it as postgresql://user:password@host:5432/postgres",
        )
    place, _, query = rest.partition("?")
    return f"{scheme}://{place.partition('/')[0]}/{name}" + (f"?{query}" if query else "")
