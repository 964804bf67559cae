"""Text of a PDF page with its layout: columns and label/value rows stay apart by blanks."""

from __future__ import annotations

import ctypes
import itertools
import unicodedata
from dataclasses import dataclass
from statistics import median
from typing import Any

import pypdfium2.raw as pdfium

COLUMN_GAP = 1.75
"""A gap of this many character widths parts two columns."""


@dataclass(slots=True)
class Word:
    """A word at its baseline; points, y from the bottom of the page."""

    text: str
    x: float
    y: float
    right: float
    size: float


def page_words(text_page: Any) -> list[Word]:
    """The words of a page (a pypdfium2 text page) in the file's order."""
    raw = text_page.raw
    x, y = ctypes.c_double(), ctypes.c_double()
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    words: list[Word] = []
    letters: list[str] = []
    start = last = -1
    count = pdfium.FPDFText_CountChars(raw)
    for index in range(count + 1):
        code = pdfium.FPDFText_GetUnicode(raw, index) if index < count else 32
        char = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        if not char.isspace() and char != "\xad":
            if not letters:
                start = index
            letters.append(char)
            last = index
            continue
        if letters:
            pdfium.FPDFText_GetCharOrigin(raw, start, x, y)
            pdfium.FPDFText_GetCharBox(raw, last, left, right, bottom, top)
            size = pdfium.FPDFText_GetFontSize(raw, start)
            words.append(Word("".join(letters), x.value, y.value, right.value, size))
            letters = []
    return words


def _lines(words: list[Word]) -> list[list[Word]]:
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (-w.y, w.x)):
        if lines and abs(lines[-1][0].y - word.y) <= max(1.5, 0.3 * word.size):
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def lay_out(words: list[Word]) -> str:
    """Words on a grid of characters, top to bottom; a wide gap in height is an empty line."""
    if not words:
        return ""
    lines = _lines(words)
    widths = [(w.right - w.x) / len(w.text) for w in words if len(w.text) > 2 and w.right > w.x]
    cell = max(median(widths), 0.5) if widths else 5.0
    drops = [a[0].y - b[0].y for a, b in itertools.pairwise(lines)]
    pitch = median(drops) if drops else 0.0
    edge = min(word.x for word in words)
    out: list[str] = []
    for number, line in enumerate(lines):
        if number and drops[number - 1] > 1.6 * pitch:
            out.append("")
        out.append(_row(sorted(line, key=lambda w: w.x), edge, cell))
    return unicodedata.normalize("NFC", "\n".join(out))


def _row(line: list[Word], edge: float, cell: float) -> str:
    row = ""
    right = edge
    for word in line:
        gap = (word.x - right) / cell
        if row and gap < COLUMN_GAP:
            row += " " + word.text
        else:
            column = min(round((word.x - edge) / cell), 400)
            row = row.ljust(max(column, len(row) + 2 if row else 0)) + word.text
        right = max(right, word.right)
    return row
