"""Types that flow between steps and workflows, undo of writes, and what can never run."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.types import JsonObject
from careloom.workflows.definition import Definition, parse_definition
from careloom.workflows.verification import (
    Finding,
    Known,
    cascade_findings,
    trigger_graph,
    verify,
)
from careloom.workflows.verification.cycles import find_cycles, shown

Schemas = dict[str, JsonObject]


def schema(inputs: JsonObject, outputs: JsonObject, **more: Any) -> JsonObject:
    closed = {"type": "object", "additionalProperties": False, "properties": inputs}
    return {"input": closed, "output": {"type": "object", "properties": outputs}, **more}


TEXT, WHOLE, TRUTH = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
CATALOG: Schemas = {
    "read": schema(
        {"from": TEXT},
        {
            "count": WHOLE,
            "label": TEXT,
            "level": {"type": "string", "enum": ["high", "low"]},
            "ok": TRUTH,
            "any": {},
            "rows": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"name": TEXT, "valueCode": TEXT},
                },
            },
            "box": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"width": {"type": "number"}},
            },
        },
        effects=[],
    ),
    "take": schema(
        {
            "text": TEXT,
            "number": WHOLE,
            "list": {"type": "array"},
            "deep": {"type": "object", "properties": {"flag": TRUTH}},
        },
        {"done": TRUTH},
        effects=["message"],
    ),
    "fhir": schema(
        {name: {} for name in ("action", "resourceType", "data", "resourceId", "server")},
        {"id": TEXT},
        effects=["fhir"],
        undo=True,
    ),
    "http": schema(
        {"url": TEXT, "method": TEXT, "connection": TEXT},
        {"status": WHOLE},
        effects=[],
        egress=True,
    ),
    "if": schema({"condition": {}}, {"result": TRUTH}),
    "switch": schema({"value": {}}, {"value": TEXT}),
    "foreach": schema(
        {name: {} for name in ("items", "collect", "maxItems", "concurrency")},
        {"count": WHOLE, "results": {"type": "array"}},
    ),
    "parallel": schema({"join": {}}, {"branches": {"type": "object"}, "succeeded": WHOLE}),
    "workflow": schema(
        {"workflow": TEXT, "version": WHOLE, "input": {}, "wait": TRUTH},
        {"runId": TEXT, "status": TEXT, "output": {}},
    ),
}
READ: JsonObject = {"id": "r", "type": "read"}


def take(**params: Any) -> JsonObject:
    return {"id": "t", "type": "take", **params}


def definition(*steps: JsonObject, **keys: Any) -> Definition:
    return parse_definition({"id": "w", "steps": list(steps), **keys}).definition


def found(*steps: JsonObject, known: Known | None = None, **keys: Any) -> list[Finding]:
    return verify(definition(*steps, **keys), CATALOG, known=known)


def brief(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.path) for one in findings if one.severity != "info"]


SOUND: list[JsonObject] = [
    take(text="{{steps.r.output.label}}"),
    take(text="{{steps.r.output.any}}", number="{{steps.r.output.any.deeper}}"),
    take(number="{{steps.r.output.count}}"),
    take(number="{{steps.r.output.box.width}}"),
    take(text="{{steps.r.output.rows[0].name}} is {{steps.r.output.ok}}"),
    take(list="{{steps.r.output.rows}}"),
    take(list="{{steps.r.output.rows.name}}"),
    take(text="{{steps.r.output.rows.name}}"),
    take(text="{{steps.r.output.rows.value}}"),
    take(deep={"flag": "{{steps.r.output.count > 3}}"}),
    take(number="{{steps.r.output.rows.count()}}"),
    take(text="{{coalesce(steps.r.output.box.depth, 'none')}}"),
    {**take(text="x"), "when": "steps.r.output.ok"},
]


@pytest.mark.parametrize("step", SOUND)
def test_what_may_fit_is_not_refused(step: JsonObject) -> None:
    assert brief(found(READ, step)) == []


FAULTS: list[tuple[str, str, JsonObject]] = [
    ("E-TYPE", "steps/t/text", take(text="{{steps.r.output.count}}")),
    ("E-TYPE", "steps/t/number", take(number="{{steps.r.output.label}}")),
    ("E-TYPE", "steps/t/number", take(number="number {{steps.r.output.count}}")),
    ("E-TYPE", "steps/t/text", take(text="{{steps.r.output.box}}")),
    ("E-TYPE", "steps/t/text", take(text="the box {{steps.r.output.box}}")),
    ("E-TYPE", "steps/t/list", take(list="{{steps.r.output.label}}")),
    ("E-TYPE", "steps/t/deep/flag", take(deep={"flag": "{{steps.r.output.label}}"})),
    ("E-TYPE", "steps/t/text", take(text="{{steps.r.output.rows.exists()}}")),
    ("E-TYPE", "steps/t/when", {**take(text="x"), "when": "steps.r.output.label"}),
    ("E-OUTPUTKEY", "steps/t/text", take(text="{{steps.r.output.box.height}}")),
    ("E-OUTPUTKEY", "steps/t/text", take(text="{{steps.r.output.rows.title}}")),
    ("E-OUTPUTKEY", "steps/t/text", take(text="{{steps.r.output.label.first}}")),
]


@pytest.mark.parametrize(("code", "path", "step"), FAULTS)
def test_what_cannot_fit_is_refused(code: str, path: str, step: JsonObject) -> None:
    findings = found(READ, step)
    assert brief(findings) == [(code, path)]
    assert findings[0].cause
    assert findings[0].fix


def foreach(*steps: JsonObject, **keys: Any) -> JsonObject:
    whole = {"items": "{{steps.r.output.rows}}", "steps": list(steps), **keys}
    return {"id": "each", "type": "foreach", **whole}


INNER: JsonObject = {"id": "inner", "type": "read"}


def test_the_results_of_a_loop_have_the_type_of_its_last_step() -> None:
    label = take(text="{{steps.each.output.results[0].label}}")
    assert brief(found(READ, foreach(INNER), label)) == []
    count = take(text="{{steps.each.output.results[0].count}}")
    assert brief(found(READ, foreach(INNER), count)) == [("E-TYPE", "steps/t/text")]
    chosen = foreach(INNER, collect={"a": "{{steps.inner.output.label}}"})
    other = take(text="{{steps.each.output.results[0].b}}")
    assert brief(found(READ, chosen, other)) == [("E-OUTPUTKEY", "steps/t/text")]
    not_a_list = foreach(INNER, items="{{steps.r.output.label}}")
    assert brief(found(READ, not_a_list)) == [("E-TYPE", "steps/each/items")]


def test_the_branches_of_a_parallel_step_have_their_names_and_types() -> None:
    both = {"id": "both", "type": "parallel", "branches": {"a": [INNER], "b": [READ]}}
    sound = take(text="{{steps.both.output.branches.a.output.label}}")
    assert brief(found(both, sound)) == []
    unknown = take(text="{{steps.both.output.branches.c.output.label}}")
    assert brief(found(both, unknown)) == [("E-OUTPUTKEY", "steps/t/text")]
    wrong = take(text="{{steps.both.output.branches.a.output.count}}")
    assert brief(found(both, wrong)) == [("E-TYPE", "steps/t/text")]


def test_what_the_input_says_of_the_trigger_counts_where_nothing_else_starts_it() -> None:
    both = {"age": WHOLE, "name": TEXT}
    shape = {"type": "object", "required": ["age", "name"], "properties": both}
    step = take(text="{{trigger.age}}")
    assert brief(found(step, input=shape)) == [("E-TYPE", "steps/t/text")]
    fhir = {"type": "fhir", "event": "Patient.create"}
    assert brief(found(step, input=shape, trigger=fhir)) == []
    deep = take(text="{{trigger.name.family}}")
    assert brief(found(deep, input=shape)) == [("E-INPUTKEY", "steps/t/text")]


@pytest.mark.parametrize(
    ("output", "faults"),
    [
        ({"total": "{{steps.r.output.count}}"}, []),
        ({"total": "{{steps.r.output.label}}"}, [("E-TYPE", "output/total")]),
        ({"sum": 1}, [("E-RESULT", "output")]),
        (None, [("E-RESULT", "output")]),
        ({"total": "{{steps.r.output.box.height}}"}, [("E-OUTPUTKEY", "output/total")]),
    ],
)
def test_the_output_is_held_against_the_result_schema(
    output: Any, faults: list[tuple[str, str]]
) -> None:
    result = {"type": "object", "required": ["total"], "properties": {"total": WHOLE}}
    assert brief(found(READ, output=output, result=result)) == faults


def other(**keys: Any) -> Known:
    child = parse_definition({"id": "child", "steps": [READ], **keys}).definition
    return Known(workflows={"child": (3, child)})


def start(**params: Any) -> JsonObject:
    return {"id": "s", "type": "workflow", "workflow": "child", **params}


INPUT = {"type": "object", "required": ["name"], "properties": {"name": TEXT}}
CHILDREN: list[tuple[JsonObject, JsonObject, list[tuple[str, str]]]] = [
    (start(workflow="chidl"), {}, [("E-WORKFLOW", "steps/s/workflow")]),
    (start(version=4), {}, [("E-WORKFLOW", "steps/s/version")]),
    (start(version=2), {}, []),
    (start(workflow="{{trigger.which}}"), {}, []),
    (start(input={"name": "x"}), {"input": INPUT}, []),
    (start(input={"name": "{{steps.r.output.any}}"}), {"input": INPUT}, []),
    (start(input="{{steps.r.output.any}}"), {"input": INPUT}, []),
    (start(input={"name": "{{steps.r.output.box}}"}), {"input": INPUT}, [("E-TYPE", "…/name")]),
    (start(input={"name": 3}), {"input": INPUT}, [("E-CHILDINPUT", "…/name")]),
    (start(input={}), {"input": INPUT}, [("E-CHILDINPUT", "steps/s/input")]),
]


@pytest.mark.parametrize(("step", "child", "faults"), CHILDREN)
def test_a_sub_workflow_exists_and_takes_its_input(
    step: JsonObject, child: JsonObject, faults: list[tuple[str, str]]
) -> None:
    expected = [(code, path.replace("…", "steps/s/input")) for code, path in faults]
    assert brief(found(READ, step, known=other(**child))) == expected


def test_the_result_of_a_sub_workflow_flows_on() -> None:
    result = {"type": "object", "properties": {"total": WHOLE}}
    known = other(output={"total": 1}, result=result)
    wrong = take(text="{{steps.s.output.output.total}}")
    assert brief(found(start(), wrong, known=known)) == [("E-TYPE", "steps/t/text")]
    for not_known in (start(version=1), start(wait=False)):
        assert brief(found(not_known, wrong, known=known)) == []


def test_workflows_that_start_each_other_are_refused() -> None:
    back = {"id": "back", "type": "workflow", "workflow": "w"}
    child = parse_definition({"id": "child", "steps": [back]}).definition
    findings = found(start(), known=Known(workflows={"child": (1, child)}))
    assert brief(findings) == [("E-WORKFLOWCYCLE", "steps/s/workflow")]
    assert "child → w → child" in findings[0].message
    itself = {"id": "again", "type": "workflow", "workflow": "w"}
    assert brief(found(itself, known=Known(workflows={}))) == [
        ("E-WORKFLOWCYCLE", "steps/again/workflow")
    ]
    pinned = parse_definition({"id": "child", "steps": [{**back, "version": 1}]}).definition
    assert brief(found(start(), known=Known(workflows={"child": (1, pinned)}))) == []


def write(**keys: Any) -> JsonObject:
    return {**take(text="x"), **keys}


UNDO: list[tuple[str, JsonObject, list[JsonObject]]] = [
    ("E-NOUNDO", {"onFailure": "rollback"}, [write()]),
    ("", {}, [write()]),
    ("", {"onFailure": "rollback"}, [write(compensate="none")]),
    ("", {"onFailure": "rollback"}, [write(compensate=[INNER])]),
    ("", {"onFailure": "rollback"}, [READ]),
    ("", {"onFailure": "rollback"}, [{"id": "t", "type": "http", "url": "x"}]),
    ("E-NOUNDO", {"onFailure": "rollback"}, [{"id": "t", "type": "http", "method": "POST"}]),
    ("W-NOUNDO", {}, [{**READ, "compensate": [INNER]}, write()]),
    ("E-NOUNDO", {"onFailure": "rollback"}, [foreach(write(), items=[1])]),
    ("", {"onFailure": "rollback"}, [foreach(write(), items=[1], compensate="none")]),
    ("E-NOUNDO", {"onFailure": "rollback"}, [{**READ, "fallback": [write()]}]),
    ("", {"onFailure": "rollback"}, [{**READ, "compensate": [write()]}]),
    ("E-COMPENSATE", {}, [{**READ, "compensate": [{**INNER, "compensate": "none"}]}]),
]


@pytest.mark.parametrize(("code", "keys", "steps"), UNDO)
def test_a_write_that_a_rollback_leaves_behind_is_said(
    code: str, keys: JsonObject, steps: list[JsonObject]
) -> None:
    assert [one.code for one in found(*steps, **keys)] == ([code] if code else [])


def test_a_fhir_write_is_undone_by_its_type() -> None:
    data = {"resourceType": "Basic", "code": {"text": "x"}}
    step = {"id": "t", "type": "fhir", "action": "create", "resourceType": "Basic", "data": data}
    assert brief(found(step, onFailure="rollback")) == []


NEVER: list[tuple[list[str], list[JsonObject]]] = [
    (["steps/each/steps/inner"], [foreach(INNER, items=[])]),
    (
        ["steps/s/mid/inner"],
        [
            READ,
            {
                "id": "s",
                "type": "switch",
                "value": "{{steps.r.output.level}}",
                "cases": {"high": [], "mid": [INNER]},
            },
        ],
    ),
    (
        ["steps/s/default/inner"],
        [
            READ,
            {
                "id": "s",
                "type": "switch",
                "value": "{{steps.r.output.level}}",
                "cases": {"high": [], "low": []},
                "default": [INNER],
            },
        ],
    ),
    (["steps/t"], [foreach(INNER, items=[1, 2], maxItems=1), take(text="x")]),
    (
        ["steps/off", "steps/t"],
        [
            {**READ, "id": "off", "when": "false"},
            {"id": "reads", "type": "read", "from": "{{steps.off.output.label}}"},
            take(text="x"),
        ],
    ),
]


@pytest.mark.parametrize(("paths", "steps"), NEVER)
def test_what_can_never_run_is_said(paths: list[str], steps: list[JsonObject]) -> None:
    never = [one.path for one in found(*steps) if one.code == "W-UNREACHABLE"]
    assert never == paths


def test_a_join_that_no_branches_can_meet_is_refused() -> None:
    both = {"id": "both", "type": "parallel", "join": {"atLeast": 3}, "branches": {"a": [INNER]}}
    assert ("E-JOIN", "steps/both/join") in brief(found(both))


NAMED = Known(connection_names=frozenset({("http", "lab"), ("sql", "warehouse"), ("fhir", "hub")}))


@pytest.mark.parametrize(
    ("step", "path", "fix"),
    [
        ({"id": "t", "type": "http", "connection": "lba"}, "steps/t/connection", "write lab"),
        ({"id": "t", "type": "http", "connection": "warehouse"}, "steps/t/connection", None),
        ({"id": "t", "type": "fhir", "action": "read", "server": "hbu"}, "steps/t/server", None),
    ],
)
def test_a_connection_that_is_not_there_is_said(
    step: JsonObject, path: str, fix: str | None
) -> None:
    assert brief(found({**step, "connection": "{{trigger.x}}"}, known=NAMED)) == [] or fix is None
    for production in (False, True):
        environment = "production" if production else "development"
        findings = verify(definition(step), CATALOG, known=NAMED, environment=environment)
        assert brief(findings) == [("E-CONNECTION" if production else "W-CONNECTION", path)]
        assert fix is None or findings[0].fix == fix


def test_what_a_transaction_did_elsewhere_is_not_undone_by_its_type() -> None:
    step = {
        "id": "t",
        "type": "fhir",
        "server": "hub",
        "action": "transaction",
        "data": "{{trigger}}",
    }
    assert [one.code for one in found(step, onFailure="rollback")] == ["E-NOUNDO"]
    single = {**step, "action": "delete", "resourceType": "Patient", "resourceId": "1"}
    assert found(single, onFailure="rollback") == []


def test_a_thousand_faults_cost_seconds_and_are_told_in_bounds() -> None:
    steps = [
        {"id": f"s{n}", "type": "read", "from": f"{{{{steps.x{n}.output.label}}}}"}
        for n in range(5_000)
    ]
    findings = verify(definition(*steps), CATALOG)
    assert len(findings) == 1000
    assert {one.code for one in findings} == {"E-REF"}


def test_a_knot_of_ten_thousand_steps_is_told_in_bounds() -> None:
    edges = {f"s{n}": [f"s{(n + 1) % 9_999}", "s0"] for n in range(9_999)}
    cycles = find_cycles(edges)
    assert 1 <= len(cycles) <= 20
    assert all(len(shown(cycle)) < 200 for cycle in cycles)
    assert shown(("a", "b")) == "a → b → a"


@pytest.mark.parametrize(
    ("step", "path"),
    [
        ({**foreach(INNER), "then": [READ]}, "steps/each"),
        ({"id": "both", "type": "parallel"}, "steps/both"),
        ({"id": "s", "type": "switch", "value": 1, "branches": {"a": [INNER]}}, "steps/s"),
        ({"id": "c", "type": "if", "condition": "true", "cases": {"then": [INNER]}}, "steps/c"),
        ({**READ, "branches": {"a": [INNER]}}, "steps/r"),
    ],
)
def test_steps_stand_where_their_type_has_them(step: JsonObject, path: str) -> None:
    assert ("E-BRANCH", path) in brief(found(step))


ENTRY: list[tuple[JsonObject, str]] = [
    ({"entry": [{"resource": {}}]}, "entry/0/request"),
    ({"entry": [{"request": {"method": "BURN", "url": "Patient"}}]}, "entry/0/request/method"),
    ({"entry": [{"request": {"method": "POST", "url": "Patient"}}]}, "entry/0/resource"),
    ({"entry": [{"request": {"method": "DELETE", "url": "Patient"}}]}, "entry/0/request/url"),
    ({"type": "searchset", "entry": []}, ""),
]


@pytest.mark.parametrize(("bundle", "path"), ENTRY)
def test_a_transaction_that_the_store_would_refuse_is_refused(
    bundle: JsonObject, path: str
) -> None:
    step = {"id": "t", "type": "fhir", "action": "transaction", "data": bundle}
    expected = "/".join(filter(None, ["steps/t/data", path]))
    assert brief(found(step)) == [("E-FHIRSTRUCTURE", expected)]


def test_the_structure_is_checked_in_loops_updates_and_transactions() -> None:
    seen: list[str] = []

    def check(resource_type: str, data: JsonObject) -> list[Finding]:
        seen.append(f"{resource_type}/{data['mark']}")
        return []

    def resource(action: str, mark: str) -> JsonObject:
        whole = {"action": action, "resourceType": "Basic", "data": {"mark": mark}}
        return {"id": mark, "type": "fhir", **whole}

    entry = {
        "request": {"method": "PUT", "url": "Patient/1"},
        "resource": {"resourceType": "Patient", "mark": "entry"},
    }
    bundle = {"id": "b", "type": "fhir", "action": "transaction", "data": {"entry": [entry]}}
    steps = [
        foreach(resource("create", "loop"), items=[1]),
        resource("update", "update"),
        {**READ, "fallback": [resource("create", "fallback")]},
        bundle,
    ]
    verify(definition(*steps), CATALOG, check_structure=check)
    assert seen == ["Basic/loop", "Basic/update", "Basic/fallback", "Patient/entry"]


def test_the_graph_of_all_workflows_has_children_loops_and_orphans() -> None:
    def one(identity: str, *steps: JsonObject, **keys: Any) -> Definition:
        return parse_definition({"id": identity, "steps": list(steps), **keys}).definition

    on_patient = {"type": "fhir", "event": "Patient.create"}
    writes = {"id": "t", "type": "fhir", "action": "update", "resourceType": "Patient", "data": {}}
    graph = trigger_graph(
        [
            one("a", start(workflow="b"), trigger=on_patient),
            one("b", writes),
            one("c", READ),
            one("d", READ, trigger={"type": "manual"}),
        ]
    )
    assert [(one.source, one.event, one.target) for one in graph.cascades] == [
        ("a", "workflow", "b"),
        ("b", "Patient.create", "a"),
    ]
    assert graph.cycles == (("a", "b"),)
    assert graph.orphans == ("c",)
    assert [one.code for one in cascade_findings(graph, "b")] == ["W-CASCADE"]
    assert cascade_findings(graph, "c") == []
