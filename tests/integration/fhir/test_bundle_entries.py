"""What the entries of a Bundle may do beside create, update and delete.

http://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from careloom.fhir import batch as batches
from careloom.fhir.store import FhirStore

from .conftest import Create, Resource
from .test_bundles import PATIENT, bundle, count, entry, observation, send

URN = "urn:uuid:00000000-0000-4000-8000-00000000000c"
TAGGED: Resource = {**PATIENT, "identifier": [{"system": "urn:mrn", "value": "e"}]}
CRITERIA = "identifier=urn:mrn|e"


def json_patch(*operations: Resource) -> Resource:
    data = base64.b64encode(json.dumps(operations).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


def replace(path: str, value: Any) -> Resource:
    return json_patch({"op": "add", "path": path, "value": value})


def fhirpath_patch(path: str, name: str, **value: Any) -> Resource:
    part = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": path},
        {"name": "name", "valueString": name},
        {"name": "value", **value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}


def statuses(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [e["response"]["status"][:3] for e in response.json()["entry"]]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_patches_of_both_forms_by_id_and_by_criteria(
    http: httpx.AsyncClient, create: Create, kind: str
) -> None:
    first = (await create(PATIENT))["id"]
    second = (await create(TAGGED))["id"]
    response = await send(
        http,
        bundle(
            kind,
            entry("PATCH", f"Patient/{first}", replace("/gender", "other"), ifMatch='W/"1"'),
            entry(
                "PATCH",
                f"Patient?{CRITERIA}",
                fhirpath_patch("Patient", "birthDate", valueDate="1970-01-01"),
            ),
        ),
        Prefer="return=representation",
    )
    assert statuses(response) == ["200", "200"]
    made = [e["resource"] for e in response.json()["entry"]]
    assert (made[0]["id"], made[0]["gender"], made[0]["meta"]["versionId"]) == (first, "other", "2")
    assert (made[1]["id"], made[1]["birthDate"]) == (second, "1970-01-01")


async def test_a_patch_refers_to_another_entry(http: httpx.AsyncClient, create: Create) -> None:
    seen = await create(observation("Patient/unknown"))
    response = await send(
        http,
        bundle(
            "transaction",
            entry("PATCH", f"Observation/{seen['id']}", replace("/subject", {"reference": URN})),
            entry("POST", "Patient", PATIENT, fullUrl=URN),
        ),
        Prefer="return=representation",
    )
    assert statuses(response) == ["200", "201"]
    patched, patient = (e["resource"] for e in response.json()["entry"])
    assert patched["subject"]["reference"] == f"Patient/{patient['id']}"


@pytest.mark.parametrize(
    ("patch", "status", "place"),
    [
        (PATIENT, 400, "resource"),
        (json_patch({"op": "nod", "path": "/x"}), 400, "resource"),
        (json_patch({"op": "remove", "path": "/gender"}), 422, "resource"),
        (replace("/gender", "unheard-of"), 422, "resource.gender"),
        (replace("/id", "x"), 400, "resource"),
        ({"resourceType": "Binary", "contentType": "text/plain", "data": "e30="}, 400, "resource"),
        ({"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "%"}, 400, "resource"),  # noqa: E501
    ],
)  # fmt: skip
async def test_a_patch_that_cannot_be_leaves_nothing(
    http: httpx.AsyncClient, create: Create, patch: Resource, status: int, place: str
) -> None:
    kept = await create(PATIENT)
    entries = [entry("PATCH", f"Patient/{kept['id']}", patch), entry("POST", "Patient", PATIENT)]
    response = await send(http, bundle("transaction", *entries))
    assert response.status_code == status, response.text
    assert response.json()["issue"][0]["expression"] == [f"Bundle.entry[0].{place}"]
    assert await count(http, "Patient?") == 1
    assert statuses(await send(http, bundle("batch", *entries))) == [str(status), "201"]


@pytest.mark.parametrize(
    ("url", "status"), [("Patient/none", 404), ("Patient?identifier=none", 404)]
)
async def test_what_is_not_there_is_not_patched(
    http: httpx.AsyncClient, url: str, status: int
) -> None:
    response = await send(
        http, bundle("transaction", entry("PATCH", url, replace("/active", True)))
    )
    assert response.status_code == status, response.text
    assert response.json()["issue"][0]["expression"][0].startswith("Bundle.entry[0]")


async def test_a_patch_and_an_update_of_one_resource_are_refused(
    http: httpx.AsyncClient, create: Create
) -> None:
    kept = await create(PATIENT)
    place = f"Patient/{kept['id']}"
    response = await send(
        http,
        bundle(
            "transaction",
            entry("PUT", place, kept),
            entry("PATCH", place, replace("/active", True)),
        ),
    )
    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == ["Bundle.entry[1]"]


async def test_transactions_that_patch_the_same_resource_all_count(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    sent = [
        bundle("transaction", entry("PATCH", place, replace("/name/-", {"text": f"n{number}"})))
        for number in range(8)
    ]
    answers = await asyncio.gather(*(send(http, one) for one in sent))
    assert {a.status_code for a in answers} == {200}
    names = (await http.get(place)).json()["name"]
    assert {name.get("text") for name in names[1:]} == {f"n{number}" for number in range(8)}


async def test_what_a_transaction_deletes_matches_no_criteria_of_it(
    http: httpx.AsyncClient, create: Create
) -> None:
    old = (await create(TAGGED))["id"]
    response = await send(
        http,
        bundle(
            "transaction",
            entry("POST", "Patient", TAGGED, ifNoneExist=CRITERIA, fullUrl=URN),
            entry("POST", "Observation", observation(URN)),
            entry("DELETE", f"Patient/{old}"),
        ),
        Prefer="return=representation",
    )
    assert statuses(response) == ["201", "201", "204"]
    patient, seen = (e["resource"] for e in response.json()["entry"][:2])
    assert seen["subject"]["reference"] == f"Patient/{patient['id']}"
    assert patient["id"] != old
    again = bundle(
        "transaction",
        entry("DELETE", f"Patient?{CRITERIA}"),
        entry("PUT", f"Patient?{CRITERIA}", TAGGED),
    )
    assert statuses(await send(http, again)) == ["204", "201"]
    assert await count(http, f"Patient?{CRITERIA}") == 1


async def test_a_reference_to_what_the_transaction_deletes_is_not_resolved(
    http: httpx.AsyncClient, create: Create
) -> None:
    old = (await create(TAGGED))["id"]
    response = await send(
        http,
        bundle(
            "transaction",
            entry("DELETE", f"Patient/{old}"),
            entry("POST", "Observation", observation(f"Patient?{CRITERIA}")),
        ),
    )
    assert response.status_code == 422
    assert (await http.get(f"Patient/{old}")).status_code == 200


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_reads_of_every_kind(http: httpx.AsyncClient, create: Create, kind: str) -> None:
    kept = await create(TAGGED)
    place = f"Patient/{kept['id']}"
    response = await send(
        http,
        bundle(
            kind,
            entry("GET", place),
            entry("GET", f"{place}/_history/1"),
            entry("GET", f"{place}/_history"),
            entry("GET", "_history?_count=1"),
            entry("GET", f"Patient?{CRITERIA}"),
            entry("POST", f"Patient/_search?{CRITERIA}"),
            entry("GET", f"{place}/$everything"),
            entry("GET", f"{place}/$meta"),
            entry("POST", "Patient/$validate", PATIENT),
            entry("GET", "metadata"),
            entry("GET", f"{place}?_elements=id"),
            entry("GET", place, ifNoneMatch='W/"1"'),
            entry("HEAD", place),
        ),
    )
    assert statuses(response) == ["200"] * 11 + ["304", "200"]
    found = [e.get("resource", {}).get("resourceType") for e in response.json()["entry"]]
    assert found == [
        "Patient", "Patient", "Bundle", "Bundle", "Bundle", "Bundle", "Bundle", "Parameters",
        "OperationOutcome", "CapabilityStatement", "Patient", None, None,
    ]  # fmt: skip


async def test_an_operation_that_writes_belongs_into_no_transaction(
    http: httpx.AsyncClient, create: Create
) -> None:
    place = f"Patient/{(await create(PATIENT))['id']}"
    meta = {"name": "meta", "valueMeta": {"tag": [{"code": "x"}]}}
    adding = entry(
        "POST", f"{place}/$meta-add", {"resourceType": "Parameters", "parameter": [meta]}
    )
    refused = await send(http, bundle("transaction", adding))
    assert refused.status_code == 400
    assert (await http.get(place)).json()["meta"]["versionId"] == "1"
    assert statuses(await send(http, bundle("batch", adding))) == ["200"]


@pytest.mark.parametrize(
    "wrong",
    [
        entry("GET", "Patient/1", ifModifiedSince="yesterday"),
        entry("PUT", "Patient/1", {**PATIENT, "id": "1"}, ifNoneMatch='W/"1"'),
        entry("POST", "", bundle("batch")),
        entry("POST", "Patient/1/_history", PATIENT),
        entry("GET", "Patient/1/$unknown"),
        entry("GET", "http://elsewhere.org/x"),
        entry("DELETE", "_history"),
    ],
)
async def test_a_wrong_entry_fails_alone_in_a_batch_and_all_in_a_transaction(
    http: httpx.AsyncClient, wrong: Resource
) -> None:
    entries = [wrong, entry("POST", "Patient", PATIENT)]
    whole = await send(http, bundle("transaction", *entries))
    assert whole.status_code in (400, 404), whole.text
    assert whole.json()["issue"][0]["expression"][0].startswith("Bundle.entry[0]")
    assert await count(http, "Patient?") == 0
    answer = await send(http, bundle("batch", *entries))
    assert statuses(answer)[0] in ("400", "404")
    assert statuses(answer)[1] == "201"
    assert await count(http, "Patient?") == 1


async def test_conditions_of_entries_hold(http: httpx.AsyncClient, create: Create) -> None:
    kept = await create(PATIENT)
    place = f"Patient/{kept['id']}"
    new = entry("PUT", place, kept, ifNoneMatch="*")
    assert (await send(http, bundle("transaction", new))).status_code == 412
    absent = entry("PUT", "Patient/none", {**PATIENT, "id": "none"}, ifMatch="*")
    assert (await send(http, bundle("transaction", absent))).status_code == 412
    assert statuses(await send(http, bundle("batch", new, absent))) == ["412", "412"]
    stale = entry("DELETE", place, ifMatch='W/"7"')
    assert (await send(http, bundle("transaction", stale))).status_code == 412
    assert (await http.get(place)).status_code == 200


async def test_a_fault_of_the_program_is_one_entry_s_alone(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, create: Create
) -> None:
    kept = await create(PATIENT)
    real = batches.perform

    async def broken(fhir: FhirStore, caller: Any, request: Any) -> Any:
        if request.type == "Basic":
            raise RuntimeError("secret-word")
        return await real(fhir, caller, request)

    monkeypatch.setattr(batches, "perform", broken)
    entries = [entry("GET", "Basic/1"), entry("GET", f"Patient/{kept['id']}")]
    answer = await send(http, bundle("batch", *entries))
    assert statuses(answer) == ["500", "200"]
    assert "secret-word" not in answer.text
