"""The parent's side of mortal_worker.py."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PROGRAM = Path(__file__).with_name("mortal_worker.py")
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended."""

    signal: int
    calls: list[str]
    worker: str | None
    """Its name; None when it ended before it had begun to work."""


class Fork:
    """One worker that lives in a fork."""

    def __init__(self, server: Forks, pid: int) -> None:
        self._server = server
        self.pid = pid

    async def ended(self) -> Ended:
        answer = await self._server.answer()
        self._server.living = None
        if answer["status"] >> 8:
            raise AssertionError(f"the worker failed: status {answer['status']}")
        return Ended(answer["signal"], answer["calls"], answer["worker"])

    async def kill(self) -> Ended:
        self.signal(signal.SIGKILL)
        return await self.ended()

    async def is_stopped(self) -> None:
        """Wait until SIGSTOP has taken effect."""
        process = psutil.Process(self.pid)
        async with asyncio.timeout(LIMIT_S):
            while process.status() != psutil.STATUS_STOPPED:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class Forks:
    """A server of forks; one fork at a time."""

    def __init__(self, dsn: str, home: Path, environment: dict[str, str] | None = None) -> None:
        self._dsn = dsn
        self._home = home
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None
        self.living: Fork | None = None

    async def start(self) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        environment |= self._environment
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=1 << 22,
        )
        assert "ready" in await self.answer()

    async def stop(self) -> None:
        """End the server, and the worker that a failed test has left."""
        if self.living is not None:
            self.living.signal(signal.SIGKILL)
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            await self._process.wait()

    def serve(self, dsn: str, home: Path) -> None:
        """Fork workers on another database from now on."""
        self._dsn, self._home = dsn, home

    async def fork(self, tenant: str, **more: Any) -> Fork:
        order: dict[str, Any] = {"dsn": self._dsn, "home": str(self._home), "tenant": tenant}
        order |= {"mode": "none", **more}
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self.living = Fork(self, (await self.answer())["pid"])
        return self.living

    async def answer(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            line = await self._process.stdout.readline()
        if not line:
            raise AssertionError("the server of forks has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
