"""Definitions that cannot work are refused at deploy: code, path, cause and fix; nothing stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
NOT_YAML = "workflow:\n  id: a\n  steps: [\n"
UNKNOWN_TYPE = [{"id": "a", "type": "teleport", "to": "Mars"}]
NO_SUCH_STEP = [
    {"id": "a", "type": "task", "title": "{{steps.absent.output.text}}"},
]
CYCLE = [
    {"id": "a", "type": "task", "title": "{{steps.b.output.decision}}"},
    {"id": "b", "type": "task", "title": "{{steps.a.output.decision}}"},
]


def _fhir(resource_type: str, data: dict[str, Any]) -> list[dict[str, Any]]:
    step = {"id": "w", "type": "fhir", "action": "create"}
    return [{**step, "resourceType": resource_type, "data": data}]


UNKNOWN_ELEMENT = _fhir("Patient", {"colour": "blue"})
UNKNOWN_RESOURCE = _fhir("Patiently", {"active": True})
NO_STATUS = _fhir("Observation", {"code": {"text": "x"}, "status": "finished"})
WRONG_FORM = _fhir("Patient", {"birthDate": "yesterday"})


@pytest.mark.parametrize(
    ("steps", "code", "path"),
    [
        (UNKNOWN_TYPE, "E-STEPTYPE", "steps/a/type"),
        (NO_SUCH_STEP, "E-REF", "steps/a/title"),
        (CYCLE, "E-CYCLE", "steps/a"),
        (UNKNOWN_ELEMENT, "E-FHIRSTRUCTURE", "steps/w/data/colour"),
        (UNKNOWN_RESOURCE, "E-RESOURCETYPE", "steps/w/resourceType"),
        (NO_STATUS, "E-FHIRSTRUCTURE", "steps/w/data/status"),
        (WRONG_FORM, "E-FHIRSTRUCTURE", "steps/w/data/birthDate"),
    ],
    ids=["type", "reference", "cycle", "element", "resource", "code", "date"],
)
async def test_a_definition_that_cannot_work_is_refused(
    desk: Desk, steps: list[dict[str, Any]], code: str, path: str
) -> None:
    answer = await desk.deploy({"id": "bad", "steps": steps})
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert body["success"] is False
    assert body["data"] is None
    found = {(f["code"], f["path"]): f for f in body["error"]["details"]["findings"]}
    assert (code, path) in found, found.keys()
    finding = found[code, path]
    assert finding["severity"] == "error"
    assert finding["message"]
    assert finding["cause"]
    assert finding["fix"]
    assert {"code", "path", "fix"} <= body["error"].keys()
    assert (await desk.get("/api/workflows/bad")).status_code == 404
    checked = await desk.client.post("/api/workflows/validate", json={"id": "bad", "steps": steps})
    assert checked.status_code == 200
    assert checked.json()["data"]["valid"] is False
    assert checked.json()["data"]["findings"] == body["error"]["details"]["findings"]


async def test_text_that_is_no_yaml_is_refused_with_line_and_column(desk: Desk) -> None:
    for address in ("/api/workflows", "/api/workflows/validate"):
        answer = await desk.client.post(
            address, content=NOT_YAML.encode(), headers={"Content-Type": "application/yaml"}
        )
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert error["code"] == "E-YAML"
        assert error["details"]["line"] >= 3
        assert error["details"]["column"] >= 1
        assert error["fix"]


@pytest.mark.parametrize(
    "source",
    [
        "just words",
        "- a\n- b\n",
        "",
        "workflow: {id: a}",
        "workflow: {id: a, steps: nap}",
        "workflow: {id: '../a', steps: [{id: n, type: wait, duration: 1ms}]}",
        "a: &a [*a]",
        "!!python/object/apply:os.system ['true']",
        "\x00",
    ],
)
async def test_other_texts_that_are_no_workflow_are_refused(desk: Desk, source: str) -> None:
    answer = await desk.deploy(source)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"].startswith("E-")
    assert await desk.data("/api/workflows") == []


async def test_a_version_under_another_address_is_refused(desk: Desk) -> None:
    await desk.deployed({"id": "one", "steps": [NAP]})
    answer = await desk.put("/api/workflows/two", json={"id": "one", "steps": [NAP]})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "E-IDMISMATCH"


async def test_a_new_version_counts_on_and_runs_stay_with_their_own(desk: Desk) -> None:
    first = await desk.deployed({"id": "one", "steps": [NAP]})
    run = await desk.execute("one", {})
    changed = {"id": "one", "steps": [NAP, {**NAP, "id": "again"}]}
    answer = await desk.put("/api/workflows/one", json=changed)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["version"] == first["version"] + 1
    assert (await desk.run(run["runId"]))["version"] == first["version"]
    assert (await desk.execute("one", {}))["version"] == first["version"] + 1


async def test_an_input_schema_is_checked_before_any_step(desk: Desk) -> None:
    schema = {
        "type": "object",
        "required": ["age"],
        "properties": {"age": {"type": "integer", "minimum": 0}},
    }
    await desk.deployed({"id": "aged", "input": schema, "steps": [NAP]})
    for body, path in (({}, "/"), ({"age": -5}, "/age"), ({"age": "Meyer"}, "/age")):
        answer = await desk.post("/api/workflows/aged/execute", body)
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert error["code"] == "input_invalid"
        assert error["path"] == path
        assert "Meyer" not in answer.text
    assert await desk.data("/api/workflows/runs") == []
    assert (await desk.execute("aged", {"age": 5}))["status"] == "succeeded"


@pytest.mark.parametrize("value", [None, {"label": "x"}, ["x"]])
async def test_a_text_element_gets_no_object_and_no_null(desk: Desk, value: Any) -> None:
    """`valueString: "{{…}}"` keeps the type of what it reads; FHIR wants a string there."""
    data = {"status": "preliminary", "code": {"text": "x"}, "valueString": "{{trigger.said}}"}
    await desk.deployed({"id": "say", "steps": _fhir("Observation", data)})
    run = await desk.execute("say", {"said": value})
    assert run["status"] == "failed", run
    assert run["error"]["step"] == "w"
    assert run["error"]["path"] == "Observation.valueString"
    assert await desk.search("Observation") == []
