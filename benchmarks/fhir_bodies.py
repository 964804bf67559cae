"""What the FHIR benchmark sends: bodies with %N where each request has its own number, and the
stored data that its reads and searches meet."""

from __future__ import annotations

import bz2
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Resource = dict[str, Any]
BLOCK = 17
"""Patients that share family name and birth date: the hits of search_patient."""
CODES = ("8302-2", "29463-7", "8867-4", "9279-1", "8310-5", "2708-6", "39156-5")
EACH = 10
"""Observations of one patient and code; a search from the second on finds nine."""
LOINC, UNITS = "http://loinc.org", "http://unitsofmeasure.org"


def patient(number: str = "%N", family: str = "Ashdown%N", birth: str = "1971-03-09") -> Resource:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:careloom:bench", "value": f"MRN-{number}"}],
        "active": True,
        "name": [{"use": "official", "family": family, "given": ["Robin", "Alexis"]}],
        "telecom": [{"system": "phone", "value": "555-0100", "use": "home"}],
        "gender": "female",
        "birthDate": birth,
        "address": [
            {
                "line": ["12 Mill Lane"],
                "city": "Brightwater",
                "postalCode": "01999",
                "country": "US",
            }
        ],
        "maritalStatus": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
                    "code": "M",
                }
            ]
        },
    }


def observation(
    subject: str, code: str = CODES[0], at: str = "2021-05-04", value: Any = 81.5
) -> Resource:
    kind = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": kind, "code": "vital-signs"}]}],
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": subject},
        "effectiveDateTime": f"{at}T10:48:38+00:00",
        "issued": f"{at}T10:48:38.941+00:00",
        "valueQuantity": {"value": value, "unit": "kg", "system": UNITS, "code": "kg"},
    }


def family(block: int) -> str:
    return f"Family{block:05d}"


def birth(block: int) -> str:
    return f"{1930 + block % 80}-{1 + block % 12:02d}-{1 + block % 28:02d}"


def populations(patients: int) -> Iterator[list[Resource]]:
    """One patient and all their observations at a time; ids are known beforehand."""
    for number in range(patients):
        block = number // BLOCK
        person = {"id": f"p{number}", **patient(f"{number}", family(block), birth(block))}
        subject = f"Patient/p{number}"
        yield [
            person,
            *(
                {
                    "id": f"o{number}-{c}-{n}",
                    **observation(subject, code, f"20{10 + n}-06-01", 50.5 + n),
                }
                for c, code in enumerate(CODES)
                for n in range(EACH)
            ),
        ]


def synthea(folder: Path) -> tuple[list[bytes], list[bytes]]:
    """The Bundles that must be there first, and the patients' transactions."""
    first, patients = [], []
    for path in sorted(folder.glob("*.json.bz2")):
        body = bz2.decompress(path.read_bytes())
        (first if "nformation" in path.name else patients).append(body)
    return first, patients


def entries(body: bytes) -> int:
    return len(json.loads(body)["entry"])
