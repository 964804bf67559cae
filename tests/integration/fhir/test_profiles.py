"""Profiles over HTTP: http://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import httpx
import pytest
from tests.integration.fhir.profile_samples import (
    BASE,
    EYE,
    EYES,
    LOINC,
    OWN,
    PRESSURE,
    UCUM,
    Json,
    component,
    issues,
    pressure,
    structure,
)

from careloom.fhir import conformance
from careloom.fhir.issue import InvalidResource
from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import Scope


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


async def test_another_process_learns_of_a_change(
    http: httpx.AsyncClient,
    create: Any,
    database: Database,
    keyring: Keyring,
    scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conformance, "FRESH_S", 0.0)
    other = FhirStore(database, keyring)

    async def is_refused() -> bool:
        try:
            await other.plan_create(scope, pressure(subject=None))
        except InvalidResource:
            return True
        return False

    assert not await is_refused()
    stored = await create(PRESSURE)
    assert await is_refused()
    stored["differential"]["element"][2]["min"] = 0
    assert (await http.put(f"StructureDefinition/{stored['id']}", json=stored)).status_code == 200
    assert not await is_refused()
    stored["differential"]["element"][2]["min"] = 1
    assert (await http.put(f"StructureDefinition/{stored['id']}", json=stored)).status_code == 200
    assert await is_refused()
    assert (await http.delete(f"StructureDefinition/{stored['id']}")).status_code == 204
    assert not await is_refused()


async def test_a_profile_is_read_once_and_not_with_each_write(
    create: Any, fhir: FhirStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(PRESSURE)
    await create(pressure())
    monkeypatch.setattr(conformance, "FRESH_S", 60.0)
    asked = []
    call, rows = fhir.context.db.call, fhir.context.db.rows

    async def counted(ask: Any, function: str, *arguments: Any) -> Any:
        asked.append(function)
        return await ask(function, *arguments)

    monkeypatch.setattr(fhir.context.db, "call", partial(counted, call))
    monkeypatch.setattr(fhir.context.db, "rows", partial(counted, rows))
    for _ in range(5):
        await create(pressure())
    assert not {"fhir_canonical", "fhir_conformance_stamp", "fhir_store_settings"} & set(asked)


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


async def test_rules_may_ask_for_value_sets_and_profiles(
    http: httpx.AsyncClient, create: Any
) -> None:
    rules = {
        "own-3": "extension.value.memberOf('http://example.org/ValueSet/eyes')",
        "own-4": "conformsTo('http://example.org/StructureDefinition/named')",
    }
    constraints = [
        {"key": key, "severity": "error", "human": "x", "expression": text}
        for key, text in rules.items()
    ]
    asking = structure("asking", "Patient", [{"path": "Patient", "constraint": constraints}])
    named = structure("named", "Patient", [{"path": "Patient"}, {"path": "Patient.name", "min": 1}])
    for one in (EYE, EYES, asking, named):
        await create(one)

    async def broken(**more: Any) -> set[str]:
        body = {"resourceType": "Patient", "meta": {"profile": [OWN + "asking"]}, **more}
        answer = await http.post("Patient", json=body)
        if answer.status_code == 201:
            return set()
        return {one["details"]["coding"][0]["code"] for one in answer.json()["issue"]}

    def eye(code: str) -> list[dict[str, str]]:
        return [{"url": OWN + "eye", "valueCode": code}]

    name = [{"family": "Ada"}]
    assert await broken(extension=eye("left"), name=name) == set()
    assert await broken(extension=eye("third"), name=name) == {"own-3"}
    assert await broken(extension=eye("left")) == {"own-4"}
