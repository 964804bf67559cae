"""Fields in the forms that letters have: tables, forms, e-mails, prose without headings."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from careloom.documents import Found, extract_referral


def value(found: Found[Any] | None) -> Any:
    return None if found is None else found.value


def taken(text: str) -> tuple[set[str], set[str]]:
    read = extract_referral(text)
    return {m.value for m in read.medications}, {m.value for m in read.stopped_medications}


HEAD = "12 January 2026\n\nRe: Ann Example, DOB 13/04/1955, NHS 999 103 5710\n\n"

TABLE = """Repeat medication
Drug                          Dosage                Last issued
Amitriptyline 10mg tablets    One at night          02-Jun-2026
Perindopril 4mg tablets       One each morning      02-Jun-2026
Past medication
Naproxen 500mg tablets        One twice daily       03-Jan-2025
Allergies
Doxycycline - photosensitivity
"""


def test_a_table_of_medicines_is_read_under_its_headings() -> None:
    assert taken(HEAD + TABLE) == ({"amitriptyline", "perindopril"}, {"naproxen"})
    assert [a.value for a in extract_referral(HEAD + TABLE).allergies] == ["doxycycline"]


def test_a_status_in_a_medicines_row_counts() -> None:
    rows = (
        "Medication list          Sig             Status\n"
        "lisinopril 20 mg tab     1 tab daily     Active\n"
        "ciprofloxacin 500 mg     1 tab BID       Completed\n"
    )
    assert taken(HEAD + rows) == ({"lisinopril"}, {"ciprofloxacin"})


@pytest.mark.parametrize(
    ("sentence", "now"),
    [
        ("On ramipril. Empagliflozin didn't agree with him.", {"ramipril"}),
        ("Citalopram has helped. Gabapentin and clonidine were no use.", {"citalopram"}),
        ("She takes enalapril. Tomó simvastatina, suspendida por mialgias.", {"enalapril"}),
        ("Meds: aspirin 81 mg daily (memantine d/c'd 1/2026 for dizziness)", {"aspirin"}),
        ("Drugs: losartan. Stopped: furosemide, oxybutynin. Allergy: penicillin.", {"losartan"}),
        ("On omeprazole. Ferrous fumarate to start today.", {"omeprazole"}),
        ("Currently ramipril 5. Spironolactone on hold.", {"ramipril"}),
        ("The lab phoned with a potassium of 6.8. Meds: bisoprolol 5 mg.", {"bisoprolol"}),
        ("Breast cancer in 2018 (tamoxifen until 2023). Takes sertraline.", {"sertraline"}),
        ("Aspirin 300 mg and GTN given. On amlodipine 5.", {"amlodipine"}),
    ],
)
def test_what_is_taken_is_told_from_what_was(sentence: str, now: set[str]) -> None:
    assert taken(HEAD + sentence + "\n")[0] == now


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "This retired librarian tells me of increasing breathlessness on the stairs over"
            " a year. There is no orthopnoea. She takes bisoprolol. Digoxin was stopped because of"
            " nausea.",
            "increasing breathlessness on the stairs",
        ),
        (
            "Thank you for taking the time to see Ann. She walks dogs for a living and describes"
            " pain in the ball of the right foot as if walking on a pebble. Sensation is fine.",
            "pain in the ball of the right foot",
        ),
        (
            "Ann wakes most nights with numbness of the thumb. Phalen's positive, no wasting. She"
            " had a stroke in 2011. Her mother has arthritis with pain in the hands.",
            "numbness of the thumb",
        ),
        ("Reason for consult: progressive memory loss over 2 yrs\nMEDS: donepezil", "memory loss"),
        ("k/c/o T2DM x 12 yrs\nC/o uncontrolled sugars, FBS 210.", "uncontrolled sugars"),
        (
            "vielen Dank für die Vorstellung. Es besteht eine zunehmende Belastungsdyspnoe seit"
            " sechs Wochen. Kein Thoraxschmerz, kein Fieber.",
            "Belastungsdyspnoe seit sechs Wochen",
        ),
    ],
)
def test_the_reason_is_the_sentence_that_tells_it(body: str, words: str) -> None:
    assert words in (value(extract_referral(HEAD + body + "\n").reason) or "")


def test_who_the_patient_is_in_a_line_without_labels() -> None:
    read = extract_referral(
        "Bay Surgery\nDear team,\n\nIvy Bassett, girl, 01.09.1938 999 474 7473 (01632) 960212\n\n"
        "Her right foot went cold.\n"
    )
    patient = read.patient
    assert (value(patient.family), value(patient.given)) == ("Bassett", "Ivy")
    assert value(patient.birth_date) == date(1938, 9, 1)
    assert value(patient.identifier) == "9994747473"
    assert value(patient.phone) == "(01632) 960212"
    # The only date is the birth date: no date of the letter, so no age is claimed.
    assert read.letter_date is None
    assert read.age is None


def test_a_childs_parent_is_rung_an_adults_is_not() -> None:
    child = "Isla Colquhoun, girl, 29.02.2016, mother's mob. 07700 900171\n13 March 2026\n"
    assert value(extract_referral(child).patient.phone) == "07700 900171"
    adult = child.replace("2016", "1972")
    assert value(extract_referral(adult).patient.phone) is None


@pytest.mark.parametrize(
    ("tail", "name"),
    [
        ("Kind regards, Dr Fiona Gale\n", "Dr Fiona Gale"),
        ("Thanks - Jon Beck (Dr)\n", "Jon Beck"),
        ("She is well.\n20 May 2026. Dr Wendy Cross\n", "Dr Wendy Cross"),
        ("Midwife Sarah Pole\n", "Sarah Pole"),
        ("Optometrist: Mr Paul Drew          Date: 30/01/2026\n", "Mr Paul Drew"),
    ],
)
def test_the_referrer_is_found_in_the_last_lines(tail: str, name: str) -> None:
    assert value(extract_referral(HEAD + "Painful knee.\n\n" + tail).referrer_name) == name
