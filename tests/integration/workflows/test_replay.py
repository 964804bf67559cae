"""Replays: a hundred past runs on a new version, what would change, and nothing that happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Peer

FLOW = "/api/workflows/flow"


def _flow(threshold: int, url: str, **more: Any) -> dict[str, Any]:
    """A decision on the trigger, a write of it, and a message to a peer."""
    return {
        "id": "flow",
        "steps": [
            {
                "id": "high",
                "type": "if",
                "condition": f"trigger.value > {threshold}",
                "then": [
                    {
                        "id": "note",
                        "type": "fhir",
                        "action": "create",
                        "resourceType": "Basic",
                        "data": {"code": {"text": "high {{trigger.value}}"}},
                    },
                    {
                        "id": "tell",
                        "type": "bot",
                        "tool": "Webhook.send",
                        "params": {"payload": {"value": "{{trigger.value}}"}},
                    },
                ],
            }
        ],
        "output": {"high": "{{steps.high.output.result}}", "limit": threshold},
        **more,
    }


async def _done(desk: Desk, order: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.post(f"{FLOW}/replay", order)
    assert answer.status_code == 202, answer.text
    place = f"/api/workflows/replays/{answer.json()['data']['replayId']}"

    async def look() -> dict[str, Any] | None:
        found: dict[str, Any] = await desk.data(place)
        return found if found["status"] != "running" else None

    replay = await until(look)
    assert replay["status"] == "done", replay
    return replay


async def _counts(desk: Desk) -> list[int]:
    """How much there is of everything that a run can leave behind."""
    tables = ("run", "step", "task", "message", "resource", "event", "event_queue", "wait")
    counts = []
    for table in tables:
        rows = await desk.services.db.query(
            desk.scope.tenant,
            f"SELECT count(*) AS n FROM careloom.{table}",
        )
        counts.append(rows[0]["n"])
    return counts


async def test_a_hundred_runs_on_a_new_version_list_what_changes_and_send_nothing(
    desk: Desk, peer: Peer
) -> None:
    hook = {"kind": "webhook", "secret": {"url": peer.url}}
    assert (await desk.put("/api/connections/webhook", json=hook)).status_code in (200, 201)
    await desk.deployed(_flow(150, peer.url))
    for value in range(100, 200):
        assert (await desk.post(f"{FLOW}/execute", {"value": value})).status_code == 202
    await desk.runs_of("flow", 50)

    async def all_ended() -> bool:
        running = await desk.data("/api/workflows/runs?status=running&limit=500")
        return not running

    assert await until(all_ended)
    assert len(peer.received) == 49
    await desk.deploy(_flow(170, peer.url))
    await desk.events_matched()
    before = await _counts(desk)
    replay = await _done(desk, {"last": 100, "version": 2})
    assert await _counts(desk) == before
    assert len(peer.received) == 49
    assert replay["progress"] == {"done": 100, "of": 100}
    fields = replay["summary"]["changedFields"]
    assert (fields["output.high"], fields["output.limit"]) == (20, 100)
    turned = [run for run in replay["runs"] if run["onlyBefore"]]
    assert len(turned) == 20
    place = "steps/high/then"
    assert all(run["onlyBefore"] == [f"{place}/note", f"{place}/tell"] for run in turned)
    kept = [run for run in replay["runs"] if run["steps"].get(f"{place}/tell")]
    assert {run["steps"][f"{place}/tell"] for run in kept} == {"reused"}
    assert len(kept) == 29


async def test_the_same_version_changes_nothing(desk: Desk) -> None:
    await desk.deployed(_flow(150, ""))
    for value in (100, 160):
        await desk.execute("flow", {"value": value})
    replay = await _done(desk, {})
    assert replay["summary"] == {"verdicts": {"same": 2}, "changedFields": {}}


async def test_what_would_run_is_planned_and_not_done(desk: Desk, peer: Peer) -> None:
    hook = {"kind": "webhook", "secret": {"url": peer.url}}
    await desk.put("/api/connections/webhook", json=hook)
    await desk.deployed(_flow(150, ""))
    run = await desk.execute("flow", {"value": 120})
    messages = len(await desk.data("/api/messages"))
    replay = await _done(desk, {"runIds": [run["runId"]], "definition": _flow(110, "")})
    assert replay["version"] is None
    [one] = replay["runs"]
    assert [step["step"] for step in one["wouldRun"]] == [
        "steps/high/then/note",
        "steps/high/then/tell",
    ]
    assert one["wouldRun"][0]["input"]["data"]["code"] == {"text": "high 120"}
    assert peer.received == []
    assert await desk.search("Basic") == []
    assert len(await desk.data("/api/messages")) == messages


async def test_what_depends_on_what_was_not_done_is_unknown(desk: Desk) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "1ms"}
    await desk.deployed({"id": "flow", "steps": [nap], "output": {"done": True}})
    await desk.execute("flow", {})
    create = {"id": "new", "type": "fhir", "action": "create", "resourceType": "Basic"}
    create["data"] = {"code": {"text": "x"}}  # type: ignore[assignment]
    draft = {"id": "flow", "steps": [nap, create], "output": "{{steps.new.output.reference}}"}
    replay = await _done(desk, {"definition": draft})
    assert replay["summary"]["verdicts"] == {"unknown": 1}


async def test_a_task_is_not_asked_again(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "?"}
    flow = {"id": "flow", "steps": [ask], "output": "{{steps.ask.output.approved}}"}
    await desk.deployed(flow)
    name = (await desk.post(f"{FLOW}/execute", {})).json()["data"]["runId"]
    await desk.reached(name, lambda run: run["status"] == "waiting")
    [task] = await desk.data("/api/tasks")
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "reject"})
    await desk.ended(name)
    replay = await _done(desk, {})
    assert replay["summary"]["verdicts"] == {"same": 1}
    assert len(await desk.data("/api/tasks")) == 1


async def test_a_key_makes_one_replay_and_bad_orders_are_refused(desk: Desk, house: House) -> None:
    await desk.deployed(_flow(150, ""))
    none = await desk.post(f"{FLOW}/replay", {})
    assert (none.status_code, none.json()["error"]["code"]) == (422, "no_runs")
    await desk.execute("flow", {"value": 1})
    headers = {"Idempotency-Key": "one"}
    names = {
        (await desk.post(f"{FLOW}/replay", {"last": 5}, headers=headers)).json()["data"]["replayId"]
        for _ in range(3)
    }
    assert len(names) == 1
    for order in (
        {"last": 1001},
        {"version": "x"},
        {"from": "yesterday"},
        {"runIds": [1]},
        {"speed": 9},
    ):
        assert (await desk.post(f"{FLOW}/replay", order)).status_code == 400, order
    assert (await desk.post(f"{FLOW}/replay", {"version": 7})).status_code == 404
    draft = {"definition": {"id": "flow", "steps": [{"id": "a", "type": "absent"}]}}
    assert (await desk.post(f"{FLOW}/replay", draft)).status_code == 422
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await clinician.post(f"{FLOW}/replay", {})).status_code == 403
    stranger = await house.desk()
    assert (await stranger.get(f"/api/workflows/replays/{names.pop()}")).status_code == 404


async def test_what_a_replay_found_is_sealed(desk: Desk) -> None:
    await desk.deployed(_flow(150, ""))
    await desk.execute("flow", {"value": 151, "word": "Brightwater"})
    await _done(desk, {"definition": _flow(100, "", output="{{trigger.word}}")})
    rows = await desk.services.db.query(
        desk.scope.tenant, "SELECT paths, result FROM careloom.replay_run"
    )
    assert "output" in rows[0]["paths"]
    assert b"Brightwater" not in rows[0]["result"]


async def test_replays_of_a_month_ago_are_forgotten(desk: Desk) -> None:
    await desk.deployed(_flow(150, ""))
    await desk.execute("flow", {"value": 1})
    await _done(desk, {})
    db, tenant = desk.services.db, desk.scope.tenant
    await db.query(tenant, "UPDATE careloom.replay SET created_at = now() - interval '31 days'")
    kept = await _done(desk, {})
    rows = await db.query(tenant, "SELECT DISTINCT replay_id FROM careloom.replay_run")
    assert [f"rep_{row['replay_id'].hex}" for row in rows] == [kept["replayId"]]


async def test_loops_branches_and_fallbacks_are_replayed_as_they_were(desk: Desk) -> None:
    def item(name: str) -> dict[str, Any]:
        return {"id": name, "type": "wait", "duration": "1ms"}

    read = {"id": "read", "type": "fhir", "action": "read", "resourceType": "Patient"}
    flow = {
        "id": "flow",
        "steps": [
            {
                "id": "both",
                "type": "parallel",
                "branches": {"a": [item("a1")], "b": [item("b1"), item("b2")]},
            },
            {
                "id": "each",
                "type": "foreach",
                "items": "{{trigger.values}}",
                "steps": [item("nap"), {"id": "big", "type": "if", "condition": "item > 1"}],
                "collect": "{{item}}",
            },
            {**read, "resourceId": "absent", "fallback": [item("instead")]},
        ],
        "output": {"all": "{{steps.each.output.results}}"},
    }
    flow["steps"][1]["steps"][1] |= {"then": [item("more")]}  # type: ignore[index]
    await desk.deployed(flow)
    run = await desk.execute("flow", {"values": [1, 2, 3]})
    assert (run["status"], run["output"]) == ("succeeded", {"all": [1, 2, 3]})
    replay = await _done(desk, {})
    assert replay["summary"]["verdicts"] == {"same": 1}, replay["runs"]
    changed = {**flow, "output": {"all": "{{steps.each.output.count}}"}}
    replay = await _done(desk, {"definition": changed})
    assert replay["summary"]["changedFields"] == {"output.all": 1}
