"""Whatever operators do to runs in queues, nobody is stranded and no place is lost."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.integration.conftest import until

if TYPE_CHECKING:
    from tests.integration.conftest import Desk

RUNS = "/api/workflows/runs"
STEPS: list[dict[str, Any]] = [
    {"id": "nap", "type": "wait", "duration": "10ms"},
    {
        "id": "fail",
        "type": "fhir",
        "action": "read",
        "resourceType": "Patient",
        "resourceId": "absent",
        "when": "trigger.n = 3",
    },
    {"id": "again", "type": "wait", "duration": "5ms"},
]
ACTIONS = ("pause", "resume", "cancel", "pause", "resume", "retry")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_nobody_is_stranded(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    flow = {"id": "queue", "steps": STEPS, "orderBy": "{{trigger.patientId}}", "concurrency": 2}
    await desk.deployed(flow)
    names: list[str] = []

    async def arrive() -> None:
        for n in range(24):
            body = {"patientId": f"p{n % 4}", "n": n % 8}
            answer = await desk.post("/api/workflows/queue/execute", body)
            names.append(answer.json()["data"]["runId"])
            if n == 12:
                # The workflow queues by fewer keys from here on.
                await desk.deploy({**flow, "concurrency": 3, "name": "Another"})

    async def meddle() -> None:
        for _ in range(40):
            await asyncio.sleep(0)
            if not names:
                continue
            name, verb = dice.choice(names), dice.choice(ACTIONS)
            answer = await desk.post(f"{RUNS}/{name}/{verb}")
            assert answer.status_code in (202, 409, 422), answer.text
            if verb == "retry" and answer.status_code == 202:
                names.append(answer.json()["data"]["runId"])

    await asyncio.gather(arrive(), meddle(), meddle())

    async def all_ended() -> bool:
        for run in await desk.data(f"{RUNS}?status=paused&limit=500"):
            await desk.post(f"{RUNS}/{run['runId']}/resume")
        return not await desk.data(f"{RUNS}?status=running&limit=500")

    assert await until(all_ended)
    db, tenant = desk.services.db, desk.scope.tenant
    assert await db.query(tenant, "SELECT 1 FROM careloom.admission") == []
    assert await db.query(tenant, "SELECT 1 FROM careloom.live") == []
    assert await db.call("admission_sweep", tenant) == 0
