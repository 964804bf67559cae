"""Definitions of every shape, through the door: repaired, verified, stored and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

WARD = """\
workflow:
  id: ward
  onFailure: rollback
  steps:
    - id: each
      type: foreach
      items: "{{trigger.patients}}"
      steps:
        - id: note
          type: fhir
          action: create
          resourceType: Observation
          data:
            status: preliminary
            category: imaging
            code: {coding: [{system: "http://loinc.org", code: 34109-9}]}
            subject: {reference: "Patient/{{item}}"}
    - id: pause
      type: wait
      duration: 1ms
      fallback:
        - id: instead
          type: fhir
          action: create
          resourceType: Observation
          data:
            status: preliminary
            category: laboratory
            code: {coding: [{system: "http://loinc.org", code: 34109-9}]}
  output:
    notes: "{{steps.each.output.count}}"
  result:
    type: object
    required: [notes]
    properties:
      notes: {type: integer}
"""


async def test_resources_are_repaired_in_loops_and_fallbacks_too(desk: Desk) -> None:
    deployed = await desk.deployed(WARD)
    repaired = {one["path"]: one["line"] for one in deployed["receipts"]}
    assert repaired == {
        "steps/each/steps/note/data/category": 15,
        "steps/pause/fallback/instead/data/category": 28,
    }
    first, second = await desk.patient(), await desk.patient("Marsh")
    run = await desk.execute("ward", {"patients": [first, second]})
    assert run["status"] == "succeeded"
    assert run["output"] == {"notes": 2}
    assert len(await desk.search("Observation?category=imaging")) == 2


async def test_findings_say_line_and_column(desk: Desk) -> None:
    text = WARD.replace("each.output.count", "note.output.id")
    refused = await desk.deploy(text)
    assert refused.status_code == 422
    error = refused.json()["error"]
    found = {one["code"]: one for one in error["details"]["findings"]}
    scope = found["E-REFSCOPE"]
    assert (scope["path"], scope["line"], scope["column"]) == ("output/notes", 31, 5)
    assert scope["fix"] == "read steps.each.output.results, and choose its value with collect:"


async def test_the_same_workflow_from_yaml_and_json_is_one_version(desk: Desk) -> None:
    await desk.deployed(WARD)
    stored = await desk.data("/api/workflows/ward")
    again = await desk.deploy(stored["definition"])
    assert again.status_code == 200, again.text
    assert again.json()["data"]["version"] == 1
    assert stored["source"] == WARD
