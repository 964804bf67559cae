"""Dates, numbers, text and exact JSON: http://hl7.org/fhir/R4/search.html#ptypes"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from careloom.errors import InvalidInput
from careloom.fhir.references import parse_conditional, parse_literal, rewrite
from careloom.fhir.resource import new_id, parse, serialize
from careloom.fhir.search.conditions import split_prefix
from careloom.fhir.search.query import split_bars, split_values, unescape
from careloom.fhir.search.values import compact, fold, parse_number, parse_span


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00", "2025-01-01T00:00:00"),
        ("2024-02", "2024-02-01T00:00:00", "2024-03-01T00:00:00"),
        ("2024-12", "2024-12-01T00:00:00", "2025-01-01T00:00:00"),
        ("2024-02-29", "2024-02-29T00:00:00", "2024-03-01T00:00:00"),
        ("2024-02-29T10:05Z", "2024-02-29T10:05:00", "2024-02-29T10:06:00"),
        ("2024-02-29T10:05", "2024-02-29T10:05:00", "2024-02-29T10:06:00"),
        ("2024-02-29T23:30:00-05:00", "2024-03-01T04:30:00", "2024-03-01T04:30:01"),
        ("2024-02-29T00:30:00+05:30", "2024-02-28T19:00:00", "2024-02-28T19:00:01"),
        ("2024-02-29T10:05:07.25Z", "2024-02-29T10:05:07.250", "2024-02-29T10:05:07.260"),
        ("2024-02-29T10:05:60Z", "2024-02-29T10:05:59", "2024-02-29T10:06:00"),
    ],
)
def test_a_partial_date_is_the_span_it_leaves_open(text: str, start: str, end: str) -> None:
    assert parse_span(text) == (
        datetime.fromisoformat(start).replace(tzinfo=UTC),
        datetime.fromisoformat(end).replace(tzinfo=UTC),
    )


def test_the_last_year_has_no_end() -> None:
    assert parse_span("9999") == (datetime(9999, 1, 1, tzinfo=UTC), None)
    assert parse_span("9999-12-31") == (datetime(9999, 12, 31, tzinfo=UTC), None)


@pytest.mark.parametrize(
    "text", ["", "20", "2024-13", "2023-02-29", "2024-1-1", "soon", "2024-01-01T", "٢٠٢٤", "0000"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_span(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.4", (5.4, 5.35, 5.45)),
        ("5.40", (5.4, 5.395, 5.405)),
        ("100", (100, 99.5, 100.5)),
        ("1e2", (100, 95, 105)),
        ("1.0e2", (100, 99.5, 100.5)),
        ("-3", (-3, -3.5, -2.5)),
        ("0", (0, -0.5, 0.5)),
    ],
)
def test_a_number_has_the_precision_it_is_written_with(
    text: str, expected: tuple[float, float, float]
) -> None:
    assert parse_number(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "1e999", "1e-999", "--1"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_folding_ignores_case_accents_and_spacing() -> None:
    assert fold("  Ärzte\t Straße ") == fold("arzte STRASSE") == "arzte strasse"
    assert fold("O'Neil") == "o'neil"


def test_a_long_key_equals_only_itself() -> None:
    first, second = "x" * 500, "x" * 499 + "y"
    assert len(compact(first)) < 200
    assert compact(first) != compact(second)
    assert compact("short") == "short"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a,b", ("a", "b")), ("a\\,b,c", ("a\\,b", "c")), (",a,,", ("a",)), ("", ())],
)
def test_commas_separate_unless_escaped(text: str, expected: tuple[str, ...]) -> None:
    assert split_values(text) == expected


def test_escapes_of_the_search_syntax() -> None:
    assert split_bars("urn:x|a\\|b") == ["urn:x", "a|b"]
    assert unescape("a\\,b\\$c\\\\d") == "a,b$c\\d"
    assert split_prefix("ge2020") == ("ge", "2020")
    assert split_prefix("lt-5") == ("lt", "-5")
    assert split_prefix("german") == ("eq", "german")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":2.50}',
        b'{"a":[1.0,100.00,0.10]}',
        b'{"a":1e3,"b":1E-7}',
        b'{"a":1.23456789012345678901234567890}',
        b'{"a":"2.50","b":"\\u00e4"}',
        b'{"a":185}',
    ],
)
def test_json_keeps_the_digits_of_decimals(text: bytes) -> None:
    expected = text.replace(b"\\u00e4", "ä".encode())
    assert serialize(parse(text)) == expected


def test_a_value_with_exact_digits_is_still_a_number() -> None:
    assert parse(b'{"a":2.50}')["a"] == 2.5


@pytest.mark.parametrize(
    "text", [b"", b"{", b"NaN", b'{"a":1.50,"b":Infinity}', b"\xff", b'{"a":1.50,"b":"\\ud800"}']
)
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidInput, match="not JSON"):
        parse(text)


def test_ids_are_valid_ordered_and_different() -> None:
    made = [new_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert [i[:13] for i in made] == sorted(i[:13] for i in made)
    assert all(len(i) == 36 and i[14] == "7" and i[19] in "89ab" for i in made)


def test_references_are_read_in_their_forms() -> None:
    local = parse_literal("Patient/1/_history/2")
    assert local is not None
    assert (local.type, local.id, local.version, local.base) == ("Patient", "1", "2", None)
    remote = parse_literal("https://h.org/a/fhir/Patient/1")
    assert remote is not None
    assert remote.base == "https://h.org/a/fhir"
    for text in ("Patient", "Patient/a b", "patient/1", "#x", "urn:uuid:1", "A/B/C/D"):
        assert parse_literal(text) is None, text
    assert parse_conditional("Patient?identifier=a|b") == ("Patient", "identifier=a|b")
    assert parse_conditional("Patient/1") is None


def test_rewriting_leaves_identifier_values_and_the_original_alone() -> None:
    given = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": "urn:uuid:1"},
        "identifier": [{"value": "urn:uuid:1"}],
        "instantiatesUri": ["urn:uuid:1"],
    }
    made = rewrite(given, {"urn:uuid:1": "Patient/9"}.get)
    assert made["subject"]["reference"] == "Patient/9"
    assert made["identifier"][0]["value"] == "urn:uuid:1"
    assert given["subject"]["reference"] == "urn:uuid:1"


def test_rewriting_replaces_uris_and_no_canonicals_or_texts() -> None:
    """http://hl7.org/fhir/R4/http.html#trules"""
    old, new = "urn:uuid:1", "Patient/9"
    given = {
        "resourceType": "ServiceRequest",
        "instantiatesUri": [old, "urn:uuid:2"],
        "instantiatesCanonical": [old],
        "patientInstruction": old,
        "code": {"coding": [{"system": old, "code": old, "display": old}]},
        "extension": [{"url": "http://e", "valueUri": old}, {"url": "http://c", "valueCode": old}],
        "note": [{"text": old, "authorReference": {"reference": old}}],
        "contained": [{"resourceType": "Basic", "implicitRules": old, "language": old}],
    }
    made = rewrite(given, {old: new}.get)
    assert made["instantiatesUri"] == [new, "urn:uuid:2"]
    assert made["instantiatesCanonical"] == [old]
    assert made["patientInstruction"] == old
    assert made["code"]["coding"] == [{"system": new, "code": old, "display": old}]
    assert [one.get("valueUri") or one.get("valueCode") for one in made["extension"]] == [new, old]
    assert made["note"] == [{"text": old, "authorReference": {"reference": new}}]
    assert made["contained"] == [{"resourceType": "Basic", "implicitRules": new, "language": old}]
