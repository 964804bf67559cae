"""One workflow for each control construct, with what must be there at its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from careloom.types import JsonObject


def note(id_: str, text: str, **more: Any) -> JsonObject:
    """A step that writes one Observation."""
    data = {"status": "preliminary", "code": {"text": text}}
    fields = {"type": "fhir", "action": "create", "resourceType": "Observation", "data": data}
    return {"id": id_, **fields, **more}


def broken(id_: str, **more: Any) -> JsonObject:
    missing = {"type": "fhir", "action": "read", "resourceType": "Patient", "resourceId": "nobody"}
    return {"id": id_, **missing, **more}


@dataclass(frozen=True)
class Shape:
    """A workflow, what it is started with, and how it ends."""

    name: str
    steps: list[JsonObject]
    notes: dict[str, int]
    """How many Observations there are at the end, by their text."""
    given: JsonObject = field(default_factory=dict)
    more: JsonObject = field(default_factory=dict)
    ends: str = "succeeded"
    children: tuple[JsonObject, ...] = ()
    event: tuple[str, str] | None = None
    """Sent while the run goes on: name and key."""
    people: bool = False
    """Somebody decides its tasks and does its external work."""
    first: int = 1
    """The first commit at which its worker is killed."""


_CHILD: JsonObject = {
    "id": "inner",
    "steps": [note("in1", "inner one"), note("in2", "inner two")],
    "output": {"one": "{{steps.in1.output.id}}"},
}
_PAIR: JsonObject = {
    "id": "both",
    "type": "parallel",
    "branches": {
        "left": [note("l1", "left one"), note("l2", "left two")],
        "right": [note("r1", "right one"), note("r2", "right two")],
    },
}
_LOOP: JsonObject = {
    "id": "each",
    "type": "foreach",
    "items": "{{trigger.list}}",
    "concurrency": 3,
    "steps": [note("i1", "item {{item}}"), note("i2", "again {{item}}")],
}
_LIST: JsonObject = {"list": ["a", "b", "c", "d", "e"]}
_ITEMS = {f"{word} {letter}": 1 for word in ("item", "again") for letter in "abcde"}
_BRANCHES = {f"{side} {number}": 1 for side in ("left", "right") for number in ("one", "two")}
_INNER = {"inner one": 1, "inner two": 1}

SHAPES = [
    Shape("parallel", [_PAIR, note("z", "last")], {**_BRANCHES, "last": 1}),
    Shape("loop", [_LOOP, note("z", "last")], {**_ITEMS, "last": 1}, given=_LIST),
    Shape(
        "run inside",
        [{"id": "sub", "type": "workflow", "workflow": "inner"}, note("z", "last")],
        {**_INNER, "last": 1},
        children=(_CHILD,),
    ),
    Shape(
        "event",
        [
            note("a", "first"),
            {"id": "on", "type": "wait", "event": "go", "key": "k"},
            note("z", "{{steps.on.output.data.text}}"),
        ],
        {"first": 1, "last": 1},
        event=("go", "k"),
    ),
    Shape(
        "fallback",
        [broken("try", fallback=[note("f", "instead"), note("g", "also")]), note("z", "last")],
        {"instead": 1, "also": 1, "last": 1},
    ),
    Shape(
        "choice and wait",
        [
            {
                "id": "which",
                "type": "if",
                "condition": "true",
                "then": [note("t", "then"), {"id": "w", "type": "wait", "duration": "20ms"}],
            },
            note("z", "last"),
        ],
        {"then": 1, "last": 1},
    ),
    Shape(
        "rollback",
        [
            note("a", "first", compensate=[note("un-a", "undone first")]),
            {
                **_LOOP,
                "steps": [note("i1", "item {{item}}", compensate=[note("u", "un {{item}}")])],
            },
            {"id": "sub", "type": "workflow", "workflow": "inner"},
            broken("end"),
        ],
        {"first": 1, "undone first": 1}
        | {f"{word} {letter}": 1 for word in ("item", "un") for letter in "abcde"}
        | {**_INNER, "undone inner": 2},
        given=_LIST,
        more={"onFailure": "rollback"},
        ends="rolled_back",
        first=7,
        children=(
            {
                **_CHILD,
                "steps": [
                    note("in1", "inner one", compensate=[note("un1", "undone inner")]),
                    note("in2", "inner two", compensate=[note("un2", "undone inner")]),
                ],
            },
        ),
    ),
]
