"""More processes that answer HTTP on the socket of `careloom serve`; one that ends is replaced.

They only answer requests: runs, duties and the DICOM listener stay with the first process. Each has
its own pipe to it and stops when that closes, so that none outlives a killed first process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sys

_AGAIN_AFTER = 0.5
_STOP_WITHIN = 15.0
"""Seconds: a little more than HttpServer gives to requests under way."""
_log = logging.getLogger("careloom.serve")


class WebProcesses:
    """`count` processes beside this one that share a listening socket."""

    def __init__(self, count: int, listening: socket.socket) -> None:
        self._count = count
        self._listening = listening
        self._keepers: list[asyncio.Task[None]] = []
        self._running: set[asyncio.subprocess.Process] = set()
        self._stopping = False

    def start(self) -> None:
        """Start them; they accept connections as soon as each is ready."""
        self._keepers = [
            asyncio.create_task(self._keep(), name=f"careloom-web-{number}")
            for number in range(self._count)
        ]

    async def stop(self) -> None:
        """Let each finish what it answers, then end."""
        self._stopping = True
        for process in self._running:
            _close(process)
        done, late = (
            await asyncio.wait(self._keepers, timeout=_STOP_WITHIN)
            if self._keepers
            else (
                set(),
                set(),
            )
        )
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*done, *late)

    async def _keep(self) -> None:
        while not self._stopping:
            process = await self._begin()
            self._running.add(process)
            status = await process.wait()
            self._running.discard(process)
            if not self._stopping:
                _log.error("a process that answers HTTP ended with %s; another starts", status)
                await asyncio.sleep(_AGAIN_AFTER)

    async def _begin(self) -> asyncio.subprocess.Process:
        descriptor = self._listening.fileno()
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "careloom.cli.web_process",
            str(descriptor),
            pass_fds=(descriptor,),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )


def _close(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
