"""What an AI step feeds says so wherever it is written, and is final only after a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

OBSERVED = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"text": "Chest radiograph"},
    "valueString": "No focal consolidation",
}
SAID = "{{steps.read.output.diagnosis}}"


def _flow(write: dict[str, Any]) -> dict[str, Any]:
    """A worker reads what the run is given; a fhir step writes its words."""
    given = {"observation": "{{trigger.observation}}"}
    read = {"id": "read", "type": "worker", "worker": "diagnostic-assistant", "input": given}
    return {"id": "ai", "steps": [read, {"id": "write", "type": "fhir", **write}]}


def _bundle(status: str) -> dict[str, Any]:
    entries = [
        {
            "fullUrl": f"urn:uuid:00000000-0000-4000-8000-00000000000{number}",
            "resource": {
                "resourceType": kind,
                "status": status,
                "code": {"text": "AI"},
                "subject": {"reference": "Patient/{{trigger.who}}"},
                text: SAID,
            },
            "request": {"method": "POST", "url": kind},
        }
        for number, (kind, text) in enumerate(
            {"Observation": "valueString", "DiagnosticReport": "conclusion"}.items()
        )
    ]
    return {"action": "transaction", "data": {"type": "transaction", "entry": entries}}


async def _stored_provenance(desk: Desk) -> list[dict[str, Any]]:
    """Without those that the audit trail makes of every write of a run: they name the workflow."""
    found = [one for one in await desk.search("Provenance") if "agent" in one]
    return [one for one in found if "identifier" not in one["agent"][0]["who"]]


@pytest.mark.parametrize("status", ["final", "amended", "preliminary"])
async def test_a_transaction_names_the_model_and_warns_of_what_nobody_reviewed(
    desk: Desk, status: str
) -> None:
    await desk.deployed(_flow(_bundle("{{trigger.status}}")))
    body = {"observation": OBSERVED, "status": status, "who": "Patient/p1"}
    run = await desk.execute("ai", body)
    assert run["status"] == "succeeded", run
    codes = [note["code"] for note in run["steps"][1]["notes"]]
    assert codes.count("W-AIFINAL") == (0 if status == "preliminary" else 2)
    assert codes.count("W-REFPREFIX") == 2
    [provenance] = await _stored_provenance(desk)
    targets = {target["reference"] for target in provenance["target"]}
    assert targets == set(run["steps"][1]["output"]["references"])
    assert provenance["agent"][0]["who"]["display"].startswith("careloom/observation-reader")
    [observation] = await desk.search("Observation")
    assert observation["subject"] == {"reference": "Patient/p1"}


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
async def test_production_stores_no_unreviewed_result_as_final_whatever_says_so(
    house: House, status: str
) -> None:
    """The status comes from the run's input, where no check of the definition can see it."""
    desk = await house.desk(environment="production")
    single = {
        "action": "create",
        "resourceType": "Observation",
        "data": {"status": "{{trigger.status}}", "code": {"text": "AI"}, "valueString": SAID},
    }
    for write in (_bundle("{{trigger.status}}"), single):
        answer = await desk.deploy(_flow(write))
        assert answer.status_code in (200, 201), answer.text
        run = await desk.execute("ai", {"observation": OBSERVED, "status": status, "who": "p1"})
        assert run["status"] == "failed", run
        assert run["error"]["code"] == "E-AIFINAL"
    assert await desk.search("Observation") == []
    assert await desk.search("DiagnosticReport") == []


async def test_a_conditional_create_that_finds_its_resource_leaves_no_provenance(
    desk: Desk,
) -> None:
    data = {
        "status": "preliminary",
        "identifier": [{"system": "urn:ai", "value": "{{trigger.number}}"}],
        "code": {"text": "AI"},
        "valueString": SAID,
    }
    write = {"action": "create", "resourceType": "Observation", "data": data}
    await desk.deployed(_flow({**write, "ifNoneExist": "identifier=urn:ai|{{trigger.number}}"}))
    runs = [await desk.execute("ai", {"observation": OBSERVED, "number": "7"}) for _ in range(2)]
    first, second = (run["steps"][1]["output"]["reference"] for run in runs)
    assert first == second
    assert len(await desk.search("Observation")) == 1
    assert len(await _stored_provenance(desk)) == 1
