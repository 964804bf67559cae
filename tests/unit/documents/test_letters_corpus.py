"""The referral letters that judge the extractor agree with their own truth rows.

Every value that a truth row claims to be printed in its letter must really be printed there:
a truth that the letter does not state would fail a correct extractor.
"""

from __future__ import annotations

import datetime
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "data" / "referral_letters"
SPLITS = {"example": 40, "judge": 200}
MAX_LINES, MAX_COLUMNS = 62, 95

LANGUAGES = {"en", "de", "fr", "es"}
URGENCIES = {"emergency", "urgent", "routine"}
SPECIALTIES = {
    "cardiology",
    "respiratory",
    "gastroenterology",
    "neurology",
    "orthopaedics",
    "dermatology",
    "ophthalmology",
    "urology",
    "gynaecology",
    "paediatrics",
    "psychiatry",
    "endocrinology",
    "rheumatology",
    "oncology",
    "ent",
    "general_surgery",
    "vascular",
    "nephrology",
    "haematology",
    "general_medicine",
}
RED_FLAGS = {
    "chest_pain_acute",
    "stroke_symptoms",
    "sepsis",
    "cauda_equina",
    "suspected_cancer",
    "haemoptysis",
    "haematemesis_or_melaena",
    "sudden_vision_loss",
    "suicidal_intent",
    "airway_compromise",
    "anaphylaxis",
    "meningism",
    "acute_limb_ischaemia",
    "ectopic_or_pregnancy_bleeding",
    "testicular_torsion",
    "severe_head_injury",
    "temporal_arteritis",
    "dvt_or_pe",
    "status_epilepticus_or_first_seizure",
    "safeguarding",
    "red_eye_with_pain",
    "haematuria_visible",
    "rectal_bleeding",
    "jaundice",
    "unexplained_weight_loss",
    "retention_of_urine",
    "fever_in_neutropenia",
    "acute_abdomen",
}
VITALS = {"hr", "sbp", "dbp", "rr", "spo2", "on_oxygen", "temp_c", "consciousness"}
# Wide bounds: a truth outside them is a slip of the pen, not a sick patient.
PLAUSIBLE = {
    "hr": (25, 260),
    "sbp": (50, 260),
    "dbp": (25, 160),
    "rr": (4, 80),
    "spo2": (60, 100),
}


def _rows(split: str) -> list[dict[str, Any]]:
    """The truth rows of one split, in file order."""
    lines = (CORPUS / split / "truth.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _letter(row: dict[str, Any]) -> str:
    """The letter's text as committed."""
    path = CORPUS / str(row["split"]) / str(row["file"])
    return path.read_text(encoding="utf-8")


def _flat(text: str) -> str:
    """Case folded, with every run of white space as one blank."""
    return re.sub(r"\s+", " ", text).casefold()


def _alnum(text: str) -> str:
    """Letters and digits only, case folded: identifiers and telephones are printed in groups."""
    return re.sub(r"[\W_]", "", text).casefold()


def _number_printed(value: float, text: str) -> bool:
    """Whether the number stands in the text on its own, with a decimal point or comma."""
    shown = f"{value:g}"
    forms = {shown, shown.replace(".", ","), f"{shown}.0", f"{shown},0"}
    return any(re.search(rf"(?<![\d]){re.escape(form)}(?!\d)", text) for form in forms)


def _temperature_printed(celsius: float, text: str) -> bool:
    """Whether the temperature is printed in degrees Celsius or, rounded to 0.1, in Fahrenheit."""
    fahrenheit = re.findall(r"(?<!\d)(?:9\d|10\d)(?:\.\d)?(?!\d)", text)
    converted = {round((float(found) - 32) / 1.8, 1) for found in fahrenheit}
    return _number_printed(celsius, text) or celsius in converted


def _birth_date_printed(birth_date: str, text: str) -> bool:
    """Whether the year (or its last two digits) and the day of the birth date are printed."""
    born = datetime.date.fromisoformat(birth_date)
    compact = {born.strftime(form) for form in ("%d%m%y", "%Y%m%d", "%d%m%Y", "%m%d%Y")}
    if any(form in text for form in compact):
        return True
    year = rf"(?<!\d)(?:{born.year}|{born.year % 100:02d})(?!\d)"
    day = rf"(?<!\d)0?{born.day}(?:st|nd|rd|th|er)?(?!\d)"
    return bool(re.search(year, text) and re.search(day, text))


def _printed_claims(row: dict[str, Any]) -> list[str]:
    """The values of a row that must occur in the letter word for word."""
    claims = [
        row["patient"]["family"],
        row["patient"]["given"],
        row["referrer"]["name"],
        row["referrer"]["organization"],
        row["reason_quote"],
        *row["medications"],
        *row["stopped_medications"],
        *row["allergies"],
    ]
    return [claim for claim in claims if claim is not None]


@pytest.mark.parametrize("split", SPLITS)
def test_every_letter_has_one_truth_row_and_every_row_its_letter(split: str) -> None:
    rows = _rows(split)
    assert len(rows) >= SPLITS[split]
    assert {row["file"] for row in rows} == {p.name for p in (CORPUS / split).glob("*.txt")}
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["split"] for row in rows} == {split}


