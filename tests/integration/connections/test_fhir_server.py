"""The fhir step against another FHIR server: a tenant of ours, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from tests.integration.conftest import _loopback
from tests.integration.connections.calling import connect, example

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Peer

RETRY = {"attempts": 3, "initial": "5ms", "jitter": 0}
FHIR_JSON = {"Content-Type": "application/fhir+json"}
CONDITION = {"subject": {"display": "x"}, "code": {"text": "cough"}}


@dataclass
class Far:
    """The other server: its tenant's own desk, and its FHIR base."""

    desk: Desk
    base: str


@pytest.fixture(scope="module")
async def address(house: House) -> AsyncIterator[str]:
    """The application of the house on a real port."""
    listening = _loopback()
    server = uvicorn.Server(uvicorn.Config(house.app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://localhost:{listening.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture
async def far(house: House, desk: Desk, address: str) -> Far:
    other = await house.desk()
    await connect(desk, "registry", "fhir", {"url": f"{address}/fhir"}, token=other.key)
    return Far(other, f"{address}/fhir")


async def _run(desk: Desk, **step: Any) -> dict[str, Any]:
    one = {"id": "it", "type": "fhir", "server": "registry", "retry": RETRY, **step}
    answer = await desk.deploy({"id": "far", "steps": [one]})
    assert answer.is_success, answer.text
    return await desk.execute("far", {})


async def _done(desk: Desk, **step: Any) -> Any:
    run = await _run(desk, **step)
    assert run["status"] == "succeeded", run["error"]
    return run["steps"][0]["output"]


async def test_every_interaction_with_another_server(desk: Desk, far: Far) -> None:
    made = await _done(desk, action="create", resourceType="Condition", data=CONDITION)
    assert made["created"] is True
    id_ = made["id"]
    assert [one["id"] for one in await far.desk.search("Condition")] == [id_]
    assert await desk.search("Condition") == [], "nothing is written here"
    at = {"resourceType": "Condition", "resourceId": made["reference"]}
    data = {**CONDITION, "code": {"text": "fever"}}
    put = await _done(desk, action="update", data=data, ifMatch=1, **at)
    assert put["resource"]["meta"]["versionId"] == "2"
    assert put["before"]["code"] == {"text": "cough"}
    patch = [{"op": "replace", "path": "/code/text", "value": "chills"}]
    patched = await _done(desk, action="patch", patch=patch, **at)
    assert patched["resource"]["code"] == {"text": "chills"}
    assert (await _done(desk, action="read", **at))["resource"]["code"] == {"text": "chills"}
    first = await _done(desk, action="vread", version="1", **at)
    assert first["resource"]["code"] == {"text": "cough"}
    found = await _done(desk, action="search", resourceType="Condition", query={"_id": id_})
    assert (found["count"], found["complete"]) == (1, True)
    checked = await _done(
        desk,
        action="operation",
        operation="$validate",
        resourceType="Condition",
        data={"resourceType": "Condition", **CONDITION},
    )
    assert checked["resource"]["resourceType"] == "OperationOutcome"
    gone = await _done(desk, action="delete", **at)
    assert gone["reference"] == made["reference"]
    assert await far.desk.search("Condition") == []


async def test_a_create_happens_once_though_its_answer_is_lost(
    desk: Desk, far: Far, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = desk.services.connections._gateway
    real, lost = gateway.request, []

    async def losing(method: str, url: str, **more: Any) -> Any:
        answer = await real(method, url, **more)
        if method == "POST" and not lost:
            lost.append(url)
            return type(answer)(502, answer.headers, b"")
        return answer

    monkeypatch.setattr(gateway, "request", losing)
    step = {"action": "create", "resourceType": "Condition", "data": CONDITION}
    made = await _done(desk, once=True, **step)
    assert len(lost) == 1
    [stored] = await far.desk.search("Condition")
    assert (stored["id"], made["created"]) == (made["id"], True)
    lost.clear()
    await _done(desk, **step)
    assert len(await far.desk.search("Condition")) == 3, "without `once` it is at least once"


async def test_conditional_forms_reach_the_server(desk: Desk, far: Far) -> None:
    patient = {"identifier": [{"system": "urn:mrn", "value": "7"}]}
    create = {"action": "create", "resourceType": "Patient", "ifNoneExist": "identifier=urn:mrn|7"}
    one = await _done(desk, data=patient, **create)
    two = await _done(desk, data=patient, **create)
    assert one["id"] == two["id"]
    criteria = {"resourceType": "Patient", "criteria": "identifier=urn:mrn|7"}
    put = await _done(desk, action="update", data={**patient, "gender": "other"}, **criteria)
    assert put["resource"]["gender"] == "other"
    await _done(desk, action="delete", **criteria)
    assert await far.desk.search("Patient") == []
    named = {**create, "ifNoneExist": "family=Grüne Aue&given=Zoë"}
    person = {"name": [{"family": "Grüne Aue", "given": ["Zoë"]}]}
    one, two = await _done(desk, data=person, **named), await _done(desk, data=person, **named)
    assert one["id"] == two["id"]
    which = {"resourceType": "Patient", "criteria": "family=Grüne Aue"}
    await _done(desk, action="delete", **which)
    assert await far.desk.search("Patient") == []


async def test_a_search_follows_pages_up_to_its_limit(desk: Desk, far: Far) -> None:
    for number in range(5):
        await far.desk.patient(f"Family{number}")
    search = {"action": "search", "resourceType": "Patient", "query": {"_count": 2}}
    assert (await _done(desk, **search))["count"] == 2
    every = await _done(desk, limit=100, **search)
    assert (every["count"], every["complete"]) == (5, True)
    some = await _done(desk, limit=3, **search)
    assert (some["count"], some["complete"]) == (3, False)


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_bundles(desk: Desk, far: Far, kind: str) -> None:
    entry = [
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {
            "resource": {"resourceType": "Patient", "id": "p9"},
            "request": {"method": "PUT", "url": "Patient/p9", "ifMatch": 'W/"9"'},
        },
    ]
    if kind == "transaction":
        del entry[1]
    output = await _done(desk, action=kind, data={"entry": entry})
    assert [name.partition("/")[0] for name in output["references"]] == ["Patient"]
    statuses = [response["status"][:3] for response in output["responses"]]
    assert statuses == {"transaction": ["201"], "batch": ["201", "412"]}[kind]


@pytest.mark.parametrize(
    ("step", "code", "status"),
    [
        ({"action": "read", "resourceType": "Patient", "resourceId": "none"}, "not_found", 404),
        ({"action": "read", "resourceType": "Patient", "resourceId": "a?b=1#c"}, "not_found", 404),
        (
            {"action": "update", "resourceType": "Patient", "resourceId": "p", "ifMatch": 9}
            | {"data": {}},
            "precondition_failed",
            412,
        ),
    ],
)
async def test_a_refusal_is_final_and_named(
    desk: Desk, far: Far, step: dict[str, Any], code: str, status: int
) -> None:
    run = await _run(desk, **step)
    assert (run["error"]["code"], run["error"]["status"]) == (code, status)
    assert run["attempts"] == []


async def test_an_operation_outcome_becomes_the_steps_error(desk: Desk, peer: Peer) -> None:
    await connect(desk, "registry", "fhir", {"url": peer.url})
    said = (
        b'{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "required",'
        b' "diagnostics": "code is required", "expression": ["Condition.code"]}]}'
    )
    peer.answers = [(503, FHIR_JSON, b""), (422, FHIR_JSON, said)]
    run = await _run(desk, action="create", resourceType="Condition", data=CONDITION)
    error = run["error"]
    assert (error["code"], error["path"]) == ("invalid_resource", "Condition.code")
    assert error["issues"][0]["expression"] == ["Condition.code"]
    assert len(peer.received) == 2
    assert peer.received[0].headers["content-type"] == "application/fhir+json"


async def test_what_was_written_there_is_taken_back(desk: Desk, far: Far) -> None:
    patient = await far.desk.patient("Brightwater")
    at = {"type": "fhir", "server": "registry", "resourceType": "Patient", "resourceId": patient}
    patch = [{"op": "add", "path": "/gender", "value": "other"}]
    create = {"type": "fhir", "server": "registry", "action": "create"}
    steps = [
        {"id": "make", **create, "resourceType": "Condition", "data": CONDITION},
        {"id": "mark", "action": "patch", "patch": patch, **at},
        {"id": "fail", "type": "fhir", "action": "read", "resourceType": "Patient"}
        | {"resourceId": "none"},
    ]
    await desk.deployed({"id": "far", "onFailure": "rollback", "steps": steps})
    run = await desk.execute("far", {})
    assert run["status"] != "succeeded"
    assert await far.desk.search("Condition") == []
    [restored] = await far.desk.search("Patient")
    assert "gender" not in restored
    assert restored["meta"]["versionId"] == "3"


async def test_the_example_of_the_page(desk: Desk, far: Far) -> None:
    await desk.deployed(example("fhir", "report-to-registry"))
    run = await desk.execute("report-to-registry", {"text": "measles"})
    assert run["status"] == "succeeded", run["error"]
    [stored] = await far.desk.search("Condition")
    assert run["output"] == {"there": f"Condition/{stored['id']}"}
