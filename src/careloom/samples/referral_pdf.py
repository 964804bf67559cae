# ruff: noqa: SIM905 - word lists read better as text
"""Referral letters as PDF with a text layer, written without a PDF library.

The file uses the standard fonts of ISO 32000-1, 9.6.2.2, with an encoding made for the letter's own
characters and a ToUnicode map, so that every reader gets the text back letter for letter. Columns
of the plain text (two or more blanks) stay columns on the page. Lengths are in points.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

PAGE_WIDTH, PAGE_HEIGHT = 595, 842
MARGIN = 38.0
SIZE = 9.6
LINE = 12.1
CELL = 5.46
"""Width of one column of the plain text: 95 of them fill the page between the margins."""
LINES_PER_PAGE = 63
FONTS = ("Helvetica", "Times-Roman", "Courier")

_HELVETICA = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 "
    "556 556 556 278 278 584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 "
    "722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 333 556 556 500 556 "
    "556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 "
    "260 334 584"
)
_TIMES = (
    "250 333 408 500 500 833 778 180 333 333 500 564 250 333 250 278 500 500 500 500 500 500 500 "
    "500 500 500 278 278 564 564 564 444 921 722 667 667 722 611 556 722 722 333 389 722 611 889 "
    "722 722 556 722 667 556 611 722 722 944 722 722 611 333 278 333 469 500 333 444 500 444 500 "
    "444 333 500 500 278 278 500 278 778 500 500 500 500 333 389 278 500 500 722 500 500 444 480 "
    "200 480 541"
)
WIDTHS: dict[str, tuple[int, ...]] = {
    "Helvetica": tuple(map(int, _HELVETICA.split())),
    "Times-Roman": tuple(map(int, _TIMES.split())),
    "Courier": (600,) * 95,
}
"""Advance widths of U+0020 to U+007E in thousandths of the size (Adobe font metrics)."""

_ACCENTS = {
    "GRAVE": "grave",
    "ACUTE": "acute",
    "CIRCUMFLEX": "circumflex",
    "TILDE": "tilde",
    "DIAERESIS": "dieresis",
    "RING ABOVE": "ring",
    "CEDILLA": "cedilla",
    "CARON": "caron",
    "BREVE": "breve",
    "OGONEK": "ogonek",
    "MACRON": "macron",
    "STROKE": "slash",
    "DOT ABOVE": "dotaccent",
}
_NAMES = {
    " ": "space",
    "ß": "germandbls",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ı": "dotlessi",
    "°": "degree",
    "µ": "mu",
    "±": "plusminus",
    "²": "twosuperior",
    "³": "threesuperior",
    "·": "periodcentered",
    "–": "endash",
    "—": "emdash",
    "‘": "quoteleft",
    "’": "quoteright",
    "“": "quotedblleft",
    "”": "quotedblright",
    "„": "quotedblbase",
    "«": "guillemotleft",
    "»": "guillemotright",
    "•": "bullet",
    "…": "ellipsis",
    "€": "Euro",
    "£": "sterling",
    "½": "onehalf",
    "¼": "onequarter",
    "×": "multiply",
    "÷": "divide",
    "§": "section",
    "º": "ordmasculine",
    "ª": "ordfeminine",
    "¿": "questiondown",
    "¡": "exclamdown",
    "≥": "greaterequal",
    "≤": "lessequal",
    "¾": "threequarters",
    "ł": "lslash",
    "Ł": "Lslash",
}
_ASCII = (
    "space exclam quotedbl numbersign dollar percent ampersand quotesingle parenleft parenright "
    "asterisk plus comma hyphen period slash zero one two three four five six seven eight nine "
    "colon semicolon less equal greater question at"
).split()
_ASCII_TAIL = (
    "bracketleft backslash bracketright asciicircum underscore grave".split(),
    "braceleft bar braceright asciitilde".split(),
)


def glyph_name(char: str) -> str:
    """The Adobe glyph name of a character; `uniXXXX` where the list has none."""
    code = ord(char)
    if char.isascii() and char.isalpha():
        return char
    if 32 <= code <= 64:
        return _ASCII[code - 32]
    if 91 <= code <= 96:
        return _ASCII_TAIL[0][code - 91]
    if 123 <= code <= 126:
        return _ASCII_TAIL[1][code - 123]
    if char in _NAMES:
        return _NAMES[char]
    match = re.fullmatch(
        r"LATIN (SMALL|CAPITAL) LETTER (\w) WITH ([A-Z ]+)", unicodedata.name(char, "")
    )
    if match and match[3] in _ACCENTS:
        letter = match[2].lower() if match[1] == "SMALL" else match[2]
        return letter + _ACCENTS[match[3]]
    return f"uni{code:04X}"


def text_width(run: str, font: str) -> float:
    """Width of a run at size SIZE, in points."""
    widths = WIDTHS[font]
    total = 0
    for char in run:
        plain = "i" if char == "ı" else unicodedata.normalize("NFD", char)[0]
        code = ord(plain)
        total += widths[code - 32] if 32 <= code <= 126 else 556
    return total * SIZE / 1000


def _content(lines: Sequence[str], codes: dict[str, int], font: str) -> bytes:
    parts = ["BT", f"/F1 {SIZE} Tf"]
    for number, line in enumerate(lines):
        y = PAGE_HEIGHT - MARGIN - SIZE - number * LINE
        for match in re.finditer(r"\S+(?: \S+)*", line):
            run = match[0]
            following = re.search(r"\S", line[match.end() :])
            last = following.start() + match.end() - 1 if following else 98
            scale = min(100.0, 100 * (last - match.start()) * CELL / text_width(run, font))
            shown = "".join(f"{codes[char]:02x}" for char in run)
            x = MARGIN + match.start() * CELL
            parts.append(f"{scale:.1f} Tz 1 0 0 1 {x:.2f} {y:.2f} Tm <{shown}> Tj")
    return "\n".join([*parts, "ET"]).encode()


def _to_unicode(codes: dict[str, int]) -> bytes:
    pairs = [f"<{code:02x}> <{char.encode('utf-16-be').hex()}>" for char, code in codes.items()]
    blocks = [
        f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar"
        for block in (pairs[i : i + 100] for i in range(0, len(pairs), 100))
    ]
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Letter def "
        "/CMapType 2 def 1 begincodespacerange <00> <ff> endcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap end end"
    ).encode()


def stream(data: bytes, entries: str = "", *, compress: bool = True) -> bytes:
    """A PDF stream object's body; compressed with FlateDecode unless it already is."""
    if compress:
        data, entries = zlib.compress(data, 6), entries + " /Filter /FlateDecode"
    return f"<< /Length {len(data)} {entries} >>\nstream\n".encode() + data + b"\nendstream"


