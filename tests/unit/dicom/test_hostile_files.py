"""Hostile files are refused with a reason; the processes that read them stay bounded."""

from __future__ import annotations

import asyncio
import random
import struct
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from io import BytesIO

import numpy as np
import psutil
import pytest
from pydicom import dcmread
from pydicom.uid import RLELossless

from careloom.dicom.limits import DicomLimits, Refused
from careloom.dicom.sandbox import Sandbox
from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.types import JsonObject

PATIENT = StudyPatient("Canary^Secret", "CANARY-ID", "19800101", "F")
PIXELS = (np.arange(64 * 64, dtype=np.uint16) % 4096).reshape(64, 64)
GOOD = synthetic_chest_study(PIXELS, PATIENT, study="hostile")
LIMITS = DicomLimits(
    max_bytes=32 << 20,
    max_inflated_bytes=32 << 20,
    max_elements=20_000,
    memory_bytes=1 << 30,
    cpu_seconds=5,
    wall_seconds=20,
)
RSS_BOUND = 512 << 20


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    pool = Sandbox(LIMITS, processes=2)
    yield pool
    assert pool.state.peak_rss < RSS_BOUND
    await pool.close()
    assert pool.state.processes == 0


async def refusal(sandbox: Sandbox, data: bytes, job: str = "parse") -> str:
    with pytest.raises(Refused) as refused:
        await sandbox.run({"job": job, "frame": 0}, data)
    assert "CANARY" not in refused.value.message.upper()
    return refused.value.message


async def outcome(sandbox: Sandbox, data: bytes, job: str = "parse") -> tuple[JsonObject, str]:
    """The answer and no reason, or no answer and the reason."""
    try:
        return (await sandbox.run({"job": job, "frame": 0}, data))[0], ""
    except Refused as error:
        return {}, error.message


def part_10(syntax: str, body: bytes) -> bytes:
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(meta))
    return bytes(128) + b"DICM" + length + meta + body


EXPLICIT, IMPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1.99"


def identity() -> bytes:
    uids = {(8, 0x16): b"1.2", (8, 0x18): b"1.3", (0x20, 0xD): b"1.4", (0x20, 0xE): b"1.5"}
    return b"".join(
        struct.pack("<HH2sH", *tag, b"UI", 4) + uid + b"\0" for tag, uid in uids.items()
    )


def nested(depth: int, *, defined: bool) -> bytes:
    """A sequence within a sequence, `depth` times."""
    value = b""
    for _ in range(depth):
        if defined:
            item = struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value
            value = struct.pack("<HH2sHI", 0x40, 0xA730, b"SQ", 0, len(item)) + item
        else:
            start = struct.pack("<HH2sHI", 0x40, 0xA730, b"SQ", 0, 0xFFFFFFFF)
            item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
            ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
            value = start + item + value + ends
    return value


@pytest.mark.parametrize(
    "data", [b"", b"DICM", b"\0" * 132, b"\0" * 128 + b"DICM", b"%PDF-1.7" * 40]
)
async def test_what_is_not_dicom_is_refused(sandbox: Sandbox, data: bytes) -> None:
    assert await refusal(sandbox, data)


async def test_every_truncation_is_read_or_refused(sandbox: Sandbox) -> None:
    for end in range(0, len(GOOD), 61):
        answer, reason = await outcome(sandbox, GOOD[:end])
        assert reason or answer["index"]["instance"]["instance"]
    assert sandbox.state.restarts == 0


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize("depth", [17, 200, 5000])
async def test_deep_nesting_is_refused(sandbox: Sandbox, depth: int, defined: bool) -> None:
    body = identity() + nested(depth, defined=defined)
    assert "nested" in await refusal(sandbox, part_10(EXPLICIT, body))


async def test_nesting_within_the_bound_is_read(sandbox: Sandbox) -> None:
    body = identity() + nested(LIMITS.max_depth, defined=False)
    answer, _ = await sandbox.run({"job": "parse"}, part_10(EXPLICIT, body))
    assert answer["unreadable"] == 0


async def test_a_deflate_bomb_is_refused(sandbox: Sandbox) -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = bytes(1 << 20)
    bomb = b"".join(engine.compress(block) for _ in range(300)) + engine.flush()
    data = part_10(DEFLATED, bomb)
    assert len(data) < 1 << 20
    assert "inflates to more than" in await refusal(sandbox, data)


async def test_a_deflated_file_is_read_and_a_damaged_one_refused(sandbox: Sandbox) -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = engine.compress(identity()) + engine.flush()
    answer, _ = await sandbox.run({"job": "parse"}, part_10(DEFLATED, deflated))
    assert answer["transfer_syntax"] == DEFLATED
    assert "cut short" in await refusal(sandbox, part_10(DEFLATED, deflated[:-3]))
    assert "damaged" in await refusal(sandbox, part_10(DEFLATED, b"\xff" * 50))


@pytest.mark.parametrize("length", [0x7FFFFFFF, 0xFFFFFFFE, 1 << 28])
@pytest.mark.parametrize("vr", [b"OB", b"UN", b"SQ", b"UT"])
async def test_giant_lengths_take_no_memory(sandbox: Sandbox, vr: bytes, length: int) -> None:
    body = identity() + struct.pack("<HH2sHI", 0x40, 0xA730, vr, 0, length) + b"abc"
    data = part_10(EXPLICIT, body)
    answer, reason = await outcome(sandbox, data)
    assert answer or reason
    assert sandbox.state.peak_rss < RSS_BOUND


