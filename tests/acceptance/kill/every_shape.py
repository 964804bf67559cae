"""More workflow shapes: nesting, joins, failures and every step kind that needs no outside."""

from __future__ import annotations

from typing import Any

from tests.acceptance.kill.shapes import SHAPES, Shape, broken, note

from careloom.types import JsonObject

LIST: JsonObject = {"list": ["a", "b", "c"]}
_WAT = """(module (memory (export "memory") 1)
  (func (export "alloc") (param $length i32) (result i32) (i32.const 1024))
  (func (export "run") (param $place i32) (param $length i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $place)) (i64.const 32))
      (i64.extend_i32_u (local.get $length)))))"""
_TABLE: JsonObject = {
    "inputs": [{"field": "n", "type": "integer", "min": 0, "max": 9}],
    "outputs": ["word"],
    "rows": [
        {"id": "low", "when": {"n": "< 5"}, "then": {"word": "low"}},
        {"id": "high", "when": {"n": ">= 5"}, "then": {"word": "high"}},
    ],
}


def parallel(id_: str, *branches: list[JsonObject], **more: Any) -> JsonObject:
    named = {f"b{number}": steps for number, steps in enumerate(branches)}
    return {"id": id_, "type": "parallel", "branches": named, **more}


def loop(id_: str, *steps: JsonObject, **more: Any) -> JsonObject:
    return {"id": id_, "type": "foreach", "items": "{{trigger.list}}", "steps": list(steps), **more}


def child(id_: str, workflow: str = "inner", **more: Any) -> JsonObject:
    return {"id": id_, "type": "workflow", "workflow": workflow, **more}


def pause(id_: str, length: str = "20ms") -> JsonObject:
    return {"id": id_, "type": "wait", "duration": length}


def task(id_: str, **more: Any) -> JsonObject:
    return {"id": id_, "type": "task", "title": "Look", **more}


INNER: JsonObject = {"id": "inner", "steps": [note("c1", "inner one"), note("c2", "inner two")]}
BROKEN_INNER: JsonObject = {"id": "inner", "steps": [note("c1", "inner one"), broken("cx")]}
OUTER: JsonObject = {"id": "middle", "steps": [note("m1", "middle"), child("m2")]}
_INNER = {"inner one": 1, "inner two": 1}
_EACH = {f"item {letter}": 1 for letter in "abc"}
_ITEM = note("i", "item {{item}}")
_ROLLBACK: JsonObject = {"more": {"onFailure": "rollback"}, "ends": "rolled_back"}

