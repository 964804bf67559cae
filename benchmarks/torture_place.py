"""Where the torture takes place: a PostgreSQL, a database for each chapter, servers of forks."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.receiver import Receiver
from tests.conftest import create_database

from careloom.bootstrap import open_services
from careloom.settings import Settings
from careloom.store.postgres_server import EmbeddedServer

MEMORY = Path("/dev/shm")
LEASE = timedelta(seconds=2)


class Place:
    """A server of databases, a peer that counts, and processes that fork workers."""

    def __init__(self, home: Path, server: str, receiver: Receiver, forks: list[Forks]) -> None:
        self.home = home
        self.server = server
        self.receiver = receiver
        self.forks = forks
        self.dsn = ""

    @asynccontextmanager
    async def chapter(self) -> AsyncIterator[Clinic]:
        """A new database: a worker that starts looks at every tenant there is, and torture makes
        one for each case."""
        self.dsn = await create_database(self.server)
        settings = Settings.from_environment(
            {"CARELOOM_HOME": str(self.home), "DATABASE_URL": self.dsn}
        )
        async with open_services(settings, work=False, listen=False, lease=LEASE) as services:
            clinic = Clinic(services, self.receiver)
            await clinic.open()
            for forks in self.forks:
                forks.serve(self.dsn, self.home)
            try:
                yield clinic
            finally:
                await clinic.close()


def _folder() -> tempfile.TemporaryDirectory[str]:
    """In memory, if there is such a place; PostgreSQL's own user can reach it."""
    root = MEMORY if MEMORY.is_dir() else None
    folder = tempfile.TemporaryDirectory(
        prefix="careloom-torture-", dir=root, ignore_cleanup_errors=True
    )
    Path(folder.name).chmod(0o711)
    return folder


@asynccontextmanager
async def place(forks: int) -> AsyncIterator[Place]:
    """DATABASE_URL names the PostgreSQL to use; without it, an embedded one in memory if it
    can be."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(_folder()))
        given = Settings.from_environment().database_url
        if not given:
            embedded = await EmbeddedServer.attach(home / "server")
            stack.push_async_callback(embedded.detach)
            given = embedded.dsn
        receiver = Receiver()
        await receiver.start()
        stack.push_async_callback(receiver.stop)
        servers = [Forks(given, home) for _ in range(forks)]
        for one in servers:
            await one.start()
            stack.push_async_callback(one.stop)
        yield Place(home, given, receiver, servers)
