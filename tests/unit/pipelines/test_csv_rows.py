"""CSV: every row has its line, its place behind it and, where it is wrong, its cause."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloom.errors import InvalidInput
from careloom.pipelines.csv_rows import CsvFormat, CsvPlace, read_csv


def read(data: bytes, how: CsvFormat | None = None, place: CsvPlace | None = None) -> list[Any]:
    return list(read_csv(data, how or CsvFormat(), place or CsvPlace()))


def test_rows_are_read_with_their_types() -> None:
    types = {"n": "integer", "x": "decimal", "ok": "boolean", "d": "date:%d.%m.%Y"}
    [(row, _)] = read(b"n,x,ok,d,t\n7,1.5,Yes,31.12.1999,\n", CsvFormat(types=types))
    assert row.item == {"n": 7, "x": 1.5, "ok": True, "d": "1999-12-31", "t": None}
    assert row.line == 2


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_the_data() -> None:
    [(row, place)] = read(b"\xef\xbb\xbfa;b\r\n1;2\r\n", CsvFormat(delimiter=";"))
    assert row.item == {"a": "1", "b": "2"}
    assert place.offset == 13


def test_columns_can_be_named_for_a_file_without_a_header() -> None:
    assert [row.item for row, _ in read(b"1,2\n3,4\n", CsvFormat(columns=("a", "b")))] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": "4"},
    ]


@pytest.mark.parametrize("data", [b"", b"a,a\n", b"a,,b\n", b"\n1,2\n", b'"a\n'])
def test_a_header_that_names_nothing_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(data)
    assert refused.value.code == "csv_header"


def test_a_wrong_row_is_its_own_fault_and_no_others() -> None:
    data = b'a,b\n1\n"x"y,2\n\xff,2\n\x00,2\nz,notanumber\n\nlast,9\n'
    rows = [row for row, _ in read(data, CsvFormat(types={"b": "integer"}))]
    assert [(row.line, row.fault.code if row.fault else None) for row in rows] == [
        (2, "csv_columns"),
        (3, "csv_quote"),
        (4, "csv_encoding"),
        (5, "csv_character"),
        (6, "csv_type"),
        (8, None),
    ]
    assert rows[0].raw == {"text": "1\n"}
    assert all("notanumber" not in row.fault.message for row in rows if row.fault)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), cut=st.integers(0, 7))
def test_from_any_place_the_rest_is_read_as_from_the_start(
    rows: list[tuple[str, str]], cut: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b"), *rows])
    data = text.getvalue().encode()
    whole = read(data)
    assert [row.item for row, _ in whole] == [
        {"a": a.strip() or None, "b": b.strip() or None} for a, b in rows
    ]
    place = whole[min(cut, len(whole) - 1)][1]
    rest = read(data, place=place)
    assert [(row.line, row.item) for row, _ in rest] == [
        (row.line, row.item) for row, _ in whole[min(cut, len(whole) - 1) + 1 :]
    ]
