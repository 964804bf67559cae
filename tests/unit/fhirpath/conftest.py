"""What the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import compile

Value = Callable[..., list[Any]]

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "name": [
        {"use": "official", "family": "Byron", "given": ["Ada", "Augusta"]},
        {"use": "usual", "given": ["Ada"]},
        {"use": "maiden", "family": "Noel", "_family": {"id": "f"}},
    ],
    "telecom": [
        {"system": "phone", "value": "1", "use": "home", "rank": 2},
        {"system": "email", "value": "a@b.c"},
    ],
    "gender": "female",
    "birthDate": "1815-12-10",
    "_birthDate": {
        "extension": [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                "valueDateTime": "1815-12-10T14:35:00Z",
            }
        ]
    },
    "multipleBirthInteger": 1,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Clinic"}],
    "managingOrganization": {"reference": "#o"},
}


@pytest.fixture(scope="session")
def value() -> Value:
    """Evaluates on a Patient, or on another resource; gives plain values."""

    def evaluate(expression: str, resource: Any = None, **given: Any) -> list[Any]:
        whole = PATIENT if resource is None else resource
        return compile(expression, r4_model())(whole, **given)

    return evaluate
