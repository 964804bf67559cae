"""Components by API: two workflows share one, and changing it says who is affected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from careloom.audit.trail import Selection
from careloom.steps.schema import every_schema
from careloom.types import JsonObject

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

SHARED = "/api/components/wait/pause"


def shares(identity: str, **keys: Any) -> JsonObject:
    return {"id": identity, "steps": [{"id": "nap", "use": "pause", **keys}]}


async def kept(desk: Desk, path: str, body: JsonObject, **query: Any) -> JsonObject:
    answer = await desk.put(path, json=body, params=query)
    assert answer.status_code == 200, answer.text
    data: JsonObject = answer.json()["data"]
    return data


async def test_changing_a_shared_component_lists_both_workflows_as_affected(desk: Desk) -> None:
    first = await kept(desk, SHARED, {"duration": "1ms", "retry": 5})
    assert (first["version"], first["created"], first["affected"]) == (1, True, [])
    assert (await kept(desk, SHARED, {"retry": 5, "duration": "1ms"}))["created"] is False
    for name in ("one", "two"):
        deployed = await desk.deployed(shares(name))
        assert deployed["components"] == ["wait/pause@1"]
    changed = await kept(desk, SHARED, {"duration": "2ms"})
    assert changed["version"] == 2
    assert [(one["workflow"], one["uses"]) for one in changed["affected"]] == [
        ("one", 1),
        ("two", 1),
    ]
    stored = await desk.data("/api/workflows/one")
    assert stored["definition"]["steps"][0]["duration"] == "1ms", "what is deployed stays"
    assert stored["version"] == 1


async def test_redeploying_brings_the_change_to_those_who_use_it(desk: Desk) -> None:
    await kept(desk, SHARED, {"duration": "1ms"})
    await desk.deployed(shares("one"))
    await desk.deployed(shares("two", duration="3ms"))
    answer = await kept(desk, SHARED, {"duration": "2ms"}, redeploy="true")
    assert answer["redeployed"] == [
        {"workflow": "one", "version": 2, "created": True},
        {"workflow": "two", "version": 1, "created": False},
    ]
    assert {one["uses"] for one in answer["affected"]} == {2}
    stored = await desk.data("/api/workflows/one")
    assert stored["definition"]["steps"][0]["duration"] == "2ms"
    assert any(one["code"] == "I-COMPONENT" for one in stored["receipts"])
    run = await desk.execute("one", {})
    assert run["status"] == "succeeded"
    assert run["version"] == 2


async def test_a_workflow_that_cannot_take_the_change_says_why(desk: Desk) -> None:
    await kept(desk, "/api/components/task/ask", {"title": "Well?"})
    reads = {"id": "tell", "type": "wait", "duration": "1ms", "when": "steps.ask.output.approved"}
    await desk.deployed({"id": "one", "steps": [{"id": "ask", "use": "ask"}, reads]})
    await kept(desk, "/api/components/task/ask", {"title": "Well?", "when": "trigger.x"})
    answer = await kept(
        desk, "/api/components/task/ask", {"title": "{{steps.gone.output.x}}"}, redeploy="true"
    )
    assert answer["redeployed"][0]["error"]["code"] == "E-REF"
    assert answer["affected"][0]["uses"] == 1


async def test_a_component_in_use_is_not_deleted(desk: Desk) -> None:
    await kept(desk, SHARED, {"duration": "1ms"})
    await desk.deployed(shares("one"))
    refused = await desk.client.delete(SHARED)
    assert refused.status_code == 409
    assert refused.json()["error"]["details"]["affected"][0]["workflow"] == "one"
    await desk.put(
        "/api/workflows/one",
        json={"id": "one", "steps": [{"id": "nap", "type": "wait", "duration": "1ms"}]},
    )
    assert (await desk.client.delete(SHARED)).status_code == 200
    assert (await desk.get(SHARED)).status_code == 404
    assert (await desk.deploy(shares("two"))).json()["error"]["code"] == "E-COMPONENT"
    assert (await kept(desk, SHARED, {"duration": "1ms"}))["version"] == 2


async def test_a_trigger_component_starts_runs(desk: Desk) -> None:
    trigger = {"type": "fhir", "event": "Patient.create"}
    await kept(desk, "/api/components/trigger/arrival", trigger)
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    await desk.deployed({"id": "one", "trigger": {"use": "arrival"}, "steps": [nap]})
    await desk.patient()
    assert len(await desk.runs_of("one", 1)) == 1


async def test_what_no_workflow_could_use_is_refused(desk: Desk) -> None:
    for path, body, code, place in (
        ("/api/components/teleport/x", {}, "E-COMPONENT", "/kind"),
        ("/api/components/wait/a b", {}, "E-COMPONENT", "/name"),
        (SHARED, {"id": "x"}, "E-COMPONENT", "/id"),
        (SHARED, {"type": "bot"}, "E-COMPONENT", "/type"),
        (SHARED, {"fallback": []}, "E-COMPONENT", "/fallback"),
        (SHARED, {"durration": "1s"}, "E-UNKNOWNKEY", "/durration"),
        (SHARED, {"retry": "often"}, "E-RETRY", "/retry"),
        ("/api/components/worker/x", {"worker": "absent"}, "E-WORKER", "/worker"),
        ("/api/components/trigger/x", {"type": "fhir"}, "E-EVENT", "/event"),
    ):
        answer = await desk.put(path, json=body)
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert (error["code"], error["path"]) == (code, place)
        assert error["fix"]


async def test_components_are_audited_and_of_their_tenant(desk: Desk, house: House) -> None:
    await kept(desk, SHARED, {"duration": "1ms"})
    entity = "Component/wait/pause/1"
    rows = await desk.services.trail.page(desk.scope.tenant, Selection(entity=entity))
    assert [row.values["action"] for row in rows] == ["component.put"]
    other = await house.desk()
    assert (await other.get(SHARED)).status_code == 404
    assert await other.data("/api/components") == []
    viewer = await house.desk("viewer", scope=desk.scope)
    assert (await viewer.get(SHARED)).status_code == 200
    assert (await viewer.put(SHARED, json={"duration": "2ms"})).status_code == 403


async def test_the_graph_of_all_workflows_shows_children_and_orphans(desk: Desk) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    await desk.deployed({"id": "child", "steps": [nap]})
    start = {"id": "start", "type": "workflow", "workflow": "child"}
    await desk.deployed({"id": "parent", "trigger": {"type": "manual"}, "steps": [start]})
    await desk.deployed({"id": "alone", "steps": [nap]})
    graph = await desk.data("/api/workflows/graph")
    assert graph["orphans"] == ["alone"]
    assert graph["cycles"] == []
    assert [(one["source"], one["event"], one["target"]) for one in graph["cascades"]] == [
        ("parent", "workflow", "child")
    ]
    refused = await desk.deploy({"id": "child", "steps": [{**start, "workflow": "parent"}]})
    assert refused.status_code == 422
    codes = {one["code"] for one in refused.json()["error"]["details"]["findings"]}
    assert "E-WORKFLOWCYCLE" in codes


async def test_the_schema_is_served_with_and_without_a_key(desk: Desk) -> None:
    schema = (await desk.get("/api/workflows/schema")).json()
    assert schema["$defs"]["step"]["else"]["properties"]["type"]["enum"] == sorted(
        desk.services.catalog
    )
    assert every_schema().keys() == desk.services.catalog.keys()
    public = await desk.get("/schema/workflow.json", headers={"Authorization": ""})
    assert public.status_code == 200
    assert public.json() == schema


async def test_definitions_without_measure_are_refused_by_api(desk: Desk) -> None:
    yaml = {"Content-Type": "application/yaml"}
    large = b"id: w\nsteps:\n" + b"- {id: a, type: wait, duration: 1s}\n" * 290_000
    for address in ("/api/workflows", "/api/workflows/validate"):
        answer = await desk.client.post(address, content=large, headers=yaml)
        assert answer.status_code == 413
        assert answer.json()["error"]["fix"]
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]\n" for n in range(1, 30)
    )
    many = [{"id": f"s{n}", "type": "wait", "duration": 1} for n in range(10_001)]
    deep: JsonObject = {"id": "end", "type": "wait", "duration": 1}
    for number in range(65):
        deep = {"id": f"s{number}", "type": "foreach", "items": [], "steps": [deep]}
    for answer in (
        await desk.deploy(bomb),
        await desk.deploy({"id": "w", "steps": many}),
        await desk.deploy({"id": "w", "steps": [deep]}),
    ):
        assert answer.status_code == 422, answer.text
        error = answer.json()["error"]
        assert error["code"] == "E-SIZE"
        assert error["fix"]
