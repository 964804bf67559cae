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

import asyncpg

from careloom.errors import CareloomError, ConfigurationError
from careloom.store.database import Database
from careloom.store.migrate import migrate
from careloom.types import Scope

LOCAL = "local"
_CONNECTIONS = 4
Opened = Callable[[str, Database], Awaitable[None]]
"""What is done with a database when this process opens it."""


class PlacementFailed(CareloomError):
    """The database of a dedicated store could not be made."""

    default_code = "server_creation_failed"


def new_database() -> str:
    """A name that no database has."""
    return f"careloom_{secrets.token_hex(8)}"


async def _no_work(name: str, db: Database) -> None:
    """A process that only reads and writes has nothing to start."""


class Placements:
    """Finds, makes and opens the databases of stores; each is opened once."""

    def __init__(self, home: Database, server: str | None = None) -> None:
        """`server` is the address below which dedicated databases are made; the home's if None."""
        self._home = home
        self._server = server or home.dsn
        self._places: dict[Scope, Database] = {}
        self._open: dict[str, asyncio.Task[Database]] = {}
        self.opened: Opened = _no_work

    def known(self, scope: Scope) -> Database | None:
        """The database of a scope that was asked for before."""
        return self._places.get(scope)

    async def find(self, scope: Scope) -> Database:
        """The database that holds the store's rows; raises `Unavailable`."""
        found = self._places.get(scope)
        if found is None:
            name = await self._home.call("placement_read", scope.tenant, scope.store)
            found = self._home if name == LOCAL else await self._opened(name)
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
                await (await task).close()
        self._open.clear()
        self._places.clear()

    async def _opened(self, name: str) -> Database:
        task = self._open.get(name)
        if task is None or (task.done() and task.exception() is not None):
            task = self._open[name] = asyncio.create_task(self._begin(name))
        return await asyncio.shield(task)

    async def _begin(self, name: str) -> Database:
        dsn = at_database(self._server, name)
        await migrate(dsn)
        db = await Database.open(dsn, max_size=_CONNECTIONS)
        try:
            await self.opened(name, db)
        except BaseException:
            await db.close()
            raise
        return db


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
