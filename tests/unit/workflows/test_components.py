"""Reusable parts: what `use:` takes, what wins, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.types import JsonObject
from careloom.workflows.definition import DefinitionError, ParseResult, parse_definition
from careloom.workflows.definition.components import Component, Library, used

READER = Component("worker", "reader", 3, {"worker": "radiology", "retry": 5, "input": {"a": 1}})
NIGHTLY = Component("trigger", "nightly", 1, {"type": "fhir", "event": "Patient.create"})
LIBRARY: Library = {
    (one.kind, one.name): one
    for one in (
        READER,
        NIGHTLY,
        Component("worker", "both", 1, {"worker": "r"}),
        Component("model", "both", 1, {"model": "m"}),
    )
}


def read(*steps: JsonObject, library: Library | None = LIBRARY, **keys: Any) -> ParseResult:
    raw = {"id": "w", "steps": list(steps), **keys}
    return parse_definition(raw, mode="strict", library=library)


def step(**keys: Any) -> JsonObject:
    return {"id": "a", "use": "reader", **keys}


def test_a_step_takes_the_keys_of_a_component_and_its_own_win() -> None:
    spelled = {"id": "a", "type": "worker", "worker": "radiology", "retry": 5, "input": {"b": 2}}
    result = read(step(input={"b": 2}))
    assert result.definition.hash == read(spelled).definition.hash
    assert "use" not in result.definition.canonical["steps"][0]
    receipt = result.receipts[0].to_json()
    assert (receipt["code"], receipt["path"], receipt["after"]) == (
        "I-COMPONENT",
        "steps/a",
        "worker/reader@3",
    )
    assert used([receipt]) == [("worker", "reader", 3, "steps/a")]


def test_a_trigger_takes_the_keys_of_a_component() -> None:
    waits = {"id": "a", "type": "wait", "duration": "1s"}
    for keys in ({"trigger": {"use": "nightly"}}, {"triggers": [{"use": "nightly"}]}):
        result = read(waits, **keys)
        assert result.definition.triggers[0].event == "Patient.create"
        assert [one.path for one in result.receipts] == ["triggers/0"]


def test_components_are_found_in_every_list_of_steps() -> None:
    waits = {"id": "w", "type": "wait", "duration": "1s"}
    inside: list[JsonObject] = [
        {"id": "l", "type": "foreach", "items": [], "steps": [step()]},
        {"id": "p", "type": "parallel", "branches": {"x": [step()]}},
        {"id": "c", "type": "if", "condition": "true", "then": [step()]},
        {"id": "s", "type": "switch", "value": "a", "cases": {"a": [step()]}},
        {**waits, "fallback": [step()]},
        {**waits, "compensate": [step()]},
    ]
    for one in inside:
        steps = list(read(one).definition.walk())
        assert steps[1].params["worker"] == "radiology"


def test_the_object_that_was_handed_in_is_not_changed() -> None:
    raw = {"id": "w", "steps": [step()]}
    parse_definition(raw, library=LIBRARY)
    assert raw["steps"] == [step()]


@pytest.mark.parametrize(
    ("wrong", "library", "said"),
    [
        (step(use="raeder"), LIBRARY, "there is no component 'raeder'"),
        (step(use="reader", type="model"), LIBRARY, "there is no model component 'reader'"),
        (step(use=["reader"]), LIBRARY, "use names a component"),
        (step(use="both"), LIBRARY, "'both' is the name of several: model, worker"),
        (step(use="nightly"), LIBRARY, "there is no component 'nightly'"),
        (step(), None, "components are not known here"),
    ],
)
def test_a_component_that_is_not_there_is_refused(
    wrong: JsonObject, library: Library | None, said: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        read(wrong, library=library)
    assert refused.value.code == "E-COMPONENT"
    assert said in refused.value.message
    assert refused.value.fix


def test_the_line_of_a_missing_component_is_said() -> None:
    text = "id: w\nsteps:\n- id: a\n  use: absent\n"
    with pytest.raises(DefinitionError) as refused:
        parse_definition(text, mode="strict", library=LIBRARY)
    assert (refused.value.line, refused.value.column) == (4, 3)


def test_lost_indentation_around_use_is_restored() -> None:
    text = "workflow:\nid: w\ntrigger:\nuse: nightly\nsteps:\n- id: a\nuse: reader\nretry:\n"
    result = parse_definition(text + "attempts: 2\n", library=LIBRARY)
    assert result.definition.steps[0].retry.attempts == 2
    assert result.definition.triggers[0].type == "fhir"
