"""WADO-RS: instances, metadata, frames, rendered pictures and bulk data.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import orjson

from careloom.dicom.archive import DicomArchive
from careloom.dicom.limits import Refused, is_uid
from careloom.errors import InvalidInput, NotAcceptable, NotFound
from careloom.types import JsonObject, Scope

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
_FRAMES_AT_ONCE = 8
_MODELS_AT_ONCE = 50
_RELATIVE_BULK = b'"BulkDataURI":"bulkdata/'
_MEDIA_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}


@dataclass(frozen=True, slots=True)
class Place:
    """What an address names: a study, one of its series, or one instance."""

    study: str
    series: str | None = None
    instance: str | None = None


async def instances(archive: DicomArchive, scope: Scope, place: Place) -> list[asyncpg.Record]:
    """The index rows at a place, in order; raises `NotFound`."""
    uids = (place.study, place.series, place.instance)
    if not all(is_uid(uid) for uid in uids if uid is not None):
        raise InvalidInput("The address holds something that is not a UID")
    rows = await archive.rows(scope, "dicom_instances", *uids)
    if not rows:
        level = "instance" if place.instance else "series" if place.series else "study"
        raise NotFound(f"There is no such {level} in this store")
    return rows


def media_type(transfer_syntax: str) -> str:
    """The media type of a frame as it is stored."""
    return _MEDIA_TYPES.get(transfer_syntax, "application/octet-stream")


def is_native(transfer_syntax: str) -> bool:
    """True when pixel data of this transfer syntax is not compressed frame by frame."""
    return not transfer_syntax.startswith(("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5"))


def check_syntax(rows: list[asyncpg.Record], wanted: str | None) -> None:
    """Raise `NotAcceptable` unless each row can be given in the transfer syntax.

    None or `*` is the stored one; Explicit VR Little Endian can be made of any that decodes.
    """
    if wanted in (None, "*", EXPLICIT_LITTLE):
        return
    if any(row["transfer_syntax"] != wanted for row in rows):
        raise NotAcceptable(
            "The instance is not stored in this transfer syntax",
            fix=f"ask for transfer-syntax=* or transfer-syntax={EXPLICIT_LITTLE}",
        )


async def instance_bytes(
    archive: DicomArchive, scope: Scope, row: asyncpg.Record, wanted: str | None
) -> tuple[bytes, str]:
    """The Part 10 file and its transfer syntax; byte for byte as stored unless another is asked."""
    stored = str(row["transfer_syntax"])
    if wanted in (None, "*", stored):
        return await archive.read(scope, row), stored
    try:
        return await archive.convert(scope, row, {"job": "native"}), EXPLICIT_LITTLE
    except Refused as error:
        raise NotAcceptable(error.message, fix="ask for transfer-syntax=*") from error


async def metadata(
    archive: DicomArchive, scope: Scope, rows: list[asyncpg.Record], address: str
) -> AsyncIterator[bytes]:
    """A JSON array of data sets without bulk data, piece by piece."""
    mark = b"["
    for start in range(0, len(rows), _MODELS_AT_ONCE):
        some = rows[start : start + _MODELS_AT_ONCE]
        uids = [row["instance"] for row in some]
        sealed = {r["instance"]: r for r in await archive.rows(scope, "dicom_metadata", uids)}
        for row in some:
            place = f"{address}/studies/{row['study']}/series/{row['series']}"
            url = f'"BulkDataURI":"{place}/instances/{row["instance"]}/bulkdata/'
            model = orjson.dumps(await archive.metadata(scope, sealed[row["instance"]]))
            # A quote inside a value is escaped, so this text can only be a key and its value.
            yield mark + model.replace(_RELATIVE_BULK, url.encode())
            mark = b","
    yield b"]"


async def frames(
    archive: DicomArchive, scope: Scope, row: asyncpg.Record, numbers: list[int], *, native: bool
) -> AsyncIterator[bytes]:
    """Frames (from 1): decoded little endian samples, or the stored bitstreams.

    A few are read at a time, so that the file is not opened for each, nor all held at once.
    """
    data = await archive.read(scope, row)
    for start in range(0, len(numbers), _FRAMES_AT_ONCE):
        some = [number - 1 for number in numbers[start : start + _FRAMES_AT_ONCE]]
        job: JsonObject = {"job": "frames", "frames": some, "native": native}
        try:
            answer, body = await archive.run(job, data)
        except Refused as error:
            raise _frame_error(error) from error
        at = 0
        for size in answer["sizes"]:
            yield body[at : at + size]
            at += size


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a picture is asked for."""

    kind: str = "jpeg"
    quality: int = 90
    window: JsonObject | None = None
    viewport: tuple[int, int] | None = None


async def rendered(
    archive: DicomArchive, scope: Scope, row: asyncpg.Record, number: int, how: Rendering
) -> bytes:
    """One frame (from 1) as PNG or JPEG, windowed for display."""
    job: JsonObject = {
        "job": "render",
        "frame": number - 1,
        "kind": how.kind,
        "quality": how.quality,
        "window": how.window,
        "viewport": how.viewport,
    }
    try:
        return await archive.convert(scope, row, job)
    except Refused as error:
        raise _frame_error(error) from error


def _frame_error(error: Refused) -> NotFound | NotAcceptable:
    if "no frame" in error.message or "no pixel data" in error.message:
        return NotFound(error.message)
    return NotAcceptable(error.message, fix="retrieve the instance as application/dicom")


async def bulk_data(archive: DicomArchive, scope: Scope, row: asyncpg.Record, path: str) -> bytes:
    """The value that a BulkDataURI of the metadata names."""
    try:
        return await archive.convert(scope, row, {"job": "bulk", "path": path})
    except Refused as error:
        raise NotFound(error.message) from error
