"""Links that people make: who made one answers for it, it buys little work, and tests send none."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from tests.integration.conftest import until
from tests.integration.tasks.test_filling import BMI, asked

from careloom.tasks import expressions, presenting
from careloom.tasks.turns import MOST_WAITING

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Mailbox, OpenHouse

FORM = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [{"linkId": "agree", "type": "boolean", "required": True}],
}
FILL = {"id": "fill", "type": "form", "title": "Consent", "form": FORM}
ANSWERS = {"data": {"agree": True}}


async def _waiting(desk: Desk, run: str, step: str) -> Any:
    """The open task of a step, once there is one."""

    async def look() -> Any:
        tasks = await desk.data(f"/api/tasks?status=open&run={run}")
        return next((one for one in tasks if one["path"].endswith(step)), None)

    return await until(look)


async def _started(desk: Desk, *steps: Any) -> str:
    await desk.deployed({"id": "flow", "steps": list(steps)})
    answer = await desk.post("/api/workflows/flow/execute", {})
    run: str = answer.json()["data"]["runId"]
    return run


async def _link(desk: Desk, task: Any, **given: Any) -> str:
    answer = await desk.post(f"/api/tasks/{task['id']}/link", given)
    assert answer.status_code == 201, answer.text
    return f"/api/forms/{answer.json()['data']['token']}"


def _said(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("rule", [{"fourEyes": True}, {"differentFrom": ["fill"]}])
async def test_who_made_the_link_has_decided_what_is_filled_by_it(
    house: House, desk: Desk, rule: dict[str, Any]
) -> None:
    run = await _started(desk, FILL, {"id": "ok", "type": "approval", "title": "OK?", **rule})
    coordinator = await house.desk("coordinator", scope=desk.scope)
    maker = (await coordinator.data("/api/me"))["principal"]
    form = await _waiting(desk, run, "fill")
    path = await _link(coordinator, form, filler="dr-somebody-else")
    assert (await desk.post(path, ANSWERS)).status_code == 200
    filled = await desk.data(f"/api/tasks/{form['id']}")
    assert filled["decidedBy"] == ["link:dr-somebody-else", maker]
    history = await desk.data(f"/api/tasks/{form['id']}/history")
    [decided] = [one for one in history if one["action"] == "task.completed"]
    assert decided["by"] == "link:dr-somebody-else"
    approval = await _waiting(desk, run, "ok")
    address = f"/api/tasks/{approval['id']}/decision"
    refused = await coordinator.post(address, {"decision": "approve"})
    assert _said(refused) == (403, "four_eyes")
    other = await house.desk("coordinator", scope=desk.scope)
    assert (await other.post(address, {"decision": "approve"})).status_code == 200


async def test_who_decided_before_is_barred_from_links_to_the_other_form(
    house: House, desk: Desk
) -> None:
    approval = {"id": "ok", "type": "approval", "title": "OK?", "differentFrom": ["fill"]}
    both = {"id": "both", "type": "parallel", "branches": {"a": [FILL], "b": [approval]}}
    run = await _started(desk, both)
    coordinator = await house.desk("coordinator", scope=desk.scope)
    form, task = await _waiting(desk, run, "fill"), await _waiting(desk, run, "ok")
    early = await _link(coordinator, form, filler="a patient")
    other = await _link(desk, form, filler="a patient")
    decision = {"decision": "approve"}
    decided = await coordinator.post(f"/api/tasks/{task['id']}/decision", decision)
    assert decided.status_code == 200, decided.text
    refused = await coordinator.post(f"/api/tasks/{form['id']}/link", {"filler": "a patient"})
    assert _said(refused) == (403, "four_eyes")
    assert _said(await desk.post(early, ANSWERS)) == (403, "four_eyes")
    assert (await desk.post(other, ANSWERS)).status_code == 200


async def test_a_filler_is_no_principal(house: House, desk: Desk) -> None:
    run = await _started(desk, FILL)
    coordinator = await house.desk("coordinator", scope=desk.scope)
    known = (await coordinator.data("/api/me"))["principal"]
    form = await _waiting(desk, run, "fill")
    refused = await desk.post(f"/api/tasks/{form['id']}/link", {"filler": known})
    assert _said(refused) == (422, "filler_is_principal")
    assert refused.json()["error"]["path"] == "/filler"
    path = await _link(desk, form)
    assert (await desk.post(path, ANSWERS)).status_code == 200
    assert (await desk.data(f"/api/tasks/{form['id']}"))["decidedBy"][0] == "link:link"


async def test_a_link_has_less_time_than_a_key(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, task, path = await asked(desk, BMI)
    monkeypatch.setattr(expressions, "LINK_SECONDS", -1.0)
    given = {"data": {"weight": 60, "height": 170}}
    assert (await desk.post(f"/api/tasks/{task}/calculate", given)).status_code == 200
    assert _said(await desk.post(f"{path}/calculate", given)) == (422, "form_too_costly")
    assert _said(await desk.post(path, given)) == (422, "form_too_costly")
    decision = {"decision": "complete", **given}
    assert (await desk.post(f"/api/tasks/{task}/decision", decision)).status_code == 200


async def test_a_link_gets_one_calculation_at_a_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, path = await asked(desk, BMI)
    go, at_once, most, work = threading.Event(), [0], [0], presenting.work_out

    def slow(*given: Any, **more: Any) -> Any:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go.wait(60)
        try:
            return work(*given, **more)
        finally:
            at_once[0] -= 1

    monkeypatch.setattr(presenting, "work_out", slow)
    given = {"data": {"weight": 60, "height": 170}}
    many = MOST_WAITING + 3
    calls = [asyncio.create_task(desk.post(f"{path}/calculate", given)) for _ in range(many)]

    async def refused() -> Any:
        done = [one for one in calls if one.done()]
        return done if len(done) == 2 else None

    try:
        early = [one.result() for one in await until(refused)]
    finally:
        go.set()
    assert [_said(one) for one in early] == [(429, "form_busy")] * 2
    answers = await asyncio.gather(*calls)
    assert sorted(one.status_code for one in answers) == [200] * (MOST_WAITING + 1) + [429] * 2
    assert most[0] == 1


async def test_reminders_and_escalations_of_a_test_are_captured(
    desk: Desk, mailbox: Mailbox, open_house: OpenHouse
) -> None:
    settings = {"from": "careloom@hospital.example"}
    body = {"kind": "email", "settings": settings, "secret": {"url": mailbox.url}}
    put = await desk.put("/api/connections/email", json=body)
    assert put.status_code == 200, put.text
    form = {**FILL, "send": "ada@example.org", "remind": {"every": "1s", "times": 1}}
    sla = {"due": "1s", "notify": "lead@example.org", "escalate": {"notify": "boss@example.org"}}
    task = {"id": "look", "type": "task", "title": "Look", "sla": sla}
    both = {"id": "both", "type": "parallel", "branches": {"a": [form], "b": [task]}}
    source = orjson.dumps({"workflow": {"id": "flow", "name": "F", "steps": [both]}}).decode()
    draft = (await desk.post("/api/drafts", {"source": source})).json()["data"]["id"]
    answer = await desk.post(f"/api/drafts/{draft}/test-run", {"input": {}, "effects": "store"})
    assert answer.status_code == 202, answer.text
    run = answer.json()["data"]["runId"]

    async def captured() -> Any:
        messages = await desk.messages(run)
        return messages if len(messages) >= 4 else None

    messages = await until(captured)
    assert {one["status"] for one in messages} == {"captured"}
    assert mailbox.mails == []
