"""Models that are slow, limited, down, refusing or talking nonsense: asked again within bounds,
then a fallback or a person, always marked as degraded."""

from __future__ import annotations

import pytest
from tests.ai_server.script import Say
from tests.integration.ai.conftest import Ward

from careloom.types import JsonObject

READ: JsonObject = {
    "id": "triage",
    "steps": [
        {
            "id": "read",
            "type": "worker",
            "worker": "helper",
            "input": {"letter": "{{trigger.letter}}"},
        }
    ],
    "output": {
        "urgency": "{{steps.read.output.urgency}}",
        "evidence": "{{steps.read.output.evidence}}",
    },
}
FITTING = '{"urgency": "soon", "confidence": 0.7}'


@pytest.mark.parametrize(
    "bad",
    [
        Say(status=503),
        Say(status=429, headers={"Retry-After": "1"}),
        Say("half", cut_after=10),
        Say(raw=b"this is not JSON"),
        Say(raw=b'{"choices": "no"}'),
        Say(""),
    ],
    ids=["503", "429", "cut", "nonsense", "wrong form", "empty"],
)
async def test_a_passing_failure_is_asked_again(ward: Ward, bad: Say) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    ward.ai.script.then(bad, Say("Now."))
    task = await ward.say(session, "Well?")
    assert task["status"] == "completed", task
    assert task["answer"]["content"] == "Now."
    assert len(ward.ai.script.asked) == 2
    [call] = await ward.calls(session=session)
    assert call["attempts"] == 2
    assert call["status"] == "received"


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_lasting_failure_is_not_asked_again(ward: Ward, status: int) -> None:
    await ward.model()
    worker = await ward.worker()
    session = await ward.session(worker["id"])
    ward.ai.script.then(Say(status=status))
    task = await ward.say(session, "Well?")
    assert task["status"] == "failed", task
    assert len(ward.ai.script.asked) == 1
    codes = {400: "model_request_refused", 401: "credentials_refused", 404: "model_unknown_there"}
    assert task["error"]["code"] == codes[status]


async def test_the_fallback_model_answers_and_says_so(ward: Ward) -> None:
    await ward.model()
    await ward.model("small")
    worker = await ward.worker(fallback={"model": "small"}, retries=0)
    session = await ward.session(worker["id"])
    ward.ai.script.otherwise = lambda asked: (
        Say(status=500) if asked.model == "gpt-4" else Say("From the small one.")
    )
    task = await ward.say(session, "Well?")
    assert task["answer"] == {
        "role": "assistant",
        "content": "From the small one.",
        "degraded": True,
    }
    assert task["evidence"]["model"] == "small"
    assert task["evidence"]["degraded"] == ["model_unavailable"]


async def test_a_person_answers_where_no_model_does(ward: Ward) -> None:
    await ward.model()
    await ward.worker(fallback={"person": {"queue": "desk"}}, retries=0)
    await ward.desk.deployed(READ)
    ward.ai.script.then(Say("I will not.", finish="refused"))
    started = await ward.desk.post("/api/workflows/triage/execute", {"letter": "Dear colleague"})
    run_id = started.json()["data"]["runId"]
    await ward.desk.reached(run_id, lambda run: run["status"] == "waiting")
    [task] = await ward.desk.data("/api/tasks?queue=desk")
    decision = {"decision": "complete", "data": {"urgency": "routine"}}
    answer = await ward.desk.post(f"/api/tasks/{task['id']}/decision", decision)
    assert answer.status_code == 200, answer.text
    run = await ward.desk.ended(run_id)
    assert run["status"] == "succeeded", run["error"]
    assert run["output"]["urgency"] == "routine"
    assert run["output"]["evidence"]["model"] == "person"
    assert run["output"]["evidence"]["degraded"] == ["model_refused"]
    assert run["steps"][0]["output"]["degraded"] is True


