"""Slices of profiles over HTTP: http://hl7.org/fhir/R4/profiling.html#slicing"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.integration.fhir.profile_samples import (
    BASE,
    EYE,
    EYES,
    OWN,
    Json,
    issues,
    pressure,
    structure,
)


def sliced(discriminator: Json, slices: list[Json], **slicing: Any) -> Json:
    """A profile of Patient.contact or telecom, told apart by one discriminator."""
    path = slices[0]["path"]
    return structure(
        "sliced",
        path.partition(".")[0],
        [
            {"path": path.partition(".")[0]},
            {
                "path": path,
                "slicing": {"discriminator": [discriminator], "rules": "closed", **slicing},
            },
            *slices,
        ],
    )


@pytest.mark.parametrize(
    ("profile", "right", "wrong"),
    [
        (
            sliced(
                {"type": "value", "path": "system"},
                [
                    {
                        "id": "Patient.telecom:phone",
                        "path": "Patient.telecom",
                        "sliceName": "phone",
                        "min": 1,
                    },
                    {
                        "id": "Patient.telecom:phone.system",
                        "path": "Patient.telecom.system",
                        "fixedCode": "phone",
                    },
                ],
            ),
            {"telecom": [{"system": "phone", "value": "1"}]},
            {"telecom": [{"system": "fax", "value": "1"}]},
        ),
        (
            sliced(
                {"type": "exists", "path": "period"},
                [
                    {
                        "id": "Patient.telecom:past",
                        "path": "Patient.telecom",
                        "sliceName": "past",
                        "max": "1",
                    },
                    {
                        "id": "Patient.telecom:past.period",
                        "path": "Patient.telecom.period",
                        "min": 1,
                    },
                ],
            ),
            {"telecom": [{"system": "fax", "value": "1", "period": {"end": "2020"}}]},
            {"telecom": [{"system": "fax", "value": "1"}]},
        ),
        (
            sliced(
                {"type": "type", "path": "$this"},
                [
                    {
                        "id": "Observation.value[x]:valueQuantity",
                        "path": "Observation.value[x]",
                        "sliceName": "valueQuantity",
                        "type": [{"code": "Quantity"}],
                    },
                ],
            ),
            {"valueQuantity": {"value": 1}},
            {"valueString": "1"},
        ),
        (
            sliced(
                {"type": "type", "path": "resolve()"},
                [
                    {
                        "id": "Patient.generalPractitioner:person",
                        "path": "Patient.generalPractitioner",
                        "sliceName": "person",
                        "type": [{"code": "Reference", "targetProfile": [BASE + "Practitioner"]}],
                    },
                ],
            ),
            {"generalPractitioner": [{"reference": "Practitioner/1"}]},
            {"generalPractitioner": [{"reference": "Organization/1"}]},
        ),
        (
            sliced(
                {"type": "profile", "path": "$this"},
                [
                    {
                        "id": "Patient.extension:eye",
                        "path": "Patient.extension",
                        "sliceName": "eye",
                        "type": [{"code": "Extension", "profile": [OWN + "eye"]}],
                    },
                ],
            ),
            {"extension": [{"url": OWN + "eye", "valueCode": "left"}]},
            {"extension": [{"url": OWN + "other", "valueCode": "left"}]},
        ),
        (
            sliced(
                {"type": "value", "path": "type.coding.code"},
                [
                    {
                        "id": "Patient.identifier:mrn",
                        "path": "Patient.identifier",
                        "sliceName": "mrn",
                    },
                    {
                        "id": "Patient.identifier:mrn.type",
                        "path": "Patient.identifier.type",
                        "patternCodeableConcept": {"coding": [{"code": "MR"}]},
                    },
                ],
            ),
            {
                "identifier": [
                    {"value": "1", "type": {"coding": [{"system": "urn:x", "code": "MR"}]}}
                ]
            },
            {
                "identifier": [
                    {"value": "1", "type": {"coding": [{"system": "urn:x", "code": "DL"}]}}
                ]
            },
        ),
    ],
)
async def test_every_kind_of_discriminator(
    http: httpx.AsyncClient, create: Any, profile: Json, right: Json, wrong: Json
) -> None:
    for one in (EYE, EYES, profile):
        await create(one)
    start = (
        pressure(meta=None, component=None)
        if profile["type"] == "Observation"
        else {
            "resourceType": "Patient",
            "text": pressure()["text"],
        }
    )
    assert await issues(http, {**start, **right}, OWN + "sliced") == set()
    found = await issues(http, {**start, **wrong}, OWN + "sliced")
    assert any(severity == "error" for severity, _, _ in found), found


async def test_slices_in_order(http: httpx.AsyncClient, create: Any) -> None:
    slices = []
    for name in ("phone", "email"):
        slices += [
            {"id": f"Patient.telecom:{name}", "path": "Patient.telecom", "sliceName": name},
            {
                "id": f"Patient.telecom:{name}.system",
                "path": "Patient.telecom.system",
                "fixedCode": name,
            },
        ]
    await create(sliced({"type": "value", "path": "system"}, slices, ordered=True, rules="open"))
    patient = {"resourceType": "Patient", "text": pressure()["text"]}
    telecom = [{"system": name, "value": "1"} for name in ("phone", "email")]
    assert await issues(http, {**patient, "telecom": telecom}, OWN + "sliced") == set()
    found = await issues(http, {**patient, "telecom": telecom[::-1]}, OWN + "sliced")
    assert found == {("error", "structure", "Patient.telecom[1]")}
