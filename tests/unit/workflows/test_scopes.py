"""What a step may read inside and outside branches, loops, fallbacks and compensations."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.types import JsonObject
from careloom.workflows.definition import parse_definition
from careloom.workflows.verification import Finding, unreviewed_ai, verify
from careloom.workflows.verification.writes import ai_fed

Schemas = dict[str, JsonObject]
WORKER: JsonObject = {"id": "ai", "type": "worker", "worker": "r", "input": {}}
TASK: JsonObject = {"id": "review", "type": "task", "title": "Please look"}


def wait(identity: str, reads: str = "", **keys: Any) -> JsonObject:
    duration = "{{" + reads + "}}" if reads else "1s"
    return {"id": identity, "type": "wait", "duration": duration, **keys}


def parallel(join: Any = "all", **branches: list[JsonObject]) -> JsonObject:
    return {"id": "both", "type": "parallel", "join": join, "branches": branches}


def foreach(*steps: JsonObject, **keys: Any) -> JsonObject:
    return {"id": "each", "type": "foreach", "items": "{{trigger.rows}}", "steps": steps, **keys}


@pytest.fixture
def catalog(schemas: Schemas) -> Schemas:
    any_object = {"type": "object", "additionalProperties": True}
    schemas["parallel"] = {"input": {}, "output": any_object}
    schemas["foreach"] = {"input": {}, "output": any_object}
    return schemas


def found(catalog: Schemas, *steps: JsonObject, **keys: Any) -> list[Finding]:
    raw = {"id": "w", "steps": [_listed(step) for step in steps], **keys}
    findings = verify(parse_definition(raw).definition, catalog)
    return [one for one in findings if one.code.startswith(("E-REF", "W-REF", "E-CYCLE"))]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


OUT = "output.waitedUntil"
SOUND: list[list[JsonObject]] = [
    [foreach(wait("a", "item.seconds"), wait("b", f"steps.a.{OUT}"))],
    [foreach(wait("a", "index"))],
    [foreach(wait("a", "loops.each.item.x"))],
    [foreach(wait("a"), collect="{{steps.a.output.waitedUntil}}")],
    [foreach(wait("a"), collect={"at": "{{index}}", "of": "{{item.name}}"})],
    [foreach(wait("a")), wait("after", "steps.each.output.count")],
    [wait("first"), foreach(wait("a", f"steps.first.{OUT}"))],
    [parallel(a=[wait("x")], b=[wait("y")]), wait("after", f"steps.x.{OUT}")],
    [parallel(a=[wait("x"), wait("z", f"steps.x.{OUT}")], b=[wait("y")])],
    [parallel(a=[wait("x")]), wait("after", "steps.both.output.branches.a.output.waitedUntil")],
    [wait("a", fallback=[wait("b", "steps.a.error.code")])],
    [wait("a", fallback=[wait("b"), wait("c", f"steps.b.{OUT}")])],
    [wait("a", compensate=[wait("b", f"steps.a.{OUT}")])],
]


@pytest.mark.parametrize("steps", SOUND)
def test_what_is_there_can_be_read(catalog: Schemas, steps: list[JsonObject]) -> None:
    assert found(catalog, *steps) == []


INNER = {"id": "inner", "type": "foreach", "items": "{{item.rows}}"}
FAULTS: list[tuple[str, str, list[JsonObject]]] = [
    ("E-REFROOT", "steps/a/duration", [wait("a", "item.x")]),
    ("E-REFROOT", "steps/a/duration", [wait("a", "index")]),
    ("E-REFROOT", "steps/a/duration", [wait("a", "loops.each.item")]),
    ("E-REFROOT", "steps/each/items", [foreach(wait("a"), items="{{item.rows}}")]),
    ("E-REFROOT", "steps/each/steps/a/duration", [foreach(wait("a", "loops.other.item"))]),
    ("E-REFSHAPE", "steps/each/steps/a/duration", [foreach(wait("a", "loops.each.name"))]),
    ("E-REFSCOPE", "steps/z/duration", [foreach(wait("a")), wait("z", f"steps.a.{OUT}")]),
    (
        "E-REFSCOPE",
        "steps/each/steps/z/duration",
        [foreach({**INNER, "steps": [wait("a")]}, wait("z", f"steps.a.{OUT}"))],
    ),
    (
        "E-REFSCOPE",
        "steps/z/duration",
        [wait("a", compensate=[wait("undo")]), wait("z", f"steps.undo.{OUT}")],
    ),
    (
        "E-REFBRANCH",
        "steps/both/b/y/duration",
        [parallel(a=[wait("x")], b=[wait("y", f"steps.x.{OUT}")])],
    ),
    (
        "E-REFBRANCH",
        "steps/both/a/x/duration",
        [parallel(a=[wait("x", f"steps.y.{OUT}")], b=[wait("y")])],
    ),
    ("E-REFORDER", "steps/each/steps/a/duration", [foreach(wait("a", "steps.each.output.count"))]),
    (
        "E-REFORDER",
        "steps/a/fallback/b/duration",
        [wait("a", fallback=[wait("b", f"steps.a.{OUT}")])],
    ),
    (
        "W-REFMAYBE",
        "steps/z/duration",
        [parallel("any", a=[wait("x")], b=[wait("y")]), wait("z", f"steps.x.{OUT}")],
    ),
    (
        "W-REFMAYBE",
        "steps/z/duration",
        [wait("a", fallback=[wait("b")]), wait("z", f"steps.b.{OUT}")],
    ),
    (
        "W-REFMAYBE",
        "steps/z/duration",
        [wait("a", onError="continue"), wait("z", f"steps.a.{OUT}")],
    ),
    (
        "W-REFMAYBE",
        "steps/a/compensate/undo/duration",
        [wait("a", compensate=[wait("undo", f"steps.z.{OUT}")]), wait("z")],
    ),
]


@pytest.mark.parametrize(("code", "path", "steps"), FAULTS)
def test_what_cannot_be_read_is_said(
    catalog: Schemas, code: str, path: str, steps: list[JsonObject]
) -> None:
    findings = found(catalog, *steps)
    assert [(one.code, one.path) for one in findings] == [(code, path)]
    assert findings[0].cause
    assert findings[0].fix


def test_the_output_sees_no_step_of_a_loop(catalog: Schemas) -> None:
    findings = found(catalog, foreach(wait("a")), output="{{steps.a.output.waitedUntil}}")
    assert [(one.code, one.path) for one in findings] == [("E-REFSCOPE", "output")]


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ({"orderBy": "{{steps.a.output.waitedUntil}}"}, "orderBy"),
        ({"concurrency": {"limit": 1, "key": "{{run.id}}"}}, "concurrency/key"),
    ],
)
def test_a_key_of_the_queue_reads_the_trigger_only(
    catalog: Schemas, keys: JsonObject, path: str
) -> None:
    assert [(one.code, one.path) for one in found(catalog, wait("a"), **keys)] == [
        ("E-REFROOT", path)
    ]
    sound = {"orderBy": "{{trigger.id}}", "concurrency": {"limit": 1, "key": "{{trigger.id}}"}}
    assert found(catalog, wait("a"), **sound) == []


def store(reads: str) -> JsonObject:
    data = {"status": "final", "note": "{{" + reads + "}}"}
    return {
        "id": "store",
        "type": "fhir",
        "action": "create",
        "resourceType": "Basic",
        "data": data,
    }


@pytest.mark.parametrize(
    ("steps", "missing"),
    [
        ([foreach(WORKER), store("steps.each.output.results")], True),
        ([foreach(WORKER, TASK), store("steps.each.output.results")], False),
        ([foreach(WORKER), TASK, store("steps.each.output.results")], False),
        ([parallel(a=[WORKER], b=[TASK]), store("steps.ai.output.summary")], True),
        ([parallel(a=[WORKER, TASK], b=[wait("x")]), store("steps.ai.output.summary")], False),
        ([parallel(a=[WORKER]), store("steps.both.output.branches.a")], True),
        ([foreach(WORKER, store("steps.ai.output.summary"))], True),
        ([foreach(WORKER, TASK, store("steps.ai.output.summary"))], False),
        ([wait("a", fallback=[WORKER]), store("steps.a.output.summary")], True),
    ],
)
def test_a_review_counts_where_it_surely_stands_between(
    catalog: Schemas, steps: list[JsonObject], missing: bool
) -> None:
    raw = {"id": "w", "steps": [_listed(step) for step in steps]}
    definition = parse_definition(raw).definition
    unreviewed = {path.rpartition("/")[2] for path in unreviewed_ai(definition, catalog)}
    assert ("store" in unreviewed) is missing
    assert "ai" in ai_fed(definition, catalog)


def test_ten_thousand_steps_are_verified_in_bounded_time(catalog: Schemas) -> None:
    steps: list[JsonObject] = [{**WORKER, "id": "s0"}]
    for number in range(1, 5000):
        reads = f"{{{{steps.s{number - 1}.output.summary}}}}"
        steps.append({**WORKER, "id": f"s{number}", "input": {"x": reads}})
        steps.append({**TASK, "id": f"t{number}"})
    definition = parse_definition({"id": "w", "steps": steps}).definition
    findings = verify(definition, catalog)
    assert [one for one in findings if one.severity == "error"] == []
