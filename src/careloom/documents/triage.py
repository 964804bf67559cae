"""Triage of a referral: how soon, and by whom.

Rules are the floor of the urgency (urgency_rules.py); a model can only raise it. The specialty is
the service the letter addresses, else the router's opinion. Below the thresholds, and whenever the
letter is hard to read or leaves out who it is about, a person decides. Pure: no input, no output.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from careloom.documents.clinic_names import addressed
from careloom.documents.extraction.letter import Letter
from careloom.documents.extraction.referral import Referral
from careloom.documents.news2 import News2
from careloom.documents.review_words import in_words
from careloom.documents.urgency_rules import Finding, assess, highest, says_routine
from careloom.types import JsonObject

REVIEW_BELOW = 0.70
"""Specialty confidence under which a person decides."""
OCR_REVIEW_BELOW = 0.90
"""Confidence of a page read from an image under which a person reads it."""
LINE_REVIEW_BELOW = 0.60
ASKED = frozenset({"own_words", "addressed_service"})
"""Rules that read what the writer wants, not how the patient is."""
UNKNOWN = "unknown"
"""The urgency of what is no referral or could not be read; for a person, at once."""
NEEDED_LETTERS = 40
"""Fewer letters than this are no text to decide on."""
STATED_REASON = 0.6
"""From here on a reason was introduced as one; below, a sentence merely stands where one could."""
IN_DOUBT = 0.6
"""Urgency confidence where no rule spoke and the model would not call the signs calm."""
NEEDED_SIGNS = 3
"""The urgency model is only asked when at least so many vital signs are known."""


class UrgencyModel(Protocol):
    """Probability that an emergency department would triage the patient as level 1 or 2."""

    @property
    def name(self) -> str:
        """Name and version for the reasons."""

    @property
    def emergency_from(self) -> float:
        """Probability from which the case is raised to emergency."""

    @property
    def urgent_from(self) -> float:
        """Probability from which the case is raised to urgent."""

    @property
    def doubt_from(self) -> float:
        """Probability from which a case that stays routine is put before a person."""

    def probability(
        self, complaint: str, age: int | None, male: bool | None, signs: dict[str, float]
    ) -> float:
        """Calibrated probability; absent signs are left out of `signs`."""


class SpecialtyModel(Protocol):
    """Which service a text belongs to."""

    @property
    def name(self) -> str:
        """Name and version for the reasons."""

    def route(self, text: str) -> list[tuple[str, float]]:
        """Specialties with calibrated probabilities, best first."""


@dataclass(slots=True)
class Triage:
    """The decision and what it rests on."""

    urgency: str
    urgency_confidence: float
    specialty: str | None
    specialty_confidence: float
    red_flags: list[str]
    news2: News2
    reasons: list[JsonObject] = field(default_factory=list)
    """What spoke for it: rule or model, text, place in the letter."""
    review_reasons: list[str] = field(default_factory=list)
    """Why a person has to look; codes, see review_words.py."""
    degraded: bool = False
    """True when a model was not there and the rules decided alone."""

    @property
    def needs_review(self) -> bool:
        """A person decides."""
        return bool(self.review_reasons)

    @property
    def confidence(self) -> float:
        """Of the whole decision."""
        return min(self.urgency_confidence, self.specialty_confidence)

    def to_json(self) -> JsonObject:
        """As a workflow step hands it on."""
        return {
            "urgency": self.urgency,
            "urgencyConfidence": round(self.urgency_confidence, 3),
            "specialty": self.specialty,
            "specialtyConfidence": round(self.specialty_confidence, 3),
            "confidence": round(self.confidence, 3),
            "redFlags": list(self.red_flags),
            "news2": self.news2.to_json(),
            "reasons": list(self.reasons),
            "needsReview": self.needs_review,
            "reviewReasons": list(self.review_reasons),
            "reviewWords": [in_words(reason) for reason in self.review_reasons],
            "degraded": self.degraded,
        }


def triage(
    referral: Referral,
    text: str,
    *,
    urgency_model: UrgencyModel | None = None,
    specialty_model: SpecialtyModel | None = None,
    ocr_confidence: float | None = None,
    line_confidences: Sequence[float] = (),
) -> Triage:
    """Decide. Without models the rules decide alone and the result says so (`degraded`)."""
    findings, news2 = assess(referral, text)
    urgency = highest(*(finding.urgency for finding in findings))
    reasons = [finding.to_json() for finding in findings]
    lacking = _lacking(referral, text)
    if lacking:
        return Triage(
            # A rule that fired stays the floor; without one nothing is claimed.
            urgency if findings else UNKNOWN,
            0.0,
            None,
            0.0,
            [flag.value for flag in referral.red_flags],
            news2,
            reasons,
            [lacking],
            degraded=urgency_model is None or specialty_model is None,
        )
    chance = _chance(referral, text, urgency_model)
    doubted = False
    if urgency_model is not None and chance is not None:
        raised = _raise(urgency, chance, urgency_model)
        if raised:
            urgency, reason = raised
            reasons.append(reason)
        doubted = urgency == "routine" and chance >= urgency_model.doubt_from
    specialty, sure, why = _specialty(referral, text, specialty_model)
    reasons += why
    result = Triage(
        urgency,
        IN_DOUBT if doubted else _urgency_confidence(findings, urgency, text),
        specialty,
        sure,
        [flag.value for flag in referral.red_flags],
        news2,
        reasons,
        degraded=urgency_model is None or specialty_model is None,
    )
    result.review_reasons = _review_reasons(
        referral, result, findings, ocr_confidence, line_confidences
    )
    return result


def _lacking(referral: Referral, text: str) -> str | None:
    """Why there is nothing to triage: no text, or none of a referral's fields in it."""
    if sum(character.isalpha() for character in text) < NEEDED_LETTERS:
        return "text:none"
    patient, signs = referral.patient, asdict(referral.vitals)
    fields = (
        patient.family or patient.given or patient.birth_date or patient.identifier,
        referral.referrer_name or referral.referrer_organization,
        referral.reason and referral.reason.confidence >= STATED_REASON,
        referral.medications,
        any(sign is not None for sign in signs.values()),
    )
    return None if any(fields) else "text:not_a_referral"


