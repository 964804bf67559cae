"""Each finding says where it stands in the source, and its edit removes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

SOURCE = """\
# What is wrong is written on purpose.
workflow:
  id: faulty
  trigger: {type: fhir, event: Patient.create}
  steps:
    - id: read
      type: worker
      worker: diagnostic-assistant
      input: {observation: "{{trigger.resource}}"}
    - id: obs
      type: fhir
      action: create
      resourceType: Observation
      data:
        status: preliminary
        code: {text: Reading}
        subject: {reference: "Patient/{{trigger.id}}"}
        valueString: "{{steps.read.output.summary}}"
    - id: tell
      type: bot
      tool: Slack.send
      params: {channel: "#x", message: "See {{steps.obs.output.reference}}"}
"""
FAULTS = [
    ("type: fhir, event", "type: fihr, event", "E-TRIGGERTYPE", None, 4),
    ("event: Patient.create", "event: Pateint.create", "E-EVENT", None, 4),
    (
        "event: Patient.create}",
        "event: Patient.create, where: current.active}",
        "E-REFROOT",
        None,
        4,
    ),
    ("worker: diagnostic-assistant", "worker: diagnostic-asistant", "E-WORKER", "read", 8),
    ("type: bot", "type: bott", "E-STEPTYPE", "tell", 20),
    ("tool: Slack.send", "tool: Slak.send", "E-TOOL", "tell", 21),
    ("      params:", "      parms:", "E-UNKNOWNKEY", "tell", 22),
    ("steps.read.output.summary", "steps.raed.output.summary", "E-REF", "obs", 18),
    ("steps.read.output.summary", "steps.read.summary", "E-REFSHAPE", "obs", 18),
    ("output.reference", "output.referense", "E-OUTPUTKEY", "tell", 22),
    ('"{{trigger.resource}}"', '"{{trigger.resource.birthDat}}"', "E-ELEMENT", "read", 9),
    ("code: {text: Reading}", "category: imaging", "E-FHIRSTRUCTURE", "obs", None),
]


async def _checked(desk: Desk, text: str) -> JsonObject:
    answer = await desk.client.post(
        "/api/workflows/validate",
        params={"mode": "strict"},
        content=text.encode(),
        headers={"Content-Type": "application/yaml"},
    )
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


def _at(value: Any, pointer: str) -> tuple[Any, Any]:
    """The holder of a place and its key there."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for part in parts[:-1]:
        value = value[int(part) if isinstance(value, list) else part]
    return value, int(parts[-1]) if isinstance(value, list) else parts[-1]


def _applied(text: str, edit: JsonObject) -> str:
    whole = yaml.safe_load(text)
    holder, key = _at(whole, edit["path"])
    if "rename" in edit:
        holder[edit["rename"]] = holder.pop(key)
    else:
        holder[key] = edit["value"]
    return yaml.safe_dump(whole, sort_keys=False)


@pytest.mark.parametrize(("good", "bad", "code", "step", "line"), FAULTS)
async def test_a_finding_has_its_place_and_its_edit_removes_it(
    desk: Desk, good: str, bad: str, code: str, step: str | None, line: int | None
) -> None:
    text = SOURCE.replace(good, bad, 1)
    assert text != SOURCE
    found = [one for one in (await _checked(desk, text))["findings"] if one["code"] == code]
    assert found
    for one in found:
        assert one.get("step") == step
        assert one["column"] >= 1
        assert line is None or one["line"] == line
        _at(yaml.safe_load(text), one["pointer"])
    edited = [one for one in found if "edit" in one]
    assert edited
    for one in edited:
        after = (await _checked(desk, _applied(text, one["edit"])))["findings"]
        gone = [two for two in after if (two["code"], two["path"]) == (code, one["path"])]
        assert gone == []


async def test_the_source_itself_has_no_errors(desk: Desk) -> None:
    checked = await _checked(desk, SOURCE)
    assert [one for one in checked["findings"] if one["severity"] == "error"] == []


async def test_restored_indentation_offers_no_place_that_is_not_there(desk: Desk) -> None:
    flat = "\n".join(line.strip() for line in SOURCE.splitlines()[1:])
    answer = await desk.client.post(
        "/api/workflows/validate",
        content=flat.replace("Slack.send", "Slak.send").encode(),
        headers={"Content-Type": "application/yaml"},
    )
    if answer.status_code == 200:
        findings = answer.json()["data"]["findings"]
        assert findings
        assert all("edit" not in one and "pointer" not in one for one in findings)
    else:
        assert answer.json()["error"]["details"]["line"] >= 1


async def test_broken_yaml_says_its_line_and_column(desk: Desk) -> None:
    answer = await desk.client.post(
        "/api/workflows/validate",
        content=b"workflow:\n  id: x\n  steps: [\n",
        headers={"Content-Type": "application/yaml"},
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {"line": 4, "column": 1}


async def test_a_shipped_worker_without_what_it_reads_is_found(desk: Desk) -> None:
    unread = SOURCE.replace("observation:", "file:", 1)
    assert unread != SOURCE
    [found] = [
        one for one in (await _checked(desk, unread))["findings"] if one["code"] == "E-MISSINGKEY"
    ]
    assert (found["path"], found["step"]) == ("steps/read/input", "read")
    assert "input.observation" in found["message"]
    assert "observation:" in found["fix"]
