"""Runs the reading of untrusted DICOM files in bounded processes that are kept and reused.

Each process has its own memory and processor limits; one that hangs, dies or grows is killed and
replaced, and only its own file is refused. Jobs travel as JSON and bytes, never as pickles.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass

import orjson

from careloom.dicom.limits import DicomLimits, Refused
from careloom.errors import Unavailable
from careloom.types import JsonObject

_FRAME = struct.Struct(">IQ")
_MAX_HEADER = 8 << 20
_START_SECONDS = 30.0
_BUFFER = 4 << 20
_RETIRE_SHARE = 0.5
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


class _Process:
    """One child and our end of its socket."""

    def __init__(self, child: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self._child = child
        self._channel = channel
        self.rss = 0

    @classmethod
    async def start(cls, limits: DicomLimits) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            try:
                child = await asyncio.to_thread(_spawn, limits, theirs)
            except OSError as error:
                ours.close()
                raise Unavailable("The process that reads DICOM files cannot start") from error
        ours.setblocking(False)
        process = cls(child, ours)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await process._receive(1)
        except (OSError, TimeoutError) as error:
            await process.stop()
            raise Unavailable("The process that reads DICOM files does not start") from error
        return process

    async def call(self, job: JsonObject, data: bytes) -> tuple[JsonObject, bytes]:
        loop = asyncio.get_running_loop()
        header = orjson.dumps(job)
        await loop.sock_sendall(self._channel, _FRAME.pack(len(header), len(data)) + header)
        await loop.sock_sendall(self._channel, data)
        sizes = _FRAME.unpack(await self._receive(_FRAME.size))
        if sizes[0] > _MAX_HEADER:
            raise OSError("not a frame")
        answer: JsonObject = orjson.loads(await self._receive(sizes[0]))
        self.rss = int(answer["rss"])
        return answer, bytes(await self._receive(sizes[1]))

    async def _receive(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        buffer = bytearray(size)
        view, got = memoryview(buffer), 0
        while got < size:
            count = await loop.sock_recv_into(self._channel, view[got:])
            if count == 0:
                raise ConnectionResetError("the process ended")
            got += count
        return buffer

    async def stop(self) -> None:
        self._channel.close()
        with contextlib.suppress(ProcessLookupError):
            self._child.kill()
        await asyncio.to_thread(self._child.wait)


def _spawn(limits: DicomLimits, channel: socket.socket) -> subprocess.Popen[bytes]:
    """Start a child; a new session keeps the terminal's Ctrl-C for the parent to handle."""
    arguments = orjson.dumps(limits.to_json()).decode()
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "careloom.dicom.sandbox_worker", arguments],
        stdin=channel.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )


@dataclass(frozen=True, slots=True)
class SandboxState:
    """For tests and metrics: processes alive, restarts so far, the largest memory seen (bytes)."""

    processes: int
    restarts: int
    peak_rss: int


class Sandbox:
    """A pool of reading processes, started when first needed."""

    def __init__(self, limits: DicomLimits | None = None, *, processes: int | None = None) -> None:
        self.limits = limits or DicomLimits()
        self._room = asyncio.Semaphore(processes or min(4, os.cpu_count() or 1))
        self._idle: list[_Process] = []
        self._alive: set[_Process] = set()
        self._restarts = 0
        self._peak_rss = 0
        self._closed = False

    @property
    def state(self) -> SandboxState:
        return SandboxState(len(self._alive), self._restarts, self._peak_rss)

    async def warm(self) -> None:
        """Start one process now, so that the first file does not wait for the imports."""
        async with self._room:
            self._idle.append(await self._take())

    async def close(self) -> None:
        """End every process."""
        self._closed = True
        for process in list(self._alive):
            await self._end(process)
        self._idle.clear()

    async def run(self, job: JsonObject, data: bytes) -> tuple[JsonObject, bytes]:
        """Do one job; raises `Refused` with the reason, or `Unavailable` when it cannot start.

        A file that kills its process or exceeds the time is refused: trying it again would do
        the same.
        """
        if len(data) > self.limits.max_bytes:
            raise Refused(f"The file is larger than {self.limits.max_bytes} bytes", failure=0xA700)
        async with self._room:
            process = await self._take()
            try:
                async with asyncio.timeout(self.limits.wall_seconds):
                    answer, body = await process.call(job, data)
            except TimeoutError as error:
                raise await self._lost(process, "Reading it takes too long") from error
            except (OSError, struct.error, orjson.JSONDecodeError) as error:
                raise await self._lost(process, "Reading it exceeds the limits") from error
            except BaseException:
                # Cancelled in mid-frame: the socket is out of step, so the process goes.
                await asyncio.shield(self._end(process))
                raise
            await self._give_back(process)
        if not answer["ok"]:
            raise Refused(answer["reason"], failure=answer["failure"], fix=answer.get("fix"))
        return answer, body

    async def _take(self) -> _Process:
        if self._closed:
            raise Unavailable("The DICOM archive is closing")
        if self._idle:
            return self._idle.pop()
        process = await _Process.start(self.limits)
        self._alive.add(process)
        return process

    async def _give_back(self, process: _Process) -> None:
        self._peak_rss = max(self._peak_rss, process.rss)
        if self._closed or process.rss > self.limits.memory_bytes * _RETIRE_SHARE:
            await self._end(process)
        else:
            self._idle.append(process)

    async def _lost(self, process: _Process, reason: str) -> Refused:
        self._restarts += 1
        await self._end(process)
        return Refused(f"{reason}; the process that read it was ended")

    async def _end(self, process: _Process) -> None:
        self._alive.discard(process)
        await process.stop()


def _environment() -> dict[str, str]:
    """Nothing of ours but what an interpreter needs: no secrets reach the sandbox."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, **dict.fromkeys(_THREADS, "1"), "PYTHONDONTWRITEBYTECODE": "1"}
