"""Fields of letters: the example letters as floors, and the rules one by one."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from careloom.documents import Found, extract_referral
from careloom.samples.referral_letters import LETTERS

EXAMPLES = Path(__file__).parents[2] / "data/referral_letters/example"
TITLES = re.compile(
    r"^(?:(?:Prof|Dr|Dra|Dre|Mr|Mrs|Ms|Miss|Sister|Staff Nurse)\.?\s+(?:med\.\s+)?)+"
)


def value(found: Found[Any] | None) -> Any:
    return None if found is None else found.value


def test_example_letters_are_read_as_their_truth_says() -> None:
    rows = [json.loads(line) for line in (EXAMPLES / "truth.jsonl").read_text().splitlines()]
    right = dict.fromkeys(
        ("family", "birth_date", "identifier", "medications", "allergies", "hr", "sbp", "spo2"), 0
    )
    for row in rows:
        read = extract_referral((EXAMPLES / row["file"]).read_text())
        patient, vitals = row["patient"], row["vitals"]
        family = value(read.patient.family)
        right["family"] += (family or "").lower() == (patient["family"] or "").lower()
        born = value(read.patient.birth_date)
        right["birth_date"] += (born.isoformat() if born else None) == patient["birth_date"]
        right["identifier"] += value(read.patient.identifier) == patient["identifier"]
        right["medications"] += {m.value for m in read.medications} == set(row["medications"])
        right["allergies"] += {a.value for a in read.allergies} == set(row["allergies"])
        for sign in ("hr", "sbp", "spo2"):
            right[sign] += value(getattr(read.vitals, sign)) == vitals[sign]
    floors = {"medications": 0.9, "allergies": 0.95}
    for field, count in right.items():
        assert count >= floors.get(field, 0.97) * len(rows), (field, count)


def test_evidence_points_at_the_words_it_was_read_from() -> None:
    for text in LETTERS.values():
        read = extract_referral(text)
        for flag in read.red_flags:
            assert 0 <= flag.start < flag.end <= len(text)
        for medicine in read.medications:
            assert medicine.value.split()[-1] in text[medicine.start : medicine.end].lower()
        if read.patient.identifier:
            spot = text[read.patient.identifier.start : read.patient.identifier.end]
            assert re.sub(r"\W", "", spot) == read.patient.identifier.value


def test_a_field_that_is_not_stated_stays_empty() -> None:
    read = extract_referral("Dear Surgeons,\n\nplease see this patient with a hernia.\n\nTa\n")
    patient = read.patient
    assert (patient.family, patient.given, patient.birth_date) == (None, None, None)
    assert (patient.identifier, patient.phone) == (None, None)
    assert read.medications == []
    assert read.vitals.hr is None


def test_two_readings_that_disagree_leave_the_sign_empty_with_the_reason() -> None:
    read = extract_referral("Re: Ann Example\nObs: HR 110, SpO2 95% RA.\nLater HR 88.")
    assert read.vitals.hr is None
    assert read.ambiguous["hr"] == "two readings disagree"
    assert value(read.vitals.spo2) == 95


def test_two_birth_dates_that_disagree_are_ambiguous() -> None:
    read = extract_referral("Name: Ann Example  DOB 03/04/1955\nBorn 04/03/1956\nNHS patient")
    assert read.patient.birth_date is None
    assert "birth_date" in read.ambiguous


def test_day_and_month_that_nothing_tells_apart_are_ambiguous() -> None:
    read = extract_referral("Name: Ann Example\nDOB: 03/04/1955\n")
    assert read.patient.birth_date is None
    assert read.ambiguous["birth_date"] == "day and month cannot be told apart"


@pytest.mark.parametrize(
    ("line", "born"),
    [
        ("DOB 23/04/1951 NHS No 999 103 5710", date(1951, 4, 23)),
        ("geb. 19.08.1949", date(1949, 8, 19)),
        ("née le 17 mars 1944", date(1944, 3, 17)),
        ("nacido el 12 de diciembre de 1975", date(1975, 12, 12)),
        ("DOB: Aug 24, 1970", date(1970, 8, 24)),
        ("DOB: 07/26/1988 MRN: 00583312", date(1988, 7, 26)),
        ("DDN : 1985-11-18", date(1985, 11, 18)),
        ("born 16th December 1948", date(1948, 12, 16)),
    ],
)
def test_birth_dates_of_four_languages(line: str, born: date) -> None:
    read = extract_referral(f"12 January 2026\n\nAnn Example, {line}\n")
    assert value(read.patient.birth_date) == born


@pytest.mark.parametrize(
    ("sentence", "taken", "stopped"),
    [
        ("She takes ramipril 5 mg and metformin.", {"ramipril", "metformin"}, set()),
        ("Naproxen was stopped because of reflux.", set(), {"naproxen"}),
        ("Ibuprofen habe ich abgesetzt.", set(), {"ibuprofen"}),
        ("She is allergic to penicillin.", set(), set()),
        ("Given ceftriaxone 2 g IV at 09:40.", set(), set()),
        ("Would isotretinoin be an option?", set(), set()),
        ("He is on apixaban; aspirin was discontinued in May.", {"apixaban"}, {"aspirin"}),
        ("Her mother takes warfarin.", set(), set()),
    ],
)
def test_what_is_taken_now(sentence: str, taken: set[str], stopped: set[str]) -> None:
    read = extract_referral("12 January 2026\n\nRe: Ann Example\n\n" + sentence + "\n")
    assert {m.value for m in read.medications} == taken
    assert {m.value for m in read.stopped_medications} == stopped


@pytest.mark.parametrize(
    ("line", "found", "none_known"),
    [
        ("Allergies: penicillin (rash), latex", {"penicillin", "latex"}, False),
        ("NKDA", set(), True),
        ("Allergien: keine bekannt", set(), True),
        ("Alergias: metamizol (urticaria)", {"metamizol"}, False),
        ("He is allergic to bee stings.", {"bee stings"}, False),
    ],
)
def test_allergies(line: str, found: set[str], none_known: bool) -> None:
    read = extract_referral("Re: Ann Example\n\n" + line + "\n")
    assert {a.value for a in read.allergies} == found
    assert read.no_known_allergies is none_known


def test_fahrenheit_becomes_celsius_and_oxygen_is_told_from_air() -> None:
    read = extract_referral("VS: BP 138/84 HR 110 RR 18 O2 sat 92% on 15 L Temp 98.2 F, alert")
    assert value(read.vitals.temp_c) == 36.8
    assert value(read.vitals.on_oxygen) is True
    assert value(read.vitals.consciousness) == "alert"
    assert (value(read.vitals.sbp), value(read.vitals.dbp)) == (138, 84)


def test_german_rr_is_blood_pressure_and_english_rr_is_breathing() -> None:
    german = extract_referral("Befund: RR 124/76 mmHg, Puls 88/min, AF 18")
    assert (value(german.vitals.sbp), value(german.vitals.rr)) == (124, 18)
    english = extract_referral("BP 124/76, P 88, RR 18")
    assert (value(english.vitals.sbp), value(english.vitals.rr)) == (124, 18)
