"""Decision tables: what they decide, and what is known of them beforehand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careloom.errors import CareloomError, InvalidInput, Unprocessable
from careloom.rules.cells import passes, read_cell
from careloom.rules.decide import decide, decide_table
from careloom.rules.findings import table_findings
from careloom.rules.table import read_table
from careloom.rules.tables import findings_of
from careloom.types import JsonObject

PAYER: JsonObject = {
    "hitPolicy": "unique",
    "inputs": [
        {"field": "payer", "type": "string", "enum": ["acme", "medicare"]},
        {"field": "age", "type": "integer", "min": 0, "max": 120},
    ],
    "outputs": ["copay", "plan"],
    "rows": [
        {"id": "senior", "when": {"payer": "medicare", "age": ">= 65"}, "then": {"copay": 0}},
        {"id": "other", "when": {"payer": "medicare", "age": "< 65"}, "then": {"copay": 20}},
        {"id": "acme", "when": {"payer": "acme"}, "then": {"copay": "= age * 2", "plan": "A"}},
    ],
}


def changed(**changes: Any) -> JsonObject:
    return {**PAYER, **changes}


@pytest.mark.parametrize(
    ("payer", "age", "row", "copay"),
    [
        ("medicare", 65, "senior", 0),
        ("medicare", 64, "other", 20),
        ("acme", 7, "acme", 14),
    ],
)
def test_the_payer_table_picks_its_row(payer: str, age: int, row: str, copay: int) -> None:
    answer = decide(PAYER, {"payer": payer, "age": age})
    assert answer["rows"] == [row]
    assert answer["result"]["copay"] == copay


def test_a_whole_table_has_nothing_to_find() -> None:
    assert findings_of(PAYER) == []


def test_a_gap_is_an_error_with_an_example_that_falls_into_it() -> None:
    rows = [PAYER["rows"][0], {**PAYER["rows"][1], "when": {"payer": "medicare", "age": "< 64"}}]
    table = changed(rows=[*rows, PAYER["rows"][2]])
    [finding] = findings_of(table)
    assert (finding["code"], finding["severity"]) == ("E-RULEGAP", "error")
    assert finding["example"] == {"payer": "medicare", "age": 64}
    with pytest.raises(Unprocessable) as refused:
        decide(table, finding["example"])
    assert refused.value.code == "rules_gap"


def test_an_overlap_is_an_error_with_an_example_that_two_rows_match() -> None:
    rows = [*PAYER["rows"], {"id": "child", "when": {"age": "[0..18)"}, "then": {"copay": 5}}]
    found = findings_of(changed(rows=rows))
    assert {one["code"] for one in found} == {"E-RULEOVERLAP"}
    for one in found:
        with pytest.raises(Unprocessable) as refused:
            decide(changed(rows=rows), one["example"])
        assert refused.value.code == "rules_overlap"


def test_an_exception_before_its_rule_is_no_overlap_but_a_hidden_row_is_told() -> None:
    special = {"id": "child", "when": {"age": "[0..18)"}, "then": {"copay": 5}}
    general = {"id": "rest", "then": {"copay": 9}}
    first = changed(hitPolicy="first", rows=[special, general])
    assert findings_of(first) == []
    hidden = changed(hitPolicy="first", rows=[general, special])
    assert [one["code"] for one in findings_of(hidden)] == ["W-RULEOVERLAP", "W-RULEUNREACHED"]


def test_beyond_what_the_table_names_a_gap_is_a_warning() -> None:
    table = changed(
        inputs=[{"field": "code", "type": "string"}, {"field": "n", "type": "number"}],
        rows=[{"when": {"code": "a", "n": "> 1"}, "then": {}}, {"when": {"n": "<= 1"}, "then": {}}],
    )
    assert {one["code"] for one in findings_of(table)} == {"W-RULEGAP"}
    assert findings_of({**table, "default": {"copay": 1}}) == []


def test_numbers_between_two_rows_are_not_forgotten() -> None:
    table = changed(
        inputs=[{"field": "n", "type": "number", "min": 0, "max": 10}],
        rows=[{"when": {"n": "[0..5]"}, "then": {}}, {"when": {"n": "[6..10]"}, "then": {}}],
    )
    [finding] = findings_of(table)
    assert finding["example"] == {"n": 5.5}
    whole = {**table, "inputs": [{"field": "n", "type": "integer", "min": 0, "max": 10}]}
    assert findings_of(whole) == []


def test_what_cannot_be_reasoned_about_is_said() -> None:
    table = changed(
        hitPolicy="first",
        rows=[{"id": "r", "when": {"payer": "= startsWith($, 'a')"}, "then": {"copay": 1}}],
    )
    [finding] = findings_of(table)
    assert (finding["code"], finding["path"]) == ("W-RULEUNCHECKED", "rows/0/when/payer")
    assert decide(table, {"payer": "acme", "age": 1})["rows"] == ["r"]


def test_collect_gives_every_row_and_the_default_where_none_matches() -> None:
    table = changed(hitPolicy="collect", rows=[*PAYER["rows"], {"then": {"copay": 1}}])
    answer = decide(table, {"payer": "acme", "age": 3})
    assert answer["rows"] == ["acme", "row4"]
    assert [one["copay"] for one in answer["results"]] == [6, 1]
    with_default = changed(rows=PAYER["rows"][:1], default={"copay": 99})
    assert decide(with_default, {"payer": "acme", "age": 3}) == {
        "result": {"copay": 99, "plan": None},
        "rows": [],
    }


@pytest.mark.parametrize(
    "data", [{"payer": "acme"}, {"payer": "acme", "age": "7"}, {"payer": 1, "age": 7}, {}]
)
def test_inputs_are_checked_by_their_type(data: JsonObject) -> None:
    with pytest.raises(InvalidInput) as refused:
        decide(PAYER, data)
    assert refused.value.code == "rules_input"


@pytest.mark.parametrize(
    "broken",
    [
        {"hitPolicy": "best"},
        {"inputs": []},
        {"rows": [{"when": {"age": ">>"}, "then": {}}]},
        {"rows": [{"when": {"colour": 1}, "then": {}}]},
        {"rows": [{"then": {"copay": "= age *"}}]},
        {"rows": [{"then": {"size": 1}}]},
        {"rows": [{"id": "a", "then": {}}, {"id": "a", "then": {}}]},
        {"outputs": ["_row"]},
        {"surprise": 1},
        {"inputs": [{"field": "age", "type": "date"}]},
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_its_place(broken: JsonObject) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_table(changed(**broken))
    assert refused.value.code == "E-RULETABLE"
    assert refused.value.path


def model(*nodes: JsonObject) -> JsonObject:
    ids = [node["id"] for node in nodes]
    edges = [
        {"id": f"{a}-{b}", "type": "edge", "sourceId": a, "targetId": b}
        for a, b in itertools.pairwise(ids)
    ]
    return {"nodes": [{"name": node["id"], **node} for node in nodes], "edges": edges}


def test_a_decision_model_decides_and_names_its_rows() -> None:
    content: JsonObject = {
        "hitPolicy": "first",
        "inputs": [{"id": "a", "field": "age", "name": "age"}],
        "outputs": [{"id": "o", "field": "copay", "name": "copay"}],
        "rules": [{"_id": "old", "a": ">= 65", "o": "0"}, {"_id": "young", "a": "", "o": "20"}],
    }
    given = model(
        {"id": "i", "type": "inputNode"},
        {"id": "t", "type": "decisionTableNode", "content": content},
        {"id": "o", "type": "outputNode"},
    )
    assert findings_of(given) == []
    gap = {**content, "rules": [content["rules"][0], {"_id": "young", "a": "< 60", "o": "20"}]}
    first, table, last = given["nodes"]
    [finding] = findings_of({**given, "nodes": [first, {**table, "content": gap}, last]})
    assert (finding["code"], finding["severity"]) == ("W-RULEGAP", "warning")
    assert finding["path"] == "nodes/1/content/rules"
    assert 60 <= finding["example"]["age"] < 65
    assert decide(given, {"age": 70}) == {"result": {"copay": 0}, "rows": ["old"]}
    assert decide(given, {"age": 7}) == {"result": {"copay": 20}, "rows": ["young"]}


@pytest.mark.parametrize("kind", ["functionNode", "customNode", "decisionNode", "httpNode"])
def test_a_model_that_does_more_than_compute_is_refused(kind: str) -> None:
    given = model(
        {"id": "i", "type": "inputNode"},
        {"id": "f", "type": kind, "content": {"source": "export const handler = () => 1"}},
        {"id": "o", "type": "outputNode"},
    )
    with pytest.raises(InvalidInput):
        decide(given, {})


CONDITIONS = st.one_of(
    st.integers(-5, 5).map(str),
    st.tuples(st.sampled_from([">", ">=", "<", "<=", "!="]), st.integers(-5, 5)).map(
        lambda pair: f"{pair[0]} {pair[1]}"
    ),
    st.tuples(
        st.sampled_from("[("), st.integers(-5, 0), st.integers(1, 5), st.sampled_from("])")
    ).map(lambda parts: f"{parts[0]}{parts[1]}..{parts[2]}{parts[3]}"),
    st.just(""),
    st.lists(st.integers(-5, 5), min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(CONDITIONS, CONDITIONS), min_size=1, max_size=5),
    policy=st.sampled_from(["first", "unique"]),
)
def test_what_is_found_is_what_the_engine_does(rows: Any, policy: str) -> None:
    """Findings against the engine on every whole input: no gap or overlap is missed or made up."""
    bounds = {"type": "integer", "min": -7, "max": 7}
    table = read_table(
        {
            "hitPolicy": policy,
            "inputs": [{"field": "a", **bounds}, {"field": "b", **bounds}],
            "outputs": ["n"],
            "rows": [{"when": {"a": a, "b": b}, "then": {"n": n}} for n, (a, b) in enumerate(rows)],
        }
    )
    found = {one["code"] for one in table_findings(table)}
    seen: set[str] = set()
    for a, b in itertools.product(range(-7, 8), repeat=2):
        matching = [row for row in table.rows if _matches(row.cells, (a, b))]
        if not matching:
            seen.add("E-RULEGAP")
        if len(matching) > 1:
            seen.add("E-RULEOVERLAP")
        assert _decided(table_of(table), {"a": a, "b": b}) == [row.id for row in matching]
    assert ("E-RULEGAP" in found) == ("E-RULEGAP" in seen)
    if policy == "unique":
        assert ("E-RULEOVERLAP" in found) == ("E-RULEOVERLAP" in seen)


def _matches(cells: tuple[str, ...], values: tuple[int, ...]) -> bool:
    tests = [read_cell(cell) for cell in cells]
    return all(passes(one or (), value) for one, value in zip(tests, values, strict=True))


def table_of(table: Any) -> Any:
    """The same table collecting every match."""
    return type(table)(
        "collect", table.inputs, table.outputs, table.rows, None, f"{table.hash}-collect"
    )


def _decided(table: Any, data: JsonObject) -> list[str]:
    try:
        rows: list[str] = decide_table(table, data)["rows"]
    except CareloomError as error:
        raise AssertionError(error.message) from error
    return rows
