"""What `careloom demo` hands in: two patients, a radiograph and a scanned letter, all synthetic."""

from __future__ import annotations

from careloom.samples.chest_dicom import StudyPatient, synthetic_chest_study
from careloom.samples.chest_radiograph import synthetic_chest_radiograph
from careloom.samples.referral_scan import scan_pdf
from careloom.types import JsonObject

IDENTIFIER_SYSTEM = "https://careloom.example/mrn"

LETTER = """\
Riverside Family Practice
12 Mill Lane, Eastbridge
Tel 01632 960 411

14 January 2026

To: Cardiology Outpatients, Eastbridge General Hospital

Dear Colleague,

Re: Mrs Margaret Elderwood
Date of birth: 23/04/1954     Sex: Female
Hospital number: SYN200417
Telephone: 01632 960 222

Reason for referral: palpitations and breathlessness on exertion

Thank you for seeing this 71 year old lady, who has had six weeks of
palpitations with breathlessness on climbing stairs. There is no chest
pain, no syncope and no leg swelling. I would be grateful for an urgent
appointment within two weeks.

Past history: hypertension, type 2 diabetes.

Current medication:
  amlodipine 5 mg once daily
  metformin 500 mg twice daily
Allergies: penicillin (rash)

Examination today: pulse 96 irregular, BP 138/82, respiratory rate 16,
oxygen saturation 97% on air, temperature 36.7, alert.

Yours sincerely,

Dr Helen Marlowe
Riverside Family Practice
"""


def demo_patients() -> list[JsonObject]:
    """Two people who do not exist."""
    return [
        _patient("SYN100231", "Brightwater", "Thomas", "male", "1967-09-30"),
        _patient("SYN200417", "Elderwood", "Margaret", "female", "1954-04-23"),
    ]


def demo_study(seed: int = 7) -> bytes:
    """A chest radiograph of the first patient, with a shadow that the model should see."""
    pixels = synthetic_chest_radiograph(seed, consolidation=True)
    patient = StudyPatient("Brightwater^Thomas", "SYN100231", "19670930", "M")
    return synthetic_chest_study(pixels, patient, study=f"careloom-demo-{seed}")


def demo_referral(seed: int = 7) -> bytes:
    """A letter about the second patient, printed and scanned."""
    return scan_pdf(LETTER, seed)


def _patient(number: str, family: str, given: str, gender: str, born: str) -> JsonObject:
    return {
        "resourceType": "Patient",
        "meta": {
            "security": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
                    "code": "HTEST",
                    "display": "test health data",
                }
            ]
        },
        "identifier": [{"system": IDENTIFIER_SYSTEM, "value": number}],
        "name": [{"family": family, "given": [given]}],
        "gender": gender,
        "birthDate": born,
    }
