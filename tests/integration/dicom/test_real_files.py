"""Every public DICOM file is kept byte for byte or refused with a reason."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from careloom.dicom.archive import DicomArchive, Refused
from careloom.dicom.file_format import transfer_syntax
from careloom.dicom.limits import DicomLimits
from careloom.dicom.sandbox import Sandbox
from careloom.errors import Conflict
from careloom.store.database import Database
from careloom.types import Scope

ACTOR = {"principal": "tester", "kind": "user"}


@pytest.fixture(scope="session")
def files(test_data: Path) -> list[Path]:
    return sorted(path for path in (test_data / "dicom").rglob("*") if path.is_file())


async def test_each_file_is_stored_byte_for_byte_or_refused_with_a_reason(
    archive: DicomArchive,
    scope: Scope,
    sandbox: Sandbox,
    database: Database,
    files: list[Path],
) -> None:
    stored: dict[str, bytes] = {}
    refused: list[str] = []
    undecodable: list[str] = []
    for path in files:
        data = path.read_bytes()
        try:
            instance = await archive.store(scope, data, ACTOR, source="upload")
        except (Refused, Conflict) as error:
            refused.append(error.message)
            continue
        # Several of the files share a UID: the first keeps it, and nothing replaces it.
        assert instance.created == (instance.instance not in stored)
        assert stored.setdefault(instance.instance, data) == data
        assert await archive.open(scope, instance.uri) == data
        try:
            pixels = await archive.pixels(scope, instance.uri)
        except Refused as error:
            undecodable.append(error.message)
            continue
        assert pixels.ndim == 2
        assert pixels.dtype == np.uint8
    assert len(stored) >= 150
    assert len(undecodable) <= len(stored) // 2
    assert all(reason and len(reason) < 200 for reason in (*refused, *undecodable))
    events = await database.rows("events_pending", scope.tenant, 10_000)
    assert sorted(event["ref"]["instance"] for event in events) == sorted(stored)
    assert sandbox.state.restarts == 0
    assert sandbox.state.peak_rss < 512 << 20


async def test_damaged_bitstreams_of_every_codec_are_shown_or_refused(files: list[Path]) -> None:
    chance = random.Random(7)
    pool = Sandbox(DicomLimits(memory_bytes=1 << 30, cpu_seconds=5), processes=2)
    try:
        for path in codec_samples(files):
            good = path.read_bytes()
            for _ in range(12):
                data = bytearray(good)
                for _ in range(chance.choice((1, 8, 64))):
                    data[chance.randrange(len(data) * 2 // 3, len(data))] = chance.randrange(256)
                try:
                    answer, body = await pool.run({"job": "picture", "frame": 0}, bytes(data))
                except Refused as error:
                    reason = error.message
                    continue
                assert len(body) == answer["rows"] * answer["columns"]
        assert reason
        assert pool.state.peak_rss < 768 << 20
        answer, _ = await pool.run({"job": "picture", "frame": 0}, good)
        assert answer["rows"]
    finally:
        await pool.close()


def codec_samples(files: list[Path]) -> list[Path]:
    """One small file of each transfer syntax."""
    found: dict[str, Path] = {}
    for path in files:
        data = path.read_bytes()
        if data[128:132] == b"DICM" and 4096 < len(data) < 200_000 and b"\xe0\x7f\x10\x00" in data:
            found.setdefault(transfer_syntax(data)[0], path)
    assert len(found) >= 10
    return list(found.values())
