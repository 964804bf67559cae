"""Limits and order: never more runs at a time than asked for, and no message overtakes another."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import opened, until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

NAP: dict[str, Any] = {"id": "nap", "type": "wait", "duration": "20ms"}


def _flow(**more: Any) -> dict[str, Any]:
    then = {"id": "again", "type": "wait", "duration": "5ms"}
    return {"id": "queue", "steps": [NAP, then], **more}


async def _start(desk: Desk, body: dict[str, Any]) -> str:
    answer = await desk.post("/api/workflows/queue/execute", body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["runId"])


async def _spans(desk: Desk, names: list[str]) -> list[tuple[datetime, datetime, dict[str, Any]]]:
    """When the steps of each run began and ended, by its trace."""
    spans = []
    for name in names:
        run = await desk.ended(name)
        assert run["status"] == "succeeded", run
        began = min(datetime.fromisoformat(step["startedAt"]) for step in run["steps"])
        ended = max(datetime.fromisoformat(step["finishedAt"]) for step in run["steps"])
        spans.append((began, ended, run["trigger"]))
    return spans


def _most_at_once(spans: list[tuple[datetime, datetime, dict[str, Any]]]) -> int:
    marks = [(began, 1) for began, _, _ in spans] + [(ended, -1) for _, ended, _ in spans]
    now = most = 0
    for _, change in sorted(marks, key=lambda mark: (mark[0], mark[1])):
        now += change
        most = max(most, now)
    return most


async def _swept(desk: Desk) -> int:
    return int(await desk.services.db.call("admission_sweep", desk.scope.tenant))


async def _left(desk: Desk) -> int:
    rows = await desk.services.db.query(desk.scope.tenant, "SELECT run_id FROM careloom.admission")
    return len(rows)


@pytest.mark.parametrize("limit", [1, 3])
async def test_never_more_runs_at_a_time_than_the_limit(desk: Desk, limit: int) -> None:
    await desk.deployed(_flow(concurrency=limit))
    names = await asyncio.gather(*(_start(desk, {"n": n}) for n in range(15)))
    spans = await _spans(desk, list(names))
    assert _most_at_once(spans) <= limit
    assert await _left(desk) == 0
    assert await _swept(desk) == 0


async def test_a_limit_by_key_leaves_other_keys_alone(desk: Desk) -> None:
    limit = {"limit": 1, "key": "{{trigger.room}}"}
    await desk.deployed(_flow(concurrency=limit))
    bodies = [{"room": room, "n": n} for n in range(5) for room in "ab"]
    names = await asyncio.gather(*(_start(desk, body) for body in bodies))
    spans = await _spans(desk, list(names))
    for room in "ab":
        assert _most_at_once([span for span in spans if span[2]["room"] == room]) == 1
    assert _most_at_once(spans) <= 2
    assert await _swept(desk) == 0


async def test_messages_of_one_patient_never_reorder_and_others_run_beside_them(
    desk: Desk,
) -> None:
    await desk.deployed(_flow(orderBy="{{trigger.patientId}}"))
    patients = ["p1", "Patient/p1", "p2", "p3"]
    sent: dict[str, list[str]] = defaultdict(list)

    async def messages(patient: str) -> None:
        for n in range(6):
            name = await _start(desk, {"patientId": patient, "n": n})
            sent[patient.removeprefix("Patient/")].append(name)

    await messages(patients[0])
    await asyncio.gather(*(messages(patient) for patient in patients[1:]))
    for names in sent.values():
        spans = await _spans(desk, names)
        for (_, ended, _), (began, _, _) in pairwise(spans):
            assert ended <= began
    assert await _left(desk) == 0
    assert await _swept(desk) == 0


async def test_order_and_limit_together_hold_both(desk: Desk) -> None:
    await desk.deployed(_flow(orderBy="{{trigger.patientId}}", concurrency=2))
    bodies = [{"patientId": f"p{n % 4}", "n": n} for n in range(16)]
    names = [await _start(desk, body) for body in bodies]
    spans = await _spans(desk, names)
    assert _most_at_once(spans) <= 2
    for patient in range(4):
        own = spans[patient::4]
        assert all(a[1] <= b[0] for a, b in pairwise(own))
    assert await _left(desk) == 0
    assert await _swept(desk) == 0


async def test_two_processes_keep_to_the_same_queues(desk: Desk, house_env: dict[str, str]) -> None:
    await desk.deployed(_flow(orderBy="{{trigger.patientId}}", concurrency=3))
    async with opened(house_env) as second:
        client = await second.client(desk.key)
        beside = replace(desk, services=second.services, client=client)
        desks = [desk, beside]

        async def messages(patient: int) -> list[str]:
            who = {"patientId": f"p{patient}"}
            return [await _start(desks[(patient + n) % 2], {**who, "n": n}) for n in range(6)]

        sent = await asyncio.gather(*(messages(patient) for patient in range(8)))
        every = []
        for names in sent:
            spans = await _spans(desk, names)
            every += spans
            assert all(a[1] <= b[0] for a, b in pairwise(spans))
    assert _most_at_once(every) <= 3
    assert await _left(desk) == 0
    assert await _swept(desk) == 0


async def test_a_failed_or_cancelled_run_lets_the_next_go_on(desk: Desk) -> None:
    ask = {"id": "ask", "type": "task", "title": "?", "when": "trigger.n = 1"}
    fail = {"id": "fail", "type": "fhir", "action": "read", "when": "trigger.n = 0"}
    fail |= {"resourceType": "Patient", "resourceId": "absent"}
    flow = {"id": "queue", "orderBy": "{{trigger.patientId}}", "steps": [NAP, fail, ask]}
    await desk.deployed(flow)
    names = [await _start(desk, {"patientId": "p", "n": n}) for n in range(3)]
    assert (await desk.ended(names[0]))["status"] == "failed"
    await desk.reached(names[1], lambda run: run["status"] == "waiting")
    held = await desk.run(names[2])
    assert (held["held"], held["queuedBehind"]) == ("queued", {"order": names[1]})
    assert held["steps"] == []
    found = await desk.data("/api/workflows/runs?status=held")
    assert [run["runId"] for run in found] == [names[2]]
    assert (await desk.post(f"/api/workflows/runs/{names[1]}/cancel")).status_code == 202
    assert (await desk.ended(names[2]))["status"] == "succeeded"


async def test_a_paused_run_keeps_its_place_and_a_cancelled_one_in_the_queue_gives_it_up(
    desk: Desk,
) -> None:
    nap = {"id": "nap", "type": "wait", "duration": "200ms"}
    await desk.deployed({"id": "queue", "orderBy": "{{trigger.patientId}}", "steps": [nap]})
    first, second, third = [await _start(desk, {"patientId": "p", "n": n}) for n in range(3)]
    assert (await desk.post(f"/api/workflows/runs/{first}/pause")).status_code == 202
    assert (await desk.post(f"/api/workflows/runs/{second}/cancel")).status_code == 202
    assert (await desk.ended(second))["status"] == "cancelled"
    await desk.reached(first, lambda run: run["held"] == "paused")
    assert (await desk.run(third))["queuedBehind"] == {"order": first}
    assert (await desk.post(f"/api/workflows/runs/{first}/resume")).status_code == 202
    assert (await desk.ended(first))["status"] == "succeeded"
    assert (await desk.ended(third))["status"] == "succeeded"
    assert await _swept(desk) == 0


async def test_a_key_that_cannot_be_told_refuses_the_run(desk: Desk) -> None:
    await desk.deployed(_flow(orderBy="{{trigger.patientId}}"))
    answer = await desk.post("/api/workflows/queue/execute", {"n": 1})
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] in ("queue_key", "input_missing")


async def test_events_of_one_patient_are_handled_in_their_order(desk: Desk) -> None:
    trigger = {"type": "fhir", "event": "Observation.create"}
    order = "{{trigger.resource.subject.reference}}"
    await desk.deployed(_flow(trigger=trigger, orderBy=order, concurrency=5))
    patients = [await desk.patient() for _ in range(2)]
    for n in range(8):
        subject = {"reference": f"Patient/{patients[n % 2]}"}
        observation = {"resourceType": "Observation", "status": "final", "subject": subject}
        observation |= {"code": {"text": "t"}, "valueInteger": n}
        assert (await desk.post("/fhir/Observation", observation)).status_code == 201
    runs = await desk.runs_of("queue", 8)
    spans = await _spans(desk, [run["runId"] for run in runs])
    for patient in patients:
        own = [s for s in spans if s[2]["resource"]["subject"]["reference"].endswith(patient)]
        own.sort(key=lambda span: span[0])
        assert [s[2]["resource"]["valueInteger"] for s in own] == sorted(
            s[2]["resource"]["valueInteger"] for s in own
        )
        assert all(a[1] <= b[0] for a, b in pairwise(own))


async def test_the_sweep_frees_whoever_is_held_without_cause(desk: Desk) -> None:
    await desk.deployed(_flow(concurrency=1))
    services, tenant = desk.services, desk.scope.tenant
    name = await _start(desk, {})
    await desk.ended(name)
    await desk.deployed({"id": "asks", "steps": [{"id": "ask", "type": "task", "title": "?"}]})
    asks = (await desk.post("/api/workflows/asks/execute", {})).json()["data"]["runId"]
    await desk.reached(asks, lambda run: run["status"] == "waiting")
    sql = "UPDATE careloom.live SET hold = 1, due_at = 'infinity' RETURNING run_id"
    assert len(await services.db.query(tenant, sql)) == 1
    assert await _swept(desk) == 1

    async def looks() -> bool:
        return (await desk.run(asks))["held"] is None

    assert await until(looks)
