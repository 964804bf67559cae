"""Gold sets, what is measured on them, gates at deployment, and cases out of reviewed tasks."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from tests.ai_server.script import Asked, Say
from tests.integration.ai.conftest import Ward
from tests.integration.conftest import Desk, House, until

from careloom.ai.evaluation import evaluations
from careloom.ai.evaluation import gates as gates_module
from careloom.ai.evaluation.demotions import Answerer
from careloom.store.database import Database
from careloom.types import JsonObject

ANSWER = {
    "type": "object",
    "properties": {"urgency": {"type": "string"}, "confidence": {"type": "number"}},
    "required": ["urgency", "confidence"],
}


def sorter(instructions: str = "Sort.") -> JsonObject:
    """A workflow whose one AI step sorts letters."""
    step = {
        "id": "sort",
        "type": "worker",
        "worker": "sorter",
        "input": {"letter": "{{trigger.a}}"},
    }
    return {
        "id": "letters",
        "name": instructions,
        "steps": [step],
        "output": {"urgency": "{{steps.sort.output.urgency}}"},
    }


def cases(count: int, urgent: int) -> list[JsonObject]:
    return [
        {
            "id": f"c{number:03}",
            "input": {"letter": f"letter {number} of the clinic"},
            "expected": {"urgency": "now" if number < urgent else "soon"},
            "tags": ["synthetic"],
        }
        for number in range(count)
    ]


def says(answers: dict[int, tuple[str, float]], others: tuple[str, float]) -> Any:
    """What the model answers by the number of the letter."""

    def decide(asked: Asked) -> Say:
        found = re.search(r"letter (\d+) of the clinic", asked.texts)
        urgency, confidence = answers.get(int(found[1]) if found else -1, others)
        return Say(json.dumps({"urgency": urgency, "confidence": confidence}))

    return decide


async def measured(desk: Desk, **order: Any) -> JsonObject:
    """Start an evaluation and wait for its end."""
    answer = await desk.post("/api/evaluations/runs", {"goldSet": "letters", **order})
    assert answer.status_code == 202, answer.text
    return await ended(desk, answer.json()["data"]["id"])


async def ended(desk: Desk, name: str) -> JsonObject:
    async def look() -> JsonObject | None:
        told: JsonObject = await desk.data(f"/api/evaluations/runs/{name}")
        return told if told["status"] != "running" else None

    return await until(look)


@pytest.fixture
async def sorting(ward: Ward) -> Ward:
    """A worker that sorts, a gold set of 40 letters of which 10 are urgent."""
    await ward.model(price={"input": 10, "output": 100})
    await ward.worker("sorter", outputSchema=ANSWER)
    given = {"label": "urgency", "positive": "now", "cases": cases(40, 10)}
    answer = await ward.desk.put("/api/gold-sets/letters", json=given)
    assert answer.status_code == 200, answer.text
    return ward


async def test_a_worker_is_measured_with_intervals_and_failing_cases(sorting: Ward) -> None:
    desk = sorting.desk
    # 8 of 10 urgent ones found, 3 of 30 others taken for urgent.
    wrong = {0: ("soon", 0.4), 1: ("soon", 0.4), **dict.fromkeys((20, 21, 22), ("now", 0.5))}
    urgent = dict.fromkeys(range(2, 10), ("NOW ", 0.95))
    sorting.ai.script.otherwise = says({**urgent, **wrong}, ("soon", 0.95))
    told = await measured(desk, worker="sorter")
    metrics = told["metrics"]
    assert (told["status"], metrics["cases"]) == ("done", 40)
    assert metrics["accuracy"] == {"value": 0.875, "low": 0.7389, "high": 0.9454, "n": 40}
    assert (metrics["sensitivity"]["value"], metrics["specificity"]["value"]) == (0.8, 0.9)
    # F1 of now: 2·8/(10+11), of soon: 2·27/(30+29).
    assert metrics["macroF1"]["value"] == pytest.approx((16 / 21 + 54 / 59) / 2, abs=1e-4)
    assert metrics["macroF1"]["low"] < metrics["macroF1"]["value"] < metrics["macroF1"]["high"]
    assert metrics["auc"]["value"] > 0.8
    assert metrics["belowThreshold"]["value"] == 0.125
    assert metrics["cost"]["total"] == pytest.approx(40 * (12 * 10 + 5 * 100) / 1e6)
    assert [one["id"] for one in told["failing"]] == ["c000", "c001", "c020", "c021", "c022"]
    assert told["fields"]["urgency"]["value"] == 0.875
    assert {"expected": "now", "given": "soon", "count": 2} in told["confusion"]
    shown = await desk.data(f"/api/evaluations/runs/{told['id']}/cases/c020")
    assert (shown["expected"], shown["given"]) == ({"urgency": "soon"}, {"urgency": "now"})
    # Reviewing the unsure costs 5 reviews and no error.
    query = "falsePositive=1&falseNegative=20&review=0.1"
    chosen = await desk.data(f"/api/evaluations/runs/{told['id']}/threshold?{query}")
    assert (chosen["threshold"], chosen["reviewed"]) == (0.95, 0.125)
    assert chosen["cost"] == pytest.approx(0.1 * 0.125)
    assert chosen["costOfReviewingNothing"] == pytest.approx((2 * 20 + 3) / 40)
    listed = await desk.data("/api/evaluations/runs?goldSet=letters")
    assert [one["id"] for one in listed] == [told["id"]]
    # What was asked and answered is nowhere in plain.
    rows = await desk.services.db.query(
        desk.scope.tenant, "SELECT body FROM evaluation_case UNION ALL SELECT body FROM gold_case"
    )
    assert len(rows) == 80
    assert not any(b"letter" in row["body"] or b"urgency" in row["body"] for row in rows)


async def test_a_gate_holds_back_what_is_worse_or_was_not_measured(sorting: Ward) -> None:
    desk, script = sorting.desk, sorting.ai.script
    script.otherwise = says(dict.fromkeys(range(10), ("now", 0.9)), ("soon", 0.9))
    await desk.deployed(sorter())
    gate = {"workflow": "letters", "step": "sort", "metric": "accuracy"}
    gates = {"gates": [{**gate, "atLeast": 0.8, "margin": 0.05}]}
    answer = await desk.put("/api/gold-sets/letters/gates", json=gates)
    assert answer.status_code == 200, answer.text
    # What is deployed already may be deployed again, and changes that do not touch the step.
    assert (await desk.deploy(sorter())).status_code == 200
    assert (await desk.deploy(sorter("Other name"))).status_code == 201
    await sorting.desk.put("/api/workers/sorter", json={"instructions": "Sort quickly."})
    refused = await desk.deploy(sorter("Quickly"))
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["path"]) == (422, "E-EVALGATE", "steps/sort")
    assert "was not measured" in refused.text
    # The deployed workflow uses the new version at once: it counts for nothing until measured.
    [held] = (await desk.data("/api/drift"))["demotions"]
    assert (held["worker"], held["reason"]["kind"], held["liftedAt"]) == ("sorter@2", "gate", None)
    run = await desk.execute("letters", {"a": "letter 1 of the clinic"})
    assert run["steps"][0]["output"]["confidence"] == 0
    # Measured, but never the version that is deployed: nobody can say whether it is worse.
    first = await measured(desk, workflow="letters", step="sort")
    assert first["metrics"]["accuracy"]["value"] == 1
    assert "what is deployed now was not measured" in (await desk.deploy(sorter("Quickly"))).text
    await desk.put("/api/gold-sets/letters/gates", json={"gates": []})
    await desk.put("/api/gold-sets/letters/gates", json=gates)
    assert (await desk.deploy(sorter("Quickly"))).status_code == 201
    assert (await desk.data("/api/drift"))["demotions"][0]["liftedAt"] is not None
    # Four of 40 fail: 0.9 is enough by itself, and too much below the 1.0 that is deployed.
    await sorting.desk.put("/api/workers/sorter", json={"instructions": "Sort badly."})
    bad = dict.fromkeys(range(4), ("soon", 0.9))
    good = dict.fromkeys(range(4, 10), ("now", 0.9))
    script.otherwise = says({**good, **bad}, ("soon", 0.9))
    second = await measured(desk, workflow="letters", step="sort")
    refused = await desk.deploy(sorter("Badly"))
    finding = refused.json()["error"]["details"]["findings"][-1]
    assert (refused.status_code, finding["code"]) == (422, "E-EVALGATE")
    assert "accuracy is 0.9, what is deployed has 1" in finding["message"]
    assert finding["cause"] == f"evaluation {second['id']}; failing cases: c000, c001, c002, c003"
    query = f"before={first['id']}&after={second['id']}"
    other = await desk.data(f"/api/evaluations/comparison?{query}")
    assert (other["lost"], other["gained"]) == (["c000", "c001", "c002", "c003"], [])
    assert (other["accuracy"]["value"], other["p"]) == (-0.1, 0.125)
    # The step under another name does not slip through.
    renamed = sorter("Renamed")
    renamed["steps"][0]["id"] = "order"
    renamed["output"] = {"urgency": "{{steps.order.output.urgency}}"}
    assert "which is not there" in (await desk.deploy(renamed)).text
    # New cases ask for a new measurement.
    more = {"cases": [{**cases(1, 1)[0], "id": "new"}]}
    assert (await desk.post("/api/gold-sets/letters/cases", more)).json()["data"]["added"] == 1
    assert "was not measured" in (await desk.deploy(sorter("Badly"))).text


async def test_what_changed_before_a_process_died_is_held_back_by_the_next(
    sorting: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, services = sorting.desk, sorting.desk.services
    rounds, workers = services.ai.evaluation.rounds, services.ai.workers
    flow = sorter()
    other = {**flow["steps"][0], "id": "again", "worker": "second"}
    await sorting.model("openai/other")
    await sorting.worker("second", outputSchema=ANSWER, defaultModelName="openai/other")
    await desk.deployed({**flow, "steps": [*flow["steps"], other]})
    gates = [
        {"worker": name, "metric": "accuracy", "atLeast": 0.8} for name in ("sorter", "second")
    ]
    answer = await desk.put("/api/gold-sets/letters/gates", json={"gates": gates})
    assert answer.status_code == 200, answer.text

    async def changed(instructions: str) -> None:
        """Keep a new version, and be killed before anything else is done."""
        given, actor = {"instructions": instructions}, {"principal": "someone", "kind": "user"}
        await workers.update(desk.scope, "sorter", given, actor, "development")

    async def held() -> list[str | None]:
        told = (await desk.data("/api/drift"))["demotions"]
        return [one["worker"] for one in told if one["liftedAt"] is None]

    await rounds.once()
    assert await held() == []
    # A model that is gone hides no other step of its workflow.
    await desk.client.delete("/api/models/openai/other")
    await changed("Sort otherwise.")
    await rounds.once()
    assert await held() == ["sorter@2"]
    # Nothing changed since: nothing is looked at again, and a person's word stands.
    [demotion] = (await desk.data("/api/drift"))["demotions"]
    await desk.post(f"/api/drift/demotions/{demotion['id']}/lift", {"reason": "I looked"})
    await rounds.once()
    assert await held() == []
    # Another release answers otherwise, perhaps.
    monkeypatch.setattr(gates_module, "__version__", "99.0")
    await rounds.once()
    assert await held() == ["sorter@2"]


async def test_a_demotion_ends_only_by_whom_it_is_from(sorting: Ward) -> None:
    desk = sorting.desk
    await desk.deployed(sorter())
    gate = {"worker": "sorter", "metric": "accuracy", "atLeast": 0.8}
    await desk.put("/api/gold-sets/letters/gates", json={"gates": [gate]})
    evaluation = desk.services.ai.evaluation
    await desk.client.delete("/api/models/openai/gpt-4")
    who = Answerer("letters", "steps/sort", "openai/gpt-4", "")
    await evaluation.demotions.hold(desk.scope, who, "not measured", ())

    async def holding() -> list[tuple[str | None, str]]:
        await evaluation.gate.reconsider(desk.scope)
        told = (await desk.data("/api/drift"))["demotions"]
        return [(one["model"], one["reason"]["kind"]) for one in told if one["liftedAt"] is None]

    # Nobody can say what passes while the model of a step is gone: what is held stays so.
    assert await holding() == [("openai/gpt-4", "gate")]
    # What a person demotes, too, does not end with the gate.
    given = {"workflowId": "letters", "path": "steps/sort", "model": "openai/gpt-4"}
    await desk.post("/api/drift/demotions", {**given, "reason": "I saw it"})
    await desk.put("/api/gold-sets/letters/gates", json={"gates": []})
    assert await holding() == [("openai/gpt-4", "person")]
    [held] = (await desk.data("/api/drift"))["demotions"]
    await desk.post(f"/api/drift/demotions/{held['id']}/lift", {"reason": "Looked"})
    assert await holding() == []


async def test_an_evaluation_goes_on_where_it_stopped_and_pays_for_nothing_twice(
    sorting: Ward, house_env: dict[str, str]
) -> None:
    desk, script = sorting.desk, sorting.ai.script
    script.otherwise = says({}, ("soon", 0.9))
    once = 12 * 10 / 1e6 + 5 * 100 / 1e6
    stopped = await measured(desk, worker="sorter", budget={"cost": 10 * once}, atOnce=1)
    assert (stopped["status"], stopped["error"]) == ("stopped", "budget_exceeded")
    assert stopped["progress"]["done"] == len(script.asked) == 10
    assert stopped["metrics"] is None
    # The process that goes on with it dies after some cases; another takes it up.
    evaluations = desk.services.ai.evaluation.evaluations
    hold = asyncio.Event()
    kept = evaluations._answers.answer

    async def held(scope: Any, canonical: Any, case: Any, *rest: Any) -> Any:
        if case.id > "c019":
            await hold.wait()
        return await kept(scope, canonical, case, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(evaluations._answers), "answer", staticmethod(held))
        order = {"goldSet": "letters", "worker": "sorter", "atOnce": 1}
        again = (await desk.post("/api/evaluations/runs", order)).json()["data"]
        assert (again["id"], again["again"]) == (stopped["id"], True)

        async def look() -> bool:
            told = await desk.data(f"/api/evaluations/runs/{again['id']}")
            return bool(told["progress"]["done"] == 20)

        await until(look)
        await evaluations.stop()
    db: Database = desk.services.db
    silence = "UPDATE evaluation SET beat_at = beat_at - interval '1 minute'"
    await db.query(desk.scope.tenant, silence)

    async def gone_on_with() -> Any:
        """Nobody has to ask for it."""
        await desk.services.ai.evaluation.rounds.once()
        finished = "SELECT state FROM evaluation WHERE state <> 'running'"
        return await db.query(desk.scope.tenant, finished)

    await until(gone_on_with)
    told = await ended(desk, again["id"])
    assert (told["status"], told["metrics"]["cases"], len(script.asked)) == ("done", 40, 40)
    sql = "SELECT entity FROM audit WHERE tenant = $1 AND action = 'evaluation.resume'"
    [resumed] = await db.query(desk.scope.tenant, sql, desk.scope.tenant)
    assert resumed["entity"].replace("-", "") == f"Evaluation/{again['id'][5:]}"


async def test_what_waits_for_room_is_taken_by_no_other_process(
    sorting: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sorting.desk
    sorting.ai.script.otherwise = says({}, ("soon", 0.9))
    monkeypatch.setattr(evaluations, "_BEAT_S", 0.05)
    room = desk.services.ai.evaluation.evaluations._room
    for _ in range(2):
        await room.acquire()
    order = {"goldSet": "letters", "worker": "sorter"}
    begun = (await desk.post("/api/evaluations/runs", order)).json()["data"]
    db: Database = desk.services.db
    silence = "UPDATE evaluation SET beat_at = beat_at - interval '1 minute'"
    await db.query(desk.scope.tenant, silence)

    async def is_alive() -> bool:
        fresh = "SELECT beat_at > now() - interval '20 seconds' AS fresh FROM evaluation"
        return bool((await db.query(desk.scope.tenant, fresh))[0]["fresh"])

    await until(is_alive)
    for _ in range(2):
        room.release()
    told = await ended(desk, begun["id"])
    assert (told["status"], len(sorting.ai.script.asked)) == ("done", 40)


async def test_what_reviewers_decided_becomes_cases(ward: Ward) -> None:
    desk = ward.desk
    await ward.model()
    await ward.worker("sorter", outputSchema=ANSWER)
    ward.ai.script.otherwise = says({}, ("soon", 0.9))
    form = {
        "resourceType": "Questionnaire",
        "status": "active",
        "item": [{"linkId": "how-urgent", "type": "string"}],
    }
    review = {
        "id": "review",
        "type": "task",
        "title": "How urgent?",
        "form": form,
        "suggestion": {
            "value": {"how-urgent": "{{steps.sort.output.urgency}}"},
            "confidence": "{{steps.sort.output.confidence}}",
            "evidence": "{{steps.sort.output.evidence}}",
        },
    }
    await desk.deployed({**sorter(), "steps": [*sorter()["steps"], review]})
    for number, decision in enumerate(("soon", "now", None)):
        body = {"a": f"letter {number} of the clinic"}
        run = (await desk.post("/api/workflows/letters/execute", body)).json()["data"]["runId"]
        await desk.reached(run, lambda run: run["status"] == "waiting")
        [task] = await desk.data(f"/api/tasks?run={run}")
        given: JsonObject = {"decision": "reject"}
        if decision:
            given = {"decision": "approve", "data": {"how-urgent": decision}}
        answer = await desk.post(f"/api/tasks/{task['id']}/decision", given)
        assert answer.status_code == 200, answer.text
        await desk.ended(run)
    await desk.put("/api/gold-sets/letters", json={})
    added = await desk.post(
        "/api/gold-sets/letters/cases", {"fromTasks": {"workflow": "letters", "tags": ["reviewed"]}}
    )
    told = added.json()["data"]
    assert (told["added"], told["leftOut"]) == (2, {"rejected": 1})
    kept = await desk.data("/api/gold-sets/letters/cases")
    found = {one["input"]["letter"]: one for one in kept}
    edited = found["letter 1 of the clinic"]
    assert (edited["expected"], edited["before"]) == ({"urgency": "now"}, {"urgency": "soon"})
    assert edited["source"].startswith("task:")
    told = await measured(desk, workflow="letters", step="sort")
    assert told["metrics"]["accuracy"]["value"] == 0.5
    assert [one["id"] for one in told["failing"]] == [edited["id"]]


async def test_who_may_and_what_is_wrong_is_said(house: House, desk: Desk) -> None:
    viewer = await house.desk("viewer", scope=desk.scope)
    for path in ("/api/gold-sets", "/api/gold-sets/x/cases", "/api/evaluations/runs"):
        assert (await viewer.get(path)).status_code == 403
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await clinician.get("/api/gold-sets")).status_code == 200
    assert (await clinician.put("/api/gold-sets/x", json={})).status_code == 403
    await desk.put("/api/gold-sets/x", json={})
    run, gates = "/api/evaluations/runs", "/api/gold-sets/x/gates"
    case = {"input": {"a": 1}, "expected": {"b": 2}}
    wrong: list[tuple[str, str, JsonObject, int, str]] = [
        ("put", "/api/gold-sets/x", {"threshold": 2}, 400, "/threshold"),
        ("put", "/api/gold-sets/x", {"positive": "now"}, 400, "/positive"),
        ("put", "/api/gold-sets/x", {"cases": [{"input": {}}]}, 400, "/cases/0/input"),
        ("post", "/api/gold-sets/x/cases", {"cases": [case, {**case, "id": "/"}]}, 400, "1/id"),
        ("post", run, {"goldSet": "none", "worker": "w"}, 404, "gold_set_not_found"),
        ("post", run, {"goldSet": "x", "worker": "w"}, 422, "no_cases"),
        ("post", run, {"goldSet": "x", "workflow": "w"}, 400, "/step"),
        ("put", gates, {"gates": [{"worker": "w", "metric": "luck"}]}, 400, "/gates/0/metric"),
        ("put", gates, {"gates": [{"worker": "w", "metric": "ece", "atLeast": 1}]}, 400, "atMost"),
    ]
    for method, path, body, status, said in wrong:
        answer = await desk.client.request(method, path, json=body)
        assert (answer.status_code, said in answer.text) == (status, True), (path, answer.text)
    await desk.post("/api/gold-sets/x/cases", {"cases": [case]})
    for target, said in (
        ({"worker": "w"}, "worker_not_found"),
        ({"workflow": "w", "step": "s"}, "workflow_not_found"),
        ({"model": "m"}, "unknown_model"),
    ):
        answer = await desk.post(run, {"goldSet": "x", **target})
        assert said in answer.text, answer.text


CHESTS = {
    "id": "chests",
    "steps": [
        {
            "id": "read",
            "type": "worker",
            "worker": "diagnostic-assistant",
            "input": {"observation": "{{trigger.observation}}"},
        },
        {
            "id": "look",
            "type": "task",
            "title": "Right?",
            "when": "steps.read.output.confidence < 0.5",
            "suggestion": {
                "value": {"diagnosis": "{{steps.read.output.diagnosis}}"},
                "evidence": "{{steps.read.output.evidence}}",
            },
        },
    ],
}


async def test_what_drifts_is_demoted_told_and_lifted_by_a_person(house: House, desk: Desk) -> None:
    how = {"reference": 20, "window": 20, "notify": ["webhook"]}
    assert (await desk.put("/api/drift/settings", json=how)).status_code == 200
    await desk.deployed(CHESTS)

    async def reads(count: int, words: str) -> JsonObject:
        """Run it so often, with a finding of so many words; the last run."""
        told: JsonObject = {}
        for number in range(count):
            finding = {"code": {"text": "Chest"}, "valueString": words * (1 + number % 7)}
            told = await desk.execute("chests", {"observation": finding})
        return told

    async def watched(seen: int) -> JsonObject:
        """What the watch knows once it has seen so many answers."""

        async def look() -> JsonObject | None:
            await desk.services.ai.evaluation.watch.tick()
            told: JsonObject = await desk.data("/api/drift")
            known = [one for one in told["streams"] if one["kind"] == "answers"]
            return told if known and known[0]["seen"] == seen else None

        return await until(look)

    await reads(44, "clear ")
    told = await watched(44)
    [stream] = told["streams"]
    assert (stream["path"], stream["windows"][0]["at"], told["demotions"]) == ("steps/read", 40, [])
    await reads(15, "a long story of everything that could be found ")
    assert (await watched(59))["demotions"] == []
    # The window is full with the next: most of it is of another kind.
    last = await reads(1, "a long story of everything that could be found ")
    assert last["status"] == "succeeded"
    [demotion] = (await watched(60))["demotions"]
    assert (demotion["model"], demotion["reason"]["at"]) == ("careloom/observation-reader", 60)
    assert [test["name"] for test in demotion["reason"]["tests"]] == ["textLength"]
    incident = await desk.incident("ai.demoted")
    assert incident["cause"].startswith("chests, steps/read: careloom/observation-reader")
    # From here on a person looks, whatever the model says of itself.
    finding = {"observation": {"code": {"text": "Chest"}, "valueString": "clear"}}
    run = (await desk.post("/api/workflows/chests/execute", finding)).json()["data"]["runId"]
    waiting = await desk.reached(run, lambda run: run["status"] == "waiting")
    [seen] = [one["output"] for one in waiting["steps"] if one["path"] == "steps/read"]
    assert (seen["confidence"], seen["statedConfidence"], seen["review"]) == (0, 1, True)
    assert seen["evidence"]["demoted"]["id"] == demotion["id"]
    [task] = await desk.data(f"/api/tasks?run={run}")
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "reject"})
    told = await watched(61)
    overrides = [one for one in told["streams"] if one["kind"] == "overrides"]
    assert [(one["path"], one["seen"]) for one in overrides] == [("steps/look", 1)]

    async def told_of() -> list[JsonObject] | None:
        messages: list[JsonObject] = await desk.data("/api/messages")
        return [one for one in messages if "demoted" in str(one.get("subject"))] or None

    assert len(await until(told_of)) == 1
    # Measuring it is not bent by the demotion, and a person with the right lifts it.
    case = {"input": finding, "expected": {"confidence": 1}}
    await desk.put("/api/gold-sets/letters", json={"cases": [case]})
    measure = await measured(desk, workflow="chests", step="read")
    assert measure["metrics"]["accuracy"]["value"] == 1
    lift = f"/api/drift/demotions/{demotion['id']}/lift"
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await clinician.post(lift, {"reason": "looked"})).status_code == 403
    lifted = (await desk.post(lift, {"reason": "New scanner, checked"})).json()["data"]
    assert (lifted[0]["liftedWhy"], lifted[0]["reason"]["at"]) == ("New scanner, checked", 60)
    assert (await reads(1, "clear "))["status"] == "succeeded"
    states = [one["status"] for one in await desk.data("/api/incidents")]
    assert "open" not in states
    assert (await desk.post(lift, {"reason": "again"})).status_code == 404
