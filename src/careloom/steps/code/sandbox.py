"""Runs a WebAssembly program within limits: instructions, memory, time and output.

Each run has a store of its own that is thrown away; compiled modules are kept for reuse, a bounded
number of them. https://docs.wasmtime.dev/security.html
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import wasmtime

from careloom.steps.code.wasi import MODULE, Exited, Refused, Wasi

_TICK_S = 0.005
_STACK_BYTES = 512 << 10
_MODULES_KEPT = 32
MAX_MODULE_BYTES = 16 << 20


class CodeFailed(Exception):
    """The program did not give an answer; `code` says why."""

    def __init__(self, code: str, message: str, said: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.said = said
        """What it wrote to standard error, cut."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use."""

    fuel: int
    memory_bytes: int
    deadline_s: float
    output_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program gave, and what it took."""

    output: bytes
    said: str
    fuel: int
    seconds: float


class Sandbox:
    """One wasmtime engine with its compiled modules; safe to call from several threads."""

    def __init__(self) -> None:
        config = wasmtime.Config()
        config.consume_fuel = True
        config.epoch_interruption = True
        config.max_wasm_stack = _STACK_BYTES
        config.wasm_threads = False
        config.wasm_multi_memory = False
        config.wasm_memory64 = False
        config.cranelift_nan_canonicalization = True
        self._engine = wasmtime.Engine(config)
        self._modules: OrderedDict[str, wasmtime.Module] = OrderedDict()
        self._lock = threading.Lock()
        self._running = 0
        self._ticking = False

    def check(self, wasm: bytes) -> None:
        """Raise CodeFailed unless the module can be run: it compiles, imports nothing that is not
        offered and has an entry."""
        module = self._module(wasm)
        _check_imports(module)
        _entry(module)

    def run(
        self,
        wasm: bytes,
        stdin: bytes,
        limits: Limits,
        *,
        epoch_ns: int,
        seed: str,
        grants: frozenset[str] = frozenset(),
    ) -> Answer:
        """Run a module to its end; raises CodeFailed. Blocking, so call it in a thread."""
        module = self._module(wasm)
        _check_imports(module)
        entry = _entry(module)
        world = Wasi(stdin, limits.output_bytes, epoch_ns, seed, grants)
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=limits.memory_bytes, table_elements=20_000, instances=1)
        store.set_fuel(limits.fuel)
        store.set_epoch_deadline(max(int(limits.deadline_s / _TICK_S), 1))
        started = time.monotonic()
        self._begin()
        try:
            output = _call(self._engine, store, module, entry, world, limits)
        except CodeFailed as failed:
            failed.said = _said(world)
            raise
        except Exception as error:
            elapsed = time.monotonic() - started
            raise _failure(error, world, store, elapsed, limits) from None
        finally:
            self._end()
        taken = limits.fuel - store.get_fuel()
        return Answer(output, _said(world), taken, time.monotonic() - started)

    def _module(self, wasm: bytes) -> wasmtime.Module:
        if len(wasm) > MAX_MODULE_BYTES:
            raise CodeFailed("code_module", f"The module is over {MAX_MODULE_BYTES >> 20} MB")
        digest = hashlib.sha256(wasm).hexdigest()
        with self._lock:
            known = self._modules.get(digest)
            if known is not None:
                self._modules.move_to_end(digest)
                return known
        try:
            module = wasmtime.Module(self._engine, wasm)
        except wasmtime.WasmtimeError as error:
            reason = str(error).strip().splitlines()[0][:200]
            raise CodeFailed("code_module", f"This is no WebAssembly module: {reason}") from None
        with self._lock:
            self._modules[digest] = module
            while len(self._modules) > _MODULES_KEPT:
                self._modules.popitem(last=False)
        return module

    def _begin(self) -> None:
        """The clock that ends overdue programs ticks while any program runs."""
        with self._lock:
            self._running += 1
            if not self._ticking:
                self._ticking = True
                threading.Thread(target=self._tick, name="careloom-code-clock", daemon=True).start()

    def _end(self) -> None:
        with self._lock:
            self._running -= 1

    def _tick(self) -> None:
        while True:
            time.sleep(_TICK_S)
            self._engine.increment_epoch()
            with self._lock:
                if self._running == 0:
                    self._ticking = False
                    return


def _check_imports(module: wasmtime.Module) -> None:
    for wanted in module.imports:
        if wanted.module != MODULE or not isinstance(wanted.type, wasmtime.FuncType):
            raise CodeFailed(
                "code_import",
                f"The module asks for {wanted.module}.{wanted.name}, which no program is given",
            )


def _entry(module: wasmtime.Module) -> str:
    names = {one.name for one in module.exports if isinstance(one.type, wasmtime.FuncType)}
    if "_start" in names:
        return "_start"
    if {"alloc", "run"} <= names:
        return "run"
    raise CodeFailed("code_abi", "The module exports neither _start nor alloc and run")


def _call(
    engine: wasmtime.Engine,
    store: wasmtime.Store,
    module: wasmtime.Module,
    entry: str,
    world: Wasi,
    limits: Limits,
) -> bytes:
    linker = wasmtime.Linker(engine)
    for wanted in module.imports:
        name = wanted.name or ""
        if isinstance(wanted.type, wasmtime.FuncType):
            linker.define_func(MODULE, name, wanted.type, world.function(name), access_caller=True)
    instance = linker.instantiate(store, module)
    exports = instance.exports(store)
    exported = exports.get("memory")
    world.memory = exported if isinstance(exported, wasmtime.Memory) else None
    if entry == "_start":
        try:
            _function(exports, "_start")(store)
        except Exception:
            if not isinstance(world.fault, Exited) or world.fault.code != 0:
                raise
        return bytes(world.stdout)
    memory = exports.get("memory")
    if not isinstance(memory, wasmtime.Memory):
        raise CodeFailed("code_abi", "The module exports no memory")
    place = int(_function(exports, "alloc")(store, len(world.stdin))) & 0xFFFFFFFF
    if place + len(world.stdin) > memory.data_len(store):
        raise CodeFailed("code_abi", "alloc gave a place outside the memory")
    memory.write(store, world.stdin, place)
    answer = int(_function(exports, "run")(store, place, len(world.stdin)))
    start, length = answer >> 32 & 0xFFFFFFFF, answer & 0xFFFFFFFF
    if length > limits.output_bytes:
        raise CodeFailed(
            "code_output_size", f"The program's output is over {limits.output_bytes} bytes"
        )
    if start + length > memory.data_len(store):
        raise CodeFailed("code_abi", "run gave a place outside the memory")
    return bytes(memory.read(store, start, start + length))


def _function(exports: wasmtime._instance.InstanceExports, name: str) -> wasmtime.Func:
    found = exports.get(name)
    if not isinstance(found, wasmtime.Func):
        raise CodeFailed("code_abi", f"The module exports no function {name}")
    return found


def _failure(
    error: Exception, world: Wasi, store: wasmtime.Store, elapsed: float, limits: Limits
) -> CodeFailed:
    """Which limit the program met, or how else it ended."""
    if isinstance(world.fault, Exited):
        code = world.fault.code
        return CodeFailed("code_exit", f"The program ended with exit code {code}", _said(world))
    if isinstance(world.fault, Refused):
        return CodeFailed(world.fault.code, str(world.fault), _said(world))
    trap = error.trap_code if isinstance(error, wasmtime.Trap) else None
    text = str(error).lower()
    if trap is wasmtime.TrapCode.INTERRUPT or elapsed > limits.deadline_s + 1:
        name, message = "code_deadline", f"The program took longer than {limits.deadline_s:g} s"
    elif "fuel" in text or store.get_fuel() == 0:
        name, message = "code_fuel", f"The program used up its {limits.fuel} units of fuel"
    elif _at_start(trap, text) or (
        trap is wasmtime.TrapCode.UNREACHABLE and _is_full(world, store, limits)
    ):
        name, message = "code_memory", _memory_message(limits)
    elif trap is wasmtime.TrapCode.STACK_OVERFLOW:
        name, message = "code_trap", "The program's stack overflowed"
    else:
        kind = "failed" if trap is None else trap.name.lower().replace("_", " ")
        name, message = "code_trap", f"The program was ended: {kind}"
    return CodeFailed(name, message, _said(world))


def _at_start(trap: wasmtime.TrapCode | None, text: str) -> bool:
    """Whether the program needs more than it may have before its first instruction."""
    return trap is None and "exceeds" in text and ("memory" in text or "table" in text)


def _is_full(world: Wasi, store: wasmtime.Store, limits: Limits) -> bool:
    """Whether a program that ended itself has most of its memory in use: what asks for more gets
    -1, and allocators then give up. They double what they have."""
    return world.memory is not None and 2 * world.memory.data_len(store) >= limits.memory_bytes


def _memory_message(limits: Limits) -> str:
    return f"The program asks for more than {limits.memory_bytes >> 20} MB of memory"


def _said(world: Wasi) -> str:
    return world.stderr.decode("utf-8", "replace")
