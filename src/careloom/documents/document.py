"""What a document looks like once it is read, and the limits it is read under."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.errors import UnsupportedMediaType
from careloom.types import JsonObject

PDF, PNG, JPEG, TIFF, TEXT = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "text/plain",
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that hold before and while a document is parsed."""

    size: int = 25 * 1024 * 1024
    """Bytes of the file."""
    pages: int = 500
    """Pages with a text layer."""
    ocr_pages: int = 20
    """Pages that have to be read from their image."""
    pixels: int = 40_000_000
    """Pixels of one image page."""
    characters: int = 2_000_000
    """Characters of the whole text."""
    text_seconds: float = 20.0
    """Wall and processor time for the text layer."""
    ocr_seconds: float = 20.0
    """Wall and processor time for each page read from its image."""
    memory: int = 3 * 1024**3
    """Address space of a reading process, bytes."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line read from an image; confidence is the mean probability of its characters."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `path`: text (the file's own text), ocr (read from the image) or empty."""

    number: int
    text: str
    path: str
    confidence: float | None = None
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A document as text. Pages are parted by a form feed in `text`."""

    content_type: str
    pages: tuple[Page, ...]

    @property
    def text(self) -> str:
        """The text of all pages."""
        return "\f".join(page.text for page in self.pages)

    @property
    def path(self) -> str:
        """text, ocr, mixed, or empty when nothing could be read on any page."""
        paths = {page.path for page in self.pages} - {"empty"}
        return "mixed" if len(paths) > 1 else next(iter(paths), "empty")

    @property
    def confidence(self) -> float | None:
        """Lowest page confidence of the pages read from images; None when there are none."""
        values = [page.confidence for page in self.pages if page.confidence is not None]
        return min(values) if values else None

    def summary(self) -> JsonObject:
        """Facts about the reading without any content."""
        return {
            "contentType": self.content_type,
            "pages": len(self.pages),
            "path": self.path,
            "ocrConfidence": self.confidence,
            "characters": len(self.text),
        }


def sniff(data: bytes) -> str:
    """The content type by the bytes alone. Raises UnsupportedMediaType (415) for any other."""
    if b"%PDF-" in data[:1024]:
        return PDF
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return TIFF
    if _is_text(data):
        return TEXT
    raise UnsupportedMediaType(
        "The file is neither a PDF, a PNG, JPEG or TIFF image, nor plain text.",
        code="unsupported_document",
        fix="Send the letter as PDF, as an image, or as plain text.",
    )


def _is_text(data: bytes) -> bool:
    head = data[:65_536]
    if not head.strip():
        return False
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    control = sum(1 for byte in head if byte < 32 and byte not in (9, 10, 12, 13))
    return b"\x00" not in head and control <= len(head) // 200


def decode_text(data: bytes) -> str:
    """Plain text in UTF-8, UTF-16 with a byte order mark, or Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
