"""Forms, suggestions, approvals and four eyes by HTTP: who decides what, and what goes on."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House

FORM: dict[str, Any] = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [
        {"linkId": "agree", "type": "boolean", "required": True},
        {
            "linkId": "why",
            "type": "string",
            "required": True,
            "maxLength": 20,
            "enableWhen": [{"question": "agree", "operator": "=", "answerBoolean": False}],
        },
    ],
}


async def started(desk: Desk, steps: list[dict[str, Any]], **input: Any) -> tuple[str, Any]:
    """A run that waits for its first task, and the task."""
    await desk.deployed({"id": "flow", "steps": steps})
    answer = await desk.post("/api/workflows/flow/execute", input)
    run_id = answer.json()["data"]["runId"]
    return run_id, await waiting(desk, run_id)


async def waiting(desk: Desk, run_id: str) -> Any:
    """The open task of a run, once there is one."""

    async def look() -> Any:
        return await desk.data(f"/api/tasks?status=open&run={run_id}")

    return (await until(look))[0]


async def decide(desk: Desk, task: Any, **decision: Any) -> Any:
    return await desk.post(f"/api/tasks/{task['id']}/decision", decision)


def output_of(run: Any, step: str) -> Any:
    return next(one["output"] for one in run["steps"] if one["id"] == step)


async def test_answers_of_a_form_are_checked_and_go_on(desk: Desk) -> None:
    step = {"id": "ask", "type": "task", "title": "Well?", "form": FORM}
    run_id, task = await started(desk, [step])
    refused = await decide(desk, task, decision="approve", data={"agree": False})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (422, "invalid_answers")
    assert [issue["linkId"] for issue in error["details"]["issues"]] == ["why"]
    done = await decide(desk, task, decision="approve", data={"agree": False, "why": "Not now"})
    assert done.status_code == 200, done.text
    told = done.json()["data"]
    assert told["runId"] == run_id
    assert f"run_{uuid.UUID(told['run']).hex}" == run_id, "as earlier versions gave it"
    output = output_of(await desk.ended(run_id), "ask")
    assert output["data"] == {"agree": False, "why": "Not now"}
    assert output["answers"]["resourceType"] == "QuestionnaireResponse"


async def test_a_stored_questionnaire_is_asked_and_its_answers_are_stored(desk: Desk) -> None:
    stored = (await desk.post("/fhir/Questionnaire", FORM)).json()
    patient = await desk.patient()
    step = {
        "id": "ask",
        "type": "task",
        "title": "Well?",
        "form": f"Questionnaire/{stored['id']}",
        "store": True,
    }
    run_id, task = await started(desk, [step], patientId=patient)
    assert task["form"]["id"] == stored["id"]
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "in-progress",
        "item": [{"linkId": "agree", "answer": [{"valueBoolean": True}]}],
    }
    assert (await decide(desk, task, decision="complete", answers=response)).status_code == 200
    output = output_of(await desk.ended(run_id), "ask")
    kept = (await desk.get(f"/fhir/{output['response']}")).json()
    assert kept["subject"] == {"reference": f"Patient/{patient}"}
    assert kept["questionnaire"] == f"Questionnaire/{stored['id']}"
    assert kept["status"] == "completed"
    assert kept["item"] == response["item"]


async def test_a_form_that_is_none_fails_the_step(desk: Desk) -> None:
    step = {"id": "ask", "type": "task", "title": "Well?", "form": "Questionnaire/absent"}
    await desk.deployed({"id": "flow", "steps": [step]})
    run = await desk.execute("flow", {})
    assert (run["status"], run["error"]["code"]) == ("failed", "not_found")


async def test_a_draft_is_kept_for_who_goes_on_and_gone_with_the_decision(desk: Desk) -> None:
    step = {"id": "ask", "type": "task", "title": "Well?", "form": FORM}
    _, task = await started(desk, [step])
    address = f"/api/tasks/{task['id']}"
    draft = {"data": {"why": "half a thou"}}
    assert (await desk.put(f"{address}/draft", json=draft)).status_code == 200
    shown = await desk.data(address)
    assert (shown["draft"], shown["version"]) == (draft, task["version"])
    await decide(desk, task, decision="approve", data={"agree": True})
    assert (await desk.data(address))["draft"] is None


async def test_an_edited_suggestion_goes_on_and_both_are_kept(desk: Desk) -> None:
    suggestion = {"value": {"code": "I10", "text": "hypertension"}, "confidence": 0.83}
    steps = [
        {
            "id": "ask",
            "type": "task",
            "title": "Is the code right?",
            "suggestion": {**suggestion, "evidence": [{"quote": "BP 180/110"}]},
        },
    ]
    run_id, task = await started(desk, steps)
    assert task["suggestion"]["confidence"] == 0.83
    await decide(desk, task, decision="approve", data={"code": "I11"})
    output = output_of(await desk.ended(run_id), "ask")
    assert output["data"] == {"code": "I11", "text": "hypertension"}
    assert output["suggested"] == suggestion["value"]
    assert output["edited"] == ["code"]
    kept = await desk.data(f"/api/tasks/{task['id']}")
    assert kept["suggestion"]["value"] == suggestion["value"]
    assert kept["decision"]["data"]["code"] == "I11"


async def test_an_approval_needs_its_quorum_of_approvers(house: House, desk: Desk) -> None:
    then = [{"id": "yes", "type": "wait", "duration": "1ms"}]
    otherwise = [{"id": "no", "type": "wait", "duration": "1ms"}]
    step = {
        "id": "agree",
        "type": "approval",
        "title": "Off label?",
        "approvers": ["role:clinician"],
        "quorum": 2,
        "then": then,
        "else": otherwise,
    }
    run_id, task = await started(desk, [step])
    people = [await house.desk("clinician", scope=desk.scope) for _ in range(3)]
    outside = await decide(desk, task, decision="approve")
    assert (outside.status_code, outside.json()["error"]["code"]) == (403, "not_a_candidate")
    first = await decide(people[0], task, decision="approve", comment="fine")
    assert first.json()["data"]["state"] == "requested"
    again = await decide(people[0], task, decision="approve")
    assert again.status_code == 409
    assert (await people[1].post(f"/api/tasks/{task['id']}/claim")).status_code == 409
    both = await asyncio.gather(*(decide(one, task, decision="approve") for one in people[1:]))
    assert sorted(answer.status_code for answer in both) == [200, 409]
    run = await desk.ended(run_id)
    assert [step["id"] for step in run["steps"]] == ["agree", "yes"]
    votes = output_of(run, "agree")["votes"]
    assert [(vote["approved"], vote["comment"]) for vote in votes] == [(True, "fine"), (True, None)]
    shown = await desk.data(f"/api/tasks/{task['id']}")
    assert (shown["status"], len(shown["votes"])) == ("completed", 2)


async def test_one_rejection_rejects_and_chooses_the_other_branch(house: House, desk: Desk) -> None:
    step = {
        "id": "agree",
        "type": "approval",
        "title": "Off label?",
        "quorum": 3,
        "then": [{"id": "yes", "type": "wait", "duration": "1ms"}],
        "else": [{"id": "no", "type": "wait", "duration": "1ms"}],
    }
    run_id, task = await started(desk, [step])
    clinician = await house.desk("clinician", scope=desk.scope)
    await decide(clinician, task, decision="approve")
    rejected = await decide(desk, task, decision="reject", comment="too risky")
    assert rejected.json()["data"]["state"] == "rejected"
    run = await desk.ended(run_id)
    assert [step["id"] for step in run["steps"]] == ["agree", "no"]


async def test_who_started_a_run_does_not_approve_it(house: House, desk: Desk) -> None:
    step = {"id": "agree", "type": "approval", "title": "Well?", "fourEyes": True}
    run_id, task = await started(desk, [step])
    for path, body in (("decision", {"decision": "approve"}), ("claim", None)):
        answer = await desk.post(f"/api/tasks/{task['id']}/{path}", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "four_eyes")
    history = await desk.data(f"/api/tasks/{task['id']}/history")
    refused = [entry for entry in history if entry["action"] == "task.refused"]
    assert [entry["detail"] for entry in refused] == [{"reason": "four_eyes"}] * 2
    clinician = await house.desk("clinician", scope=desk.scope)
    assert (await decide(clinician, task, decision="approve")).status_code == 200
    assert (await desk.ended(run_id))["status"] == "succeeded"


@pytest.mark.parametrize("rule", [{"fourEyes": True}, {"differentFrom": ["write"]}])
async def test_duties_of_one_run_are_separate(
    house: House, desk: Desk, rule: dict[str, Any]
) -> None:
    steps = [
        {"id": "write", "type": "task", "title": "Write the summary"},
        {"id": "check", "type": "task", "title": "Check it", **rule},
    ]
    run_id, task = await started(desk, steps)
    author = await house.desk("clinician", scope=desk.scope)
    await decide(author, task, decision="complete", data={"text": "Home tomorrow"})
    check = await waiting(desk, run_id)
    refused = await decide(author, check, decision="approve")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "four_eyes")
    given = await desk.post(
        f"/api/tasks/{check['id']}/assign",
        {"to": {"user": task_holder(await desk.data(f"/api/tasks/{task['id']}"))}},
    )
    assert given.status_code == 403
    second = await house.desk("clinician", scope=desk.scope)
    assert (await decide(second, check, decision="approve")).status_code == 200


def task_holder(task: Any) -> str:
    return str(task["assignee"])


async def test_named_people_may_not_decide(house: House, desk: Desk) -> None:
    clinician = await house.desk("clinician", scope=desk.scope)
    names = {p["principal_id"] for p in await desk.services.identity.principals(desk.scope)}
    barred = next(name for name in names if name.startswith("clinician"))
    step = {"id": "ask", "type": "task", "title": "Well?", "notBy": "{{trigger.author}}"}
    _, task = await started(desk, [step], author=barred)
    assert (await decide(clinician, task, decision="approve")).status_code == 403
    assert (await decide(desk, task, decision="approve")).status_code == 200


async def test_an_expired_task_fails_its_step_and_is_closed(desk: Desk) -> None:
    step = {"id": "ask", "type": "task", "title": "Well?", "expires": "300ms"}
    await desk.deployed({"id": "flow", "steps": [step]})
    run = await desk.execute("flow", {})
    assert run["error"]["code"] == "task_expired"
    [task] = await desk.data("/api/tasks")
    assert task["status"] == "cancelled"


async def test_a_form_is_filled_once_by_its_link(desk: Desk) -> None:
    step = {
        "id": "ask",
        "type": "form",
        "title": "Consent",
        "form": FORM,
        "recipient": "Patient/{{trigger.patientId}}",
        "send": ["ada@example.org"],
        "prefill": {"agree": True},
    }
    patient = await desk.patient()
    run_id, _ = await started(desk, [step], patientId=patient)
    [message] = await desk.messages(run_id)
    assert message["to"] == ["ada@example.org"]
    assert patient not in message["text"]
    link = message["text"].split("https://careloom.hospital.example/form.html#")[1]
    path = f"/api/forms/{link}"
    stranger = desk.client
    form = (await stranger.get(path, headers={"Authorization": ""})).json()["data"]
    assert (form["title"], form["prefill"]) == ("Consent", {"agree": True})
    bad = await stranger.post(path, json={"data": {"agree": "yes"}}, headers={"Authorization": ""})
    assert bad.status_code == 422
    both = await asyncio.gather(
        *(stranger.post(path, json={"data": {"agree": True}}) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in both) == [200, 409, 409]
    output = output_of(await desk.ended(run_id), "ask")
    assert (output["by"], output["data"]) == (f"Patient/{patient}", {"agree": True})
    assert (await desk.get(f"/fhir/{output['response']}")).status_code == 200
    assert (await stranger.get(path)).status_code == 409
    for wrong in ("/api/forms/frm_x", path[:-1] + ("0" if path[-1] != "0" else "1")):
        assert (await stranger.get(wrong)).status_code == 404


async def test_a_rollback_withdraws_what_was_decided_and_deletes_the_response(desk: Desk) -> None:
    ask = {"id": "ask", "type": "form", "title": "Consent", "form": FORM}
    fail = {"id": "fail", "type": "wait", "until": "{{trigger.never}}"}
    flow = {"id": "flow", "onFailure": "rollback", "steps": [ask, fail]}
    await desk.deployed(flow)
    answer = await desk.post("/api/workflows/flow/execute", {"never": "soon"})
    run_id = answer.json()["data"]["runId"]
    task = await waiting(desk, run_id)
    await decide(desk, task, decision="complete", data={"agree": True})
    run = await desk.ended(run_id)
    assert run["status"] == "rolled_back"
    history = await desk.data(f"/api/tasks/{task['id']}/history")
    assert history[-1]["action"] == "task.withdraw"
    gone = await desk.get(f"/fhir/QuestionnaireResponse/{task['id']}")
    assert gone.status_code == 410
