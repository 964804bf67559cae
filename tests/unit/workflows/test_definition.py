"""One model for every form of a workflow, and the bounds of reading one."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import yaml

from careloom.types import JsonObject
from careloom.workflows.definition import (
    Definition,
    DefinitionError,
    RetryPolicy,
    content_hash,
    parse_definition,
    parse_duration,
)

WAIT = {"id": "pause", "type": "wait", "duration": "1s"}


def workflow(*steps: Any, **keys: Any) -> JsonObject:
    return {"id": "w", "steps": list(steps) or [WAIT], **keys}


def read(*steps: Any, **keys: Any) -> Definition:
    return parse_definition(workflow(*steps, **keys), mode="strict").definition


def refusal(source: Any, **options: Any) -> DefinitionError:
    with pytest.raises(DefinitionError) as refused:
        parse_definition(source, **options)
    error = refused.value
    assert error.status == 422
    assert error.fix, "every refusal says what to do"
    return error


def test_yaml_json_text_and_object_give_the_same_content_hash() -> None:
    raw = {
        "name": "radiology-ai-workflow",
        "trigger": {"type": "dicom", "event": "NewImageUploaded"},
        "steps": [{"id": "a", "type": "wait", "duration": 2.0, "timeout": "1m"}],
    }
    text = yaml.safe_dump({"workflow": {**raw, "id": "radiology-ai-workflow"}})
    forms = [raw, json.dumps(raw), json.dumps({"workflow": raw}), text]
    hashes = {parse_definition(form, mode="strict").definition.hash for form in forms}
    assert len(hashes) == 1


def test_the_id_is_the_slug_of_the_name_when_absent() -> None:
    definition = parse_definition({"name": "Chest X-ray  Triage!", "steps": [WAIT]}).definition
    assert (definition.id, definition.name) == ("chest-x-ray-triage", "Chest X-ray  Triage!")


def test_the_name_is_the_id_when_absent() -> None:
    assert read().name == "w"


@pytest.mark.parametrize("keys", [{"id": ""}, {"id": "a b"}, {"id": "../x"}, {"id": ["w"]}])
def test_an_id_that_cannot_stand_in_an_address_is_refused(keys: JsonObject) -> None:
    assert refusal({**workflow(), **keys}).code == "E-ID"


def test_a_workflow_needs_an_id_or_a_name() -> None:
    assert refusal({"steps": [WAIT]}).code == "E-ID"
    assert refusal({"name": "!!!", "steps": [WAIT]}).code == "E-ID"


def test_trigger_and_triggers_are_one_list() -> None:
    one = {"type": "manual"}
    assert read(trigger=one).hash == read(triggers=[one]).hash
    assert read().triggers == ()
    assert refusal(workflow(trigger=one, triggers=[one])).code == "E-SHAPE"


def test_what_the_engine_does_not_own_is_a_parameter() -> None:
    step = read({**WAIT, "params": {"x": 1}, "onError": "continue", "output": "o"}).steps[0]
    assert step.params == {"duration": "1s", "params": {"x": 1}}
    assert (step.on_error, step.output, step.path) == ("continue", "o", "steps/pause")


def test_on_error_has_two_spellings_and_one_meaning() -> None:
    snake, camel = read({**WAIT, "on_error": "continue"}), read({**WAIT, "onError": "continue"})
    assert snake.hash == camel.hash


@pytest.mark.parametrize(
    ("raw", "policy"),
    [
        (5, RetryPolicy(attempts=5)),
        ({"initial": "500ms", "max": "5m"}, RetryPolicy(initial_s=0.5, max_s=300)),
        ({"attempts": 1, "factor": 3, "jitter": 0}, RetryPolicy(1, 1, 3, 60, 0)),
    ],
)
def test_retry_policies_are_read(raw: Any, policy: RetryPolicy) -> None:
    assert read({**WAIT, "retry": raw}).steps[0].retry == policy


@pytest.mark.parametrize(
    "raw", [0, 101, True, "often", {"attempts": 1.5}, {"jitter": 2}, {"pause": 1}, {"initial": "x"}]
)
def test_retry_policies_out_of_range_are_refused(raw: Any) -> None:
    assert refusal(workflow({**WAIT, "retry": raw})).code == "E-RETRY"


def test_what_equals_the_default_does_not_change_the_hash() -> None:
    spelled = {**WAIT, "retry": {"attempts": 3}, "onError": "fail"}
    assert read(spelled).hash == read(WAIT).hash


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(30, 30), ("30s", 30), ("1.5m", 90), ("PT5M", 300), ("P1DT2H", 93600), ("250ms", 0.25)],
)
def test_durations(text: Any, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "soon", -1, True, None, "1e9d", "9999999d", float("nan"), 10**400, [1]]
)
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="length of time"):
        parse_duration(text)


def test_branches_have_paths_of_their_own() -> None:
    definition = read(
        {
            "id": "check",
            "type": "if",
            "condition": "true",
            "then": [{**WAIT, "id": "a"}],
            "else": [
                {
                    "id": "route",
                    "type": "switch",
                    "value": "x",
                    "cases": {"a/b": [{**WAIT, "id": "b"}]},
                    "default": [{**WAIT, "id": "c"}],
                }
            ],
        }
    )
    assert [step.path for step in definition.walk()] == [
        "steps/check",
        "steps/check/then/a",
        "steps/check/else/route",
        "steps/check/else/route/a~1b/b",
        "steps/check/else/route/default/c",
    ]
    assert definition.step("steps/check/then/a").id == "a"
    with pytest.raises(KeyError):
        definition.step("steps/none")


def test_the_canonical_form_is_itself_a_definition_and_gives_the_same_one() -> None:
    definition = read(
        {**WAIT, "when": True, "timeout": "2m", "retry": 9, "name": "Pause"},
        {
            "id": "s",
            "type": "switch",
            "value": "{{trigger.x}}",
            "cases": {"1": [WAIT | {"id": "z"}]},
        },
        trigger={"type": "fhir", "event": "Patient.create", "where": "active = true"},
        input={"type": "object", "required": ["x"]},
        output={"y": "{{steps.pause.outcome}}"},
        description="d",
    )
    stored = json.loads(json.dumps(definition.canonical))
    assert Definition.from_canonical(stored) == definition
    assert parse_definition(stored, mode="strict").definition == definition
    assert content_hash(dict(reversed(list(stored.items())))) == definition.hash


def test_any_change_of_content_changes_the_hash() -> None:
    hashes = {read({**WAIT, "duration": f"{n}s"}).hash for n in range(50)}
    assert len(hashes) == 50


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ([], "E-SHAPE"),
        ("- a\n- b", "E-SHAPE"),
        ("just words", "E-SHAPE"),
        ({"workflow": []}, "E-SHAPE"),
        ({"workflow": workflow(), "extra": 1}, "E-SHAPE"),
        (workflow(colour="red"), "E-KEY"),
        ({"id": "w"}, "E-SHAPE"),
        ({"id": "w", "steps": {}}, "E-SHAPE"),
        ({"id": "w", "steps": {"a": 1}}, "E-SHAPE"),
        ({"id": "w", "steps": ["a"]}, "E-SHAPE"),
        (workflow({"type": "wait"}), "E-STEPID"),
        (workflow({"id": "a b", "type": "wait"}), "E-STEPID"),
        (workflow({"id": True, "type": "wait"}), "E-STEPID"),
        (workflow({"id": "a"}), "E-STEPTYPE"),
        (workflow(WAIT | {"timeout": 0}), "E-DURATION"),
        (workflow(WAIT | {"onError": "ignore"}), "E-SHAPE"),
        (workflow(WAIT | {"output": "a-b"}), "E-SHAPE"),
        (workflow(WAIT | {"when": ["x"]}), "E-SHAPE"),
        (workflow(WAIT | {"then": None}), "E-SHAPE"),
        (workflow(WAIT | {"cases": []}), "E-SHAPE"),
        (workflow(WAIT | {"cases": {"default": []}}), "E-SHAPE"),
        (workflow(WAIT | {"on_error": "fail", "onError": "fail"}), "E-DUPLICATEKEY"),
        (workflow(trigger="manual"), "E-TRIGGER"),
        (workflow(trigger={"event": "x"}), "E-TRIGGER"),
        (workflow(trigger={"type": "fhir", "filter": 3}), "E-TRIGGER"),
        (workflow(input={"file": "string"}), "E-SHAPE"),
        (workflow(input={"type": "strange"}), "E-SCHEMA"),
        (workflow(input={"properties": {"a": {"$ref": "http://x"}}}), "E-SCHEMA"),
        (workflow(input={"properties": {"a": {"pattern": "(?=a)"}}}), "E-SCHEMA"),
    ],
)
def test_faults_of_form_are_refused_with_their_code(source: Any, code: str) -> None:
    assert refusal(source).code == code


def test_a_fault_in_yaml_names_line_and_column() -> None:
    error = refusal(
        "workflow:\n  id: w\n  steps:\n    - id: a\n      type: wait\n      retry: no\n"
    )
    assert (error.code, error.line, error.column) == ("E-RETRY", 6, 7)
    assert error.path == "steps/a/retry"
    assert error.details == {"line": 6, "column": 7}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E-YAML"),
        ("a: b: c", "E-YAML"),
        ("a: 'open", "E-YAML"),
        ("a: \x00", "E-YAML"),
        ("id: w\n---\nid: v", "E-YAML"),
        ("id: !!python/object/apply:os.system ['true']", "E-YAML"),
        ("id: !secret x", "E-YAML"),
        ("a: &a [*a]", "E-YAML"),
        ("a: *nowhere", "E-YAML"),
        ("a: &a {b: 1}\nc: {<<: *a}", "E-YAML"),
        ("? [a]\n: b", "E-YAML"),
        ("a: 1e999", "E-YAML"),
        ("{a: 1", "E-JSON"),
        ('{"a": NaN}', "E-JSON"),
        ('{"a": 1, "a": 2}', "E-DUPLICATEKEY"),
        ('{"a": ' + "9" * 5000 + "}", "E-JSON"),
        ("{" * 10, "E-JSON"),
        ('{"a":' * 200 + "1" + "}" * 200, "E-SIZE"),
        ("[" * 100_000, "E-SIZE"),
        ("a: " + "[" * 300 + "]" * 300, "E-SIZE"),
        ("x: " + "y" * 1_000_001, "E-SIZE"),
        ("[" + ",".join("1" * 110_000) + "]", "E-SIZE"),
    ],
)
def test_text_that_is_no_definition_is_refused(text: str, code: str) -> None:
    assert refusal(text).code == code


def test_aliases_are_copies_and_their_number_is_bounded() -> None:
    text = "id: w\nsteps:\n  - {id: a, type: wait, x: &x [1, 2]}\n  - {id: b, type: wait, x: *x}\n"
    first, second = parse_definition(text).definition.steps
    assert first.params == second.params
    assert first.params["x"] is not second.params["x"]
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join(f'*a{n - 1}' for _ in range(9))}]\n" for n in range(1, 9)
    )
    assert refusal(laughs).code == "E-SIZE"


def test_yaml_words_that_yaml_1_1_took_for_truth_stay_text() -> None:
    text = (
        "id: w\nsteps:\n- id: a\n  type: wait\n  x: [yes, no, on, off, y, 2024-01-01, 010, 1_000,"
        " 0x1f, 1.5, true, null, ~, '1', .5, 12:30]\n"
    )
    assert parse_definition(text).definition.steps[0].params["x"] == [
        *("yes", "no", "on", "off", "y", "2024-01-01"),
        *(10, "1_000", 31, 1.5, True, None, None, "1", 0.5, "12:30"),
    ]


def test_numbers_without_fraction_are_whole_in_every_form() -> None:
    yaml_form = parse_definition("id: w\nsteps: [{id: a, type: wait, x: 1.0}]").definition
    assert yaml_form.hash == read({"id": "a", "type": "wait", "x": 1}).hash


def test_more_steps_than_the_bound_are_refused() -> None:
    steps = [{"id": f"s{n}", "type": "wait"} for n in range(10_001)]
    assert refusal({"id": "w", "steps": steps}).code == "E-SIZE"


def test_objects_that_are_not_json_are_refused() -> None:
    assert refusal(workflow(WAIT | {"x": {1, 2}})).code == "E-JSON"
    assert refusal(workflow(WAIT | {"x": {1: 2}})).code == "E-JSON"
    nested: Any = 1
    for _ in range(100):
        nested = [nested]
    assert refusal(workflow(WAIT | {"x": nested})).code == "E-SIZE"


def random_value(draw: random.Random, depth: int = 0) -> Any:
    choice = draw.randrange(8 if depth < 4 else 6)
    if choice == 6:
        return [random_value(draw, depth + 1) for _ in range(draw.randrange(4))]
    if choice == 7:
        return {f"k{n}": random_value(draw, depth + 1) for n in range(draw.randrange(4))}
    texts = ["", "yes", "1", "a: b", "#x", "é\u2028", "{{trigger.x}}", "- a", "null", "0x1", " s "]
    return [
        draw.choice(texts),
        draw.randrange(-(2**60), 2**60),
        round(draw.uniform(-1e6, 1e6), 3),
        draw.random() < 0.5,
        None,
        draw.choice(texts),
    ][choice]


def test_random_parameters_survive_yaml_json_and_the_canonical_form() -> None:
    draw = random.Random(20260131)
    for _ in range(200):
        raw = workflow({"id": "a", "type": "wait", "x": random_value(draw)})
        from_object = parse_definition(raw, mode="strict").definition
        texts = [json.dumps(raw), yaml.safe_dump(raw, allow_unicode=True)]
        assert {parse_definition(text).definition.hash for text in texts} == {from_object.hash}
        assert Definition.from_canonical(from_object.canonical) == from_object
