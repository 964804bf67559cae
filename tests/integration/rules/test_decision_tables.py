"""Decision tables at the door: kept by name and version, checked before anybody decides by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

TABLE: JsonObject = {
    "hitPolicy": "unique",
    "inputs": [{"field": "payer", "type": "string", "enum": ["acme", "self"]}],
    "outputs": ["copay"],
    "rows": [
        {"id": "acme", "when": {"payer": "acme"}, "then": {"copay": 25}},
        {"id": "self", "when": {"payer": "self"}, "then": {"copay": 120}},
    ],
}
GAP: JsonObject = {**TABLE, "rows": TABLE["rows"][:1]}


def flow(table: object, **more: object) -> JsonObject:
    step = {"id": "pay", "type": "rules", "table": table, "data": {"payer": "{{trigger.payer}}"}}
    output = {"pay": "{{steps.pay.output}}"}
    return {"id": "pay", "steps": [{**step, **more}], "output": output}


async def keep(desk: Desk, table: JsonObject) -> JsonObject:
    answer = await desk.put("/api/decision-tables/copay", json=table)
    assert answer.status_code == 200, answer.text
    kept: JsonObject = answer.json()["data"]
    return kept


async def test_a_kept_table_decides_and_the_run_says_by_which_version(desk: Desk) -> None:
    first = await keep(desk, TABLE)
    assert (first["version"], first["created"], first["findings"]) == (1, True, [])
    assert first["usedBy"] == []
    assert (await keep(desk, TABLE))["created"] is False
    await desk.deployed(flow("copay"))
    run = await desk.execute("pay", {"payer": "self"})
    assert run["output"]["pay"] == {
        "result": {"copay": 120},
        "rows": ["self"],
        "table": {"name": "copay", "version": 1, "hash": first["hash"]},
    }
    rows = [{**TABLE["rows"][0], "then": {"copay": 30}}, TABLE["rows"][1]]
    second = await keep(desk, {**TABLE, "rows": rows})
    assert (second["version"], second["usedBy"]) == (2, ["pay"])
    run = await desk.execute("pay", {"payer": "acme"})
    assert run["output"]["pay"]["result"] == {"copay": 30}
    await desk.deployed(flow("copay", version=1))
    run = await desk.execute("pay", {"payer": "acme"})
    assert run["output"]["pay"]["result"] == {"copay": 25}
    [listed] = await desk.data("/api/decision-tables")
    assert (listed["name"], listed["version"]) == ("copay", 2)
    assert (await desk.data("/api/decision-tables/copay?version=1"))["table"] == TABLE


async def test_a_gap_refuses_the_table_and_the_deployment_with_an_example(desk: Desk) -> None:
    answer = await desk.put("/api/decision-tables/copay", json=GAP)
    assert answer.status_code == 422
    [finding] = answer.json()["error"]["details"]["findings"]
    assert (finding["code"], finding["example"]) == ("E-RULEGAP", {"payer": "self"})
    answer = await desk.deploy(flow(GAP))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["code"], error["path"]) == ("E-RULEGAP", "steps/pay/table/rows")
    assert "payer = self" in answer.json()["message"]


async def test_a_table_that_is_not_there_refuses_the_deployment(desk: Desk) -> None:
    answer = await desk.deploy(flow("copay"))
    assert answer.json()["error"]["code"] == "E-RULETABLE"
    answer = await desk.deploy(flow({"rows": "x"}))
    assert answer.json()["error"]["code"] == "E-RULETABLE"
    assert answer.json()["error"]["path"].startswith("steps/pay/table")


async def test_an_undecided_input_fails_the_step_by_name(desk: Desk) -> None:
    await desk.deployed(flow(TABLE))
    run = await desk.execute("pay", {"payer": "unknown"})
    assert (run["status"], run["error"]["code"]) == ("failed", "rules_gap")
    run = await desk.execute("pay", {"payer": 7})
    assert run["error"]["code"] == "rules_input"


async def test_a_calculation_that_would_take_the_process_along_is_refused(desk: Desk) -> None:
    """Whoever may check a workflow may not stop the server by it."""
    row = {"when": {"age": "[0..120]"}, "then": {"x": "= " + "[" * 200_000 + "]" * 200_000}}
    age = {"field": "age", "type": "integer", "min": 0, "max": 120}
    table = {"inputs": [age], "outputs": ["x"], "rows": [row]}
    answer = await desk.put("/api/decision-tables/deep", json=table)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["code"] == "E-RULETABLE"
    step = {"id": "r", "type": "rules", "table": table, "data": {"age": 7}}
    for path in ("/api/workflows/validate", "/api/workflows"):
        answer = await desk.post(path, {"id": "deep", "steps": [step]})
        assert answer.status_code in (200, 422), answer.text
        assert "E-RULETABLE" in answer.text
