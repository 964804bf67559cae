"""From the text of a referral letter to its fields, by rules and small word lists.

A field that the letter does not state stays None; two values that disagree stay None with a reason
in `ambiguous`. Every value carries its place in the text and a confidence.
"""

from __future__ import annotations

from careloom.documents.extraction.acuity import find_acute_words
from careloom.documents.extraction.dates import find_dates, letter_date
from careloom.documents.extraction.identity import find_identity
from careloom.documents.extraction.language import language_of
from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.medications import find_allergies, find_medications
from careloom.documents.extraction.reason import find_reason
from careloom.documents.extraction.red_flags import find_alarms, find_red_flags
from careloom.documents.extraction.referral import Found, Patient, Referral, Vitals
from careloom.documents.extraction.sender import find_sender
from careloom.documents.extraction.vitals import find_vitals

__all__ = ["Found", "Patient", "Referral", "Vitals", "extract_referral"]


def extract_referral(text: str) -> Referral:
    """Read the fields of a letter. Pure: no clock, no files; a date is the letter's own."""
    letter = Letter(text)
    dates = find_dates(text)
    referral = Referral(language=language_of(text), letter_date=letter_date(dates))
    find_identity(letter, referral, dates)
    find_sender(letter, referral)
    find_allergies(letter, referral)
    find_medications(letter, referral)
    find_vitals(letter, referral)
    referral.red_flags = find_red_flags(letter, referral)
    referral.alarms = find_alarms(letter, referral)
    year = referral.letter_date.year if referral.letter_date else None
    referral.acute_words = find_acute_words(letter, year)
    find_reason(letter, referral)
    return referral
