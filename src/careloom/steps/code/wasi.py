"""The little of WASI preview 1 that a pure program needs: standard input and output, time, chance.

No file, directory, socket, argument or environment variable exists in here; every other function
of the interface answers ENOTCAPABLE. Time and chance are the same in every repeat of a step.
https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import wasmtime

MODULE = "wasi_snapshot_preview1"
_OK, _BADF, _INVAL, _FAULT, _SPIPE, _NOTCAPABLE = 0, 8, 28, 21, 70, 76
_CHARACTER_DEVICE = 2
_MOST_CALLS = 50_000
"""Calls out of the sandbox take this process's time, so they are counted."""
_MOST_VECTORS = 1024
_STDERR_KEPT = 4096


class Exited(Exception):
    """The program called proc_exit."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exit {code}")
        self.code = code


class Refused(Exception):
    """The program went beyond what it may; the code says beyond what."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Wasi:
    """What one program sees of the world."""

    stdin: bytes
    most_output: int
    epoch_ns: int
    """Nanoseconds since 1970 that the clock shows, unless the real clock is granted."""
    seed: str
    grants: frozenset[str]
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    _read: int = 0
    _drawn: int = 0
    _calls: int = 0
    memory: wasmtime.Memory | None = None
    fault: Exception | None = None
    """What a call out of the sandbox ended with; the engine only passes on that it trapped."""

    def function(self, name: str) -> Callable[..., int]:
        """The function of this name; one that is not offered answers ENOTCAPABLE."""
        offered = _FUNCTIONS.get(name)

        def call(caller: wasmtime.Caller, *args: int) -> int:
            self._calls += 1
            try:
                if self._calls > _MOST_CALLS:
                    raise Refused("code_calls", "The program asks the outside too often")
                return _NOTCAPABLE if offered is None else offered(self, _Memory(caller), *args)
            except (Exited, Refused) as error:
                self.fault = error
                raise

        return call

    def fd_read(self, memory: _Memory, fd: int, vectors: int, count: int, answer: int) -> int:
        if fd != 0:
            return _BADF
        read = 0
        for place, length in memory.vectors(vectors, count):
            piece = self.stdin[self._read : self._read + length]
            memory.write(place, piece)
            self._read += len(piece)
            read += len(piece)
            if len(piece) < length:
                break
        memory.number(answer, read, 4)
        return _OK

    def fd_write(self, memory: _Memory, fd: int, vectors: int, count: int, answer: int) -> int:
        if fd not in (1, 2):
            return _BADF
        written = 0
        for place, length in memory.vectors(vectors, count):
            written += length
            if fd == 2:
                room = max(_STDERR_KEPT - len(self.stderr), 0)
                self.stderr += memory.read(place, min(length, room))
                continue
            if len(self.stdout) + length > self.most_output:
                raise Refused(
                    "code_output_size", f"The program's output is over {self.most_output} bytes"
                )
            self.stdout += memory.read(place, length)
        memory.number(answer, written, 4)
        return _OK

    def fd_close(self, _memory: _Memory, fd: int) -> int:
        return _OK if fd in (0, 1, 2) else _BADF

    def fd_seek(self, _memory: _Memory, fd: int, *_rest: int) -> int:
        return _SPIPE if fd in (0, 1, 2) else _BADF

    def fd_fdstat_get(self, memory: _Memory, fd: int, answer: int) -> int:
        if fd not in (0, 1, 2):
            return _BADF
        memory.write(answer, bytes([_CHARACTER_DEVICE]) + bytes(23))
        return _OK

    def no_directory(self, _memory: _Memory, *_rest: int) -> int:
        return _BADF

    def nothing_given(self, memory: _Memory, count: int, size: int) -> int:
        memory.number(count, 0, 4)
        memory.number(size, 0, 4)
        return _OK

    def succeed(self, _memory: _Memory, *_rest: int) -> int:
        return _OK

    def clock_time_get(self, memory: _Memory, clock: int, _precision: int, answer: int) -> int:
        if clock not in (0, 1, 2, 3):
            return _INVAL
        real = "clock" in self.grants
        now = (time.time_ns() if clock == 0 else time.monotonic_ns()) if real else self.epoch_ns
        memory.number(answer, now, 8)
        return _OK

    def clock_res_get(self, memory: _Memory, _clock: int, answer: int) -> int:
        memory.number(answer, 1_000_000, 8)
        return _OK

    def random_get(self, memory: _Memory, place: int, length: int) -> int:
        if not 0 <= length <= 65536:
            return _INVAL
        if "random" in self.grants:
            memory.write(place, secrets.token_bytes(length))
            return _OK
        self._drawn += 1
        memory.write(place, hashlib.shake_256(f"{self.seed}|{self._drawn}".encode()).digest(length))
        return _OK

    def proc_exit(self, _memory: _Memory, code: int) -> int:
        raise Exited(code)


class _Memory:
    """The program's memory, every access within its bounds."""

    __slots__ = ("_caller", "_memory")

    def __init__(self, caller: wasmtime.Caller) -> None:
        found = caller.get("memory")
        if not isinstance(found, wasmtime.Memory):
            raise Refused("code_abi", "The program exports no memory")
        self._caller = caller
        self._memory = found

    def _place(self, place: int, length: int) -> int:
        place &= 0xFFFFFFFF
        if length < 0 or place + length > self._memory.data_len(self._caller):
            raise Refused("code_trap", "The program names a place outside its memory")
        return place

    def read(self, place: int, length: int) -> bytes:
        start = self._place(place, length)
        return bytes(self._memory.read(self._caller, start, start + length))

    def write(self, place: int, data: bytes) -> None:
        self._memory.write(self._caller, data, self._place(place, len(data)))

    def number(self, place: int, value: int, size: int) -> None:
        self.write(place, value.to_bytes(size, "little"))

    def vectors(self, place: int, count: int) -> list[tuple[int, int]]:
        """The pairs (place, length) of an iovec array."""
        if not 0 <= count <= _MOST_VECTORS:
            raise Refused("code_trap", "The program hands over too many buffers")
        raw = self.read(place, 8 * count)
        numbers = [int.from_bytes(raw[at : at + 4], "little") for at in range(0, len(raw), 4)]
        return list(zip(numbers[::2], numbers[1::2], strict=True))


_FUNCTIONS: dict[str, Callable[..., int]] = {
    "fd_read": Wasi.fd_read,
    "fd_write": Wasi.fd_write,
    "fd_close": Wasi.fd_close,
    "fd_seek": Wasi.fd_seek,
    "fd_fdstat_get": Wasi.fd_fdstat_get,
    "fd_prestat_get": Wasi.no_directory,
    "fd_prestat_dir_name": Wasi.no_directory,
    "args_sizes_get": Wasi.nothing_given,
    "args_get": Wasi.succeed,
    "environ_sizes_get": Wasi.nothing_given,
    "environ_get": Wasi.succeed,
    "clock_time_get": Wasi.clock_time_get,
    "clock_res_get": Wasi.clock_res_get,
    "random_get": Wasi.random_get,
    "sched_yield": Wasi.succeed,
    "proc_exit": Wasi.proc_exit,
}
