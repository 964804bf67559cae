"""`code`: programs that mean no harm give their answer; those that do are ended, each by name."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from typing import Any

import pytest
import wasmtime

from careloom.errors import Unprocessable
from careloom.steps.code.sandbox import CodeFailed, Limits, Sandbox
from careloom.steps.code.step import CodeStep
from careloom.types import Scope
from careloom.workflows.step import StepError

SMALL = Limits(fuel=20_000_000, memory_bytes=2 << 20, deadline_s=5.0, output_bytes=10_000)
WASI = '(import "wasi_snapshot_preview1" '
READ = WASI + '"fd_read" (func $read (param i32 i32 i32 i32) (result i32)))'
WRITE = WASI + '"fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
EXIT = WASI + '"proc_exit" (func $exit (param i32)))'
CLOCK = WASI + '"clock_time_get" (func $clock (param i32 i64 i32) (result i32)))'
RANDOM = WASI + '"random_get" (func $random (param i32 i32) (result i32)))'
OPEN = WASI + '"path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))'
MEMORY = '(memory (export "memory") 1)'
SAY = "(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"


def start(body: str, *imports: str) -> bytes:
    """A WASI command with this body."""
    text = f'(module {" ".join(imports)} {MEMORY} (func (export "_start") {body}))'
    return bytes(wasmtime.wat2wasm(text))


ECHO = start(
    "(i32.store (i32.const 0) (i32.const 100)) (i32.store (i32.const 4) (i32.const 60000))"
    "(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))"
    f"(i32.store (i32.const 4) (i32.load (i32.const 8))) {SAY}",
    READ,
    WRITE,
)
ENDLESS = start("(loop (br 0))")


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox()


def run(sandbox: Sandbox, wasm: bytes, limits: Limits = SMALL, **more: Any) -> bytes:
    given = {"epoch_ns": 10**18, "seed": "key", **more}
    return sandbox.run(wasm, b'{"a":1}', limits, **given).output


def code_of(sandbox: Sandbox, wasm: bytes, limits: Limits = SMALL) -> str:
    with pytest.raises(CodeFailed) as failed:
        run(sandbox, wasm, limits)
    return failed.value.code


def test_a_command_reads_its_input_and_writes_its_output(sandbox: Sandbox) -> None:
    assert run(sandbox, ECHO) == b'{"a":1}'


def test_an_endless_program_runs_out_of_fuel_or_of_time(sandbox: Sandbox) -> None:
    assert code_of(sandbox, ENDLESS) == "code_fuel"
    patient = Limits(10**12, SMALL.memory_bytes, 0.1, SMALL.output_bytes)
    assert code_of(sandbox, ENDLESS, patient) == "code_deadline"


HOSTILE = {
    "needs more memory than it may have": (
        '(module (memory (export "memory") 4000) (func (export "_start")))',
        "code_memory",
    ),
    "needs a giant table": (
        f'(module (table 30000000 funcref) {MEMORY} (func (export "_start")))',
        "code_memory",
    ),
    "recurses for ever": (
        f'(module {MEMORY} (func $f (export "_start") (call $f)))',
        "code_trap",
    ),
    "grows, and ends itself when it may not": (
        f'(module {MEMORY} (func (export "_start") (if (i32.eq (memory.grow (i32.const 999))'
        " (i32.const -1)) (then unreachable))))",
        "code_trap",
    ),
    "grows until it may not, and ends itself": (
        f'(module {MEMORY} (func (export "_start") (loop (br_if 0 (i32.ne (memory.grow'
        " (i32.const 1)) (i32.const -1)))) unreachable))",
        "code_memory",
    ),
    "reads beyond its memory": (
        f'(module {MEMORY} (func (export "_start") (drop (i32.load (i32.const 9999999)))))',
        "code_trap",
    ),
    "writes without end": (
        f'(module {WRITE} {MEMORY} (func (export "_start")'
        f" (i32.store (i32.const 4) (i32.const 4000)) (loop {SAY} (br 0))))",
        "code_output_size",
    ),
    "writes from beyond its memory": (
        f'(module {WRITE} {MEMORY} (func (export "_start")'
        f" (i32.store (i32.const 0) (i32.const 65000)) (i32.store (i32.const 4) (i32.const 4000))"
        f" {SAY}))",
        "code_trap",
    ),
    "asks for the system": (
        f'(module (import "env" "system" (func (param i32))) {MEMORY} (func (export "_start")))',
        "code_import",
    ),
    "asks for a foreign memory": (
        '(module (import "env" "memory" (memory 1)) (func (export "_start")))',
        "code_import",
    ),
    "opens a file, and ends with what it was told": (
        f'(module {OPEN} {EXIT} {MEMORY} (func (export "_start") (call $exit (call $open'
        " (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8) (i64.const 0)"
        " (i64.const 0) (i32.const 0) (i32.const 0)))))",
        "code_exit",
    ),
    "ends with an exit code": (
        f'(module {EXIT} {MEMORY} (func (export "_start") (call $exit (i32.const 3))))',
        "code_exit",
    ),
    "has no entry": (f'(module {MEMORY} (func (export "main")))', "code_abi"),
    "allocates outside": (
        f'(module {MEMORY} (func (export "alloc") (param i32) (result i32) (i32.const -8))'
        ' (func (export "run") (param i32 i32) (result i64) (i64.const 0)))',
        "code_abi",
    ),
    "answers from outside": (
        f'(module {MEMORY} (func (export "alloc") (param i32) (result i32) (i32.const 8))'
        ' (func (export "run") (param i32 i32) (result i64) (i64.const 0x7fffffff00000010)))',
        "code_abi",
    ),
    "answers without end": (
        f'(module {MEMORY} (func (export "alloc") (param i32) (result i32) (i32.const 8))'
        ' (func (export "run") (param i32 i32) (result i64) (i64.const 0x7fffffff)))',
        "code_output_size",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_program_that_goes_too_far_is_ended(sandbox: Sandbox, what: str) -> None:
    text, code = HOSTILE[what]
    assert code_of(sandbox, bytes(wasmtime.wat2wasm(text))) == code
    assert run(sandbox, ECHO) == b'{"a":1}', "the sandbox is none the worse"


def test_calls_out_of_the_sandbox_are_counted(sandbox: Sandbox) -> None:
    nothing = SAY.replace("(i32.const 0) (i32.const 1)", "(i32.const 0) (i32.const 0)")
    wasm = start(f"(loop {nothing} (br 0))", WRITE)
    assert code_of(sandbox, wasm, Limits(10**12, 2 << 20, 30.0, 1000)) == "code_calls"


def test_what_is_no_module_is_refused(sandbox: Sandbox) -> None:
    assert code_of(sandbox, b"\x00asm garbage") == "code_module"
    assert code_of(sandbox, bytes((16 << 20) + 1)) == "code_module"


def test_time_and_chance_are_the_same_in_a_repeat_unless_granted(sandbox: Sandbox) -> None:
    body = (
        "(drop (call $clock (i32.const 0) (i64.const 0) (i32.const 64)))"
        "(drop (call $random (i32.const 72) (i32.const 8)))"
        f"(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 16)) {SAY}"
    )
    wasm = start(body, CLOCK, RANDOM, WRITE)
    first = run(sandbox, wasm)
    assert first == run(sandbox, wasm)
    assert int.from_bytes(first[:8], "little") == 10**18
    assert run(sandbox, wasm, seed="another")[8:] != first[8:]
    granted = run(sandbox, wasm, grants=frozenset({"clock", "random"}))
    assert abs(int.from_bytes(granted[:8], "little") - time.time_ns()) < 10**12
    assert granted[8:] != first[8:]


def test_runs_side_by_side_have_nothing_in_common(sandbox: Sandbox) -> None:
    outcomes: list[str] = []
    patient = Limits(10**12, 2 << 20, 0.2, 1000)

    def one(wasm: bytes) -> None:
        try:
            outcomes.append(run(sandbox, wasm, patient).decode())
        except CodeFailed as failed:
            outcomes.append(failed.code)

    threads = [threading.Thread(target=one, args=(wasm,)) for wasm in (ENDLESS, ECHO, ENDLESS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["code_deadline", "code_deadline", '{"a":1}']


class Files:
    def __init__(self, **files: bytes) -> None:
        self.files = files

    async def open(self, _scope: Scope, uri: str) -> tuple[bytes, dict[str, Any]]:
        name = uri.rpartition("/")[2]
        if name not in self.files:
            raise Unprocessable("nothing there", code="file_not_found")
        return self.files[name], {}


@pytest.fixture
def step() -> CodeStep:
    return CodeStep(Files(echo=ECHO))  # type: ignore[arg-type]


async def test_the_step_gives_the_result_and_the_modules_hash(
    step: CodeStep, make_call: Any
) -> None:
    digest = hashlib.sha256(ECHO).hexdigest()
    for module in ("file://programs/echo", base64.b64encode(ECHO).decode()):
        given = {"module": module, "sha256": digest, "input": {"kg": 70}}
        result = await step.execute(make_call(given, alias="weight"))
        assert result.output["result"] == {"kg": 70} == result.output["weight"]
        assert result.output["sha256"] == digest
        assert result.output["fuel"] > 0


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"module": "file://programs/echo", "sha256": "0" * 64}, "code_pin"),
        ({"module": "***"}, "code_module"),
        ({}, "code_module"),
        ({"module": "AAAA", "wat": "(module)"}, "code_module"),
        ({"wat": "(module"}, "code_module"),
        ({"wat": f'(module {MEMORY} (func (export "_start")))'}, "code_output"),
    ],
)
async def test_what_cannot_run_fails_the_step_by_name(
    step: CodeStep, make_call: Any, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(StepError) as failed:
        await step.execute(make_call(given))
    assert (failed.value.code, failed.value.retryable) == (code, False)


async def test_a_module_is_looked_at_before_the_workflow_is_deployed(step: CodeStep) -> None:
    scope = Scope("default", "main")
    assert await step.verify(scope, {"module": "file://programs/echo"}) == []
    assert await step.verify(scope, {"module": "{{trigger.module}}"}) == []
    hostile = HOSTILE["asks for the system"][0]
    for params in ({"module": "file://programs/none"}, {"wat": hostile}, {"module": "!"}):
        [finding] = await step.verify(scope, params)
        assert finding["code"] == "E-CODE"


async def test_others_go_on_while_a_program_computes(step: CodeStep, make_call: Any) -> None:
    given: dict[str, Any] = {"wat": f'(module {MEMORY} (func (export "_start") (loop (br 0))))'}
    given |= {"fuel": 10**11, "deadlineSeconds": 0.3}
    running = asyncio.create_task(step.execute(make_call(given)))
    turns = 0
    while not running.done():
        turns += 1
        await asyncio.sleep(0.001)
    assert turns > 20
    with pytest.raises(StepError):
        await running
