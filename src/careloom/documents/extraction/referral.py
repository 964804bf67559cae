"""What a referral letter says, each value with the place it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from careloom.types import Json, JsonObject

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """A value, its evidence as [start, end) in the text, and how sure the rule is (0 to 1)."""

    value: Value
    start: int
    end: int
    confidence: float


@dataclass(slots=True)
class Patient:
    """The person referred. A field that the letter does not state is None."""

    family: Found[str] | None = None
    given: Found[str] | None = None
    birth_date: Found[date] | None = None
    sex: Found[str] | None = None
    """male or female (FHIR administrative-gender)."""
    identifier: Found[str] | None = None
    """Letters and digits as printed, without blanks and punctuation."""
    phone: Found[str] | None = None


@dataclass(slots=True)
class Vitals:
    """Today's signs. Beats and breaths a minute, mmHg, per cent, degrees Celsius."""

    hr: Found[int] | None = None
    sbp: Found[int] | None = None
    dbp: Found[int] | None = None
    rr: Found[int] | None = None
    spo2: Found[int] | None = None
    on_oxygen: Found[bool] | None = None
    temp_c: Found[float] | None = None
    consciousness: Found[str] | None = None
    """alert, or cvpu (new confusion, voice, pain, unresponsive)."""


@dataclass(slots=True)
class Referral:
    """The fields of a letter."""

    language: str = "en"
    letter_date: date | None = None
    patient: Patient = field(default_factory=Patient)
    referrer_name: Found[str] | None = None
    referrer_organization: Found[str] | None = None
    reason: Found[str] | None = None
    medications: list[Found[str]] = field(default_factory=list)
    stopped_medications: list[Found[str]] = field(default_factory=list)
    allergies: list[Found[str]] = field(default_factory=list)
    no_known_allergies: bool = False
    red_flags: list[Found[str]] = field(default_factory=list)
    alarms: list[Found[str]] = field(default_factory=list)
    """Findings that press for time but have no red-flag code."""
    acute_words: Found[str] | None = None
    """Words of something sudden, severe or getting worse, whatever it is; see acuity.py."""
    vitals: Vitals = field(default_factory=Vitals)
    ambiguous: dict[str, str] = field(default_factory=dict)
    """Field → why it was left empty although something was found."""

    @property
    def age(self) -> int | None:
        """Years at the letter's date; None without a birth date or a letter date."""
        born = self.patient.birth_date
        if born is None or self.letter_date is None:
            return None
        day = self.letter_date
        return (
            day.year - born.value.year - ((day.month, day.day) < (born.value.month, born.value.day))
        )

    def to_json(self) -> JsonObject:
        """The fields with evidence, as a workflow step hands them on."""
        patient, vitals = self.patient, self.vitals
        return {
            "language": self.language,
            "letterDate": self.letter_date.isoformat() if self.letter_date else None,
            "patient": {
                "family": _json(patient.family),
                "given": _json(patient.given),
                "birthDate": _json(patient.birth_date),
                "sex": _json(patient.sex),
                "identifier": _json(patient.identifier),
                "phone": _json(patient.phone),
            },
            "referrer": {
                "name": _json(self.referrer_name),
                "organization": _json(self.referrer_organization),
            },
            "reason": _json(self.reason),
            "medications": [_json(item) for item in self.medications],
            "stoppedMedications": [_json(item) for item in self.stopped_medications],
            "allergies": [_json(item) for item in self.allergies],
            "noKnownAllergies": self.no_known_allergies,
            "redFlags": [_json(item) for item in self.red_flags],
            "alarms": [_json(item) for item in self.alarms],
            "vitals": {
                "hr": _json(vitals.hr),
                "sbp": _json(vitals.sbp),
                "dbp": _json(vitals.dbp),
                "rr": _json(vitals.rr),
                "spo2": _json(vitals.spo2),
                "onOxygen": _json(vitals.on_oxygen),
                "tempC": _json(vitals.temp_c),
                "consciousness": _json(vitals.consciousness),
            },
            "ambiguous": dict(self.ambiguous),
        }


def _json(found: Found[Value] | None) -> Json:
    if found is None:
        return None
    value: Json = found.value
    return {
        "value": value.isoformat() if isinstance(value, date) else value,
        "start": found.start,
        "end": found.end,
        "confidence": round(found.confidence, 3),
    }
