"""The content type of a file that is handed in: by its bytes; of a text, also by its name."""

from __future__ import annotations

import csv

import orjson

from careloom.documents.document import TEXT, decode_text, sniff

CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
_LOOKED_AT = 65_536
_LINES = 20


def content_type(name: str, data: bytes) -> str:
    """The type by the bytes. A text is NDJSON when its lines are JSON objects, JSON when it is one
    value, and CSV when its name says so and its rows are equally long. Raises UnsupportedMediaType
    (415) for bytes that are nothing known."""
    kind = sniff(data)
    if kind != TEXT:
        return kind
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json(data)
    if name.lower().endswith(".csv") and _is_csv(decode_text(data[:_LOOKED_AT])):
        return CSV
    return TEXT


def _json(data: bytes) -> str:
    head = data[:_LOOKED_AT]
    lines = [line for line in head.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    whole = lines if len(data) <= _LOOKED_AT or len(lines) == 1 else lines[:-1]
    if len(whole) > 1 and all(_is_object(line) for line in whole[:_LINES]):
        return NDJSON
    try:
        orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return TEXT
    return JSON


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _is_csv(text: str) -> bool:
    rows = text.splitlines()[:_LINES]
    first = rows[0] if rows else ""
    separator = max(",;\t|", key=first.count)
    try:
        lengths = {len(row) for row in csv.reader(rows, delimiter=separator) if row}
    except csv.Error:
        return False
    return bool(lengths) and (len(lengths) == 1 or len(text) >= _LOOKED_AT)
