"""kill -9 of the worker around an HTTP call: each promise holds, whatever the moment."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from tests.acceptance.kill.cases import ACTOR, Clinic
from tests.acceptance.kill.forks import Forks

from careloom.types import JsonObject, Scope

VERIFY = {"promise": "verify", "verify": {"url": "/orders"}}
MOMENTS = [
    ("before", "connection_read"),
    ("after", "connection_read"),
    ("before", "call_begin"),
    ("after", "call_begin"),
    ("before", "engine_flush"),
    ("after", "engine_flush"),
]
CASES = [
    (promise, mode, call)
    for promise in ("dedup", "at-most-once", "verify")
    for mode, call in MOMENTS
    if promise != "dedup" or call != "call_begin"
]


async def _started(clinic: Clinic, promise: str) -> tuple[Scope, str]:
    """A run that is due, in a tenant whose connection leads to the receiver."""
    services, scope = clinic.services, Scope(f"c{uuid.uuid4().hex[:10]}", "main")
    await services.db.call("tenant_create", scope.tenant, "Kill", "development")
    url = f"http://127.0.0.1:{clinic.receiver.http_port}/{scope.tenant}"
    connection = {"kind": "http", "settings": {"url": url}}
    await services.connections.put(scope, "lab", connection, ACTOR)
    step: JsonObject = {
        "id": "order",
        "type": "http",
        "connection": "lab",
        "method": "POST",
        "url": "/orders",
        "body": {"code": "CBC"},
        "response": "text",
        **(VERIFY if promise == "verify" else {"promise": promise}),
    }
    await services.deployment.deploy(scope, {"id": "order", "steps": [step]}, ACTOR)
    return scope, (await services.runs.start(scope, "order", {}, ACTOR))["runId"]


async def _ended(clinic: Clinic, scope: Scope, run_id: str) -> tuple[JsonObject, int]:
    """The run's end and how many decisions it took; a person looks at the peer and says so."""
    decisions = 0
    async with asyncio.timeout(60):
        while True:
            run = await clinic.services.runs.status(scope, run_id)
            if run["status"] not in ("running", "waiting"):
                return run, decisions
            for task in await clinic.services.tasks.page(scope, state="requested"):
                arrived = bool(clinic.receiver.of(scope.tenant).messages)
                decision: Any = {"decision": "approve" if arrived else "reject"}
                actor = {"principal": "dr-test", "kind": "user"}
                await clinic.services.tasks.decide(scope, task["id"], decision, actor)
                decisions += 1
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(("promise", "mode", "call"), CASES)
async def test_a_promise_holds_over_a_kill(
    clinic: Clinic, forks: Forks, promise: str, mode: str, call: str
) -> None:
    scope, run_id = await _started(clinic, promise)
    mortal = await forks.fork(scope.tenant, mode=mode, call=call, at=1, lease=1)
    assert (await mortal.ended()).signal == 9
    successor = await forks.fork(scope.tenant, lease=1)
    try:
        run, decisions = await _ended(clinic, scope, run_id)
    finally:
        await successor.kill()
    assert run["status"] == "succeeded", run["error"]
    delivered = clinic.receiver.of(scope.tenant)
    in_doubt = (mode, call) in (("after", "call_begin"), ("before", "engine_flush"))
    assert delivered.distinct == 1, "the key is the same"
    answer_lost = promise == "dedup" and (mode, call) == ("before", "engine_flush")
    assert delivered.duplicates == (1 if answer_lost else 0)
    assert decisions == (1 if promise == "at-most-once" and in_doubt else 0)
    left = await clinic.admin.fetchval(
        "SELECT count(*) FROM careloom.outgoing_call WHERE tenant = $1", scope.tenant
    )
    assert left == 0
