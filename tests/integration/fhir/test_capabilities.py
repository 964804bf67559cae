"""The CapabilityStatement is true: what it lists is served, what it does not list is refused.

http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careloom.fhir.validation import validate

from .conftest import Create, Resource

VALUES = {
    "string": "a",
    "token": "a",
    "reference": "Patient/a",
    "date": "2020",
    "quantity": "1",
    "number": "1",
    "uri": "urn:a",
    "composite": "a$2020",
}
SPECIAL = {"near": "1|1", "_text": "a", "_content": "a", "_filter": "a eq b"}
TYPE_CALLS = {
    "read": ("GET", "{type}/none"),
    "vread": ("GET", "{type}/none/_history/1"),
    "update": ("PUT", "{type}/none"),
    "patch": ("PATCH", "{type}/none"),
    "delete": ("DELETE", "{type}/none"),
    "history-instance": ("GET", "{type}/none/_history"),
    "history-type": ("GET", "{type}/_history"),
    "create": ("POST", "{type}"),
    "search-type": ("GET", "{type}"),
}
SYSTEM_CALLS = {
    "transaction": ("POST", ""),
    "batch": ("POST", ""),
    "history-system": ("GET", "_history"),
    "search-system": ("GET", ""),
}


@pytest.fixture
async def statement(http: httpx.AsyncClient) -> Resource:
    made: Resource = (await http.get("metadata")).json()
    return made


def codes(answer: httpx.Response) -> set[str]:
    """The stable codes of an answer's issues."""
    issues = answer.json().get("issue", [])
    listed = [c["code"] for i in issues for c in i.get("details", {}).get("coding", [])]
    return set(listed)


def is_served(answer: httpx.Response) -> bool:
    """Whether a place and method are there: another fault than that they are not."""
    if answer.status_code == 404:
        return codes(answer) == {"not_found"}
    return answer.status_code not in (405, 500, 501)


async def test_every_interaction_that_is_listed_is_served(
    http: httpx.AsyncClient, statement: Resource
) -> None:
    rest = statement["rest"][0]
    for code in [i["code"] for i in rest["interaction"]]:
        method, path = SYSTEM_CALLS[code]
        body = {"resourceType": "Bundle", "type": code} if method == "POST" else None
        assert (await http.request(method, path, json=body)).status_code == 200, code
    for listed in rest["resource"]:
        for code in [i["code"] for i in listed["interaction"]]:
            method, path = TYPE_CALLS[code]
            body = {} if method in ("PUT", "POST", "PATCH") else None
            answer = await http.request(method, path.format(type=listed["type"]), json=body)
            assert is_served(answer), (listed["type"], code, answer.text)


async def test_every_search_parameter_that_is_listed_is_understood(
    http: httpx.AsyncClient, statement: Resource
) -> None:
    for listed in statement["rest"][0]["resource"]:
        type = listed["type"]
        asked, single = [], []
        for parameter in listed["searchParam"]:
            name, kind = parameter["name"], parameter["type"]
            value = SPECIAL.get(name) if kind == "special" else VALUES[kind]
            assert value is not None, (type, name)
            (single if kind == "composite" else asked).append((name, value))
        headers = {"Prefer": "handling=strict"}
        answer = await http.get(type, params=[*asked, ("_count", "0")], headers=headers)
        assert answer.status_code in (200, 400), (type, answer.text)
        assert not codes(answer) & {"unknown_parameter", "modifier_not_supported"}, answer.text
        for pair in single if answer.status_code == 200 else single + asked:
            one = await http.get(type, params=[pair, ("_count", "0")], headers=headers)
            assert not codes(one) & {"unknown_parameter"}, (type, pair, one.text)


async def test_every_include_that_is_listed_is_taken(
    http: httpx.AsyncClient, statement: Resource
) -> None:
    for listed in statement["rest"][0]["resource"]:
        for name, values in (
            ("_include", listed.get("searchInclude", [])),
            ("_revinclude", listed.get("searchRevInclude", [])),
        ):
            if values:
                pairs = [(name, value) for value in values]
                answer = await http.get(listed["type"], params=[*pairs, ("_id", "none")])
                assert answer.status_code == 200, (listed["type"], answer.text)


