"""The embedded PostgreSQL 18: attach to the one of a home, starting it when it does not run.

Several processes share one server; the last one out stops it. See postgres_watch.py for who
starts and stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from careloom.errors import ConfigurationError, Unavailable

if sys.platform != "win32":
    from careloom.store.file_lock import FileLock, is_locked
    from careloom.store.postgres_place import ServerPlace, unusable
    from careloom.store.postgres_ready import DATABASE, accepts_connections

ROLE = "careloom"
_ATTACH_LIMIT = 180.0
_DETACH_LIMIT = 120.0
_HEAL_EVERY = 1.0


class EmbeddedServer:
    """One process's use of the embedded server; `attach` to get it, `detach` when done."""

    def __init__(self, home: Path, place: ServerPlace) -> None:
        self._home = home
        self._place = place
        self._registration: FileLock | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._report = -1
        self._healing: asyncio.Task[None] | None = None
        self.dsn = (
            f"postgresql:///{DATABASE}?host={quote(str(place.socket_folder), safe='/')}&user={ROLE}"
        )

    @classmethod
    async def attach(cls, home: Path) -> EmbeddedServer:
        """Register as a user and return when the server accepts connections.

        Raises `ConfigurationError` with the cause and what to do.
        """
        if sys.platform == "win32":
            raise ConfigurationError(
                "The embedded PostgreSQL runs on Linux and macOS",
                fix="set DATABASE_URL to a PostgreSQL 15 or newer",
            )
        server = await asyncio.to_thread(cls._attach, home)
        server._healing = asyncio.create_task(server._heal())
        return server

    async def detach(self) -> None:
        """Leave; the last one out waits until the server has stopped."""
        if self._healing is not None:
            self._healing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._healing
            self._healing = None
        await asyncio.to_thread(self._detach)

    @classmethod
    def _attach(cls, home: Path) -> EmbeddedServer:
        home = Path(os.path.abspath(home))
        server = cls(home, ServerPlace.of(home))
        try:
            server._register()
            server._await_ready()
        except OSError as error:
            server._detach()
            raise unusable(home, error) from error
        except BaseException:
            server._detach()
            raise
        return server

    def _register(self) -> None:
        """Behind the gate, so that a server that is being stopped is never taken for ready."""
        gate = FileLock(self._place.gate)
        if not gate.acquire(_ATTACH_LIMIT):
            raise Unavailable("The embedded PostgreSQL is still being stopped")
        try:
            name = f"{os.getpid()}-{secrets.token_hex(6)}"
            self._registration = FileLock(self._place.users / name)
            # Only a look by another process can be in the way, for microseconds.
            if not self._registration.acquire(timeout=10):
                raise Unavailable("The registry of the embedded PostgreSQL is blocked")
        finally:
            gate.release()

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _ATTACH_LIMIT
        while not (self._is_watched() and accepts_connections(self._place.socket, ROLE)):
            if time.monotonic() > deadline:
                raise Unavailable(
                    "The embedded PostgreSQL does not answer", fix=f"see {self._place.log}"
                )
            self._start_watcher()
            time.sleep(0.01)

    def _is_watched(self) -> bool:
        return is_locked(self._place.watch)

    def _start_watcher(self) -> None:
        """Start a watcher when there is none; raises what the last one reported."""
        if self._watcher is not None:
            if self._watcher.poll() is None:
                return
            self._watcher = None
            self._raise_report()
        if self._is_watched():
            return
        self._report, report = os.pipe()
        try:
            with self._place.log.open("ab") as output:
                self._watcher = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "careloom.store.postgres_watch",
                        str(self._home),
                        str(report),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=_watcher_environment(),
                    pass_fds=(report,),
                    start_new_session=True,
                )
        finally:
            os.close(report)

    def _raise_report(self) -> None:
        """What the watcher that just ended had to say; by a pipe, since the disk may be full."""
        with os.fdopen(self._report, "rb") as pipe:
            text = pipe.read()
        self._report = -1
        if text:
            report = json.loads(text)
            raise ConfigurationError(report["message"], fix=report["fix"])

    async def _heal(self) -> None:
        """Start the watcher again when it was killed; slower while that keeps failing."""
        pause = _HEAL_EVERY
        while True:
            await asyncio.sleep(pause)
            try:
                await asyncio.to_thread(self._start_watcher)
                pause = _HEAL_EVERY
            except (ConfigurationError, OSError):
                pause = min(pause * 2, 30.0)

    def _detach(self) -> None:
        if self._registration is None:
            return
        self._registration.path.unlink(missing_ok=True)
        self._registration.release()
        self._registration = None
        deadline = time.monotonic() + _DETACH_LIMIT
        while self._is_watched() and self._is_deserted() and time.monotonic() < deadline:
            time.sleep(0.02)
        if self._watcher is not None:
            self._watcher.poll()
        if self._report >= 0:
            os.close(self._report)
            self._report = -1

    def _is_deserted(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return not any(is_locked(path) for path in self._place.users.iterdir())
        return True


def _watcher_environment() -> dict[str, str]:
    """This environment, with the place of this package instead of the current folder (-P)."""
    place = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{before}" if before else place}
