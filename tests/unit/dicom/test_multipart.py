"""multipart/related is cut into parts however it arrives, within bounds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from careloom.api.dicomweb.multipart import PartReader, dicom_parts, parse_media_type
from careloom.errors import InvalidInput, TooLarge, UnsupportedMediaType

DICOM = 'multipart/related; type="application/dicom"; boundary="a b"'
PARTS = [b"first\r\n--a", b"", b"\r\n\r\n--", bytes(range(256))]
BODY = (
    b"preamble\r\n"
    + b"".join(b"--a b\r\nContent-Type: application/dicom\r\n\r\n" + p + b"\r\n" for p in PARTS)
    + b"--a b--\r\nepilogue"
)


async def chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
async def test_parts_do_not_depend_on_how_the_bytes_arrive(size: int) -> None:
    assert [p async for p in dicom_parts(DICOM, chunks(BODY, size), 1000)] == PARTS


async def test_every_cut_short_body_is_refused() -> None:
    whole = BODY[: BODY.index(b"--a b--") + len(b"--a b--")]
    for end in range(len(whole) - 2):
        with pytest.raises(InvalidInput):
            _ = [p async for p in dicom_parts(DICOM, chunks(whole[:end], 64), 1000)]


@pytest.mark.parametrize(
    "start",
    [b"--X\r\n\r\n", b"--X\r\nContent-Type: ", b""],
    ids=["part", "header", "preamble"],
)
async def test_an_endless_body_is_not_read_on(start: bytes) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield start
        while True:
            taken += 1000
            yield bytes(1000)

    reader = PartReader(endless(), "X", 50_000)
    with pytest.raises(TooLarge):
        _ = [part async for part in reader.parts()]
    assert taken <= 52_000


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("text/plain", UnsupportedMediaType),
        ("", UnsupportedMediaType),
        ('multipart/form-data; boundary="a b"', UnsupportedMediaType),
        ('multipart/related; type="application/dicom"', InvalidInput),
        (f'multipart/related; type="application/dicom"; boundary={"x" * 300}', InvalidInput),
    ],
)
async def test_other_types_are_refused(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        _ = [p async for p in dicom_parts(kind, chunks(BODY, 64), 1000)]


def test_media_types_are_read_with_their_parameters() -> None:
    media = parse_media_type('Multipart/Related; TYPE="application/dicom"; transfer-syntax=*')
    assert media.name == "multipart/related"
    assert media.parameters == {"type": "application/dicom", "transfer-syntax": "*"}