async def test_too_many_elements_are_refused(sandbox: Sandbox) -> None:
    many = b"".join(
        struct.pack("<HH2sH", 9 + 2 * (n >> 12), n & 0xFFF, b"LO", 0) for n in range(30_000)
    )
    assert "more than" in await refusal(sandbox, part_10(EXPLICIT, identity() + many))
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 12) + struct.pack("<HHII", 8, 0x1150, 4, 0)
    value = item * 30_000
    sequence = struct.pack("<HHI", 0x40, 0xA730, len(value)) + value
    plain = b"".join(
        struct.pack("<HHI", *tag, 4) + uid + b"\0"
        for tag, uid in {(8, 0x16): b"1.2", (8, 0x18): b"1.3", (0x20, 0xD): b"1.4"}.items()
    )
    last = struct.pack("<HHI", 0x20, 0xE, 4) + b"1.5\0"
    assert "more than" in await refusal(sandbox, part_10(IMPLICIT, plain + last + sequence))


async def test_a_file_beyond_the_size_limit_does_not_reach_the_process(sandbox: Sandbox) -> None:
    assert "larger than" in await refusal(sandbox, bytes(LIMITS.max_bytes + 1))


@pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")
@pytest.mark.parametrize(
    ("keyword", "value", "reason"),
    [
        ("SOPInstanceUID", "", "no SOPInstanceUID"),
        ("StudyInstanceUID", "../../etc/passwd", "not a valid UID"),
        ("SeriesInstanceUID", "1." * 40 + "1", "not a valid UID"),
        ("SOPClassUID", "1.2.canary", "not a valid UID"),
    ],
)
async def test_required_uids_are_checked(
    sandbox: Sandbox, keyword: str, value: str, reason: str
) -> None:
    dataset = dcmread(BytesIO(GOOD))
    setattr(dataset, keyword, value)
    out = BytesIO()
    dataset.save_as(out)
    assert reason in await refusal(sandbox, out.getvalue())


async def test_random_mutations_never_end_a_process(sandbox: Sandbox) -> None:
    chance = random.Random(20261120)
    compressed = dcmread(BytesIO(GOOD))
    compressed.compress(RLELossless, generate_instance_uid=False)
    out = BytesIO()
    compressed.save_as(out, enforce_file_format=True)
    read = 0
    for number in range(400):
        data = bytearray(out.getvalue() if number % 2 else GOOD)
        for _ in range(chance.choice((1, 4, 32))):
            # Mostly in the header, where the structure is.
            data[chance.randrange(132, len(data) if chance.random() < 0.3 else 2000)] = (
                chance.randrange(256)
            )
        for job in ("parse", "picture"):
            answer, reason = await outcome(sandbox, bytes(data), job)
            assert answer or reason
            assert "CANARY" not in reason.upper()
            read += bool(answer)
    assert read > 50
    assert sandbox.state.restarts == 0
    assert sandbox.state.peak_rss < RSS_BOUND


async def test_a_picture_that_claims_more_than_it_has_is_refused(sandbox: Sandbox) -> None:
    dataset = dcmread(BytesIO(GOOD))
    dataset.Rows = dataset.Columns = 9000
    out = BytesIO()
    dataset.save_as(out)
    assert "cannot be decoded" in await refusal(sandbox, out.getvalue(), "picture")


async def test_a_process_that_hangs_or_dies_refuses_its_own_file_only() -> None:
    pool = Sandbox(DicomLimits(wall_seconds=2), processes=1)
    try:
        await pool.warm()
        children = [
            child
            for child in psutil.Process().children()
            if any("sandbox_worker" in part for part in child.cmdline())
        ]
        child = max(children, key=lambda process: process.create_time())
        child.suspend()
        assert "ended" in await refusal(pool, GOOD)
        assert pool.state.restarts == 1
        answer, _ = await pool.run({"job": "parse"}, GOOD)
        assert answer["index"]["study"]["patient_id"] == "CANARY-ID"
    finally:
        await pool.close()
    assert pool.state.processes == 0


def many_elements() -> bytes:
    return b"".join(
        struct.pack("<HH2sH4s", 0x29 + 2 * (n >> 12), n & 0xFFF, b"LO", 4, b"abcd")
        for n in range(300_000)
    )


def one_giant() -> bytes:
    size = 160 << 20
    return struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, size) + bytes(size)


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        (many_elements, DicomLimits(cpu_seconds=0, wall_seconds=60, max_elements=10_000_000)),
        (one_giant, DicomLimits(memory_bytes=450 << 20)),
    ],
)
async def test_processor_time_and_memory_are_bounded(
    body: Callable[[], bytes], limits: DicomLimits
) -> None:
    pool = Sandbox(limits, processes=1)
    try:
        _, reason = await outcome(pool, part_10(EXPLICIT, identity() + body()))
        assert "limits" in reason or "memory" in reason
        answer, _ = await outcome(pool, GOOD)
        assert answer["index"]["study"]["patient_id"] == "CANARY-ID"
        assert pool.state.peak_rss < 450 << 20
    finally:
        await pool.close()


_PARENT = """
import asyncio, os
from careloom.dicom.sandbox import Sandbox

async def main():
    pool = Sandbox(processes=1)
    await pool.warm()
    print(next(iter(pool._alive))._child.pid, flush=True)
    os._exit(9)

asyncio.run(main())
"""


async def test_a_killed_parent_leaves_no_process_behind() -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _PARENT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    child = int(output)
    async with asyncio.timeout(20):
        while psutil.pid_exists(child) and psutil.Process(child).status() != "zombie":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_processes_carry_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    from careloom.dicom import sandbox as module

    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("CARELOOM_KEY_FILE", "/secret")
    assert not {"DATABASE_URL", "CARELOOM_KEY_FILE"} & set(module._environment())
