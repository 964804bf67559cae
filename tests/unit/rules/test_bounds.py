"""Calculations that would take the process with them are refused before the engine reads them."""

from __future__ import annotations

from typing import Any

import pytest

from careloom.errors import InvalidInput
from careloom.rules.decide import check_model, decide
from careloom.types import JsonObject

TOO_MUCH = [
    "= len(map([0..1000000000], #))",
    "= sum(map([0..3000], sum(map([0..3000], #))))",
    "= `${len(map([0..1000000000], #))}`",
    "= map(list, len(map(list, #)))",
    "= some(list, filter (list, # > 1) == [])",
    "= map(list, (1 + [count(list, # > 0)][0]))",
    "= [0..9] == map(list, #)",
    "= " + "[" * 200_000 + "]" * 200_000,
    "= 1" + "+1" * 200_000,
    "= a" + ".a" * 200_000,
    "= a" + "[0" * 100_000 + "]" * 100_000,
    "= " + "-" * 450_000 + "1",
    "= " + "not " * 120_000 + "true",
    "= " + "(" * 2100 + "1" + ")" * 2100,
]
WITHIN = [
    ("= age in [0..18]", True),
    ("= map(filter(list, # > 1), # * 2)", [4, 6]),
    ("= len(map(list, #)) + count(list, # > 1)", 5),
    ("= 'map([0..9], #)'", "map([0..9], #)"),
    ("= " + "(" * 1900 + "1" + ")" * 1900, 1),
]
DATA: JsonObject = {"age": 7, "list": [1, 2, 3]}


def _table(answer: str, condition: Any = "[0..120]") -> JsonObject:
    return {
        "inputs": [{"field": "age", "type": "integer", "min": 0, "max": 120}],
        "outputs": ["x"],
        "rows": [{"when": {"age": condition}, "then": {"x": answer}}],
    }


def _model(*values: str, cell: str = "") -> JsonObject:
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": "i", "name": "age", "field": "age"}],
        "outputs": [{"id": "o", "name": "x", "field": "x"}],
        "rules": [{"_id": "r", "i": cell, "o": values[0]}],
    }
    expressions = [
        {"id": f"e{n}", "key": f"k{n}", "value": value} for n, value in enumerate(values[1:])
    ]
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "t", "name": "t", "type": "decisionTableNode", "content": table},
        {
            "id": "e",
            "name": "e",
            "type": "expressionNode",
            "content": {"expressions": expressions, "passThrough": True},
        },
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": f"{a}{b}", "type": "edge", "sourceId": a, "targetId": b}
        for a, b in (("in", "t"), ("t", "e"), ("e", "out"))
    ]
    return {"nodes": nodes, "edges": edges}


@pytest.mark.parametrize("answer", TOO_MUCH, ids=lambda text: text[:30])
def test_a_calculation_without_a_bound_is_refused(answer: str) -> None:
    for table in (_table(answer), _table("1", answer)):
        with pytest.raises(InvalidInput) as refused:
            decide(table, DATA)
        assert refused.value.code == "E-RULETABLE"
        assert refused.value.fix
    with pytest.raises(InvalidInput):
        check_model(_model("1", answer.removeprefix("=").strip()))


@pytest.mark.parametrize(("answer", "result"), WITHIN, ids=lambda one: str(one)[:30])
def test_what_has_a_bound_is_decided(answer: str, result: Any) -> None:
    assert decide(_table(answer), DATA)["result"]["x"] == result


def test_a_range_made_in_one_node_is_not_gone_through_in_another() -> None:
    with pytest.raises(InvalidInput):
        check_model(_model("[0..1000000000]", "map(x, #)", cell="[0..1000000000]"))
    with pytest.raises(InvalidInput):
        check_model(_model("1", "[0..1000000000]", "len(map(k0, #))"))
    check_model(_model("age * 2", "len(map([1, 2], #))", cell="[0..120]"))
