"""Warnings, escalation and reminders: each happens once, whoever fires it and whoever dies."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

from careloom.tasks.calendars import DAYS
from careloom.tasks.timers import TaskClock

if TYPE_CHECKING:
    from tests.integration.conftest import Desk, House, Mailbox, OpenHouse

ASK = {"id": "ask", "type": "task", "title": "Is this right?"}
FORM = {
    "resourceType": "Questionnaire",
    "status": "active",
    "item": [{"linkId": "agree", "type": "boolean", "required": True}],
}


async def asked(desk: Desk, step: dict[str, Any], **input: Any) -> Any:
    """The one open task of a new run."""
    await desk.deployed({"id": "flow", "steps": [step]})
    answer = await desk.post("/api/workflows/flow/execute", input)
    run_id = answer.json()["data"]["runId"]

    async def look() -> Any:
        return await desk.data(f"/api/tasks?status=open&run={run_id}")

    return (await until(look))[0]


async def actions(desk: Desk, task: Any, last: str) -> list[str]:
    """What happened to a task, once the last of it has."""

    async def look() -> list[str] | None:
        history = await desk.data(f"/api/tasks/{task['id']}/history")
        names = [entry["action"] for entry in history]
        return names if last in names else None

    return await until(look)


async def test_a_warning_then_others_get_it_and_are_told(house: House, desk: Desk) -> None:
    await desk.put("/api/groups/night", json={"members": []})
    lead = await house.desk("clinician", scope=desk.scope)
    names = {p["principal_id"] for p in await desk.services.identity.principals(desk.scope)}
    lead_id = next(name for name in names if name.startswith("clinician"))
    step = {
        **ASK,
        "sla": {
            "due": "300ms",
            "warnAt": "50%",
            "notify": ["#ward"],
            "escalate": [
                {"assign": "{{trigger.lead}}"},
                {"after": "200ms", "queue": "board", "notify": "lead@hospital.example"},
            ],
        },
    }
    patient = await desk.patient()
    task = await asked(desk, step, lead=lead_id, patientId=patient)
    happened = await actions(desk, task, "task.escalated")
    assert happened == ["task.create", "task.warning", "task.breached", "task.escalated"]
    shown = await lead.data(f"/api/tasks/{task['id']}")
    assert (shown["queue"], shown["sla"]["state"]) == ("board", "breached")
    messages = await desk.messages(task["runId"])
    told = sorted((message["to"][0], message["subject"]) for message in messages)
    assert told == [
        ("#ward", "A task is nearly due"),
        ("#ward", "A task is overdue"),
        ("lead@hospital.example", "A task is still overdue"),
    ]
    assert all(task["id"] in message["text"] for message in messages)
    mirror = (await desk.get(f"/fhir/Task/{task['id']}")).json()
    assert mirror["performerType"][0]["coding"][0]["code"] == "board"
    history = await desk.data(f"/api/tasks/{task['id']}/history")
    assert history[2]["detail"]["to"] == {"user": lead_id}


async def test_the_list_says_how_far_a_task_is(desk: Desk) -> None:
    calm = await asked(desk, {**ASK, "sla": {"due": "4h"}})
    assert calm["sla"]["state"] == "ok"
    assert 239 < calm["sla"]["minutesLeft"] <= 240
    warn, due = (datetime.fromisoformat(at) for at in (calm["sla"]["warnAt"], calm["due"]))
    assert (due - warn).total_seconds() == pytest.approx(0.2 * 4 * 3600)
    late = await asked(desk, {**ASK, "sla": {"due": "1ms"}})
    breached = await desk.data("/api/tasks?sla=breached")
    assert [task["id"] for task in breached] == [late["id"]]


async def test_many_clocks_fire_each_timer_once(desk: Desk) -> None:
    services = desk.services
    step = {**ASK, "sla": {"due": "1ms", "notify": ["#ward", "webhook"]}}
    task = await asked(desk, step)
    people = services.people
    clocks = [
        TaskClock(
            services.db,
            people.clock._content,
            people.clock._resources,
            people.clock._notifier,
            tenants=frozenset({desk.scope.tenant}),
        )
        for _ in range(5)
    ]
    await asyncio.gather(*(clock.tick() for clock in clocks * 3))
    happened = await actions(desk, task, "task.breached")
    assert sorted(happened) == ["task.breached", "task.create", "task.warning"]
    assert len(await desk.messages(task["runId"])) == 4


async def test_nobody_to_give_it_to_is_an_incident_and_the_others_are_told(desk: Desk) -> None:
    level = {"assign": "nobody", "notify": ["#ward"]}
    task = await asked(desk, {**ASK, "sla": {"due": "1ms", "escalate": level}})
    await actions(desk, task, "task.breached")
    incident = await desk.incident("task.escalation")
    assert "unknown_principal" in incident["cause"]
    assert [m["to"] for m in await desk.messages(task["runId"])] == [["#ward"]]


async def test_a_decided_task_has_no_timers(desk: Desk) -> None:
    task = await asked(desk, {**ASK, "sla": {"due": "1h", "escalate": {"queue": "board"}}})
    place = (desk.scope.tenant, desk.scope.store, uuid.UUID(task["id"]), 1)
    await desk.post(f"/api/tasks/{task['id']}/decision", {"decision": "approve"})
    await desk.ended(task["runId"])
    assert await desk.services.db.rows("task_timers_due", desk.scope.tenant, 10) == []
    await desk.services.db.call("task_timer_settle", *place, None)


async def test_a_calendar_counts_opening_hours(desk: Desk) -> None:
    never = {"timezone": "Europe/Berlin", "hours": {"mon": []}}
    always = {
        "timezone": "UTC",
        "hours": {day: ["00:00-24:00"] for day in DAYS},
    }
    await desk.put("/api/calendars/never", json=never)
    await desk.put("/api/calendars/always", json=always)
    sla = {"due": "30h", "calendar": "always"}
    task = await asked(desk, {**ASK, "sla": sla})
    assert task["sla"]["minutesLeft"] == pytest.approx(1800, abs=2)
    for name, code in (("never", "calendar_closed"), ("absent", "calendar_not_found")):
        read = {**ASK, "sla": {**sla, "calendar": "{{trigger.calendar}}"}}
        await desk.deployed({"id": name, "steps": [read]})
        run = await desk.execute(name, {"calendar": name})
        assert run["error"]["code"] == code
    refused = await desk.deploy(
        {"id": "slip", "steps": [{**ASK, "sla": {**sla, "calendar": "neve"}}]}
    )
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["fix"]) == (422, "E-CALENDAR", "write never")
    wrong = await desk.put("/api/calendars/bad", json={"timezone": "Mars", "hours": {"mon": []}})
    assert (wrong.status_code, wrong.json()["error"]["path"]) == (400, "/timezone")


async def test_a_reminder_brings_a_link_that_works(
    house: House, desk: Desk, mailbox: Mailbox, open_house: OpenHouse
) -> None:
    put = await desk.put(
        "/api/connections/email",
        json={
            "kind": "email",
            "settings": {"from": "careloom@hospital.example"},
            "secret": {"url": mailbox.url},
        },
    )
    assert put.status_code == 200, put.text
    step = {
        "id": "ask",
        "type": "form",
        "title": "Consent",
        "form": FORM,
        "send": "ada@example.org",
        "remind": {"every": "1s", "times": 1},
    }
    task = await asked(desk, step)

    async def mails() -> Any:
        return mailbox.mails if len(mailbox.mails) == 2 else None

    first, second = await until(mails)
    links = [
        "/api/forms/" + mail.get_content().split("careloom.hospital.example/form.html#")[1].strip()
        for mail in (first, second)
    ]
    assert links[0] != links[1]
    filled = await desk.post(links[1], {"data": {"agree": True}})
    assert filled.status_code == 200, filled.text
    assert (await desk.get(links[0])).status_code == 409
    assert {m["status"] for m in await desk.messages(task["runId"])} == {"sent"}
