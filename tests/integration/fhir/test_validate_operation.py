"""$validate over HTTP: http://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

WELL = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def _asking(**parameters: Any) -> dict[str, Any]:
    listed = []
    for name, value in parameters.items():
        key = {"resource": "resource", "mode": "valueCode", "profile": "valueUri"}[name]
        listed.append({"name": name, key: value})
    return {"resourceType": "Parameters", "parameter": listed}


async def _issues(http: httpx.AsyncClient, body: Any, type: str = "Observation") -> Any:
    answer = await http.post(f"{type}/$validate", json=body)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["resourceType"] == "OperationOutcome"
    return [(issue["severity"], issue.get("expression", [""])[0]) for issue in said["issue"]]


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_resource_is_looked_at_and_not_written(
    http: httpx.AsyncClient, wrapped: bool
) -> None:
    wrong = {**WELL, "status": "finished"}
    send = (lambda one: _asking(resource=one, mode="create")) if wrapped else (lambda one: one)
    assert await _issues(http, send(WELL)) == [("information", "")]
    assert await _issues(http, send(wrong)) == [("error", "Observation.status")]
    assert "entry" not in (await http.get("Observation")).json()


async def test_a_parameters_resource_is_a_resource_too(http: httpx.AsyncClient) -> None:
    plain = {"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]}
    assert await _issues(http, plain, "Parameters") == [("information", "")]


async def test_another_type_is_an_issue(http: httpx.AsyncClient) -> None:
    assert ("error", "resourceType") in await _issues(http, WELL, "Patient")


async def test_a_stored_resource(http: httpx.AsyncClient, create: Any) -> None:
    stored = await create(WELL)
    for method in ("GET", "POST"):
        answer = await http.request(method, f"Observation/{stored['id']}/$validate")
        assert answer.json()["issue"][0]["severity"] == "information", answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "Observation/$validate", None, 400),
        ("POST", "Observation/$validate", _asking(profile="urn:p", resource=WELL), 400),
        ("POST", "Observation/$validate", _asking(mode="delete", resource=WELL), 400),
        ("POST", "Observation/$lastn", WELL, 404),
        ("POST", "$validate", WELL, 404),
        ("POST", "Unicorn/$validate", WELL, 404),
        ("PUT", "Observation/$validate", WELL, 405),
        ("GET", "Observation/none/$validate", None, 404),
    ],
)
async def test_what_cannot_be_validated(
    http: httpx.AsyncClient, method: str, path: str, body: Any, status: int
) -> None:
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
