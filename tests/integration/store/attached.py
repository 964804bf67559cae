"""A process that uses the embedded server: `attached.py HOME`, driven by lines on its input.

It prints `ready DSN`, then answers `sql STATEMENT` with the first value (repeating it while the
server is away) and `detach` with `gone`. At the end of input it ends without detaching.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import asyncpg

from careloom.errors import ConfigurationError
from careloom.store.postgres_server import EmbeddedServer


def say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


# asyncpg answers InternalClientError when the connection is cut between two messages.
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


async def first_value(dsn: str, statement: str) -> object:
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = await asyncpg.connect(dsn)
            try:
                return await connection.fetchval(statement)
            finally:
                await connection.close()
        except AWAY:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


async def main(home: Path) -> None:
    try:
        server = await EmbeddedServer.attach(home)
    except ConfigurationError as error:
        say(f"refused {error.message} | {error.fix}")
        return
    say(f"ready {server.dsn}")
    while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
        command, _, rest = line.partition(" ")
        if command == "sql":
            say(await first_value(server.dsn, rest))
        elif command == "detach":
            await server.detach()
            say("gone")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
