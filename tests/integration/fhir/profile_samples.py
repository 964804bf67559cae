"""Profiles and resources that meet them, for the tests of profiles."""

from __future__ import annotations

import copy
from typing import Any

import httpx

Json = dict[str, Any]
BASE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "http://example.org/StructureDefinition/"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


def structure(name: str, kind: str, elements: list[Json], **more: Any) -> Json:
    """A profile whose differential is `elements`; its snapshot is left to the server."""
    return {
        "resourceType": "StructureDefinition",
        "url": OWN + name,
        "name": name.title(),
        "status": "active",
        "kind": "complex-type" if kind == "Extension" else "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": BASE + kind,
        "derivation": "constraint",
        "differential": {"element": [{"id": e.get("id", e["path"]), **e} for e in elements]},
        **(
            {"context": [{"type": "element", "expression": "Element"}]}
            if kind == "Extension"
            else {}
        ),
        **more,
    }


PRESSURE = structure(
    "pressure",
    "Observation",
    [
        {"path": "Observation"},
        {
            "path": "Observation.code",
            "patternCodeableConcept": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        },
        {
            "path": "Observation.subject",
            "min": 1,
            "type": [{"code": "Reference", "targetProfile": [BASE + "Patient"]}],
        },
        {"id": "Observation.value[x]", "path": "Observation.value[x]", "max": "0"},
        {
            "path": "Observation.component",
            "slicing": {"discriminator": [{"type": "pattern", "path": "code"}], "rules": "open"},
            "min": 2,
        },
        {
            "id": "Observation.component:systolic",
            "path": "Observation.component",
            "sliceName": "systolic",
            "min": 1,
            "max": "1",
        },
        {
            "id": "Observation.component:systolic.code",
            "path": "Observation.component.code",
            "patternCodeableConcept": {"coding": [{"system": LOINC, "code": "8480-6"}]},
        },
        {
            "id": "Observation.component:systolic.valueQuantity",
            "path": "Observation.component.valueQuantity",
        },
        {
            "id": "Observation.component:systolic.valueQuantity.code",
            "path": "Observation.component.valueQuantity.code",
            "min": 1,
            "fixedCode": "mm[Hg]",
        },
        {
            "id": "Observation.component:diastolic",
            "path": "Observation.component",
            "sliceName": "diastolic",
            "min": 1,
            "max": "1",
        },
        {
            "id": "Observation.component:diastolic.code",
            "path": "Observation.component.code",
            "patternCodeableConcept": {"coding": [{"system": LOINC, "code": "8462-4"}]},
        },
        {
            "path": "Observation.note",
            "constraint": [
                {
                    "key": "own-1",
                    "severity": "error",
                    "human": "A note is signed",
                    "expression": "author.exists()",
                },
                {
                    "key": "own-2",
                    "severity": "warning",
                    "human": "A note has a time",
                    "expression": "time.exists()",
                },
            ],
        },
    ],
)


def component(code: str, value: float, unit: str = "mm[Hg]") -> Json:
    return {
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "valueQuantity": {"value": value, "unit": "mmHg", "system": UCUM, "code": unit},
    }


def pressure(**more: Any) -> Json:
    made = {
        "resourceType": "Observation",
        "meta": {"profile": [OWN + "pressure"]},
        "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "85354-9"}], "text": "Blood pressure"},
        "subject": {"reference": "Patient/1"},
        "component": [component("8480-6", 120), component("8462-4", 80)],
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def broken(change: Any) -> Json:
    made = copy.deepcopy(pressure())
    change(made)
    return made


EYE = structure(
    "eye",
    "Extension",
    [
        {"path": "Extension"},
        {"path": "Extension.url", "fixedUri": OWN + "eye"},
        {
            "id": "Extension.value[x]",
            "path": "Extension.value[x]",
            "min": 1,
            "type": [{"code": "code"}],
            "binding": {"strength": "required", "valueSet": "http://example.org/ValueSet/eyes"},
        },
    ],
)
EYES = {
    "resourceType": "ValueSet",
    "url": "http://example.org/ValueSet/eyes",
    "status": "active",
    "compose": {
        "include": [
            {"system": "urn:eyes", "concept": [{"code": "left"}, {"code": "right"}]},
        ]
    },
}


async def issues(
    http: httpx.AsyncClient, resource: Json, *profiles: str
) -> set[tuple[str, str, str]]:
    listed: list[Json] = [{"name": "resource", "resource": resource}]
    listed += [{"name": "profile", "valueUri": one} for one in profiles]
    body = {"resourceType": "Parameters", "parameter": listed}
    answer = await http.post(f"{resource['resourceType']}/$validate", json=body)
    assert answer.status_code == 200, answer.text
    return {
        (one["severity"], one["code"], one.get("expression", [""])[0])
        for one in answer.json()["issue"]
        if one["severity"] != "information"
    }
