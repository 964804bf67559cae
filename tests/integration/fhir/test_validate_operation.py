"""$validate over HTTP: http://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

WELL = {
    "resourceType": "Observation",
    "text": {
        "status": "generated",
        "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Pulse 60</div>",
    },
    "status": "final",
    "code": {"text": "x"},
}


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
        ("POST", "Observation/$validate", _asking(mode="erase", resource=WELL), 400),
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


async def test_best_practice_is_advised_by_validation_alone(
    http: httpx.AsyncClient, create: Any
) -> None:
    bare = {name: value for name, value in WELL.items() if name != "text"}
    await create(bare)
    answer = await http.post("Observation/$validate", json=bare)
    (issue,) = answer.json()["issue"]
    assert (issue["severity"], issue["details"]["coding"][0]["code"]) == ("warning", "dom-6")


async def test_an_update_needs_an_id(http: httpx.AsyncClient) -> None:
    asked = _asking(resource=WELL, mode="update")
    assert await _issues(http, asked) == [("error", "Observation.id")]


LOINC = "http://loinc.org"


def coded(code: str, display: str | None = None) -> dict[str, Any]:
    coding = {"system": LOINC, "code": code, **({"display": display} if display else {})}
    return {**WELL, "code": {"coding": [coding]}}


async def _rules(http: httpx.AsyncClient, resource: Any) -> list[tuple[str, str, str]]:
    answer = await http.post("Observation/$validate", json=resource)
    return [
        (one["severity"], one["details"]["coding"][0]["code"], one["expression"][0])
        for one in answer.json()["issue"]
        if "details" in one
    ]


async def test_the_check_digit_of_loinc_codes(http: httpx.AsyncClient, create: Any) -> None:
    place = "Observation.code.coding[0].code"
    wrong = coded("33747-0")
    assert await _rules(http, wrong) == [("warning", "loinc-check-digit", place)]
    await create(wrong)
    for code in ("8867-4", "85354-9", "8480-6", "2345-7", "LA6576-8", "urn"):
        assert await _rules(http, coded(code)) == []


async def test_a_display_is_compared_when_the_code_system_is_loaded(
    http: httpx.AsyncClient, create: Any
) -> None:
    pulse = coded("8867-4", "Pulse")
    assert await _rules(http, pulse) == []
    await create(
        {
            "resourceType": "CodeSystem",
            "url": LOINC,
            "status": "active",
            "content": "fragment",
            "concept": [
                {
                    "code": "8867-4",
                    "display": "Heart rate",
                    "designation": [{"language": "de", "value": "Herzfrequenz"}],
                }
            ],
        }
    )
    place = "Observation.code.coding[0].display"
    assert await _rules(http, pulse) == [("warning", "display-mismatch", place)]
    for display in ("Heart rate", "heart  RATE", "Herzfrequenz"):
        assert await _rules(http, coded("8867-4", display)) == []
    assert await _rules(http, coded("8480-6", "Systolic")) == []


async def test_a_code_that_its_complete_system_does_not_have(http: httpx.AsyncClient) -> None:
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category"}
    resource = {**WELL, "category": [{"coding": [{**category, "code": "vital-sign"}]}]}
    place = "Observation.category[0].coding[0].code"
    assert await _rules(http, resource) == [("warning", "code-unknown", place)]
