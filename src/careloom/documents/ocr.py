"""Reading a page from its picture: prepare, find the lines, read them, put them back in place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from statistics import median
from typing import Any, BinaryIO

import cv2
import numpy as np

from careloom.documents.line_boxes import Run, find_runs
from careloom.documents.page_image import WORKING_DPI_HEIGHT, Grey, prepare
from careloom.documents.recogniser import Head, Reading, crop, features, open_session
from careloom.errors import InvalidInput, TooLarge
from careloom.types import JsonObject

FOLDED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"})
WIDE_GAP = 2.1
"""Multiples of the page's usual character width from which a gap between words is a column."""


def pdf_page_image(page: Any) -> Grey:
    """A PDF page as a grey image whose longer side is the working size, whatever its page size."""
    width, height = page.get_size()
    if width <= 0 or height <= 0:
        raise InvalidInput(
            "A page of the PDF has no size.",
            code="document_broken",
            fix="Export the letter again and send the new file.",
        )
    scale = WORKING_DPI_HEIGHT / max(width, height)
    bitmap = page.render(scale=scale, grayscale=True, may_draw_forms=False)
    return np.array(
        bitmap.to_numpy()[:, :, 0] if bitmap.to_numpy().ndim == 3 else bitmap.to_numpy(),
        dtype=np.uint8,
    )


def image_frames(stream: BinaryIO, pixels: int, frames: int) -> Iterator[Grey]:
    """The frames of a PNG, JPEG or TIFF. Raises TooLarge before decoding what is beyond limits."""
    # Only needed in the reading process, for images.
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = pixels
    try:
        with Image.open(stream) as image:
            count = getattr(image, "n_frames", 1)
            if count > frames:
                raise TooLarge(
                    f"The image has {count} pages; the limit is {frames}.",
                    code="too_many_pages",
                    fix="Send the letter without its enclosures.",
                )
            for index in range(count):
                image.seek(index)
                if image.width * image.height > pixels:
                    raise TooLarge(
                        f"The image has more than {pixels} pixels.",
                        code="too_many_pixels",
                        fix="Scan at 200 dpi.",
                    )
                upright = ImageOps.exif_transpose(image) if count == 1 else image
                yield np.asarray(_on_white(upright).convert("L"), dtype=np.uint8)
    except Image.DecompressionBombError:
        raise TooLarge(
            f"The image has more than {pixels} pixels.",
            code="too_many_pixels",
            fix="Scan at 200 dpi.",
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError):
        raise InvalidInput(
            "The image is broken and cannot be decoded.",
            code="document_broken",
            fix="Scan the letter again and send the new file.",
        ) from None


def _on_white(image: Any) -> Any:
    """Transparent parts become paper."""
    from PIL import Image

    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image)
    return image


class PageReader:
    """Reads page images; holds the models."""

    def __init__(self, threads: int) -> None:
        cv2.setNumThreads(threads)
        self._session = open_session(threads)
        self._head = Head()

    def read(self, image: Grey) -> JsonObject:
        """Text, confidence and lines of a page; an empty page has no confidence."""
        if min(image.shape) < 20:
            return {"text": "", "confidence": None, "lines": []}
        grey, _ = prepare(image)
        runs = find_runs(grey)
        crops = [crop(grey, r.left, r.top, r.right, r.bottom) for r in runs]
        scales = [(r.right - r.left) / max(1, c.shape[1]) for r, c in zip(runs, crops, strict=True)]
        found = features(self._session, crops)
        readings = [self._head.read(f, 8 * s) for f, s in zip(found, scales, strict=True)]
        return assemble(runs, readings)


def assemble(runs: list[Run], readings: list[Reading]) -> JsonObject:
    """Readings on a grid of characters, line by line, with the confidence of each line."""
    read = [
        (run, _spaced(reading), reading.confidence)
        for run, reading in zip(runs, readings, strict=True)
        if reading.text.strip() and not run.rule
    ]
    if not read:
        return {"text": "", "confidence": None, "lines": []}
    pairs = [(run, text) for run, text, _ in read]
    sure = {id(run): confidence for run, _, confidence in read}
    cell = median((run.right - run.left) / max(1, len(text)) for run, text in pairs)
    pairs = sorted(
        pairs + [(run, "-" * max(3, run.dashes)) for run in runs if run.rule],
        key=lambda pair: (pair[0].line, pair[0].left),
    )
    edge = min(run.left for run, _ in pairs)
    tops = sorted({run.line: run.top for run, _ in pairs}.items())
    drops = [b[1] - a[1] for a, b in itertools.pairwise(tops)]
    pitch = sorted(drops)[len(drops) // 4] if drops else 0
    rows: list[str] = []
    lines: list[tuple[str, float]] = []
    weight = total = 0.0
    previous: int | None = None
    for number, top in tops:
        if previous is not None and top - previous > 1.6 * pitch:
            rows.append("")
        previous = top
        row = ""
        chances: list[tuple[int, float]] = []
        for run, text in (p for p in pairs if p[0].line == number):
            column = min(round((run.left - edge) / cell), 400)
            row = row.ljust(max(column, len(row) + 2 if row else 0)) + text
            chances.append((len(text), sure.get(id(run), 1.0)))
        share = sum(n * c for n, c in chances) / sum(n for n, _ in chances)
        total += share * len(row.strip())
        weight += len(row.strip())
        rows.append(row.translate(FOLDED))
        lines.append((row.strip().translate(FOLDED), round(share, 4)))
    return {"text": "\n".join(rows), "confidence": round(total / weight, 4), "lines": lines}


def _spaced(reading: Reading) -> str:
    """The text with a second blank where the gap on paper is as wide as a column."""
    text, steps = reading.text, reading.steps
    if text.count(" ") < 2:
        return " ".join(text.split())
    gaps = {i: steps[i + 1] - steps[i - 1] for i in range(1, len(text) - 1) if text[i] == " "}
    usual = median(gaps.values()) if gaps else 0
    out = [
        char if char != " " else "  " if gaps.get(i, 0) > WIDE_GAP * usual + 2 else " "
        for i, char in enumerate(text)
    ]
    return "".join(out).strip()
