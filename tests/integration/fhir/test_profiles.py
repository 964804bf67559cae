"""Profiles over HTTP: http://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

import copy
from typing import Any

import httpx
import pytest

from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

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
            "type": [{"code": "Quantity"}],
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


async def test_what_meets_its_profile_is_stored(create: Any) -> None:
    await create(PRESSURE)
    await create(pressure())


@pytest.mark.parametrize(
    ("resource", "code", "place"),
    [
        (pressure(subject=None), "required", "Observation.subject"),
        (pressure(subject={"reference": "Device/1"}), "value", "Observation.subject.reference"),
        (pressure(component=[component("8480-6", 1)]), "required", "Observation.component"),
        (pressure(code={"text": "pressure"}), "value", "Observation.code"),
        (pressure(valueString="high"), "structure", "Observation.value"),
        (
            pressure(
                component=[component("8480-6", 1), component("8480-6", 2), component("8462-4", 3)]
            ),
            "structure",
            "Observation.component",
        ),
        (
            pressure(component=[component("8480-6", 1, "kPa"), component("8462-4", 3)]),
            "value",
            "Observation.component[0].valueQuantity.code",
        ),
        (pressure(note=[{"text": "x"}]), "invariant", "Observation.note[0]"),
    ],
)
async def test_what_breaks_its_profile_is_refused(
    http: httpx.AsyncClient, create: Any, resource: Json, code: str, place: str
) -> None:
    await create(PRESSURE)
    answer = await http.post("Observation", json=resource)
    assert answer.status_code == 422, answer.text
    found = [(one["code"], one["expression"]) for one in answer.json()["issue"]]
    assert (code, [place]) in found
    assert all(
        OWN in one["details"]["coding"][0]["code"] or code == "invariant"
        for one in answer.json()["issue"]
    )


async def test_the_entry_of_a_bundle_is_named(http: httpx.AsyncClient, create: Any) -> None:
    await create(PRESSURE)
    request = {"method": "POST", "url": "Observation"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": pressure(), "request": request},
            {"resource": pressure(subject=None), "request": request},
        ],
    }
    answer = await http.post("", json=bundle)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.subject"]


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


async def test_warnings_are_for_validation_alone(http: httpx.AsyncClient, create: Any) -> None:
    await create(PRESSURE)
    noted = pressure(note=[{"text": "x", "authorString": "me"}])
    await create(noted)
    assert await issues(http, noted) == {("warning", "invariant", "Observation.note[0]")}


async def test_a_profile_can_be_asked_for(http: httpx.AsyncClient, create: Any) -> None:
    await create(PRESSURE)
    plain = pressure(meta=None, subject=None)
    assert await issues(http, plain) == set()
    assert await issues(http, plain, OWN + "pressure") == {
        ("error", "required", "Observation.subject")
    }
    wrong = {"resourceType": "Patient", "text": plain["text"]}
    assert await issues(http, wrong, OWN + "pressure") == {("error", "invalid", "Patient")}


async def test_a_changed_profile_counts_from_the_next_write(
    http: httpx.AsyncClient, create: Any
) -> None:
    stored = await create(PRESSURE)
    wrong = pressure(subject=None)
    assert (await http.post("Observation", json=wrong)).status_code == 422
    stored["differential"]["element"][2]["min"] = 0
    assert (await http.put(f"StructureDefinition/{stored['id']}", json=stored)).status_code == 200
    assert (await http.post("Observation", json=wrong)).status_code == 201
    assert (await http.delete(f"StructureDefinition/{stored['id']}")).status_code == 204
    assert (await http.post("Observation", json=pressure(component=None))).status_code == 201


async def test_versions_of_a_profile(http: httpx.AsyncClient, create: Any) -> None:
    await create({**PRESSURE, "version": "1"})
    later = copy.deepcopy(PRESSURE)
    later["differential"]["element"][2]["min"] = 0
    await create({**later, "version": "2"})

    async def status(canonical: str) -> int:
        resource = pressure(subject=None, meta={"profile": [canonical]})
        return (await http.post("Observation", json=resource)).status_code

    assert await status(OWN + "pressure|1") == 422
    assert await status(OWN + "pressure|2") == 201
    assert await status(OWN + "pressure") == 201
    assert await status(OWN + "pressure|3") == 201


async def test_an_unknown_profile(
    http: httpx.AsyncClient, create: Any, database: Database, scope: Scope, fhir: FhirStore
) -> None:
    unknown = pressure(meta={"profile": [OWN + "nobody"]})
    await create(unknown)
    assert await issues(http, unknown) == {("warning", "not-found", "Observation.meta.profile")}
    await database.query(
        scope.tenant,
        "UPDATE careloom.store SET settings = $3 WHERE tenant = $1 AND store = $2",
        scope.tenant,
        scope.store,
        {"unknownProfile": "refuse"},
    )
    fhir.context.conformance.forget(scope)
    answer = await http.post("Observation", json=unknown)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Observation.meta.profile"]


async def test_a_profile_of_another_tenant_is_unknown(
    http: httpx.AsyncClient, create: Any, database: Database, client_of: Any
) -> None:
    await create(PRESSURE)
    assert (await http.post("Observation", json=pressure(subject=None))).status_code == 422
    await database.call("tenant_create", "other-profiles", "Other", "development")
    other = await client_of(Scope("other-profiles", "main"), "engineer")
    assert (await other.post("Observation", json=pressure(subject=None))).status_code == 201


async def test_the_profiles_of_the_specification_are_known(http: httpx.AsyncClient) -> None:
    pulse = pressure(
        meta={"profile": [BASE + "heartrate"]},
        code={"coding": [{"system": LOINC, "code": "8867-4"}]},
        component=None,
        effectiveDateTime="2026-01-01",
        category=[
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        valueQuantity={"value": 60, "unit": "/min", "system": UCUM, "code": "/min"},
    )
    assert (await http.post("Observation", json=pulse)).status_code == 201
    for wrong, place in (
        ({"category": None}, "Observation.category"),
        ({"effectiveDateTime": None}, "Observation.effective"),
        ({"code": {"text": "pulse"}}, "Observation.code.coding"),
    ):
        resource = {k: v for k, v in {**pulse, **wrong}.items() if v is not None}
        answer = await http.post("Observation", json=resource)
        assert answer.status_code == 422, wrong
        assert place in {one["expression"][0] for one in answer.json()["issue"]}
    unit = {**pulse, "valueQuantity": {**pulse["valueQuantity"], "code": "1/s"}}
    answer = await http.post("Observation", json=unit)
    assert "Observation.valueQuantity.code" in answer.text


async def test_a_differential_on_another_profile_adds_to_it(
    http: httpx.AsyncClient, create: Any
) -> None:
    await create(PRESSURE)
    child = structure(
        "child",
        "Observation",
        [{"path": "Observation"}, {"path": "Observation.bodySite", "min": 1}],
        baseDefinition=OWN + "pressure",
    )
    await create(child)
    found = await issues(http, pressure(meta=None, subject=None), OWN + "child")
    assert found == {
        ("error", "required", "Observation.subject"),
        ("error", "required", "Observation.bodySite"),
    }


def with_extension(profile: str, **rule: Any) -> Json:
    return structure(
        "patient",
        "Patient",
        [
            {"path": "Patient"},
            {
                "path": "Patient.extension",
                "slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"},
            },
            {
                "id": "Patient.extension:eye",
                "path": "Patient.extension",
                "sliceName": "eye",
                "type": [{"code": "Extension", "profile": [OWN + profile]}],
                **rule,
            },
        ],
    )


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


async def test_extensions_by_their_definition(http: httpx.AsyncClient, create: Any) -> None:
    for one in (EYE, EYES, with_extension("eye", min=1, max="1")):
        await create(one)
    text = pressure()["text"]

    async def look(*values: Json) -> set[tuple[str, str, str]]:
        extensions = [{"url": OWN + "eye", **value} for value in values]
        resource = {"resourceType": "Patient", "text": text, "extension": extensions}
        if not values:
            del resource["extension"]
        return await issues(http, resource, OWN + "patient")

    place = "Patient.extension"
    assert await look({"valueCode": "left"}) == set()
    assert await look() == {("error", "required", place)}
    assert await look({"valueCode": "left"}, {"valueCode": "right"}) == {
        ("error", "structure", place)
    }
    assert await look({"valueCode": "third"}) == {
        ("error", "code-invalid", f"{place}[0].valueCode")
    }
    assert await look({"valueString": "left"}) == {
        ("error", "structure", f"{place}[0].valueString")
    }
    other = {
        "resourceType": "Patient",
        "text": text,
        "extension": [{"url": OWN + "eye", "valueString": "x"}],
    }
    assert ("error", "structure", f"{place}[0].valueString") in await issues(http, other)


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