async def test_every_operation_that_is_listed_is_found_and_no_other(
    http: httpx.AsyncClient, statement: Resource
) -> None:
    rest = statement["rest"][0]
    named = {one["name"] for one in rest.get("operation", [])}
    for one in rest.get("operation", []):
        answer = await http.post(f"${one['name']}", json={"resourceType": "Parameters"})
        assert codes(answer) != {"unknown_operation"}, one
    for listed in rest["resource"]:
        type = listed["type"]
        mine = {one["name"] for one in listed.get("operation", [])}
        named |= mine
        for name in mine:
            answers = [
                await http.post(f"{place}/${name}", json={"resourceType": "Parameters"})
                for place in (type, f"{type}/none")
            ]
            assert any(codes(a) != {"unknown_operation"} for a in answers), (type, name)
    for name in named:
        for listed in rest["resource"]:
            if name in {one["name"] for one in listed.get("operation", [])}:
                continue
            answer = await http.post(f"{listed['type']}/${name}", json={})
            assert (answer.status_code, codes(answer)) == (404, {"unknown_operation"})


async def test_conditional_writes_are_as_they_are_listed(
    http: httpx.AsyncClient, statement: Resource, create: Create
) -> None:
    listed = {r["type"]: r for r in statement["rest"][0]["resource"]}["Basic"]
    basic: dict[str, Any] = {"resourceType": "Basic", "code": {"text": "x"}}
    tagged = {**basic, "identifier": [{"system": "urn:c", "value": "1"}]}
    place = "Basic?identifier=urn:c|1"
    assert listed["conditionalUpdate"]
    assert (await http.put(place, json=tagged)).status_code == 201
    assert listed["conditionalCreate"]
    criteria = {"If-None-Exist": "identifier=urn:c|1"}
    assert (await http.post("Basic", json=tagged, headers=criteria)).status_code == 200
    assert listed["updateCreate"]
    assert (await http.put("Basic/own", json={**tagged, "id": "own"})).status_code == 201
    assert listed["conditionalDelete"] == "single"
    assert (await http.delete(place)).status_code == 412
    assert listed["conditionalRead"] == "full-support"
    tag = {"If-None-Match": 'W/"1"'}
    assert (await http.get("Basic/own", headers=tag)).status_code == 304


async def test_formats_and_patches_are_as_they_are_listed(
    http: httpx.AsyncClient, statement: Resource, create: Create
) -> None:
    for word in statement["format"]:
        assert (await http.get("Patient", params={"_format": word})).status_code == 200
    place = f"Basic/{(await create({'resourceType': 'Basic', 'code': {'text': 'x'}}))['id']}"
    bodies = {
        "application/json-patch+json": b"[]",
        "application/fhir+json": b'{"resourceType":"Parameters"}',
        "application/merge-patch+json": b"{}",
    }
    assert set(statement["patchFormat"]) == set(bodies)
    for kind, body in bodies.items():
        answer = await http.patch(place, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 200, answer.text


async def test_modes_of_the_statement(http: httpx.AsyncClient) -> None:
    full = (await http.get("metadata?mode=full")).json()
    assert full == (await http.get("metadata")).json()
    normative = (await http.get("metadata?mode=normative")).json()
    types = {r["type"] for r in normative["rest"][0]["resource"]}
    assert {"Patient", "Observation"} <= types
    assert "Encounter" not in types
    terminology = (await http.get("metadata?mode=terminology")).json()
    assert terminology["resourceType"] == "TerminologyCapabilities"
    assert "http://hl7.org/fhir/administrative-gender" in {
        one["uri"] for one in terminology["codeSystem"]
    }
    for made in (full, normative, terminology):
        assert not [i for i in validate(made) if i.severity == "error"]
    assert (await http.get("metadata?mode=half")).status_code == 400
    assert (await http.post("metadata", json={})).status_code == 405


async def test_types_that_are_not_listed_are_refused(http: httpx.AsyncClient) -> None:
    for type in ("Unicorn", "DomainResource", "Resource", "patient", "MetadataResource"):
        for path in (type, f"{type}/1", f"{type}/_history", f"{type}/$validate"):
            answer = await http.get(path)
            assert (answer.status_code, codes(answer)) == (404, {"unknown_resource_type"}), path


async def test_what_may_refer_to_a_type_is_listed(statement: Resource) -> None:
    listed = {r["type"]: r.get("searchRevInclude", []) for r in statement["rest"][0]["resource"]}
    assert {"Observation:subject", "Observation:patient", "Person:link"} <= set(listed["Patient"])
    assert "Observation:encounter" in listed["Encounter"]
    assert "Observation:encounter" not in listed["Patient"]
    assert [type for type, names in listed.items() if "Provenance:target" not in names] == [
        "Parameters"
    ]
