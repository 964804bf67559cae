"""Terminology operations over HTTP: http://hl7.org/fhir/R4/terminology-service.html"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from careloom.types import Scope

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
GENDERS = "http://hl7.org/fhir/administrative-gender"
V3_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
COLOURS = "http://example.org/CodeSystem/colours"
CODE_SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": COLOURS,
    "version": "2",
    "name": "Colours",
    "status": "active",
    "content": "complete",
    "property": [{"code": "warm", "type": "boolean"}, {"code": "name-of", "type": "string"}],
    "concept": [
        {
            "code": "red",
            "display": "Red",
            "definition": "The colour of blood",
            "designation": [{"language": "de", "value": "Rot"}],
            "property": [{"code": "warm", "valueBoolean": True}],
            "concept": [
                {"code": "carmine", "display": "Carmine"},
                {
                    "code": "scarlet",
                    "display": "Scarlet",
                    "property": [{"code": "status", "valueCode": "retired"}],
                },
            ],
        },
        {
            "code": "blue",
            "display": "Blue",
            "property": [{"code": "name-of", "valueString": "sea"}],
        },
    ],
}

COSTLY = {"property": "code", "op": "regex", "value": "(a+)+"}


def value_set(include: list[dict[str, Any]], **compose: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "url": "http://example.org/ValueSet/chosen",
        "status": "active",
        "compose": {"include": include, **compose},
    }


async def expand(http: httpx.AsyncClient, content: Any = None, **query: Any) -> dict[str, Any]:
    if content is None:
        answer = await http.get("ValueSet/$expand", params=query)
    else:
        listed = [{"name": "valueSet", "resource": content}]
        for name, value in query.items():
            kind = {bool: "valueBoolean", int: "valueInteger", str: "valueString"}[type(value)]
            if name == "displayLanguage":
                kind = "valueCode"
            listed.append({"name": name, kind: value})
        body = {"resourceType": "Parameters", "parameter": listed}
        answer = await http.post("ValueSet/$expand", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["resourceType"] == "ValueSet"
    return found["expansion"]


def codes(expansion: dict[str, Any]) -> list[str]:
    return [one["code"] for one in expansion.get("contains", ())]


async def test_a_value_set_of_r4_is_expanded(http: httpx.AsyncClient) -> None:
    expansion = await expand(http, url=GENDER)
    assert expansion["total"] == 4
    assert codes(expansion) == ["male", "female", "other", "unknown"]
    assert expansion["contains"][0] == {
        "system": GENDERS,
        "code": "male",
        "version": "4.0.1",
        "display": "Male",
    }
    assert {"name": "version", "valueUri": f"{GENDERS}|4.0.1"} in expansion["parameter"]


async def test_an_expansion_is_filtered_and_paged(http: httpx.AsyncClient) -> None:
    assert codes(await expand(http, url=GENDER, filter="male")) == ["male", "female"]
    page = await expand(http, url=GENDER, count="2", offset="1")
    assert (page["total"], page["offset"], codes(page)) == (4, 1, ["female", "other"])
    none = await expand(http, url=GENDER, count="0")
    assert none["total"] == 4
    assert "contains" not in none


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"property": "concept", "op": "is-a", "value": "red"}, {"red", "carmine", "scarlet"}),
        ({"property": "concept", "op": "descendent-of", "value": "red"}, {"carmine", "scarlet"}),
        ({"property": "concept", "op": "is-not-a", "value": "red"}, {"blue"}),
        ({"property": "concept", "op": "generalizes", "value": "carmine"}, {"carmine", "red"}),
        ({"property": "code", "op": "regex", "value": "[a-d].*"}, {"carmine", "blue"}),
        ({"property": "warm", "op": "=", "value": "true"}, {"red"}),
        ({"property": "name-of", "op": "=", "value": "sea"}, {"blue"}),
        ({"property": "warm", "op": "exists", "value": "false"}, {"carmine", "scarlet", "blue"}),
        ({"property": "code", "op": "in", "value": "red, blue"}, {"red", "blue"}),
        ({"property": "code", "op": "not-in", "value": "red,blue"}, {"carmine", "scarlet"}),
    ],
)
async def test_filters_of_a_loaded_code_system(
    http: httpx.AsyncClient, create: Any, rule: dict[str, str], expected: set[str]
) -> None:
    await create(CODE_SYSTEM)
    expansion = await expand(http, value_set([{"system": COLOURS, "filter": [rule]}]))
    assert set(codes(expansion)) == expected


async def test_excludes_imports_and_inactive_codes(http: httpx.AsyncClient, create: Any) -> None:
    await create(CODE_SYSTEM)
    everything = {"system": COLOURS}
    without_blue = value_set(
        [everything], exclude=[{"system": COLOURS, "concept": [{"code": "blue"}]}]
    )
    assert codes(await expand(http, without_blue)) == ["red", "carmine", "scarlet"]
    assert "scarlet" not in codes(await expand(http, value_set([everything], inactive=False)))
    assert "scarlet" not in codes(await expand(http, value_set([everything]), activeOnly=True))
    stored = await create({**without_blue, "url": "http://example.org/ValueSet/warm"})
    both = value_set([{**everything, "valueSet": [stored["url"]]}, {"valueSet": [GENDER]}])
    assert codes(await expand(http, both))[:4] == ["red", "carmine", "scarlet", "male"]
    answer = await http.get(f"ValueSet/{stored['id']}/$expand")
    assert codes(answer.json()["expansion"]) == ["red", "carmine", "scarlet"]
    german = await expand(http, without_blue, displayLanguage="de", includeDesignations=True)
    assert german["contains"][0]["display"] == "Rot"
    assert german["contains"][0]["designation"] == [{"language": "de", "value": "Rot"}]
    assert german["contains"][2]["inactive"] is True


async def test_a_changed_code_system_is_seen_at_once(http: httpx.AsyncClient, create: Any) -> None:
    stored = await create(CODE_SYSTEM)
    given = value_set([{"system": COLOURS}])
    assert len(codes(await expand(http, given))) == 4
    stored["concept"].append({"code": "green"})
    assert (await http.put(f"CodeSystem/{stored['id']}", json=stored)).status_code == 200
    assert len(codes(await expand(http, given))) == 5
    assert (await http.delete(f"CodeSystem/{stored['id']}")).status_code == 204
    answer = await http.post("ValueSet/$expand", json=given)
    assert answer.status_code == 422


async def test_another_tenant_has_its_own_terminology(
    http: httpx.AsyncClient, create: Any, client_of: Any, database: Any
) -> None:
    await create(CODE_SYSTEM)
    given = value_set([{"system": COLOURS}])
    assert len(codes(await expand(http, given))) == 4
    await database.call("tenant_create", "other-terms", "Other", "development")
    other = await client_of(Scope("other-terms", "main"), "engineer")
    assert (await other.post("ValueSet/$expand", json=given)).status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("ValueSet/$expand", None, 400),
        ("ValueSet/$expand?url=http://nowhere", None, 404),
        ("ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/condition-code", None, 422),
        ("ValueSet/$expand?url=http://terminology.hl7.org/ValueSet/v3-ActCode&count=-1", None, 400),
        ("ValueSet/$expand", value_set([{"system": COLOURS}]), 422),
        ("ValueSet/$expand", value_set([{"valueSet": ["http://nowhere"]}]), 422),
        ("ValueSet/$expand", {"resourceType": "ValueSet", "status": "x"}, 422),
        ("ValueSet/$expand", {"resourceType": "Patient"}, 400),
        (
            "ValueSet/$expand",
            value_set([{"system": GENDERS, "filter": [COSTLY]}]),
            400,
        ),
        ("CodeSystem/$lookup?code=male", None, 400),
        ("CodeSystem/$lookup?code=x&system=http://nowhere", None, 404),
        (f"CodeSystem/$lookup?code=nobody&system={GENDERS}", None, 404),
        (f"CodeSystem/$subsumes?codeA=a&codeB=b&system={V3_ACT}", None, 404),
        ("CodeSystem/$validate-code?code=x&url=http://nowhere", None, 404),
        ("ValueSet/$validate-code?url=http://nowhere&code=x", None, 404),
        ("ConceptMap/$translate?url=http://nowhere&code=x&system=y", None, 404),
    ],
)
async def test_what_cannot_be_answered(
    http: httpx.AsyncClient, path: str, body: Any, status: int
) -> None:
    answer = await (http.get(path) if body is None else http.post(path, json=body))
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def test_a_value_set_that_imports_itself(http: httpx.AsyncClient, create: Any) -> None:
    url = "http://example.org/ValueSet/circle"
    await create({**value_set([{"valueSet": [url]}]), "url": url})
    answer = await http.get("ValueSet/$expand", params={"url": url})
    assert answer.status_code == 400
    assert "imports itself" in answer.text


async def result(http: httpx.AsyncClient, path: str, **query: str) -> dict[str, Any]:
    answer = await http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return {
        one["name"]: next(value for key, value in one.items() if key.startswith("value"))
        for one in answer.json()["parameter"]
        if "part" not in one
    }


async def test_codes_are_validated(http: httpx.AsyncClient, create: Any) -> None:
    await create(CODE_SYSTEM)
    ask = "ValueSet/$validate-code"
    right = await result(http, ask, url=GENDER, system=GENDERS, code="male")
    assert right == {"result": True, "display": "Male"}
    assert (await result(http, ask, url=GENDER, code="male"))["result"] is True
    assert (await result(http, ask, url=GENDER, system=GENDERS, code="mal"))["result"] is False
    wrong = await result(http, ask, url=GENDER, system=GENDERS, code="male", display="Man")
    assert wrong["result"] is False
    assert "Male" in wrong["message"]
    ask = "CodeSystem/$validate-code"
    assert (await result(http, ask, url=COLOURS, code="carmine"))["result"] is True
    assert (await result(http, ask, url=COLOURS, code="pink"))["result"] is False
    german = await result(http, ask, url=COLOURS, code="red", display="rot")
    assert german["result"] is True
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "url", "valueUri": GENDER},
            {
                "name": "codeableConcept",
                "valueCodeableConcept": {
                    "coding": [
                        {"system": "urn:x", "code": "1"},
                        {"system": GENDERS, "code": "male"},
                    ]
                },
            },
        ],
    }
    answer = await http.post("ValueSet/$validate-code", json=body)
    assert answer.json()["parameter"][0] == {"name": "result", "valueBoolean": True}


async def test_what_is_not_loaded_is_not_guessed(http: httpx.AsyncClient) -> None:
    said = await result(
        http,
        "ValueSet/$validate-code",
        url="http://hl7.org/fhir/ValueSet/condition-code",
        system="http://snomed.info/sct",
        code="38341003",
    )
    assert said["result"] is False
    assert "not loaded" in said["message"]


async def test_a_code_is_looked_up(http: httpx.AsyncClient, create: Any) -> None:
    await create(CODE_SYSTEM)
    answer = await http.get("CodeSystem/$lookup", params={"system": COLOURS, "code": "red"})
    listed = answer.json()["parameter"]
    assert listed[:3] == [
        {"name": "name", "valueString": "Colours"},
        {"name": "version", "valueString": "2"},
        {"name": "display", "valueString": "Red"},
    ]
    properties = [
        {
            part["name"]: next(iter(v for k, v in part.items() if k != "name"))
            for part in one["part"]
        }
        for one in listed
        if one["name"] == "property"
    ]
    assert {"code": "child", "value": "carmine"} in properties
    assert {"code": "warm", "value": True} in properties
    assert {"code": "definition", "value": "The colour of blood"} in properties
    only = await http.get(
        "CodeSystem/$lookup", params={"system": COLOURS, "code": "red", "property": "child"}
    )
    assert {p["part"][0]["valueCode"] for p in only.json()["parameter"] if "part" in p} == {"child"}


async def test_subsumption(http: httpx.AsyncClient) -> None:
    ask = "CodeSystem/$subsumes"
    above = {"system": V3_ACT, "codeA": "_ActAccountCode", "codeB": "ACCTRECEIVABLE"}
    below = {"system": V3_ACT, "codeA": "ACCTRECEIVABLE", "codeB": "_ActAccountCode"}
    assert await result(http, ask, **above) == {"outcome": "subsumes"}
    assert await result(http, ask, **below) == {"outcome": "subsumed-by"}
    assert await result(http, ask, **{**above, "codeB": "_ActAccountCode"}) == {
        "outcome": "equivalent"
    }
    other = {"system": V3_ACT, "codeA": "AMB", "codeB": "ACCTRECEIVABLE"}
    assert await result(http, ask, **other) == {"outcome": "not-subsumed"}


async def test_a_code_is_translated(http: httpx.AsyncClient) -> None:
    v2 = "http://terminology.hl7.org/CodeSystem/v2-0001"
    url = "http://hl7.org/fhir/ConceptMap/cm-administrative-gender-v2"

    async def translate(**asked: str) -> list[dict[str, Any]]:
        answer = await http.get("ConceptMap/$translate", params={"url": url, **asked})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["parameter"]
        return found

    listed = await translate(system=GENDERS, code="male")
    assert listed[0] == {"name": "result", "valueBoolean": True}
    parts = {part["name"]: part for part in listed[1]["part"]}
    assert parts["concept"]["valueCoding"] == {"system": v2, "code": "M"}
    assert parts["equivalence"]["valueCode"] == "equal"
    back = await translate(system=v2, code="M", reverse="true")
    assert back[1]["part"][1]["valueCoding"]["code"] == "male"
    assert (await translate(system=GENDERS, code="x"))[0]["valueBoolean"] is False
    other = await translate(system=GENDERS, code="male", targetsystem="http://nowhere")
    assert other[0]["valueBoolean"] is False
