"""The shapes that a workflow may take (parallel, foreach, fallback …), and the limits of them."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import yaml

from careloom.types import JsonObject
from careloom.workflows.definition import DefinitionError, parse_definition
from careloom.workflows.definition.model import ConcurrencyLimit, raw_steps

WAIT = {"id": "pause", "type": "wait", "duration": "1s"}
WHOLE: JsonObject = {
    "id": "shapes",
    "name": "Shapes",
    "timeout": "2h",
    "onFailure": "rollback",
    "concurrency": {"limit": 3, "key": "{{trigger.patientId}}"},
    "orderBy": "{{trigger.patientId}}",
    "input": {"type": "object", "properties": {"list": {"type": "array"}}},
    "result": {"type": "object", "required": ["count"]},
    "steps": [
        {
            "id": "both",
            "type": "parallel",
            "join": {"atLeast": 1},
            "branches": {
                "images": [{"id": "left", "type": "wait", "duration": "1s", "heartbeat": "30s"}],
                "labs": [{"id": "right", "type": "wait", "duration": "1s"}],
            },
        },
        {
            "id": "each",
            "type": "foreach",
            "items": "{{trigger.list}}",
            "concurrency": 5,
            "onItemError": "continue",
            "collect": "{{steps.inner.output.waitedUntil}}",
            "steps": [{"id": "inner", "type": "wait", "duration": "{{item.seconds}}"}],
        },
        {
            "id": "child",
            "type": "workflow",
            "workflow": "other",
            "version": 2,
            "input": {"name": "x"},
            "fallback": [{"id": "instead", "type": "wait", "duration": "1s"}],
            "compensate": [{"id": "undo", "type": "wait", "duration": "1s"}],
        },
        {
            "id": "signal",
            "type": "wait",
            "event": "lab-result",
            "key": "{{trigger.patientId}}",
            "timeout": "1h",
            "compensate": "none",
        },
    ],
    "output": {"count": "{{steps.each.output.count}}"},
}


def refusal(source: Any, **options: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(source, **options)
    assert refused.value.fix, "every refusal says what to do"
    return refused.value


def read(*steps: Any, **keys: Any) -> Any:
    return parse_definition({"id": "w", "steps": list(steps) or [WAIT], **keys}).definition


def test_every_shape_has_the_same_hash_in_yaml_json_and_as_an_object() -> None:
    forms = [WHOLE, json.dumps(WHOLE), yaml.safe_dump({"workflow": WHOLE}), yaml.safe_dump(WHOLE)]
    parsed = [parse_definition(form, mode="strict").definition for form in forms]
    assert len({one.hash for one in parsed}) == 1
    again = parse_definition(parsed[0].canonical, mode="strict").definition
    assert again == parsed[0], "the canonical form is read as itself"


def test_the_policies_of_a_workflow_are_read() -> None:
    definition = parse_definition(WHOLE).definition
    assert definition.timeout_s == 7200
    assert definition.on_failure == "rollback"
    assert definition.concurrency == ConcurrencyLimit(3, "{{trigger.patientId}}")
    assert definition.order_by == "{{trigger.patientId}}"
    assert definition.result_schema == {"type": "object", "required": ["count"]}


def test_every_step_inside_another_has_its_path() -> None:
    definition = parse_definition(WHOLE).definition
    assert [step.path for step in definition.walk()] == [
        "steps/both",
        "steps/both/images/left",
        "steps/both/labs/right",
        "steps/each",
        "steps/each/steps/inner",
        "steps/child",
        "steps/child/fallback/instead",
        "steps/child/compensate/undo",
        "steps/signal",
    ]
    raw = list(raw_steps(definition.canonical["steps"]))
    assert [path for path, _ in raw] == [step.path for step in definition.walk()]
    both, each, child, signal = definition.steps
    assert both.branches["images"][0].heartbeat_s == 30
    assert each.params["items"] == "{{trigger.list}}"
    assert child.params == {"workflow": "other", "version": 2, "input": {"name": "x"}}
    assert signal.compensate == "none"
    assert signal.timeout_s == 3600


def test_what_equals_the_default_is_left_out() -> None:
    assert read(onFailure="stop").hash == read().hash
    assert read(concurrency=3).hash == read(concurrency={"limit": 3}).hash
    assert read(timeout="2h").hash == read(timeout=7200).hash == read(timeout="PT2H").hash
    assert read({**WAIT, "heartbeat": "1m"}).hash == read({**WAIT, "heartbeat": 60}).hash


@pytest.mark.parametrize(
    ("keys", "code", "path"),
    [
        ({"timeout": "soon"}, "E-DURATION", "timeout"),
        ({"timeout": 0}, "E-DURATION", "timeout"),
        ({"onFailure": "undo"}, "E-SHAPE", "onFailure"),
        ({"concurrency": 0}, "E-CONCURRENCY", "concurrency"),
        ({"concurrency": True}, "E-CONCURRENCY", "concurrency"),
        ({"concurrency": {"key": "x"}}, "E-CONCURRENCY", "concurrency"),
        ({"concurrency": {"limit": 1, "per": "x"}}, "E-CONCURRENCY", "concurrency/per"),
        ({"orderBy": ["x"]}, "E-SHAPE", "orderBy"),
        ({"result": {"$ref": "#/x", "type": "object"}}, "E-SCHEMA", "result"),
        ({"result": "text"}, "E-SHAPE", "result"),
        ({"onfailure": "rollback"}, "E-KEY", "onfailure"),
        ({"steps": [{**WAIT, "heartbeat": "now"}]}, "E-DURATION", "steps/pause/heartbeat"),
        ({"steps": [{**WAIT, "fallback": []}]}, "E-SHAPE", "steps/pause/fallback"),
        ({"steps": [{**WAIT, "compensate": "all"}]}, "E-SHAPE", "steps/pause/compensate"),
        ({"steps": [{**WAIT, "compensate": None}]}, "E-SHAPE", "steps/pause/compensate"),
        ({"steps": [{**WAIT, "branches": []}]}, "E-SHAPE", "steps/pause/branches"),
        ({"steps": [{**WAIT, "branches": {"a b": [WAIT]}}]}, "E-SHAPE", "steps/pause/branches"),
        ({"steps": [{**WAIT, "steps": {}}]}, "E-SHAPE", "steps/pause/steps"),
    ],
)
def test_a_key_that_cannot_be_read_is_refused_with_its_place(
    keys: JsonObject, code: str, path: str
) -> None:
    source = {"id": "w", "steps": [WAIT], **keys}
    error = refusal(source)
    assert (error.code, error.path) == (code, path)
    for text in (yaml.safe_dump(source, sort_keys=False), json.dumps(source, indent=1)):
        placed = refusal(text, mode="strict")
        if placed.code == code:
            assert placed.line
            assert placed.column


FLAT = """workflow:
id: night-import
onFailure: rollback
concurrency:
limit: 2
key: "{{trigger.ward}}"
steps:
- id: each
type: foreach
items: "{{trigger.rows}}"
concurrency: 5
steps:
- id: save
type: fhir
action: create
resourceType: Observation
data:
status: final
code:
text: "{{item.name}}"
"""


def test_lost_indentation_of_a_loop_is_restored(element_kind: Any) -> None:
    result = parse_definition(FLAT, element_kind=element_kind)
    each = result.definition.steps[0]
    assert [step.path for step in result.definition.walk()] == [
        "steps/each",
        "steps/each/steps/save",
    ]
    assert each.params["concurrency"] == 5
    assert each.branches["steps"][0].params["data"]["code"] == {"text": "{{item.name}}"}
    assert result.definition.concurrency == ConcurrencyLimit(2, "{{trigger.ward}}")
    assert result.receipts


FLAT_BRANCHES = """workflow:
id: both
steps:
- id: first
type: if
condition: trigger.x
then:
- id: pause
type: wait
duration: 1s
else:
- id: both
type: parallel
branches:
images:
- id: left
type: wait
duration: 1s
labs:
- id: right
type: wait
duration: 1s
"""


def test_lost_indentation_of_branches_is_restored_where_only_one_step_has_them() -> None:
    definition = parse_definition(FLAT_BRANCHES).definition
    assert [step.path for step in definition.walk()] == [
        "steps/first",
        "steps/first/then/pause",
        "steps/first/else/both",
        "steps/first/else/both/images/left",
        "steps/first/else/both/labs/right",
    ]


def test_what_may_stand_in_a_branch_or_after_it_is_not_guessed() -> None:
    error = refusal(FLAT_BRANCHES + "- id: after\ntype: wait\nduration: 1s\n")
    assert error.code == "E-INDENT"
    assert len(error.details["readings"]) > 1


def nested(kind: str, levels: int) -> JsonObject:
    step: JsonObject = WAIT
    for number in range(levels):
        below: JsonObject = {
            "if": {"condition": "true", "then": [step]},
            "foreach": {"items": [], "steps": [step]},
            "parallel": {"branches": {"a": [step]}},
        }[kind]
        step = {"id": f"s{number}", "type": kind, **below}
    return {"id": "w", "steps": [step]}


@pytest.mark.parametrize("kind", ["if", "foreach", "parallel"])
def test_nesting_is_bounded_in_every_form(kind: str) -> None:
    assert parse_definition(nested(kind, 15)).definition.id == "w"
    for source in (nested(kind, 65), json.dumps(nested(kind, 65))):
        assert refusal(source).code == "E-SIZE"
    placed = refusal(yaml.safe_dump(nested(kind, 65)))
    assert placed.code == "E-SIZE"
    assert placed.line


def test_ten_thousand_steps_are_read_and_one_more_is_refused() -> None:
    steps = [{"id": f"s{number}", "type": "wait", "duration": 1} for number in range(10_000)]
    assert len(parse_definition({"id": "w", "steps": steps}).definition.steps) == 10_000
    assert refusal({"id": "w", "steps": [*steps, WAIT]}).code == "E-SIZE"


@pytest.mark.parametrize(
    "text",
    [
        "id: w\nsteps:\n" + "- {id: a, type: wait, duration: 1s}\n" * 290_000,
        json.dumps({"id": "w", "steps": [{"id": "a", "type": "x" * 10_000_000}]}),
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]\n" for n in range(1, 30)),
        "{" * 1_000_000,
        "- " * 400_000,
    ],
    ids=["10 MB of steps", "10 MB of text", "aliases of aliases", "open braces", "open lists"],
)
def test_a_hostile_text_is_refused_in_bounded_memory(text: str) -> None:
    tracemalloc.start()
    try:
        error = refusal(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert error.code in ("E-SIZE", "E-JSON", "E-YAML")
    assert peak < 64 << 20