def _signs(referral: Referral) -> dict[str, float]:
    vitals = referral.vitals
    signs = {
        name: float(found.value)
        for name, found in (
            ("hr", vitals.hr),
            ("sbp", vitals.sbp),
            ("dbp", vitals.dbp),
            ("rr", vitals.rr),
            ("spo2", vitals.spo2),
            ("temp_c", vitals.temp_c),
        )
        if found is not None
    }
    if vitals.consciousness is not None:
        signs["not_alert"] = float(vitals.consciousness.value == "cvpu")
    return signs


_AMBULANCE = re.compile(
    r"\b(?:ambulance|blue light|paramedics?|rettungsdienst|notarzt|SAMU|ambulancia)\b", re.I
)
_PAIN = re.compile(
    r"\bpain(?: score)?[ :]{1,2}(\d{1,2})\s?/\s?10\b|\b(?:NRS|VAS)[ :]{0,2}(\d{1,2})\b", re.I
)


def _told(text: str) -> dict[str, float]:
    """Arrival and pain, as the model knows them."""
    pain = _PAIN.search(text)
    told = {"ambulance": 1.0} if _AMBULANCE.search(text) else {}
    return told | ({"pain": float(pain[1] or pain[2])} if pain else {})


def _chance(referral: Referral, text: str, model: UrgencyModel | None) -> float | None:
    """The model's opinion; None for a child or with too few vital signs."""
    signs = _signs(referral)
    age = referral.age
    if model is None or len(signs) < NEEDED_SIGNS or (age is not None and age < 16):
        return None
    sex = referral.patient.sex
    complaint = referral.reason.value if referral.reason else ""
    return model.probability(
        complaint, age, sex.value == "male" if sex else None, signs | _told(text)
    )


def _raise(urgency: str, chance: float, model: UrgencyModel) -> tuple[str, JsonObject] | None:
    """A higher urgency by the model, with its reason; never a lower one."""
    opinion = (
        "emergency"
        if chance >= model.emergency_from
        else "urgent"
        if chance >= model.urgent_from
        else "routine"
    )
    if highest(urgency, opinion) == urgency:
        return None
    return opinion, {
        "model": model.name,
        "urgency": opinion,
        "probability": round(chance, 3),
        "text": "vital signs and complaint",
        "start": None,
        "end": None,
    }


def _specialty(
    referral: Referral,
    text: str,
    model: SpecialtyModel | None,
) -> tuple[str | None, float, list[JsonObject]]:
    """The addressed service where the router does not contradict it, else the router's."""
    target = addressed(Letter(text))
    ranked = _weighed(model.route(text), referral) if model else []
    reasons: list[JsonObject] = []
    if model and ranked:
        reasons.append(
            {
                "model": model.name,
                "specialty": ranked[0][0],
                "probability": round(ranked[0][1], 3),
                "text": "the whole letter",
                "start": None,
                "end": None,
            }
        )
    if target is None:
        return (*ranked[0], reasons) if ranked else (None, 0.0, reasons)
    name, start, end = target
    reasons.insert(
        0,
        {
            "rule": "addressed_service",
            "specialty": name,
            "text": text[start:end],
            "start": start,
            "end": end,
        },
    )
    if not ranked:
        return name, 0.8, reasons
    chances = dict(ranked)
    if name == "general_medicine" and ranked[0][0] != name and ranked[0][1] >= 0.6:
        return ranked[0][0], ranked[0][1] * 0.9, reasons
    agreeing = chances.get(name, 0.0)
    return name, min(0.98, 0.80 + 0.18 * agreeing), reasons


