"""The validate step: issues as data, or as the cause on the error branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.connections.calling import example

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

WELL = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


async def _check(desk: Desk, resource: Any) -> Any:
    await desk.deploy(example("validate", "check-observation"))
    run = await desk.execute("check-observation", {"resource": resource})
    assert run["status"] == "succeeded", run["error"]
    return run["output"]


async def test_a_resource_that_is_well(desk: Desk) -> None:
    output = await _check(desk, WELL)
    assert output["valid"] is True
    assert output["outcome"]["issue"][0]["severity"] == "information"


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        ({"status": "finished"}, "code-invalid", "Observation.status"),
        ({"colour": "red-secret"}, "structure", "Observation.colour"),
        ({"code": None}, "structure", "Observation.code"),
        ({"resourceType": "Observatory"}, "not-supported", "resourceType"),
    ],
)
async def test_what_is_wrong_is_an_issue_with_its_place(
    desk: Desk, change: Any, code: str, place: str
) -> None:
    output = await _check(desk, {**WELL, **change})
    assert output["valid"] is False
    issue = output["outcome"]["issue"][0]
    assert (issue["code"], issue["expression"]) == (code, [place])
    assert "red-secret" not in str(output)


@pytest.mark.parametrize(("status", "known"), [("final", True), ("finished", False)])
async def test_a_bad_code_gives_an_operation_outcome_to_the_error_branch(
    desk: Desk, status: str, known: bool
) -> None:
    await desk.deployed(example("validate", "known-status"))
    run = await desk.execute("known-status", {"status": status})
    assert run["status"] == "succeeded", run["error"]
    said = [step["output"]["message"] for step in run["steps"] if step["id"] == "note"]
    if known:
        assert (run["output"]["check"], said) == ("succeeded", [])
    else:
        assert run["output"]["check"] == "degraded"
        [message] = said
        assert message["content"]["resourceType"] == "OperationOutcome"
        assert message["content"]["issue"][0]["code"] == "code-invalid"


@pytest.mark.parametrize(
    ("element", "code", "valid"),
    [
        ("Patient.gender", "other", True),
        ("Patient.gender", {"system": "http://hl7.org/fhir/administrative-gender"}, False),
        (
            "Patient.gender",
            {"system": "http://hl7.org/fhir/administrative-gender", "code": "other"},
            True,
        ),
        ("Patient.gender", {"system": "urn:other", "code": "other"}, False),
        ("Patient.contact.gender", {"coding": [{"code": "x"}]}, False),
    ],
)
async def test_a_code_at_an_element(desk: Desk, element: str, code: Any, valid: bool) -> None:
    step = {"id": "check", "type": "validate", "element": element, "code": "{{trigger.code}}"}
    await desk.deployed({"id": "code", "steps": [step]})
    run = await desk.execute("code", {"code": code})
    assert run["status"] == "succeeded", run["error"]
    assert run["steps"][0]["output"]["valid"] is valid


@pytest.mark.parametrize(
    ("element", "code"), [("Observation.code", "no_value_set"), ("Patient.size", "no_element")]
)
async def test_where_nothing_can_be_said(desk: Desk, element: str, code: str) -> None:
    step = {"id": "check", "type": "validate", "element": element, "code": "x"}
    await desk.deployed({"id": "code", "steps": [step]})
    run = await desk.execute("code", {})
    assert run["error"]["code"] == code