MORE = [
    Shape("one step", [note("a", "a")], {"a": 1}),
    Shape("five steps", [note(f"s{n}", f"n{n}") for n in range(5)], {f"n{n}": 1 for n in range(5)}),
    Shape(
        "twenty steps", [note(f"s{n}", f"n{n}") for n in range(20)], {f"n{n}": 1 for n in range(20)}
    ),
    Shape("skipped step", [note("a", "a", when="false"), note("b", "b")], {"b": 1}),
    Shape(
        "failure that is passed over", [broken("a", onError="continue"), note("b", "b")], {"b": 1}
    ),
    Shape("failure", [note("a", "a"), broken("x"), note("b", "b")], {"a": 1}, ends="failed"),
    Shape(
        "fallback in a fallback",
        [broken("x", fallback=[broken("y", fallback=[note("f", "f")])]), note("z", "z")],
        {"f": 1, "z": 1},
    ),
    Shape(
        "fallback that fails",
        [broken("x", fallback=[note("f", "f"), broken("y")])],
        {"f": 1},
        ends="failed",
    ),
    Shape(
        "else",
        [
            {
                "id": "i",
                "type": "if",
                "condition": "false",
                "then": [note("t", "t")],
                "else": [note("e", "e"), note("e2", "e2")],
            },
            note("z", "z"),
        ],
        {"e": 1, "e2": 1, "z": 1},
    ),
    Shape(
        "switch",
        [
            {
                "id": "s",
                "type": "switch",
                "value": "{{trigger.v}}",
                "cases": {"x": [note("x1", "x1"), note("x2", "x2")], "y": [note("y", "y")]},
                "default": [note("d", "d")],
            },
            note("z", "z"),
        ],
        {"x1": 1, "x2": 1, "z": 1},
        given={"v": "x"},
    ),
    Shape(
        "switch by default",
        [
            {
                "id": "s",
                "type": "switch",
                "value": "none",
                "cases": {"x": [note("x", "x")]},
                "default": [note("d", "d")],
            }
        ],
        {"d": 1},
    ),
    Shape(
        "parallel in a parallel",
        [parallel("p", [parallel("q", [note("a", "a")], [note("b", "b")])], [note("c", "c")])],
        {"a": 1, "b": 1, "c": 1},
    ),
    Shape(
        "loop in a parallel",
        [parallel("p", [loop("l", _ITEM)], [note("b", "b")])],
        {**_EACH, "b": 1},
        given=LIST,
    ),
    Shape(
        "parallel in a loop",
        [loop("l", parallel("p", [note("x", "x {{item}}")], [note("y", "y {{item}}")]))],
        {f"{w} {x}": 1 for w in "xy" for x in "abc"},
        given=LIST,
    ),
    Shape(
        "loop in a loop",
        [loop("l", loop("m", note("x", "{{loops.l.item}}{{item}}")), concurrency=2)],
        {f"{x}{y}": 1 for x in "abc" for y in "abc"},
        given=LIST,
    ),
    Shape(
        "loop one by one",
        [loop("l", _ITEM, note("j", "then {{item}}"), concurrency=1)],
        {**_EACH, **{f"then {x}": 1 for x in "abc"}},
        given=LIST,
    ),
    Shape("empty loop", [loop("l", _ITEM), note("z", "z")], {"z": 1}, given={"list": []}),
    Shape(
        "loop with failing items",
        [loop("l", _ITEM, broken("x"), onItemError="continue"), note("z", "z")],
        {**_EACH, "z": 1},
        given=LIST,
    ),
    Shape(
        "loop that fails, with a fallback",
        [loop("l", broken("x"), fallback=[note("f", "f")]), note("z", "z")],
        {"f": 1, "z": 1},
        given=LIST,
    ),
    Shape(
        "all branches but one settle",
        [parallel("p", [note("a", "a")], [broken("x")], join="settled"), note("z", "z")],
        {"a": 1, "z": 1},
    ),
    Shape(
        "any branch",
        [parallel("p", [broken("x")], [note("a", "a")], join="any"), note("z", "z")],
        {"a": 1, "z": 1},
    ),
    Shape(
        "two branches of three",
        [
            parallel("p", [note("a", "a")], [note("b", "b")], [broken("x")], join={"atLeast": 2}),
            note("z", "z"),
        ],
        {"a": 1, "b": 1, "z": 1},
    ),
    Shape("wait", [note("a", "a"), pause("w"), note("b", "b")], {"a": 1, "b": 1}),
    Shape(
        "waits side by side",
        [parallel("p", [pause("w1"), note("a", "a")], [pause("w2", "60ms"), note("b", "b")])],
        {"a": 1, "b": 1},
    ),
    Shape("waits in a loop", [loop("l", pause("w"), _ITEM)], _EACH, given=LIST),
    Shape(
        "event that comes too late for its time",
        [
            {
                "id": "e",
                "type": "wait",
                "event": "never",
                "timeout": "50ms",
                "retry": {"attempts": 1},
                "fallback": [note("f", "f")],
            }
        ],
        {"f": 1},
    ),
    Shape(
        "event in a branch",
        [
            parallel(
                "p",
                [{"id": "e", "type": "wait", "event": "go", "key": "k"}, note("a", "a")],
                [note("b", "b")],
            )
        ],
        {"a": 1, "b": 1},
        event=("go", "k"),
    ),
    Shape(
        "child in a loop",
        [loop("l", child("c"))],
        {"inner one": 3, "inner two": 3},
        given=LIST,
        children=(INNER,),
    ),
    Shape(
        "children side by side",
        [parallel("p", [child("c")], [child("d")])],
        {"inner one": 2, "inner two": 2},
        children=(INNER,),
    ),
    Shape(
        "child of a child",
        [child("c", "middle"), note("z", "z")],
        {**_INNER, "middle": 1, "z": 1},
        children=(INNER, OUTER),
    ),
    Shape(
        "child that fails, with a fallback",
        [child("c", fallback=[note("f", "f")]), note("z", "z")],
        {"inner one": 1, "f": 1, "z": 1},
        children=(BROKEN_INNER,),
    ),
    Shape("task", [task("t"), note("z", "z")], {"z": 1}, people=True),
    Shape(
        "tasks side by side",
        [parallel("p", [task("t"), note("a", "a")], [task("u")])],
        {"a": 1},
        people=True,
    ),
    Shape(
        "approval",
        [
            {"id": "a", "type": "approval", "title": "May it?", "then": [note("y", "yes")]},
            note("z", "z"),
        ],
        {"yes": 1, "z": 1},
        people=True,
    ),
    Shape("task that expires", [task("t", expires="50ms", fallback=[note("f", "f")])], {"f": 1}),
    Shape(
        "external work",
        [{"id": "x", "type": "external", "queue": "kill", "lease": "30s"}, note("z", "z")],
        {"z": 1},
        people=True,
    ),
    Shape(
        "external work in a loop",
        [loop("l", {"id": "x", "type": "external", "queue": "kill", "lease": "30s"}, _ITEM)],
        _EACH,
        given=LIST,
        people=True,
    ),
    Shape(
        "program, table and map",
        [
            {"id": "c", "type": "code", "wat": _WAT, "input": {"n": 7}},
            {
                "id": "r",
                "type": "rules",
                "table": _TABLE,
                "data": {"n": "{{steps.c.output.result.n}}"},
            },
            {"id": "m", "type": "map", "set": {"word": "{{steps.r.output.result.word}}"}},
            note("z", "{{steps.m.output.value.word}}"),
        ],
        {"high": 1},
    ),
    Shape(
        "session",
        [{"id": "s", "type": "session", "action": "say", "content": "hello"}, note("z", "z")],
        {"z": 1},
    ),
    Shape(
        "update and delete",
        [
            note("a", "a"),
            {
                "id": "u",
                "type": "fhir",
                "action": "update",
                "resourceType": "Observation",
                "resourceId": "{{steps.a.output.id}}",
                "data": {"status": "final", "code": {"text": "changed"}},
            },
            note("b", "b"),
            {
                "id": "d",
                "type": "fhir",
                "action": "delete",
                "resourceType": "Observation",
                "resourceId": "{{steps.b.output.id}}",
            },
        ],
        {"changed": 1},
    ),
    Shape(
        "created once",
        [
            note("a", "same", ifNoneExist="status=preliminary"),
            note("b", "same", ifNoneExist="status=preliminary"),
        ],
        {"same": 1},
    ),
    Shape("rollback by type", [note("a", "a"), note("b", "b"), broken("x")], {}, **_ROLLBACK),
    Shape(
        "rollback of branches and items",
        [parallel("p", [note("a", "a")], [note("b", "b")]), loop("l", _ITEM), broken("x")],
        {},
        given=LIST,
        **_ROLLBACK,
    ),
    Shape(
        "rollback of a child",
        [child("c"), note("a", "a"), broken("x")],
        {},
        children=(INNER,),
        **_ROLLBACK,
    ),
    Shape(
        "rollback with a task",
        [note("a", "a"), task("t"), broken("x")],
        {},
        people=True,
        **_ROLLBACK,
    ),
]
EVERY = [*SHAPES, *MORE]
"""Every shape there is."""
