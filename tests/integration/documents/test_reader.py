"""read_document on good, poor and hostile files, through the real reading processes."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from careloom.documents import DocumentReader, Found, Limits, extract_referral, read_document
from careloom.documents.ocr import FOLDED
from careloom.errors import (
    InvalidInput,
    TooLarge,
    Unprocessable,
    UnsupportedMediaType,
)
from careloom.samples.referral_letters import LETTERS, digital_pdf, fax_pdf, scan_pdf
from careloom.samples.referral_pdf import FONTS, assemble, stream, write_pages
from careloom.samples.referral_scan import draw_pages

SECRET = "Zanzibar-4711"


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    made = DocumentReader(Limits(text_seconds=20, ocr_seconds=60))
    yield made
    made.close()


def words(text: str) -> list[str]:
    return text.translate(FOLDED).split()


def value(found: Found[Any] | None) -> Any:
    assert found is not None
    return found.value


def error_rate(got: str, truth: str) -> float:
    a, b = " ".join(words(got)), " ".join(words(truth))
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1] / len(b)


@pytest.mark.parametrize("font", FONTS)
async def test_a_digital_letter_comes_back_letter_for_letter(
    reader: DocumentReader, font: str
) -> None:
    for text in LETTERS.values():
        document = await reader.read(digital_pdf(text, font))
        assert words(document.text) == words(text)
        assert (document.path, document.confidence) == ("text", None)


async def test_columns_stay_apart(reader: DocumentReader) -> None:
    text = (await reader.read(digital_pdf(LETTERS["urgent"]))).text
    line = next(line for line in text.splitlines() if "Lavandier" in line)
    assert "Lavandier   " in line
    assert line.rstrip().endswith("Hélène")


async def test_scans_and_faxes_are_read_within_the_error_goal(reader: DocumentReader) -> None:
    rates = []
    for seed, (name, text) in enumerate(LETTERS.items()):
        document = await reader.read(scan_pdf(text, seed))
        assert document.path == "ocr"
        assert document.confidence is not None
        assert document.confidence > 0.9
        assert all(0 <= line.confidence <= 1 for line in document.pages[0].lines)
        rates.append(error_rate(document.text, text))
        truth, read = extract_referral(text).patient, extract_referral(document.text).patient
        assert value(read.birth_date) == value(truth.birth_date), name
        assert value(read.family) == value(truth.family), name
    assert sum(rates) / len(rates) <= 0.015
    faxed = await reader.read(fax_pdf(LETTERS["emergency"], 5))
    body = faxed.text.split("\n", 1)[1]
    assert error_rate(body, LETTERS["emergency"]) <= 0.03


async def test_images_are_read_as_they_are(reader: DocumentReader) -> None:
    page = draw_pages(digital_pdf(LETTERS["emergency"]), 170)[0]
    for kind in ("PNG", "JPEG"):
        buffer = io.BytesIO()
        page.save(buffer, kind)
        document = await reader.read(buffer.getvalue())
        assert document.content_type == f"image/{kind.lower()}"
        assert "STOKELEY" in document.text
    buffer = io.BytesIO()
    small = page.crop((0, 0, page.width, page.height // 3))
    small.save(buffer, "TIFF", save_all=True, append_images=[small])
    document = await reader.read(buffer.getvalue())
    assert len(document.pages) == 2
    assert all("LOWFIELD" in page.text for page in document.pages)


async def test_plain_text_needs_no_process() -> None:
    document = await read_document("Grüße\r\nRe: Ann".encode())
    assert document.text == "Grüße\nRe: Ann"
    assert (await read_document("Grüße".encode("cp1252"))).text == "Grüße"
    assert document.summary()["contentType"] == "text/plain"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + bytes(100),
        b"\x7fELF" + bytes(50),
        b"MZ\x90\x00\x03\x00\x00",
        b"\x00\x01\x02\x03" * 40,
        b"GIF89a\x00\x00\x01\x00",
    ],
)
async def test_other_types_are_refused(reader: DocumentReader, data: bytes) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        await reader.read(data)
    assert caught.value.status == 415
    assert caught.value.fix


def many_pages(count: int) -> bytes:
    content = b"BT /F1 12 Tf 72 720 Td (Page of a long letter) Tj ET"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    return write_pages([content] * count, "/Font << /F1 3 0 R >>", [font])


async def test_five_hundred_pages_are_read_and_one_more_is_refused(reader: DocumentReader) -> None:
    document = await reader.read(many_pages(500))
    assert len(document.pages) == 500
    assert all("long letter" in page.text for page in document.pages)
    with pytest.raises(TooLarge) as caught:
        await reader.read(many_pages(501))
    assert caught.value.code == "too_many_pages"


def encrypted_pdf() -> bytes:
    """A file whose user password is not empty (standard security handler, revision 2)."""
    key = "<" + "5a" * 32 + ">"
    body = assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
            f"<< /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -60 >>".encode(),
        ]
    )
    number = b"<00112233445566778899aabbccddeeff>"
    trailer = b"/Encrypt 4 0 R /ID [" + number + number + b"] /Root"
    return body.replace(b"/Root", trailer)


def no_pages() -> bytes:
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])


HOSTILE = {
    "header only": b"%PDF-1.7\n",
    "header and garbage": b"%PDF-1.4\n" + SECRET.encode() + bytes(range(256)) * 40,
    "encrypted": encrypted_pdf(),
    "no pages": no_pages(),
    "cut in half": digital_pdf(LETTERS["routine"])[:700],
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_file_that_cannot_be_read_is_refused_with_a_reason_and_no_content(
    reader: DocumentReader, name: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await reader.read(HOSTILE[name])
    error = caught.value
    assert error.code in {"document_broken", "document_encrypted", "document_empty"}
    assert error.fix
    assert SECRET not in error.message
    if name == "encrypted":
        assert error.code == "document_encrypted"


async def test_an_empty_file_and_a_file_beyond_the_limit(reader: DocumentReader) -> None:
    with pytest.raises(InvalidInput):
        await reader.read(b"")
    small = DocumentReader(Limits(size=100))
    with pytest.raises(TooLarge):
        await small.read(digital_pdf(LETTERS["routine"]))


async def test_a_broken_cross_reference_table_is_repaired_or_refused(
    reader: DocumentReader,
) -> None:
    pdf = digital_pdf(LETTERS["routine"])
    broken = pdf.replace(b"startxref\n", b"startxref\n99")
    document = await reader.read(broken)
    assert words(document.text) == words(LETTERS["routine"])


async def test_a_page_of_absurd_size_costs_no_more_than_any_other(reader: DocumentReader) -> None:
    box = b"BT /F1 12 Tf 72 720 Td (x) Tj ET 0 0 9000000 9000000 re f"
    pdf = write_pages([box], "", [], size=(9_000_000.0, 9_000_000.0))
    document = await reader.read(pdf)
    assert document.path in {"text", "ocr", "empty"}


async def test_an_inflation_bomb_dies_in_its_process_and_the_next_letter_is_read() -> None:
    bomb = zlib.compress(zlib.compress(bytes(400_000_000), 9), 9)
    body = f"<< /Length {len(bomb)} /Filter [/FlateDecode /FlateDecode] >>\nstream\n".encode()
    pdf = assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
            body + bomb + b"\nendstream",
        ]
    )
    reader = DocumentReader(Limits(memory=700 * 1024**2, text_seconds=15))
    try:
        # PDFium may stop inflating by itself (an empty page) or be stopped (a reason).
        with contextlib.suppress(TooLarge, InvalidInput, Unprocessable):
            assert (await reader.read(pdf)).path == "empty"
        good = await reader.read(digital_pdf(LETTERS["routine"]))
        assert words(good.text) == words(LETTERS["routine"])
    finally:
        reader.close()


async def test_a_reading_that_overruns_its_time_is_killed_and_replaced() -> None:
    reader = DocumentReader(Limits(text_seconds=0.005))
    try:
        with pytest.raises(TooLarge) as caught:
            await reader.read(many_pages(500))
        assert caught.value.code == "document_too_costly"
    finally:
        reader.close()


async def test_an_image_beyond_the_pixel_limit_is_refused_before_it_is_decoded() -> None:
    reader = DocumentReader(Limits(pixels=10_000, ocr_seconds=60))
    try:
        buffer = io.BytesIO()
        Image.new("L", (400, 400), 255).save(buffer, "PNG")
        with pytest.raises(TooLarge) as caught:
            await reader.read(buffer.getvalue())
        assert caught.value.code == "too_many_pixels"
    finally:
        reader.close()


async def test_a_broken_image_is_refused(reader: DocumentReader) -> None:
    buffer = io.BytesIO()
    Image.new("L", (400, 400), 200).save(buffer, "PNG")
    with pytest.raises(InvalidInput) as caught:
        await reader.read(buffer.getvalue()[:60])
    assert caught.value.code == "document_broken"


async def test_too_many_pages_without_text_are_refused(reader: DocumentReader) -> None:
    pdf = write_pages([b"0 0 100 100 re f"] * 21, "", [stream(b"")])
    with pytest.raises(TooLarge) as caught:
        await reader.read(pdf)
    assert caught.value.code == "too_many_pages"