@pytest.mark.parametrize("split", SPLITS)
def test_printed_values_occur_in_the_letter(split: str) -> None:
    missing: list[str] = []
    for row in _rows(split):
        text = _letter(row)
        flat, alnum = _flat(text), _alnum(text)
        missing += [f"{row['id']}: {c}" for c in _printed_claims(row) if _flat(c) not in flat]
        for field in ("identifier", "phone"):
            value = row["patient"][field]
            if value is not None and _alnum(value) not in alnum:
                missing.append(f"{row['id']}: {field} {value}")
        birth_date = row["patient"]["birth_date"]
        if birth_date is not None and not _birth_date_printed(birth_date, text):
            missing.append(f"{row['id']}: birth date {birth_date}")
    assert missing == []


@pytest.mark.parametrize("split", SPLITS)
def test_vital_signs_are_printed_and_plausible(split: str) -> None:
    wrong: list[str] = []
    for row in _rows(split):
        text, vitals = _letter(row), row["vitals"]
        assert set(vitals) == VITALS
        for name, (low, high) in PLAUSIBLE.items():
            value = vitals[name]
            if value is not None and not (low <= value <= high and _number_printed(value, text)):
                wrong.append(f"{row['id']}: {name} {value}")
        celsius = vitals["temp_c"]
        if celsius is not None and not _temperature_printed(celsius, text):
            wrong.append(f"{row['id']}: temp_c {celsius}")
    assert wrong == []


@pytest.mark.parametrize("split", SPLITS)
def test_codes_come_from_the_published_lists(split: str) -> None:
    for row in _rows(split):
        assert row["language"] in LANGUAGES, row["id"]
        assert row["urgency"] in URGENCIES, row["id"]
        assert row["specialty"] in SPECIALTIES, row["id"]
        assert set(row["specialties_accepted"]) <= SPECIALTIES - {row["specialty"]}, row["id"]
        assert set(row["red_flags"]) <= RED_FLAGS, row["id"]
        assert set(row["red_flags_accepted"]) <= RED_FLAGS - set(row["red_flags"]), row["id"]
        assert row["patient"]["sex"] in {"male", "female", None}, row["id"]
        assert row["vitals"]["consciousness"] in {"alert", "cvpu", None}, row["id"]
        assert row["notes"], row["id"]


@pytest.mark.parametrize("split", SPLITS)
def test_letters_fit_on_the_page(split: str) -> None:
    for row in _rows(split):
        lines = _letter(row).splitlines()
        assert 5 <= len(lines) <= MAX_LINES, row["id"]
        assert max(map(len, lines)) <= MAX_COLUMNS, row["id"]


def test_no_letter_stands_twice() -> None:
    texts = Counter(_flat(_letter(row)) for split in SPLITS for row in _rows(split))
    assert max(texts.values()) == 1


def test_languages_and_urgencies_are_balanced() -> None:
    rows = [row for split in SPLITS for row in _rows(split)]
    languages = Counter(row["language"] for row in rows)
    assert languages["de"] >= 15
    assert languages["fr"] >= 10
    assert languages["es"] >= 10
    urgencies = Counter(row["urgency"] for row in rows)
    assert min(urgencies.values()) >= len(rows) // 4
    assert {row["specialty"] for row in rows} == SPECIALTIES
    assert {flag for row in rows for flag in row["red_flags"]} == RED_FLAGS
    with_vitals = sum(any(v is not None for v in row["vitals"].values()) for row in rows)
    assert with_vitals >= len(rows) // 4
