"""Importing what people really have: YAML whose indentation a web page has eaten."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from careloom.workflows.definition import DefinitionError, parse_definition

RADIOLOGY = {
    "workflow": {
        "id": "radiology-ai-workflow",
        "trigger": {"type": "dicom", "event": "NewImageUploaded"},
        "steps": [
            {
                "id": "analyze-image",
                "type": "worker",
                "worker": "radiology-assistant",
                "input": {"file": "{{trigger.file}}"},
                "output": "analysisResult",
            },
            {
                "id": "store-observation",
                "type": "fhir",
                "action": "create",
                "resourceType": "Observation",
                "data": {
                    "status": "final",
                    "category": "imaging",
                    "code": {"text": "AI Analysis Result"},
                    "subject": {"reference": "Patient/{{trigger.patientId}}"},
                    "valueString": "{{steps.analyze-image.output.analysisResult}}",
                },
            },
            {
                "id": "notify-radiologist",
                "type": "bot",
                "tool": "Slack.send",
                "params": {
                    "channel": "#radiology",
                    "message": "AI detected potential issue for Patient {{trigger.patientId}}",
                },
            },
        ],
    }
}
Cut = Callable[[str], str]


def test_the_flattened_radiology_workflow_is_restored_exactly(
    seed_yaml: Cut, element_kind: Any
) -> None:
    result = parse_definition(seed_yaml("radiology"), element_kind=element_kind)
    expected = parse_definition(RADIOLOGY, mode="strict").definition
    assert result.definition == expected
    assert [step.id for step in result.definition.steps] == [
        "analyze-image",
        "store-observation",
        "notify-radiologist",
    ]


def test_every_repair_has_a_receipt_with_place_before_and_after(
    seed_yaml: Cut, element_kind: Any
) -> None:
    text = seed_yaml("radiology")
    receipts = parse_definition(text, element_kind=element_kind).receipts
    assert {receipt.code for receipt in receipts} == {"W-INDENT"}
    assert [receipt.path for receipt in receipts] == [
        "workflow",
        "trigger",
        "steps",
        "steps/analyze-image",
        "steps/store-observation",
        "steps/notify-radiologist",
    ]
    assert receipts[1].before == 'trigger:\ntype: dicom\nevent: "NewImageUploaded"'
    assert receipts[1].after == '  trigger:\n    type: dicom\n    event: "NewImageUploaded"'
    assert text.splitlines()[(receipts[1].line or 0) - 1] == "trigger:"


def test_nothing_but_white_space_changes(seed_yaml: Cut, element_kind: Any) -> None:
    text = seed_yaml("diagnostics")
    result = parse_definition(text, element_kind=element_kind)
    for receipt in result.receipts:
        assert receipt.before.split() == receipt.after.split()
    assert result.source == text


def test_lines_of_restored_places_are_those_of_the_text(seed_yaml: Cut, element_kind: Any) -> None:
    text = seed_yaml("radiology")
    result = parse_definition(text, element_kind=element_kind)
    line = result.line("steps/store-observation/data/subject/reference")
    assert line is not None
    assert text.splitlines()[line - 1].startswith("reference:")


def test_the_flattened_diagnostics_workflow_is_restored(seed_yaml: Cut, element_kind: Any) -> None:
    definition = parse_definition(seed_yaml("diagnostics"), element_kind=element_kind).definition
    trigger = definition.triggers[0]
    assert (trigger.type, trigger.event) == ("fhir", "Observation.create")
    assert trigger.filter == "category=imaging"
    report = definition.step("steps/create-diagnostic-report")
    assert report.params["data"]["subject"] == "{{trigger.resource.subject}}"
    assert definition.step("steps/analyze-image").params["model"] == "medgemma-27b"


def test_the_flattened_sync_workflow_is_restored_with_its_comment(seed_yaml: Cut) -> None:
    result = parse_definition(seed_yaml("sync"))
    assert result.definition.triggers[0].params == {"cron": "0 */6 * * *"}
    assert "# Every 6 hours" in result.receipts[1].after


def test_strict_refuses_flattened_text_with_line_column_and_a_patch(
    seed_yaml: Cut, element_kind: Any
) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(seed_yaml("radiology"), mode="strict", element_kind=element_kind)
    error = refused.value
    assert (error.status, error.code) == (422, "E-INDENT")
    assert error.line == 9
    assert error.column == 1
    patched = parse_definition(error.details["patch"], mode="strict").definition
    assert patched == parse_definition(RADIOLOGY).definition


def test_an_empty_trigger_followed_by_its_keys_is_re_nested() -> None:
    text = (
        "workflow:\n  id: welcome\n  trigger:\n  type: fhir\n"
        '  event: "Patient.create"\n  steps:\n    - id: pause\n      type: wait\n'
    )
    assert yaml.safe_load(text)["workflow"]["trigger"] is None  # parses, and means nothing
    result = parse_definition(text)
    assert result.definition.triggers[0].event == "Patient.create"
    assert [receipt.path for receipt in result.receipts] == ["trigger"]
    with pytest.raises(DefinitionError) as refused:
        parse_definition(text, mode="strict")
    assert (refused.value.code, refused.value.line, refused.value.column) == ("E-INDENT", 3, 3)


def test_well_formed_text_gets_no_receipt() -> None:
    text = yaml.safe_dump(RADIOLOGY)
    assert parse_definition(text).receipts == []
    assert (
        parse_definition(text, mode="strict").definition == parse_definition(RADIOLOGY).definition
    )


AMBIGUOUS = """workflow:
id: w
steps:
- id: store
type: fhir
action: create
resourceType: Observation
data:
status: final
code:
text: Result
subject:
reference: Patient/1
identifier:
value: abc
"""


def test_more_than_one_reading_is_refused_and_the_readings_are_shown(element_kind: Any) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(AMBIGUOUS, element_kind=element_kind)
    error = refused.value
    assert error.code == "E-INDENT"
    assert error.line == 14
    assert "data or subject" in error.message
    readings = [yaml.safe_load(text)["workflow"] for text in error.details["readings"]]
    places = {json.dumps(reading["steps"][0]["data"], sort_keys=True) for reading in readings}
    assert len(places) == len(readings) >= 2


def test_a_branch_without_indentation_is_ambiguous() -> None:
    text = (
        "workflow:\nid: w\nsteps:\n- id: a\ntype: if\ncondition: 'true'\nthen:\n"
        "- id: b\ntype: wait\n- id: c\ntype: wait\n"
    )
    with pytest.raises(DefinitionError, match="may belong to steps or then"):
        parse_definition(text)


@pytest.mark.parametrize(
    "doubled",
    [
        "workflow:\n  id: w\n  id: v\n  steps:\n    - {id: a, type: wait}\n",
        "workflow:\nid: w\nsteps:\n- id: a\ntype: fhir\naction: create\n"
        "resourceType: Observation\ndata:\nstatus: final\nstatus: amended\n",
    ],
)
@pytest.mark.parametrize("mode", ["compat", "strict"])
def test_duplicate_keys_are_always_reported(doubled: str, mode: Any, element_kind: Any) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(doubled, mode=mode, element_kind=element_kind)
    assert refused.value.code == "E-DUPLICATEKEY"
    assert refused.value.line is not None
    assert refused.value.column is not None


def test_text_that_no_indentation_can_save_keeps_its_own_error() -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition("workflow: [unclosed\nsteps: {")
    assert refused.value.code == "E-YAML"
    assert refused.value.line is not None


def test_without_the_fhir_definitions_a_guess_is_refused(seed_yaml: Cut) -> None:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(seed_yaml("radiology"))
    assert refused.value.code == "E-INDENT"
    assert len(refused.value.details["readings"]) > 1


def test_free_parameters_end_where_a_key_of_the_step_begins() -> None:
    text = (
        "workflow:\nid: w\nsteps:\n- id: a\ntype: worker\nworker: r\ninput:\n"
        "file: x\nmodel: m\nretry:\nattempts: 5\nwhen: 'true'\n"
    )
    step = parse_definition(text).definition.steps[0]
    assert step.params == {"worker": "r", "input": {"file": "x"}, "model": "m"}
    assert step.retry.attempts == 5
    assert step.condition == "true"


def test_a_long_flattened_text_is_read_in_bounded_time() -> None:
    steps = "".join(f"- id: s{i}\ntype: wait\nduration: 1s\n" for i in range(300))
    definition = parse_definition(f"workflow:\nid: w\nsteps:\n{steps}").definition
    assert len(definition.steps) == 300


def test_hostile_texts_are_refused_in_bounded_time() -> None:
    wide = "workflow:\nid: a" + " " * 400_000 + "b\nsteps: [\n"
    deep = "workflow:\n" + "".join(f"k{n}:\n" for n in range(1500))
    guesses = "workflow:\nid: w\nsteps:\n- id: a\ntype: worker\nworker: r\ninput:\n" + "".join(
        f"a{n}:\nb{n}: 1\n" for n in range(300)
    )
    for text in (wide, deep, guesses):
        with pytest.raises(DefinitionError):
            parse_definition(text)
