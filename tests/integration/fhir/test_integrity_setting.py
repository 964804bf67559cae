"""Reference integrity, as a store's setting asks for it: http://hl7.org/fhir/R4/http.html#integrity"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from careloom.fhir.store import FhirStore
from careloom.store.database import Database
from careloom.types import Scope

NAMED: dict[str, Any] = {"resourceType": "Patient", "name": [{"family": "Ada"}]}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    code = {"text": "x"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": {"reference": subject},
        **more,
    }


@pytest.fixture
def setting(database: Database, scope: Scope, fhir: FhirStore) -> Any:
    async def put(mode: str) -> None:
        await database.query(
            scope.tenant,
            "UPDATE careloom.store SET settings = $3 WHERE tenant = $1 AND store = $2",
            scope.tenant,
            scope.store,
            {"referenceIntegrity": mode},
        )
        fhir.context.conformance.forget(scope)

    return put


def said(answer: httpx.Response) -> tuple[int, str, str]:
    issue = answer.json()["issue"][0]
    return answer.status_code, issue["details"]["coding"][0]["code"], issue["expression"][0]


async def test_without_the_setting_a_reference_may_point_at_nothing(create: Any) -> None:
    await create(observation("Patient/nobody"))


async def test_under_warn_only_validation_tells(
    http: httpx.AsyncClient, create: Any, setting: Any
) -> None:
    await setting("warn")
    stored = await create(observation("Patient/nobody"))
    answer = await http.get(f"Observation/{stored['id']}/$validate")
    issues = answer.json()["issue"]
    assert ("warning", ["Observation.subject.reference"]) in [
        (one["severity"], one.get("expression")) for one in issues
    ]


async def test_a_reference_to_nothing_is_refused(
    http: httpx.AsyncClient, create: Any, setting: Any
) -> None:
    await setting("enforce")
    answer = await http.post("Observation", json=observation("Patient/nobody"))
    assert said(answer) == (422, "unresolved_reference", "Observation.subject.reference")
    assert "entry" not in (await http.get("Observation")).json()
    patient = await create(NAMED)
    stored = await create(observation(f"Patient/{patient['id']}"))
    stored["performer"] = [{"reference": "Practitioner/nobody"}]
    answer = await http.put(f"Observation/{stored['id']}", json=stored)
    assert said(answer) == (422, "unresolved_reference", "Observation.performer[0].reference")
    change = [{"op": "replace", "path": "/subject/reference", "value": "Patient/none"}]
    answer = await http.patch(
        f"Observation/{stored['id']}",
        json=change,
        headers={"Content-Type": "application/json-patch+json"},
    )
    assert answer.status_code == 422
    await http.delete(f"Observation/{stored['id']}")
    await http.delete(f"Patient/{patient['id']}")
    answer = await http.post("Observation", json=observation(f"Patient/{patient['id']}"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "reference",
    ["http://elsewhere.org/fhir/Patient/1", "urn:uuid:00000000-0000-4000-8000-000000000000", "#p"],
)
async def test_what_is_not_in_this_store_is_not_looked_for(
    create: Any, setting: Any, reference: str
) -> None:
    await setting("enforce")
    contained = [{"resourceType": "Patient", "id": "p"}] if reference == "#p" else None
    await create(observation(reference, **({"contained": contained} if contained else {})))


async def test_a_transaction_may_refer_to_what_it_makes_and_names_the_entry_that_does_not(
    http: httpx.AsyncClient, setting: Any
) -> None:
    await setting("enforce")
    patient = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        {"resource": observation(patient), "request": {"method": "POST", "url": "Observation"}},
        {"fullUrl": patient, "resource": NAMED, "request": {"method": "POST", "url": "Patient"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await http.post("", json=bundle)
    assert answer.status_code == 200, answer.text
    entries.append(
        {
            "resource": observation("Patient/patient-123"),
            "request": {"method": "POST", "url": "Observation"},
        }
    )
    answer = await http.post("", json=bundle)
    place = "Bundle.entry[2].resource.subject.reference"
    assert said(answer) == (422, "unresolved_reference", place)
    assert (await http.get("Patient?_summary=count")).json()["total"] == 1


@pytest.mark.parametrize("hidden", [False, True])
async def test_what_is_referred_to_is_not_deleted(
    http: httpx.AsyncClient, create: Any, setting: Any, hidden: bool
) -> None:
    """Also when no search parameter covers the element that refers to it."""
    await setting("enforce")
    patient = await create(NAMED)
    place = {"reference": f"Patient/{patient['id']}"}
    resource = (
        {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "extension": [{"url": "http://example.org/about", "valueReference": place}],
        }
        if hidden
        else observation(place["reference"])
    )
    stored = await create(resource)
    kind = stored["resourceType"]
    answer = await http.delete(f"Patient/{patient['id']}")
    assert said(answer) == (409, "referenced", "Patient")
    asked = {
        "resourceType": "Parameters",
        "parameter": [{"name": "mode", "valueCode": "delete"}],
    }
    answer = await http.post(f"Patient/{patient['id']}/$validate", json=asked)
    assert answer.json()["issue"][0]["severity"] == "error"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": f"Patient/{patient['id']}"}}],
    }
    assert said(await http.post("", json=bundle)) == (409, "referenced", "Bundle.entry[0]")
    bundle["entry"].append({"request": {"method": "DELETE", "url": f"{kind}/{stored['id']}"}})
    assert (await http.post("", json=bundle)).status_code == 200


async def test_a_reference_that_was_taken_away_no_longer_holds(
    http: httpx.AsyncClient, create: Any, setting: Any
) -> None:
    await setting("enforce")
    patient = await create(NAMED)
    stored = await create(observation(f"Patient/{patient['id']}"))
    del stored["subject"]
    assert (await http.put(f"Observation/{stored['id']}", json=stored)).status_code == 200
    assert (await http.delete(f"Patient/{patient['id']}")).status_code == 204


async def test_a_delete_and_a_reference_at_the_same_time_never_both_succeed(
    http: httpx.AsyncClient, create: Any, setting: Any
) -> None:
    await setting("enforce")
    for _ in range(20):
        patient = await create(NAMED)
        place = f"Patient/{patient['id']}"
        answers = await asyncio.gather(
            http.delete(place),
            *(http.post("Observation", json=observation(place)) for _ in range(3)),
        )
        gone = answers[0].status_code == 204
        made = [one.status_code for one in answers[1:]]
        assert answers[0].status_code in (204, 409), answers[0].text
        assert set(made) <= ({422} if gone else {201, 422}), made
        if gone:
            continue
        assert 201 in made


async def test_a_conditional_create_that_finds_its_match_refers_to_nothing(
    http: httpx.AsyncClient, create: Any, setting: Any
) -> None:
    identifier = [{"system": "urn:s", "value": "1"}]
    await create(observation("Patient/nobody", identifier=identifier))
    await setting("enforce")
    answer = await http.post(
        "Observation",
        json=observation("Patient/nobody", identifier=identifier),
        headers={"If-None-Exist": "identifier=urn:s|1"},
    )
    assert answer.status_code == 200, answer.text
