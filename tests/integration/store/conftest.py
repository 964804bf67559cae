"""Homes, processes that attach to the embedded server, and a migrated database with its keys."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import pytest_asyncio

from careloom.store.database import Database
from careloom.store.key_provider import FileKeyProvider
from careloom.store.keys import Keyring, load_key_provider
from careloom.store.migrate import migrate
from careloom.store.postgres_place import ServerPlace

CHILD = Path(__file__).with_name("attached.py")


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until a condition holds; fails when it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)


def processes_of(home: Path) -> list[psutil.Process]:
    """Every living process of the home's server: watcher, initdb, postmaster and its children."""
    found = []
    folder = ServerPlace.of(home).folder.resolve()
    for process in psutil.process_iter(["name"]):
        try:
            inside = Path(process.cwd()).is_relative_to(folder)
            watches = "careloom.store.postgres_watch" in process.cmdline() and (
                str(home) in process.cmdline()
            )
            if (inside or watches) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def watcher_of(home: Path) -> psutil.Process:
    return next(p for p in processes_of(home) if "python" in p.info["name"])


def postmaster_of(home: Path) -> psutil.Process:
    text = (ServerPlace.of(home).data / "postmaster.pid").read_text()
    return psutil.Process(int(text.split("\n", 1)[0]))


class Attached:
    """A child process that is attached to the server of a home."""

    def __init__(self, home: Path, **options: object) -> None:
        command = options.pop("command", [sys.executable, CHILD])
        assert isinstance(command, list)
        self.process = subprocess.Popen(
            [*command, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    def answer(self) -> str:
        assert self.process.stdout is not None
        return str(self.process.stdout.readline()).strip()

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.answer()

    def sql(self, statement: str) -> str:
        return self.ask(f"sql {statement}")

    def detach(self) -> None:
        assert self.ask("detach") == "gone"
        self.end()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def make_home() -> Path:
    """A folder that PostgreSQL's user can reach, in memory where there is enough of it."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    folder = Path(tempfile.mkdtemp(prefix="careloom-test-", dir=memory if roomy else "/tmp"))
    folder.chmod(0o711)
    return folder


@pytest.fixture
def home() -> Iterator[Path]:
    """A data folder of its own; what a failed test left running there is ended."""
    folder = make_home()
    yield folder
    end_server(folder)
    shutil.rmtree(folder)


def kill_server(home: Path) -> list[psutil.Process]:
    """Kill every process of the home's server that lives now; these."""
    found = processes_of(home)
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    return found


def end_server(home: Path) -> None:
    """Kill every process of the home's server, those too that start meanwhile."""

    until(lambda: not kill_server(home))


@pytest.fixture
def attach(home: Path) -> Iterator[Callable[[], Attached]]:
    """Start children that attach to the home's server; each call returns one that is ready."""
    children: list[Attached] = []

    def start() -> Attached:
        children.append(Attached(home))
        answer = children[-1].answer()
        assert answer.startswith("ready "), answer
        return children[-1]

    yield start
    for child in children:
        if child.process.poll() is None:
            child.kill()


async def fresh_database(server_dsn: str) -> AsyncIterator[Database]:
    """A migrated database of its own, dropped afterwards."""
    name = f"store_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(server_dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    before, mark, query = server_dsn.partition("?")
    dsn = f"{before.rsplit('/', 1)[0]}/{name}{mark}{query}"
    await migrate(dsn)
    database = await Database.open(dsn)
    yield database
    await database.close()
    await connection.execute(f"DROP DATABASE {name}")
    await connection.close()


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database(server_dsn: str) -> AsyncIterator[Database]:
    """A migrated database that no key protects yet."""
    async for database in fresh_database(server_dsn):
        yield database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database(server_dsn: str) -> AsyncIterator[Database]:
    """A migrated database that the tests of keys share; each uses subjects of its own."""
    async for database in fresh_database(server_dsn):
        yield database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def provider(
    shared_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> FileKeyProvider:
    folder = tmp_path_factory.mktemp("keys")
    return await load_key_provider(shared_database, folder / "master.key")


@pytest.fixture
def keyring(shared_database: Database, provider: FileKeyProvider) -> Keyring:
    return Keyring(shared_database, provider)


@pytest.fixture
def subject() -> str:
    """A patient id that no other test uses."""
    return secrets.token_hex(8)
