"""kill -9 between what starts a run and the run: a schedule, a webhook, a quiet study."""

from __future__ import annotations

import base64
import hashlib
import hmac
import signal
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

import pytest
from tests.acceptance.kill.cases import ACTOR, RADIOLOGY, Case, Clinic
from tests.acceptance.kill.forks import Forks

from careloom.identity.principal import Principal
from careloom.samples.demo import demo_study
from careloom.types import JsonObject
from careloom.workflows.signatures import key_of

SEED = 20260101
NAP = {"id": "nap", "type": "wait", "duration": "1ms"}
TRIGGERS: dict[str, JsonObject] = {
    "schedule": {"type": "schedule", "cron": "0 0 1 1 *"},
    "webhook": {"type": "webhook", "path": "orders", "secret": "shop"},
    "study": {"type": "dicom", "event": "StudyStable", "quietPeriod": 1},
}


async def _new(clinic: Clinic, kind: str) -> Case:
    """A tenant with a workflow of this trigger."""
    case = Case(RADIOLOGY, f"k{uuid.uuid4().hex[:12]}")
    services = clinic.services
    await services.db.call("tenant_create", case.tenant, "Kill", "development")
    flow = {"id": kind, "trigger": TRIGGERS[kind], "steps": [NAP]}
    await services.deployment.deploy(case.scope, flow, ACTOR)
    return case


async def _schedule(clinic: Clinic, case: Case) -> None:
    """One nominal time that is due now, and none for months."""
    await clinic.admin.execute(
        "UPDATE careloom.schedule SET next_at = date_trunc('minute', now()), due_at = now()"
        " WHERE tenant = $1",
        case.tenant,
    )


async def _webhook(clinic: Clinic, case: Case) -> None:
    """A signed delivery that was acknowledged."""
    hooks, scope = clinic.services.triggers.webhooks, case.scope
    secret = (await hooks.put_secret(scope, "shop", None, timedelta(0), ACTOR))["secret"]
    endpoint = (await hooks.all(scope, ACTOR))["endpoint"]
    stamp, body = str(int(time.time())), b'{"order": 7}'
    headers = {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": _signed(secret, f"msg_1.{stamp}.".encode() + body),
    }

    async def nobody() -> Principal:
        raise AssertionError("no key is asked for")

    for _ in range(2):
        answer = await hooks.receive(endpoint, "orders", headers, body, nobody)
        assert answer["status"] == "accepted"


def _signed(secret: str, content: bytes) -> str:
    digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


async def _study(clinic: Clinic, case: Case) -> None:
    """A study that was quiet for long enough."""
    await clinic.services.dicom.store(case.scope, demo_study(), ACTOR, source="sample")
    await clinic.admin.execute(
        "UPDATE careloom.study_timer SET due_at = now() WHERE tenant = $1", case.tenant
    )


START: dict[str, Callable[[Clinic, Case], Awaitable[None]]] = {
    "schedule": _schedule,
    "webhook": _webhook,
    "study": _study,
}
COMMITS = [
    ("schedule", "schedules_fire"),
    ("webhook", "events_dispatch"),
    ("study", "studies_settle"),
    ("study", "events_dispatch"),
]
BOUNDARIES = [(*one, mode) for one in COMMITS for mode in ("before", "flight", "after")]
BOUNDARIES += [("schedule", "schedules_due", "after"), ("webhook", "events_take", "after")]


@pytest.mark.parametrize(("kind", "call", "mode"), BOUNDARIES)
async def test_a_kill_between_event_and_run_loses_and_doubles_nothing(
    clinic: Clinic, forks: Forks, kind: str, call: str, mode: str
) -> None:
    case = await _new(clinic, kind)
    await START[kind](clinic, case)
    delay = Random(f"{SEED}{kind}{call}").uniform(0, 0.006)
    mortal = await forks.fork(case.tenant, mode=mode, call=call, at=1, delay=delay)
    assert (await mortal.ended()).signal == signal.SIGKILL
    successor = await forks.fork(case.tenant)
    try:
        assert await clinic.reached(case, "succeeded"), await clinic.state(case)
    finally:
        await successor.kill()
    runs = "SELECT count(*) FROM careloom.run WHERE tenant = $1 AND workflow_id = $2"
    assert await clinic.admin.fetchval(runs, case.tenant, kind) == 1
    firings = "SELECT count(*) FROM careloom.firing WHERE tenant = $1"
    assert await clinic.admin.fetchval(firings, case.tenant) == (kind == "schedule")
    stable = "SELECT count(*) FROM careloom.event WHERE tenant = $1 AND name = 'StudyStable'"
    assert await clinic.admin.fetchval(stable, case.tenant) == (kind == "study")
    assert await clinic.outcome_faults(case) == []
