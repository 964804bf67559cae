"""Every public DICOM file is kept byte for byte or refused with a reason."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from careloom.dicom.archive import DicomArchive, Refused
from careloom.dicom.sandbox import Sandbox
from careloom.errors import Conflict
from careloom.store.database import Database
from careloom.types import Scope

ACTOR = {"principal": "tester", "kind": "user"}
DATA = os.environ.get("CARELOOM_TEST_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="CARELOOM_TEST_DATA is not set")


def files() -> list[Path]:
    return sorted(path for path in (Path(DATA or "") / "dicom").rglob("*") if path.is_file())


@needs_data
async def test_each_file_is_stored_byte_for_byte_or_refused_with_a_reason(
    archive: DicomArchive, scope: Scope, sandbox: Sandbox
) -> None:
    stored, refused, undecodable, shown = {}, {}, [], 0
    for path in files():
        data = path.read_bytes()
        try:
            instance = await archive.store(scope, data, ACTOR, source="upload")
        except (Refused, Conflict) as error:
            refused[path] = error
            continue
        stored[path] = instance.uri
        assert await archive.open(scope, instance.uri) == data
        try:
            pixels = await archive.pixels(scope, instance.uri)
        except Refused as error:
            undecodable.append(error)
            continue
        shown += 1
        assert pixels.ndim == 2
        assert pixels.dtype == np.uint8
    assert len(stored) + len(refused) == len(files())
    assert len(stored) >= 150
    assert shown >= 95
    reasons = [error.message for error in (*refused.values(), *undecodable)]
    assert all(reason and len(reason) < 200 for reason in reasons)
    assert sandbox.state.restarts == 0
    assert sandbox.state.peak_rss < 512 << 20


@needs_data
async def test_files_that_share_a_uid_never_replace_each_other(
    archive: DicomArchive, scope: Scope, database: Database
) -> None:
    first: dict[str, str] = {}
    for path in files():
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        try:
            instance = await archive.store(scope, data, ACTOR, source="upload")
        except (Refused, Conflict):
            continue
        assert instance.created == (instance.instance not in first)
        assert first.setdefault(instance.instance, digest) == digest
    events = await database.rows("events_pending", scope.tenant, 10_000)
    assert sorted(event["ref"]["instance"] for event in events) == sorted(first)
