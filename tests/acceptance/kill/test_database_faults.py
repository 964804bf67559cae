"""The database cuts replies, ends connections, is away: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.acceptance.kill.behind_proxy import cut_replies, end_connections, worker_behind
from tests.acceptance.kill.cases import (
    ACTOR,
    GIVE_UP_S,
    RADIOLOGY_WEBHOOK,
    REFERRAL,
    REVIEW,
    Case,
    Clinic,
    Kind,
    letter,
)
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.sweep import Baselines, Boundary, Sweep

from careloom.api.app import build_app
from careloom.bootstrap import Services

SEED = 20260102


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(dsn)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.mark.parametrize("kind", [RADIOLOGY_WEBHOOK, REVIEW], ids=lambda kind: kind.name)
async def test_a_call_that_was_carried_out_though_its_reply_was_cut_counts_once(
    clinic: Clinic,
    forks: Forks,
    home: Path,
    proxy: CuttingProxy,
    kind: Kind,
    undisturbed_of: Baselines,
) -> None:
    sweep = Sweep(clinic, forks, kind)
    expected = await undisturbed_of(kind)
    flushes = (expected.calls + expected.calls_after).count("engine_flush")
    boundaries = [Boundary("events_dispatch", 1)]
    boundaries += [Boundary("engine_flush", n) for n in range(1, flushes + 1)]
    if kind is REVIEW:
        boundaries.append(Boundary("engine_claim", 1))
    survived = await cut_replies(clinic, proxy, home, sweep, expected, boundaries)
    assert all(one.killed for one in survived)
    assert [fault for one in survived for fault in one.faults] == []
    assert sum(one.duplicates for one in survived) == 0


async def test_connections_that_the_server_ends_at_random_lose_and_double_nothing(
    clinic: Clinic, forks: Forks, home: Path, proxy: CuttingProxy, undisturbed_of: Baselines
) -> None:
    cases = []
    for kind in (RADIOLOGY_WEBHOOK, REFERRAL, REVIEW):
        sweep = Sweep(clinic, forks, kind)
        expected = await undisturbed_of(kind)
        cases += [(await clinic.prepared(kind), sweep, expected) for _ in range(3)]
    count, survived = await end_connections(clinic, proxy, home, cases, random.Random(SEED))
    assert [fault for one in survived for fault in one.faults] == []
    assert count > 0


async def test_a_store_that_is_down_acknowledges_nothing_and_recovers_by_itself(
    clinic: Clinic, home: Path, proxy: CuttingProxy
) -> None:
    case = await clinic.prepared(REFERRAL)
    patient = {"resourceType": "Patient", "name": [{"family": "Away"}]}
    async with worker_behind(proxy, home) as services, _client(services, case) as client:
        assert (await client.get("/health/ready")).status_code == 200
        proxy.refuse()
        refused = [
            await client.post("/fhir/Patient", json=patient),
            await client.put("/api/files/referrals/letter.pdf", content=letter()),
            await client.get("/fhir/Patient?family=Away"),
            await client.get("/health/ready"),
        ]
        assert [answer.status_code for answer in refused] == [503] * len(refused)
        assert [answer.headers.get("Retry-After") for answer in refused[:3]] == ["1"] * 3
        assert (await client.get("/health/live")).status_code == 200
        proxy.accept()
        async with asyncio.timeout(GIVE_UP_S):
            while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await client.get("/fhir/Patient?family=Away")).json()["total"] == 0
        assert (await client.post("/fhir/Patient", json=patient)).status_code == 201
        kept = await client.put("/api/files/referrals/letter.pdf", content=letter())
        assert kept.status_code == 201
        assert kept.json()["data"]["created"]
        assert await clinic.reached(case, "succeeded")
    outcome = await clinic.outcome(case)
    assert outcome.faults == []
    assert outcome.resources["ServiceRequest"] == 1


@asynccontextmanager
async def _client(services: Services, case: Case) -> AsyncIterator[httpx.AsyncClient]:
    """The real application, with a key of the case's tenant."""
    await services.identity.create_principal(
        case.scope, "tester", name="Tester", roles=["admin"], actor=ACTOR
    )
    issued = await services.identity.create_key(case.scope, "tester", actor=ACTOR)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=build_app(services)),
        base_url="http://test",
        headers={"Authorization": f"Bearer {issued.text}"},
    ) as client:
        yield client
