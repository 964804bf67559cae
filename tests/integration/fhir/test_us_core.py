"""US Core 9.0.0 is loaded as resources, and its own examples meet its profiles.

tests/data/us_core_9.json.xz holds its StructureDefinitions (differentials only), CodeSystems and
those ValueSets that list no code of another publisher, without texts: HL7/US-Core, commit 85bf4af,
CC0-1.0.
"""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import httpx
import pytest

from careloom.fhir.profiles.service import named_profiles
from careloom.fhir.resource import parse

DATA = Path(__file__).parents[2] / "data/us_core_9.json.xz"
PROFILE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "meta": {"profile": [PROFILE + "patient"]},
    "identifier": [{"system": "urn:s", "value": "1"}],
    "name": [{"family": "Ada", "given": ["L."]}],
}


@pytest.fixture
async def us_core(http: httpx.AsyncClient) -> int:
    resources = parse(lzma.decompress(DATA.read_bytes()))
    for number, resource in enumerate(resources):
        resource["id"] = f"us-core-{number}"
    entries = [
        {
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in resources
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await http.post("", json=bundle)
    assert answer.status_code == 200, answer.text[:2000]
    return len(entries)


async def test_its_examples_meet_its_profiles(
    http: httpx.AsyncClient, us_core: int, test_data: Path
) -> None:
    assert us_core > 90
    count = 0
    for path in sorted((test_data / "us-core-examples").glob("*.json")):
        resource = parse(path.read_bytes())
        if not any(
            one.startswith("http://hl7.org/fhir/us/core") for one in named_profiles(resource)
        ):
            continue
        answer = await http.post(f"{resource['resourceType']}/$validate", json=resource)
        errors = [one for one in answer.json()["issue"] if one["severity"] == "error"]
        assert errors == [], path.name
        count += 1
    assert count > 100


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"url": PROFILE + name, **value}


CODE = {"valueCoding": {"code": "x"}}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"identifier": None}, "Patient.identifier"),
    ({"name": [{"text": "Ada"}]}, "Patient.name[0]"),
    ({"telecom": [{"system": "fax"}]}, "Patient.telecom[0].value"),
    (
        {"extension": [extension("race", extension=[{"url": "ombCategory", **CODE}])]},
        "Patient.extension[0].extension",
    ),
    ({"extension": [extension("interpreter-needed", **CODE)] * 2}, "Patient.extension"),
]
"""What breaks the profile of a Patient, and where."""


async def test_what_does_not_meet_them_is_refused(http: httpx.AsyncClient, us_core: int) -> None:
    assert (await http.post("Patient", json=PATIENT)).status_code == 201
    for change, place in WRONG:
        wrong = {name: value for name, value in {**PATIENT, **change}.items() if value is not None}
        answer = await http.post("Patient", json=wrong)
        assert answer.status_code == 422, change
        assert place in [one["expression"][0] for one in answer.json()["issue"]], answer.text
