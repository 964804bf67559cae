"""The fhir step on the run's own store: patch, versions, conditional forms, batch, rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.connections.calling import example

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

CONDITION = {"subject": {"display": "x"}, "code": {"text": "cough"}}
FAILS = {"id": "fail", "type": "fhir", "action": "read", "resourceType": "Patient"} | {
    "resourceId": "none"
}


async def _run(desk: Desk, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    listed = [{"id": f"s{n}", "type": "fhir", **step} for n, step in enumerate(steps)]
    answer = await desk.deploy({"id": "near", "steps": listed, **more})
    assert answer.is_success, answer.text
    return await desk.execute("near", {})


async def _done(desk: Desk, **step: Any) -> Any:
    run = await _run(desk, step)
    assert run["status"] == "succeeded", run["error"]
    return run["steps"][0]["output"]


async def test_a_patch_in_a_step(desk: Desk) -> None:
    at = {"resourceType": "Patient", "resourceId": await desk.patient("Brightwater")}
    patch = [{"op": "add", "path": "/gender", "value": "other"}]
    output = await _done(desk, action="patch", patch=patch, ifMatch=1, **at)
    assert output["resource"]["gender"] == "other"
    run = await _run(desk, {"action": "patch", "patch": patch, "ifMatch": 1, **at})
    assert run["error"]["code"] == "stale"
    first = await _done(desk, action="vread", version=1, **at)
    assert "gender" not in first["resource"]


async def test_conditional_patch_and_delete(desk: Desk) -> None:
    id_ = await desk.patient(identifier=[{"system": "urn:mrn", "value": "7"}])
    which = {"resourceType": "Patient", "criteria": "identifier=urn:mrn|7"}
    patch = [{"op": "add", "path": "/gender", "value": "other"}]
    assert (await _done(desk, action="patch", patch=patch, **which))["id"] == id_
    assert (await _done(desk, action="delete", **which))["reference"] == f"Patient/{id_}"
    assert (await _done(desk, action="delete", **which))["reference"] is None


async def test_a_search_follows_its_pages(desk: Desk) -> None:
    for number in range(5):
        await desk.patient(f"Family{number}")
    search = {"action": "search", "resourceType": "Patient", "query": {"_count": 2}}
    assert (await _done(desk, **search))["complete"] is False
    every = await _done(desk, limit=50, **search)
    assert (every["count"], every["complete"]) == (5, True)
    some = await _done(desk, limit=3, **search)
    assert (some["count"], some["complete"]) == (3, False)


async def test_a_batch_writes_what_it_can(desk: Desk) -> None:
    id_ = await desk.patient("Brightwater")
    entry = [
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"request": {"method": "GET", "url": f"Patient/{id_}"}},
        {"request": {"method": "GET", "url": "Patient/none"}},
        {
            "resource": {"resourceType": "Patient", "id": id_},
            "request": {"method": "PUT", "url": f"Patient/{id_}", "ifMatch": 'W/"9"'},
        },
        {"request": {"method": "DELETE", "url": f"Patient/{id_}"}},
        {"request": {"method": "DELETE", "url": f"Patient/{id_}"}},
    ]
    output = await _done(desk, action="batch", data={"entry": entry})
    statuses = [response["status"][:3] for response in output["responses"]]
    assert statuses == ["201", "200", "404", "412", "204", "400"]
    [left] = await desk.search("Patient")
    assert output["references"] == [f"Patient/{left['id']}"]


async def test_validate_as_an_operation(desk: Desk) -> None:
    step = {"action": "operation", "operation": "$validate", "resourceType": "Condition"}
    well = await _done(desk, data=CONDITION, **step)
    assert well["resource"]["issue"][0]["severity"] == "information"


async def test_a_rollback_puts_everything_back(desk: Desk) -> None:
    kept = await desk.patient("Brightwater")
    gone = await desk.patient("Marlowe")
    put = {"action": "update", "resourceType": "Patient"}
    entry = [
        {"resource": {"resourceType": "Group", "type": "person", "actual": True}}
        | {"request": {"method": "POST", "url": "Group"}},
    ]
    run = await _run(
        desk,
        {"action": "create", "resourceType": "Condition", "data": CONDITION},
        {**put, "resourceId": kept, "data": {"gender": "other"}},
        {"action": "delete", "resourceType": "Patient", "resourceId": gone},
        {"action": "transaction", "data": {"type": "transaction", "entry": entry}},
        {**put, "resourceId": "made-by-update", "data": {"gender": "other"}},
        FAILS,
        onFailure="rollback",
    )
    assert run["status"] != "succeeded"
    assert await desk.search("Condition") == []
    assert await desk.search("Group") == []
    patients = {one["id"]: one for one in await desk.search("Patient")}
    assert patients.keys() == {kept, gone}
    assert patients[kept]["name"] == [{"family": "Brightwater"}]
    assert (patients[kept]["meta"]["versionId"], patients[gone]["meta"]["versionId"]) == ("3", "3")


async def test_a_conditional_create_that_met_another_resource_takes_nothing_back(
    desk: Desk,
) -> None:
    id_ = await desk.patient(identifier=[{"system": "urn:mrn", "value": "7"}])
    create = {"action": "create", "resourceType": "Patient", "ifNoneExist": "identifier=urn:mrn|7"}
    await _run(desk, {**create, "data": {"gender": "other"}}, FAILS, onFailure="rollback")
    assert [one["id"] for one in await desk.search("Patient")] == [id_]


async def test_what_was_changed_since_is_left_alone(desk: Desk) -> None:
    id_ = await desk.patient("Brightwater")
    update = {"action": "update", "resourceType": "Patient", "resourceId": id_}
    run = await _run(
        desk,
        {**update, "data": {"gender": "other"}},
        {**update, "data": {"gender": "male"}, "compensate": "none"},
        FAILS,
        onFailure="rollback",
    )
    assert run["status"] == "failed"
    [patient] = await desk.search("Patient")
    assert (patient["gender"], patient["meta"]["versionId"]) == ("male", "3")
    assert "changed_since" in str(run)


async def test_the_example_of_the_page(desk: Desk) -> None:
    await desk.deployed(example("fhir", "mark-deceased"))
    given = {"patient": await desk.patient(), "date": "2026-03-01"}
    run = await desk.execute("mark-deceased", given)
    assert run["output"] == {"version": "2"}
    [patient] = await desk.search("Patient")
    assert patient["deceasedDateTime"] == "2026-03-01"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ({"action": "vread", "resourceType": "Patient", "resourceId": "x"}, "no_version"),
        ({"action": "operation", "operation": "$everything"}, "no_operation"),
        ({"action": "patch", "resourceType": "Patient", "patch": []}, "no_target"),
        (
            {"action": "delete", "resourceType": "Patient", "resourceId": "x", "ifMatch": "abc"},
            "if_match",
        ),
    ],
)
async def test_parameters_that_do_not_fit(desk: Desk, step: dict[str, Any], code: str) -> None:
    run = await _run(desk, step)
    assert run["error"]["code"] == code
