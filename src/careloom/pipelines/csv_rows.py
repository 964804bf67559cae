"""Rows of a CSV file, one at a time, from any place in it. RFC 4180, with a choice of delimiter.

The place is a byte offset between two rows, so that a pipeline goes on where it was without
reading again what lies before.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from careloom.errors import InvalidInput
from careloom.pipelines.rows import Fault, Row
from careloom.types import Json, JsonObject

ENCODINGS = ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")
"""Encodings in which a line end is one byte; what they are: https://www.iana.org/assignments/character-sets"""
TYPES = ("text", "integer", "decimal", "boolean", "date", "datetime")
_BOM = b"\xef\xbb\xbf"
_RAW_KEPT = 65_536
_MOST_COLUMNS = 2_000
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How a file is to be read."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    columns: tuple[str, ...] | None = None
    """The names of the columns, when the file has no header."""
    types: dict[str, str] = field(default_factory=dict)
    """Column → type; `date:%d.%m.%Y` and `datetime:…` say the form."""


@dataclass(slots=True)
class CsvPlace:
    """A place between two rows."""

    offset: int = 0
    line: int = 1
    row: int = 0


def read_csv(data: bytes, how: CsvFormat, place: CsvPlace) -> Iterator[tuple[Row, CsvPlace]]:
    """Every row from the place on, each with the place behind it.

    Raises InvalidInput when the header cannot be used. What is wrong with one row is its fault and
    ends nothing.
    """
    lines = _Lines(data, how.encoding, CsvPlace(place.offset, place.line, place.row))
    columns = how.columns or _header(data, how, lines)
    number = lines.place.row
    while not lines.ended:
        start, began = lines.place.line, lines.place.offset
        fault: Fault | None
        try:
            cells = next(
                csv.reader(lines, delimiter=how.delimiter, quotechar=how.quote, strict=True)
            )
        except StopIteration:
            return
        except csv.Error:
            cells, fault = [], Fault("csv_quote", "The quotation marks of this row do not close")
        else:
            if not cells:
                continue
            fault = _shape_fault(cells, columns)
        number += 1
        raw = data[began : min(lines.place.offset, began + _RAW_KEPT)].decode(
            how.encoding, "replace"
        )
        item: JsonObject | None = None
        if fault is None:
            item, fault = _typed(dict(zip(columns, cells, strict=True)), how.types)
        behind = CsvPlace(lines.place.offset, lines.place.line, number)
        yield Row(start, item, {"text": raw} if item is None else item, fault), behind


class _Lines:
    """The lines of a file, decoded one by one, that know where they are."""

    def __init__(self, data: bytes, encoding: str, place: CsvPlace) -> None:
        self._data = data
        self._encoding = encoding
        self.place = place

    @property
    def ended(self) -> bool:
        return self.place.offset >= len(self._data)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        start = self.place.offset
        if start >= len(self._data):
            raise StopIteration
        end = self._data.find(b"\n", start) + 1 or len(self._data)
        self.place.offset = end
        self.place.line += 1
        # A wrong byte spoils its own row, not the file.
        return self._data[start:end].decode(self._encoding, "surrogateescape")


def _header(data: bytes, how: CsvFormat, lines: _Lines) -> tuple[str, ...]:
    """The names of the first line; the place goes behind it when it stands at the start."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    first = _Lines(data, how.encoding, CsvPlace(start, 1, 0))
    try:
        names = next(csv.reader(first, delimiter=how.delimiter, quotechar=how.quote, strict=True))
    except (StopIteration, csv.Error):
        names = []
    names = [name.strip() for name in names]
    if not names or not all(names) or len(set(names)) != len(names) or len(names) > _MOST_COLUMNS:
        raise InvalidInput(
            "The first line of the file does not name its columns, each once",
            code="csv_header",
            fix="give the file a header, or name the columns in the pipeline with `columns`",
        )
    missing = sorted(how.types.keys() - set(names))
    if missing:
        raise InvalidInput(
            f"The file has no column {', '.join(missing)}, for which the pipeline has a type",
            code="csv_header",
            fix="correct the file's header or the pipeline's `types`",
        )
    if lines.place.offset < first.place.offset:
        lines.place = first.place
    return tuple(names)


def _shape_fault(cells: list[str], columns: tuple[str, ...]) -> Fault | None:
    if len(cells) != len(columns):
        return Fault(
            "csv_columns", f"The row has {len(cells)} cells, the file {len(columns)} columns"
        )
    if any("\0" in cell for cell in cells):
        return Fault("csv_character", "The row has the character U+0000, which cannot be stored")
    if any(
        "\udc80" <= letter <= "\udcff" for cell in cells for letter in cell if letter > "\ud7ff"
    ):
        return Fault("csv_encoding", "The row has bytes that its encoding does not have")
    return None


def _typed(cells: dict[str, str], types: dict[str, str]) -> tuple[JsonObject | None, Fault | None]:
    """The row with typed values; an empty cell is null."""
    item: JsonObject = {name: cell.strip() or None for name, cell in cells.items()}
    for name, kind in types.items():
        text = item[name]
        if text is None:
            continue
        try:
            item[name] = _value(text, kind)
        except ValueError:
            return None, Fault(
                "csv_type", f"The cell of column {name} is no {kind.partition(':')[0]}"
            )
    return item, None


def _value(text: str, kind: str) -> Json:
    name, _, form = kind.partition(":")
    match name:
        case "integer":
            return int(text)
        case "decimal":
            return float(text)
        case "boolean":
            if text.lower() in _TRUE:
                return True
            if text.lower() in _FALSE:
                return False
            raise ValueError("neither true nor false")
        case "date":
            parsed = datetime.strptime(text, form).date() if form else date.fromisoformat(text)
            return parsed.isoformat()
        case "datetime":
            moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
            return moment.isoformat()
    return text
