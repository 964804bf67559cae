"""PATCH over HTTP: http://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from .conftest import Create

JSON_PATCH = {"Content-Type": "application/json-patch+json"}
FHIR_JSON = {"Content-Type": "application/fhir+json"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:mrn", "value": "1"}],
    "name": [{"family": "Brightwater"}],
}


def _replace(path: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": path, "value": value}]


async def _patch(
    http: httpx.AsyncClient, target: str, patch: Any, **headers: str
) -> httpx.Response:
    kind = JSON_PATCH if isinstance(patch, list) else FHIR_JSON
    return await http.patch(target, json=patch, headers={**kind, **headers})


@pytest.fixture
async def patient(create: Any) -> Any:
    return await create(PATIENT)


async def test_a_json_patch_makes_the_next_version(http: httpx.AsyncClient, patient: Any) -> None:
    place = f"Patient/{patient['id']}"
    answer = await _patch(http, place, _replace("/name/0/family", "Marlowe"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == 'W/"2"'
    assert answer.json()["name"] == [{"family": "Marlowe"}]
    assert (await http.get(place)).json() == answer.json()
    found = (await http.get("Patient?family=Marlowe")).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [patient["id"]]
    assert (await http.get(f"{place}/_history/1")).json()["name"] == PATIENT["name"]


async def test_a_fhirpath_patch(http: httpx.AsyncClient, patient: Any) -> None:
    part = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "birthDate"},
        {"name": "value", "valueDate": "1970-03-01"},
    ]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    answer = await _patch(http, f"Patient/{patient['id']}", patch)
    assert answer.status_code == 200, answer.text
    assert answer.json()["birthDate"] == "1970-03-01"


@pytest.mark.parametrize(
    ("patch", "status", "code"),
    [
        ({"resourceType": "Patient"}, 400, "invalid"),
        ([{"op": "nod", "path": "/active"}], 400, "invalid"),
        (_replace("/gender", "male"), 422, "processing"),
        (_replace("/name", [{"familie": "x"}]), 422, "structure"),
        (_replace("/id", "other"), 400, "invalid"),
        (_replace("/resourceType", "Person"), 400, "invalid"),
        ([{"op": "test", "path": "/name/0/family", "value": "x"}], 422, "processing"),
    ],
)
async def test_a_patch_that_cannot_be_changes_nothing(
    http: httpx.AsyncClient, patient: Any, patch: Any, status: int, code: str
) -> None:
    answer = await _patch(http, f"Patient/{patient['id']}", patch)
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["code"] == code
    assert "Brightwater" not in answer.text
    assert (await http.get(f"Patient/{patient['id']}")).json()["meta"]["versionId"] == "1"


async def test_a_patch_of_another_version_is_refused(http: httpx.AsyncClient, patient: Any) -> None:
    place, patch = f"Patient/{patient['id']}", _replace("/name/0/family", "M")
    stale = await _patch(http, place, patch, **{"If-Match": 'W/"7"'})
    assert stale.status_code == 412
    assert (await _patch(http, place, patch, **{"If-Match": 'W/"1"'})).status_code == 200


async def test_a_conditional_patch(http: httpx.AsyncClient, patient: Any, create: Any) -> None:
    patch = _replace("/name/0/family", "Marlowe")
    answer = await _patch(http, "Patient?identifier=urn:mrn|1", patch)
    assert answer.status_code == 200, answer.text
    assert (await _patch(http, "Patient?identifier=urn:mrn|2", patch)).status_code == 404
    await create(PATIENT)
    assert (await _patch(http, "Patient?identifier=urn:mrn|1", patch)).status_code == 412


async def test_what_is_not_there_is_not_patched(http: httpx.AsyncClient, patient: Any) -> None:
    assert (await _patch(http, "Patient/none", _replace("/a", 1))).status_code == 404
    await http.delete(f"Patient/{patient['id']}")
    gone = await _patch(http, f"Patient/{patient['id']}", _replace("/active", True))
    assert gone.status_code == 410


async def test_the_type_of_a_patch_must_be_said(http: httpx.AsyncClient, patient: Any) -> None:
    place = f"Patient/{patient['id']}"
    plain = await http.patch(place, json=_replace("/active", True))
    assert plain.status_code == 400
    text = await http.patch(place, content=b"x", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415


async def test_a_patch_needs_to_read_and_to_write(client_of: Any, scope: Any, patient: Any) -> None:
    viewer = await client_of(scope, "viewer")
    answer = await _patch(viewer, f"Patient/{patient['id']}", _replace("/name/0/family", "M"))
    assert answer.status_code == 403


async def test_patches_at_the_same_time_all_count(http: httpx.AsyncClient, patient: Any) -> None:
    place = f"Patient/{patient['id']}"
    patches = [
        [{"op": "add", "path": "/name/-", "value": {"text": f"n{number}"}}] for number in range(8)
    ]
    answers = await asyncio.gather(*(_patch(http, place, patch) for patch in patches))
    assert {answer.status_code for answer in answers} == {200}
    names = (await http.get(place)).json()["name"]
    assert {name.get("text") for name in names[1:]} == {f"n{number}" for number in range(8)}


async def test_a_merge_patch_says_what_members_become(
    http: httpx.AsyncClient, patient: Any
) -> None:
    place = f"Patient/{patient['id']}"
    for kind in ("application/merge-patch+json", "application/json"):
        change = {"gender": "other", "name": None, "maritalStatus": {"text": kind}}
        answer = await http.patch(place, content=json.dumps(change), headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text
        patched = answer.json()
        assert (patched["gender"], patched["maritalStatus"]) == ("other", {"text": kind})
        assert "name" not in patched
        assert patched["identifier"] == patient["identifier"]
    wrong = await http.patch(
        place, content="[]", headers={"Content-Type": "application/merge-patch+json"}
    )
    assert wrong.status_code == 400


@pytest.mark.parametrize("path", ["Observation.value", "Observation.value.ofType(Quantity)"])
async def test_a_fhirpath_patch_changes_the_type_of_a_choice(
    http: httpx.AsyncClient, create: Create, path: str
) -> None:
    made = await create(
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "x"},
            "valueQuantity": {"value": 1},
            "interpretation": [{"text": "high"}],
        }
    )

    def replacing(value: dict[str, Any]) -> dict[str, Any]:
        parts = [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": path},
            {"name": "value", **value},
        ]
        return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}

    place = f"Observation/{made['id']}"
    headers = {"Content-Type": "application/fhir+json"}
    wrong = await http.patch(place, json=replacing({"valueUri": "urn:x"}), headers=headers)
    assert wrong.status_code == 422
    changed = await http.patch(place, json=replacing({"valueString": "one"}), headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.json()["valueString"] == "one"
    assert "valueQuantity" not in changed.json()
    assert [*changed.json()][-2:] == ["valueString", "interpretation"]