async def test_what_later_steps_read_is_asked_for_and_once_more(ward: Ward) -> None:
    await ward.model()
    await ward.worker()
    await ward.desk.deployed(READ)
    ward.ai.script.then(Say("It is urgent."), Say(f"```json\n{FITTING}\n```"))
    run = await ward.desk.execute("triage", {"letter": "Dear colleague"})
    assert run["status"] == "succeeded", run["error"]
    assert run["output"]["urgency"] == "soon"
    assert run["output"]["evidence"]["confidence"] == 0.7
    first, second = ward.ai.script.asked
    assert "urgency" in first.texts
    assert "does not fit the form" in second.texts


async def test_a_missing_name_after_the_second_answer_goes_to_the_error_branch(ward: Ward) -> None:
    await ward.model()
    await ward.worker()
    steps = [{**READ["steps"][0], "onError": "continue"}]
    output = {"code": "{{steps.read.error.code}}"}
    await ward.desk.deployed({"id": "lenient", "steps": steps, "output": output})
    await ward.desk.deployed({**READ, "id": "strict"})
    ward.ai.script.then(Say('{"other": 1}'), Say('{"other": 2}'))
    run = await ward.desk.execute("strict", {"letter": "Dear colleague"})
    assert run["status"] == "failed"
    assert run["error"]["code"] == "answer_schema"
    assert len(ward.ai.script.asked) == 2


async def test_a_budget_ends_a_turn_that_goes_in_circles(ward: Ward) -> None:
    await ward.model(price={"input": 1000, "output": 1000})
    config = {"permissions": ["read"], "resourceTypes": ["Patient"]}
    tools = {"tools": [{"toolName": "fhir_access", "config": config}]}
    worker = await ward.worker(toolConfigs=tools, budget={"callsPerTurn": 3})
    session = await ward.session(worker["id"])
    again = Say(calls=(("fhir_search", {"resourceType": "Patient"}),))
    ward.ai.script.otherwise = lambda _asked: again
    task = await ward.say(session, "Look.")
    assert task["status"] == "failed"
    assert task["error"]["code"] == "budget_exceeded"
    assert len(ward.ai.script.asked) == 3
    assert sum(one["cost"] for one in await ward.calls(session=session)) == pytest.approx(0.051)


async def test_a_day_that_is_used_up_leaves_the_fallback(ward: Ward) -> None:
    await ward.model()
    await ward.model("small")
    worker = await ward.worker(budget={"tokensPerDay": 10}, fallback={"model": "small"})
    session = await ward.session(worker["id"])
    first = await ward.say(session, "One.")
    second = await ward.say(session, "Two.")
    assert first["evidence"]["model"] == "openai/gpt-4"
    assert second["evidence"]["model"] == "small"
    assert second["answer"]["degraded"] is True


LOST = [Say("Cut", finish="length"), Say("", finish="refused"), Say("")]


@pytest.mark.parametrize("bad", LOST, ids=["cut", "refused", "empty"])
async def test_an_answer_of_no_use_counts_in_the_budgets(ward: Ward, bad: Say) -> None:
    await ward.model(price={"input": 1000, "output": 1000})
    await ward.model("small")
    budget = {"tokensPerTurn": 17, "tokensPerDay": 17}
    worker = await ward.worker(budget=budget, retries=0, fallback={"model": "small"})
    ward.ai.script.then(bad)
    session = await ward.session(worker["id"])
    task = await ward.say(session, "One.")
    assert (task["status"], task["error"]["code"]) == ("failed", "budget_exceeded")
    assert len(ward.ai.script.asked) == 1
    [call] = await ward.calls(session=session)
    assert (call["inputTokens"], call["outputTokens"]) == (12, 5)
    assert call["cost"] == pytest.approx(0.017)
    later = await ward.say(session, "Two.")
    assert later["evidence"]["model"] == "small", "the day is used up"


async def test_what_failed_before_an_answer_counts_with_it_once(ward: Ward) -> None:
    await ward.model(price={"input": 1000, "output": 1000})
    worker = await ward.worker(retries=1)
    ward.ai.script.then(Say(""))
    session = await ward.session(worker["id"])
    task = await ward.say(session, "One.")
    assert (task["evidence"]["tokens"], task["evidence"]["calls"]) == (34, 1)
    [call] = await ward.calls(session=session)
    assert (call["attempts"], call["cost"]) == (2, pytest.approx(0.034))
