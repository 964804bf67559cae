"""The resources that the search tests ask for; each differs from the next by one rule."""

from __future__ import annotations

from typing import Any

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
ANIMALS = "http://acme.example/CodeSystem/animals"

MOMENTS: dict[str, tuple[str, str]] = {
    "year": ("2013", "2013"),
    "month": ("2013-01", "2013-01"),
    "day": ("2013-01-14", "2013-01-14"),
    "next-day": ("2013-01-15", "2013-01-15"),
    "minute": ("2013-01-14T10:00:00Z", "2013-01-14T10:00:00Z"),
    "zone": ("2013-01-14T23:30:00-05:00", "2013-01-14T23:30:00-05:00"),
    "earlier": ("2012-12-31", "2012-12-31"),
    "period": ("2013-01-10", "2013-01-20"),
    "since": ("2013-01-14", ""),
    "until": ("", "2013-01-14"),
}
"""Starts and ends of the Observations whose time is searched; the same twice is a dateTime."""

AMOUNTS = ("99.4", "99.5", "100", "100.4", "100.5", "95", "94.9", "105", "0", "-100")
"""Values of the Observations and ChargeItems whose number is searched."""


def observation(
    id: str, code: str, display: str = "Reading", text: str = "A reading", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code, "display": display}], "text": text},
        **more,
    }


def _moment(name: str, start: str, end: str) -> dict[str, Any]:
    if start == end:
        return observation(f"at-{name}", "moment", effectiveDateTime=start)
    span = {key: value for key, value in (("start", start), ("end", end)) if value}
    return observation(f"at-{name}", "moment", effectivePeriod=span)


def _amount(position: int, text: str) -> dict[str, Any]:
    quantity = {"value": float(text), "unit": "milligram", "system": UCUM, "code": "mg"}
    return observation(f"amount-{position}", "amount", valueQuantity=quantity)


PATIENTS: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "p1",
        "meta": {
            "tag": [{"system": "urn:tag", "code": "a", "display": "Study A"}],
            "security": [{"system": "urn:label", "code": "R"}],
            "profile": ["http://acme.example/StructureDefinition/patient"],
            "source": "urn:feed:1",
        },
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'},
        "identifier": [
            {
                "type": {
                    "coding": [{"system": IDENTIFIER_TYPES, "code": "MR"}],
                    "text": "Record number of the hospital",
                },
                "system": "urn:mrn",
                "value": "123",
            }
        ],
        "active": True,
        "name": [{"family": "Müller", "given": ["Änne", "Marie"]}],
        "gender": "female",
        "birthDate": "1990-01-15",
        "address": [{"line": ["Weg 1"], "city": "Bad Homburg"}],
        "managingOrganization": {"reference": "Organization/ward"},
        "generalPractitioner": [{"reference": "Practitioner/weiss"}],
    },
    {
        "resourceType": "Patient",
        "id": "p2",
        "meta": {"tag": [{"system": "urn:tag", "code": "b"}]},
        "identifier": [{"system": "urn:other", "value": "123"}, {"value": "bare"}],
        "name": [{"family": "Mullan", "given": ["Bo"]}],
        "gender": "male",
        "birthDate": "1990-03",
        "generalPractitioner": [{"reference": "Organization/hospital"}],
    },
    {
        "resourceType": "Patient",
        "id": "p3",
        "name": [{"family": "O'Neil, Jr", "given": ["Cy"]}],
        "gender": "male",
        "birthDate": "1991",
        "generalPractitioner": [
            {"identifier": {"system": "urn:doctors", "value": "77"}, "display": "Dr. Elsewhere"}
        ],
    },
    {"resourceType": "Patient", "id": "p4", "name": [{"text": "Nobody knows"}]},
]

OTHERS: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "hospital", "name": "Acme Hospital"},
    {
        "resourceType": "Organization",
        "id": "ward",
        "name": "Acme Ward",
        "partOf": {"reference": "Organization/hospital"},
    },
    {
        "resourceType": "Organization",
        "id": "room",
        "name": "Acme Room",
        "partOf": {"reference": "Organization/ward"},
    },
    {"resourceType": "Practitioner", "id": "weiss", "name": [{"family": "Weiß"}]},
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/p1"},
        "serviceProvider": {"reference": "Organization/room"},
    },
    observation(
        "pressure",
        "85354-9",
        subject={"reference": "Patient/p1"},
        encounter={"reference": "Encounter/e1"},
        effectiveDateTime="2024-05-01T10:30:00+02:00",
        component=[
            {
                "code": {"coding": [{"system": LOINC, "code": "8480-6"}], "text": "systolic"},
                "valueQuantity": {"value": 150, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
            },
            {
                "code": {"coding": [{"system": LOINC, "code": "8462-4"}]},
                "valueQuantity": {"value": 90, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
            },
        ],
    ),
    observation(
        "weight",
        "29463-7",
        "Body weight",
        "Put on the scales",
        subject={"reference": "Patient/p2"},
        effectiveDateTime="2024-05-02",
        valueQuantity={"value": 70, "unit": "kg", "system": UCUM, "code": "kg"},
        derivedFrom=[{"reference": "Observation/pressure"}],
    ),
    *(
        {
            "resourceType": "Condition",
            "id": f"has-{code}",
            "code": {"coding": [{"system": ANIMALS, "code": code}]},
            "subject": {"reference": "Patient/p3"},
        }
        for code in ("animal", "cat", "kitten", "dog")
    ),
    {
        "resourceType": "Condition",
        "id": "has-none",
        "subject": {"identifier": {"system": "urn:mrn", "value": "123"}},
    },
    {
        "resourceType": "CodeSystem",
        "id": "animals",
        "url": ANIMALS,
        "status": "active",
        "content": "complete",
        "hierarchyMeaning": "is-a",
        "concept": [
            {
                "code": "animal",
                "concept": [{"code": "cat", "concept": [{"code": "kitten"}]}, {"code": "dog"}],
            }
        ],
    },
    {
        "resourceType": "ValueSet",
        "id": "cats",
        "url": "http://acme.example/ValueSet/pets/cats",
        "status": "active",
        "compose": {
            "include": [
                {
                    "system": ANIMALS,
                    "filter": [{"property": "concept", "op": "is-a", "value": "cat"}],
                }
            ]
        },
    },
    {
        "resourceType": "ValueSet",
        "id": "pets",
        "url": "http://acme.example/ValueSet/pets",
        "status": "active",
    },
    {
        "resourceType": "ValueSet",
        "id": "petshop",
        "url": "http://acme.example/ValueSet/petshop",
        "status": "active",
    },
    {
        "resourceType": "Location",
        "id": "berlin",
        "name": "Berlin",
        "position": {"latitude": 52.52, "longitude": 13.405},
    },
    {
        "resourceType": "Location",
        "id": "potsdam",
        "name": "Potsdam",
        "position": {"latitude": 52.39, "longitude": 13.065},
    },
    {
        "resourceType": "MedicationRequest",
        "id": "order",
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#m"},
        "subject": {"reference": "Patient/p1"},
        "contained": [{"resourceType": "Medication", "id": "m", "status": "active"}],
    },
    *(
        {
            "resourceType": "ChargeItem",
            "id": f"factor-{position}",
            "status": "billable",
            "code": {"text": "bed"},
            "subject": {"reference": "Patient/p4"},
            "factorOverride": float(text),
        }
        for position, text in enumerate(AMOUNTS)
    ),
]

WARD = [
    *PATIENTS,
    *OTHERS,
    *(_moment(name, *span) for name, span in MOMENTS.items()),
    *(_amount(position, text) for position, text in enumerate(AMOUNTS)),
]