SPECIALTY_OF_FLAG: dict[str, tuple[str, ...]] = {
    "chest_pain_acute": ("cardiology",),
    "stroke_symptoms": ("neurology",),
    "cauda_equina": ("orthopaedics",),
    "haemoptysis": ("respiratory",),
    "haematemesis_or_melaena": ("gastroenterology",),
    "rectal_bleeding": ("gastroenterology",),
    "jaundice": ("gastroenterology",),
    "sudden_vision_loss": ("ophthalmology",),
    "red_eye_with_pain": ("ophthalmology",),
    "suicidal_intent": ("psychiatry",),
    "anaphylaxis": ("general_medicine",),
    "acute_limb_ischaemia": ("vascular",),
    "ectopic_or_pregnancy_bleeding": ("gynaecology",),
    "testicular_torsion": ("urology",),
    "temporal_arteritis": ("rheumatology",),
    "dvt_or_pe": ("vascular", "general_medicine"),
    "status_epilepticus_or_first_seizure": ("neurology",),
    "haematuria_visible": ("urology",),
    "retention_of_urine": ("urology",),
    "fever_in_neutropenia": ("oncology",),
    "acute_abdomen": ("general_surgery",),
    "meningism": ("neurology",),
    "airway_compromise": ("ent",),
}
"""Services that a red flag points to."""
FLAG_WEIGHT = 4.0
CHILD_WEIGHT = 5.0
CHILD_UNDER = 14


def _weighed(ranked: list[tuple[str, float]], referral: Referral) -> list[tuple[str, float]]:
    """The router's opinion, weighed by red flags and childhood."""
    chances = dict(ranked)
    for flag in referral.red_flags:
        for name in SPECIALTY_OF_FLAG.get(flag.value, ()):
            if name in chances:
                chances[name] *= FLAG_WEIGHT
    age = referral.age
    if age is not None and age < CHILD_UNDER and "paediatrics" in chances:
        chances["paediatrics"] *= CHILD_WEIGHT
    total = sum(chances.values())
    return sorted(((n, c / total) for n, c in chances.items()), key=lambda item: -item[1])


def _urgency_confidence(findings: list[Finding], urgency: str, text: str) -> float:
    """Measured on the example letters and own samples, see ai/weights/urgency/card.md."""
    own = [f for f in findings if f.urgency == urgency and f.rule in ASKED]
    signs = [f for f in findings if f.urgency == urgency and f.rule not in ASKED]
    if urgency == "routine":
        return 0.93 if says_routine(text) else 0.82
    if signs and own:
        return 0.96
    if signs:
        return 0.78 if says_routine(text) else 0.88
    return 0.75


def _review_reasons(
    referral: Referral,
    result: Triage,
    findings: list[Finding],
    ocr_confidence: float | None,
    lines: Sequence[float],
) -> list[str]:
    patient = referral.patient
    reasons = [f"ambiguous:{name}" for name in sorted(referral.ambiguous)]
    if patient.family is None:
        reasons.append("missing:name")
    if patient.birth_date is None and "birth_date" not in referral.ambiguous:
        reasons.append("missing:birth_date")
    if patient.identifier is None and patient.given is None:
        reasons.append("missing:identifier")
    if referral.reason is None:
        reasons.append("missing:reason")
    if ocr_confidence is not None and ocr_confidence < OCR_REVIEW_BELOW:
        reasons.append("ocr:page")
    if any(value < LINE_REVIEW_BELOW for value in lines):
        reasons.append("ocr:line")
    if result.specialty is None or result.specialty_confidence < REVIEW_BELOW:
        reasons.append("confidence:specialty")
    if result.urgency_confidence < REVIEW_BELOW:
        reasons.append("confidence:urgency")
    worst = {finding.urgency for finding in findings if finding.rule not in ASKED}
    asked = {finding.urgency for finding in findings if finding.rule in ASKED}
    if "emergency" in worst and not asked:
        reasons.append("urgency:letter_does_not_ask")
    if result.urgency != "emergency" and referral.acute_words is not None:
        reasons.append("urgency:acute_words")
    return reasons
