"""Every refusal is an OperationOutcome that says where. http://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

import httpx
import pytest

from .conftest import Create
from .test_writes import BASIC, FHIR_JSON, outcome

BROKEN = [
    b"", b"{", b"null", b"[]", b"1", b'"a"', b"\xff\xfe", b'{"resourceType": "Basic"}{}',
    b'{"resourceType": 1}', b'{"a": 1}', b'{"resourceType": "Basic", "resourceType": "Basic"}',
    b"[" * 5000, b'{"resourceType": "Basic", "code": {"text": "\\ud800"}}',
    b'{"resourceType": "Basic", "code": {"text": ""}}', b'{"resourceType": "Basic", "code": null}',
    b'{"resourceType": "Basic", "code": {"text": "a"}, "banana": 1}',
    b'{"resourceType": "Basic", "code": [{"text": "a"}]}',
    b'{"resourceType": "Basic", "code": {"text": "a"}, "created": "yesterday"}',
    b'{"resourceType": "Basic", "code": {"text": NaN}}',
]  # fmt: skip
WRONG_PLACES = [
    ("GET", "Banana", 404),
    ("GET", "patient", 404),
    ("GET", "Patient/none", 404),
    ("GET", "Patient/a_b", 400),
    ("GET", "Patient/" + "a" * 65, 400),
    ("GET", "Patient/none/_history", 404),
    ("GET", "Patient/none/$banana", 404),
    ("GET", "$banana", 404),
    ("POST", "Patient/1", 405),
    ("PUT", "Patient/1/_history/1", 405),
    ("DELETE", "metadata", 405),
    ("GET", "Patient/1/Banana", 404),
    ("GET", "Patient/1/2/3/4/5", 404),
]


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
async def test_a_broken_body(http: httpx.AsyncClient, body: bytes) -> None:
    for method, path in (("POST", "Basic"), ("PUT", "Basic/a"), ("POST", "")):
        answer = await http.request(method, path, content=body, headers={"Content-Type": FHIR_JSON})
        assert answer.status_code in (400, 422), (method, path)
        outcome(answer)
    assert (await http.get("Basic?_count=0")).json()["total"] == 0


@pytest.mark.parametrize(("method", "path", "status"), WRONG_PLACES)
async def test_a_wrong_place(http: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    body = BASIC if method in ("POST", "PUT") else None
    answer = await http.request(method, path, json=body)
    accepted = {status} | ({400} if status == 404 else {404} if status == 400 else set())
    assert answer.status_code in accepted
    outcome(answer)


@pytest.mark.parametrize(
    ("resource", "expression"),
    [
        ({"resourceType": "Basic"}, "Basic.code"),
        ({**BASIC, "banana": 1}, "Basic.banana"),
        ({**BASIC, "subject": {"reference": 1}}, "Basic.subject.reference"),
        ({**BASIC, "identifier": [{}, {"use": "banana"}]}, "Basic.identifier[1].use"),
        ({**BASIC, "created": "2020-13-01"}, "Basic.created"),
        ({**BASIC, "contained": [{**BASIC, "id": "c", "x": 1}]}, "Basic.contained[0].x"),
    ],
)
async def test_an_error_says_where(
    http: httpx.AsyncClient, resource: dict[str, object], expression: str
) -> None:
    answer = await http.post("Basic", json=resource)
    assert answer.status_code == 422
    named = [e for issue in outcome(answer)["issue"] for e in issue.get("expression", ())]
    assert expression in named, answer.text


async def test_unknown_parameters_of_reads_and_histories(
    http: httpx.AsyncClient, create: Create
) -> None:
    one = await create(BASIC)
    strict = {"Prefer": "handling=strict"}
    for path in ("Basic/_history", f"Basic/{one['id']}/_history", "_history"):
        assert (await http.get(f"{path}?banana=1", headers=strict)).status_code == 400, path


@pytest.mark.parametrize(
    "headers",
    [
        {"Prefer": "return=banana"},
        {"Prefer": "handling=banana"},
        {"If-Match": "banana"},
        {"If-None-Match": "banana"},
        {"If-Modified-Since": "yesterday"},
        {"Accept": "banana"},
        {"Prefer": ";;;==,,"},
        {"Authorization": "Banana x"},
        {"Authorization": "Bearer x"},
    ],
)
async def test_odd_headers_never_break_the_server(
    http: httpx.AsyncClient, create: Create, headers: dict[str, str]
) -> None:
    one = await create(BASIC)
    for method in ("GET", "PUT"):
        answer = await http.request(
            method, f"Basic/{one['id']}", json=one if method == "PUT" else None, headers=headers
        )
        assert answer.status_code < 500
        if answer.status_code >= 400:
            outcome(answer)
