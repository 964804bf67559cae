"""Why a person has to look at a referral, in words for that person."""

from __future__ import annotations

_WORDS = {
    "text:none": "Hardly any text was found: a blank page, or one that could not be read",
    "text:not_a_referral": "Nothing of a referral was found: no patient, referrer, reason,"
    " medicine or vital sign",
    "missing:name": "The patient's family name was not found",
    "missing:birth_date": "The patient's birth date was not found",
    "missing:identifier": "Neither an identifier nor a given name of the patient was found",
    "missing:reason": "The reason for the referral was not found",
    "ocr:page": "The page was hard to read; check what was read against it",
    "ocr:line": "A line was hard to read; check what was read against it",
    "confidence:specialty": "It is not sure which specialty the letter belongs to",
    "confidence:urgency": "It is not sure how urgent the letter is",
    "urgency:letter_does_not_ask": "The signs are those of an emergency, but the letter does not"
    " ask for the same day",
    "urgency:acute_words": "The letter tells of something sudden, severe or getting worse that no"
    " rule calls an emergency",
}
_FIELDS = {
    "birth_date": "birth date",
    "sex": "sex",
    "identifier": "identifier",
    "hr": "heart rate",
    "sbp": "systolic blood pressure",
    "dbp": "diastolic blood pressure",
    "rr": "respiratory rate",
    "spo2": "oxygen saturation",
    "temp_c": "temperature",
    "on_oxygen": "oxygen therapy",
    "consciousness": "consciousness",
}


def in_words(reason: str) -> str:
    """A code of `reviewReasons` as a sentence without patient data."""
    kind, _, name = reason.partition(":")
    if kind == "ambiguous":
        field = _FIELDS.get(name, name.replace("_", " "))
        return f"The letter gives the {field} in more than one way"
    return _WORDS[reason]
