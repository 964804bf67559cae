"""`code`: a program of one's own in a sandbox: JSON in, JSON out, nothing else."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import wasmtime

from careloom.errors import CareloomError
from careloom.steps.code.sandbox import CodeFailed, Limits, Sandbox
from careloom.steps.schema import load_schema
from careloom.store.uploads import Uploads
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.step import StepCall, StepError, StepResult

_INLINE_BYTES = 1 << 20
_AT_ONCE = 2
FUEL, MEMORY_MB, DEADLINE_S, OUTPUT_KB = 1_000_000_000, 64, 5.0, 1024


class CodeStep:
    """Runs a WebAssembly module that is written in the step or was uploaded."""

    type = "code"

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._sandbox: Sandbox | None = None
        # A program may compute for seconds: its threads are its own, so that nobody waits for it.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="careloom-code")

    @property
    def schema(self) -> JsonObject:
        return load_schema("code")

    async def execute(self, call: StepCall) -> StepResult:
        given = call.input
        try:
            wasm = await self._module(call.scope, given)
            digest = _pinned(wasm, given.get("sha256"))
            answer = await self._in_thread(
                self._run, wasm, given, parse_run_name(call.run_id).int >> 80, call.key
            )
            output = _output(answer.output)
        except CodeFailed as failed:
            details = {"stderr": failed.said} if failed.said else {}
            raise StepError(failed.message, code=failed.code, details=details) from None
        output = {"result": output, "sha256": digest, "fuel": answer.fuel}
        if call.alias is not None:
            output[call.alias] = output["result"]
        said = [{"role": "tool", "content": answer.said}] if answer.said else []
        return StepResult(output=output, messages=said)

    async def verify(self, scope: Scope, params: JsonObject) -> list[JsonObject]:
        """Whether the module is there, is the pinned one and could run at all."""
        if any("{{" in str(params.get(name, "")) for name in ("module", "wat", "sha256")):
            return []
        try:
            wasm = await self._module(scope, params)
            _pinned(wasm, params.get("sha256"))
            await self._in_thread(self._box().check, wasm)
        except CodeFailed as failed:
            return [_finding(failed.message)]
        except CareloomError as error:
            return [_finding(error.message)]
        return []

    def _box(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = Sandbox()
        return self._sandbox

    def _run(self, wasm: bytes, given: JsonObject, millis: int, key: str) -> Any:
        limits = Limits(
            fuel=given.get("fuel", FUEL),
            memory_bytes=given.get("memoryMb", MEMORY_MB) << 20,
            deadline_s=float(given.get("deadlineSeconds", DEADLINE_S)),
            output_bytes=given.get("outputKb", OUTPUT_KB) << 10,
        )
        return self._box().run(
            wasm,
            orjson.dumps(given.get("input", {})),
            limits,
            epoch_ns=millis * 1_000_000,
            seed=key,
            grants=frozenset(given.get("grant", ())),
        )

    async def _in_thread(self, function: Any, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    async def _module(self, scope: Scope, given: JsonObject) -> bytes:
        module, wat = given.get("module"), given.get("wat")
        if isinstance(wat, str) and module is None:
            assembled: bytes = await self._in_thread(_assembled, wat)
            return assembled
        if not isinstance(module, str) or wat is not None:
            raise CodeFailed("code_module", "Give the program as one of `module` and `wat`")
        if module.startswith("file://"):
            data, _ = await self._uploads.open(scope, module)
            return data
        try:
            wasm = base64.b64decode(module, validate=True)
        except (binascii.Error, ValueError):
            raise CodeFailed("code_module", "`module` is neither Base64 nor file://") from None
        if len(wasm) > _INLINE_BYTES:
            raise CodeFailed("code_module", "A module over 1 MB is uploaded, not written here")
        return wasm


def _assembled(wat: str) -> bytes:
    if len(wat) > _INLINE_BYTES:
        raise CodeFailed("code_module", "A program text over 1 MB is compiled before, and uploaded")
    try:
        return bytes(wasmtime.wat2wasm(wat))
    except wasmtime.WasmtimeError as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise CodeFailed("code_module", f"The program text cannot be read: {reason}") from None


def _pinned(wasm: bytes, wanted: str | None) -> str:
    digest = hashlib.sha256(wasm).hexdigest()
    if wanted is not None and wanted != digest:
        raise CodeFailed("code_pin", f"The module's SHA-256 is {digest}, not the one stated")
    return digest


def _output(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise CodeFailed("code_output", "The program's output is not one JSON value") from None


def _finding(message: str) -> JsonObject:
    return {
        "code": "E-CODE",
        "severity": "error",
        "path": "",
        "message": message,
        "cause": "the program could not be run",
        "fix": "see docs/howto/sandboxed-code.md",
    }
