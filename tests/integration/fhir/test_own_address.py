"""References by the store's own absolute address are local ones, however they come in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

HERE = "http://fhir.test/fhir"


def observation(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": subject},
    }


def transaction(subject: str) -> dict[str, Any]:
    entry = {
        "resource": observation(subject),
        "request": {"method": "POST", "url": "Observation"},
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


@pytest.mark.parametrize("way", ["create", "update", "transaction", "batch", "patch"])
async def test_it_is_found_like_a_relative_one(http: httpx.AsyncClient, way: str) -> None:
    patient = (await http.post("Patient", json={"resourceType": "Patient"})).json()["id"]
    absolute = f"{HERE}/Patient/{patient}"
    if way == "create":
        answer = await http.post("Observation", json=observation(absolute))
    elif way == "update":
        body = {**observation(absolute), "id": "mine"}
        answer = await http.put("Observation/mine", json=body)
    elif way == "patch":
        made = await http.post("Observation", json=observation("Patient/other"))
        answer = await http.patch(
            f"Observation/{made.json()['id']}",
            content=f'[{{"op":"replace","path":"/subject/reference","value":"{absolute}"}}]',
            headers={"Content-Type": "application/json-patch+json"},
        )
    else:
        answer = await http.post("", json={**transaction(absolute), "type": way})
    assert answer.status_code in (200, 201), answer.text
    for query in (f"subject=Patient/{patient}", f"subject={absolute}", f"patient={patient}"):
        found = (await http.get(f"Observation?{query}")).json()
        assert found["total"] == 1, query
        subject = found["entry"][0]["resource"]["subject"]
        assert subject == {"reference": f"Patient/{patient}"}
    whole = (await http.get(f"Patient/{patient}/Observation")).json()
    assert whole["total"] == 1


async def test_another_address_stays_as_it_is(http: httpx.AsyncClient) -> None:
    foreign = "http://elsewhere.example/fhir/Patient/1"
    made = await http.post("Observation", json=observation(foreign))
    assert made.json()["subject"] == {"reference": foreign}
    assert (await http.get("Observation?subject=Patient/1")).json()["total"] == 0
    assert (await http.get(f"Observation?subject={foreign}")).json()["total"] == 1
