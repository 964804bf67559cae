"""Decisions and timers of human tasks under SIGKILL: each counts once, whoever died over it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from tests.acceptance.kill.cases import ACTOR, REFERRAL, Case, Clinic
from tests.acceptance.kill.forks import Forks

from careloom.errors import Conflict
from careloom.types import JsonObject

ASK = """
workflow:
  id: ask
  name: Ask somebody
  trigger: {type: manual}
  steps:
    - id: ask
      type: task
      title: Is this right?
      mirror: true
      sla:
        due: 1ms
        notify: webhook
        escalate:
          - {queue: board}
          - {after: 200ms, queue: directors}
"""
CALM = ASK[: ASK.index("      sla:")]
ACTIONS = Counter(["task.create", "task.warning", "task.breached", "task.escalated"])
FIRING = [
    (mode, call, at)
    for call, count in (
        ("effect_commit", 3),
        ("message_take", 1),
        ("message_settle", 1),
        ("task_timer_settle", 1),
    )
    for at in range(1, count + 1)
    for mode in ("before", "after")
]


async def _started(clinic: Clinic, text: str) -> tuple[Case, JsonObject]:
    case = await clinic.prepared(REFERRAL)
    await clinic.services.deployment.deploy(case.scope, text, ACTOR)
    started = await clinic.services.runs.start(case.scope, "ask", {}, ACTOR)
    return case, started


async def _task(clinic: Clinic, case: Case) -> JsonObject:
    [task] = await clinic.services.tasks.page(case.scope)
    return task


async def _happened(clinic: Clinic, case: Case) -> Counter[str]:
    task = await _task(clinic, case)
    history = await clinic.services.tasks.history(case.scope, task["id"])
    return Counter(entry["action"] for entry in history)


async def _until(look: Any) -> None:
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("mode", "call", "at"), FIRING)
async def test_a_worker_killed_over_a_timer_leaves_it_to_another_once(
    clinic: Clinic, forks: Forks, mode: str, call: str, at: int
) -> None:
    case, _ = await _started(clinic, ASK)
    mortal = await forks.fork(case.tenant, mode=mode, call=call, at=at)
    assert (await mortal.ended()).signal == 9
    # As if the seconds were over for which the dead had taken the message.
    await clinic.admin.execute(
        "UPDATE careloom.message SET receipt = '{}' WHERE tenant = $1 AND state = 'pending'",
        case.tenant,
    )
    heir = await forks.fork(case.tenant)
    try:

        async def settled() -> bool:
            left = await clinic.admin.fetchval(
                "SELECT count(*) FROM careloom.task_timer WHERE tenant = $1", case.tenant
            )
            return not left and (await _happened(clinic, case))["task.escalated"] > 0

        await _until(settled)
    finally:
        await heir.kill()
    assert await _happened(clinic, case) == ACTIONS
    task = await _task(clinic, case)
    assert task["queue"] == "directors"
    mirror = await clinic.services.fhir.read(case.scope, "Task", task["id"])
    assert mirror["meta"]["versionId"] == "3"
    messages = await clinic.services.messages.page(case.scope, run=None)
    assert [message["status"] for message in messages] == ["sent"] * 3
    assert clinic.receiver.of(case.tenant).distinct == 3
    assert await clinic.outcome_faults(case) == []


@pytest.mark.parametrize("mode", ["before", "flight", "after"])
async def test_a_server_killed_over_a_decision_has_decided_or_not(
    clinic: Clinic, forks: Forks, mode: str
) -> None:
    case, started = await _started(clinic, CALM)
    worker = await forks.fork(case.tenant, until="waiting")
    await worker.ended()
    task = await _task(clinic, case)
    more = {"mode": mode, "call": "effect_commit", "at": 1, "delay": 0.0}
    server = await forks.fork(case.tenant, decide=task["id"], **more)
    assert (await server.ended()).signal == 9
    try:
        await _again(clinic, case, task)
    except Conflict:
        assert mode != "before"
    worker = await forks.fork(case.tenant, until="succeeded")
    await worker.ended()
    assert await clinic.run_reached(case, started["runId"], "succeeded")
    assert (await _happened(clinic, case))["task.completed"] == 1
    mirror = await clinic.services.fhir.read(case.scope, "Task", task["id"])
    assert (mirror["status"], mirror["meta"]["versionId"]) == ("completed", "2")
    assert await clinic.outcome_faults(case) == []


async def _again(clinic: Clinic, case: Case, task: JsonObject) -> None:
    """The person presses once more, as people do when no answer came."""
    actor = {"principal": "dr-test", "kind": "user"}
    await clinic.services.tasks.decide(case.scope, task["id"], {"decision": "approve"}, actor)