def assemble(objects: Sequence[bytes]) -> bytes:
    """Objects 1…n (the first is the catalog) as a file with its cross-reference table."""
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    return bytes(out + f"startxref\n{start}\n%%EOF\n".encode())


def write_pages(
    contents: Sequence[bytes],
    resources: str,
    extra: Sequence[bytes],
    size: tuple[float, float] = (PAGE_WIDTH, PAGE_HEIGHT),
) -> bytes:
    """A document of pages that share resources; `extra` objects are numbered from 3."""
    first = 3 + len(extra)
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        *extra,
    ]
    for index, content in enumerate(contents):
        box = f"[0 0 {size[0]:.2f} {size[1]:.2f}]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Resources << {resources} >> "
            f"/Contents {first + 2 * index + 1} 0 R >>".encode()
        )
        objects.append(stream(content))
    return assemble(objects)


def digital_pdf(text: str, font: str = "Helvetica") -> bytes:
    """The letter as an A4 PDF with a text layer; `font` is one of FONTS."""
    text = unicodedata.normalize("NFC", text.replace("\t", "    ").replace("\r", ""))
    codes = {char: 33 + i for i, char in enumerate(sorted(set(text) - {"\n", "\f", " "}))}
    codes[" "] = 32
    lines = text.replace("\f", "\n").split("\n")
    pages = [lines[i : i + LINES_PER_PAGE] for i in range(0, len(lines), LINES_PER_PAGE)]
    ordered = sorted(codes.items(), key=lambda item: item[1])
    names = " ".join(f"/{glyph_name(char)}" for char, _ in ordered)
    widths = " ".join(str(round(text_width(char, font) * 1000 / SIZE)) for char, _ in ordered)
    extra = [
        (
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} /FirstChar 32 "
            f"/LastChar {31 + len(codes)} /Widths [{widths}] /ToUnicode 4 0 R "
            f"/Encoding << /Type /Encoding /Differences [32 {names}] >> >>"
        ).encode(),
        stream(_to_unicode(codes)),
    ]
    contents = [_content(page, codes, font) for page in pages]
    return write_pages(contents, "/Font << /F1 3 0 R >>", extra)
