"""The database cuts replies, ends connections, is away: nothing is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
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
from tests.acceptance.kill.mortal_worker import TIMED
from tests.acceptance.kill.sweep import Survived, Sweep, Undisturbed

from careloom import bootstrap
from careloom.api.app import build_app
from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.store.database import Database

SEED = 20260102


class ArmingDatabase(Database):
    """Counts the calls inside the tenant and arms the proxy at one of them."""

    tenant = ""
    at = 0
    calls: list[str] = []  # noqa: RUF012 - one list for the one case at a time
    proxy: CuttingProxy

    async def _repeat(self, sql: str, *args: Any) -> Any:
        name = sql.rpartition("careloom.")[2].partition("(")[0]
        if args and args[0] == ArmingDatabase.tenant and not name.startswith(TIMED):
            ArmingDatabase.calls.append(name)
            if len(ArmingDatabase.calls) == ArmingDatabase.at:
                ArmingDatabase.proxy.arm()
        return await super()._repeat(sql, *args)

    @classmethod
    def expect(cls, tenant: str, at: int) -> None:
        cls.tenant, cls.at, cls.calls = tenant, at, []


@asynccontextmanager
async def worker_behind(proxy: CuttingProxy, home: Path) -> AsyncIterator[Services]:
    """A whole worker in this process, whose every connection goes through the proxy."""
    settings = Settings.from_environment(
        {
            "CARELOOM_HOME": str(home),
            "DATABASE_URL": proxy.dsn,
            "CARELOOM_OUTGOING_ALLOW": "127.0.0.1/32",
        }
    )
    async with open_services(settings, listen=False, lease=timedelta(seconds=5)) as services:
        yield services


@pytest.fixture
async def proxy(dsn: str) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(dsn)
    await proxy.start()
    yield proxy
    await proxy.stop()


async def _end(clinic: Clinic, sweep: Sweep, case: Case, where: str, expected: Undisturbed) -> Any:
    survived = Survived(f"{where} ({case.tenant})", where, killed=True, resume_ms=None)
    if case.kind.stops_at == "waiting":
        if not await clinic.reached(case, "waiting"):
            survived.stranded.append(f"{await clinic.state(case)} instead of waiting")
        await clinic.decide(case)
    if not await clinic.reached(case, "succeeded"):
        survived.stranded.append(str(await clinic.state(case)))
    await sweep.judge(case, survived, expected.outcome)
    return survived


@pytest.mark.parametrize("kind", [RADIOLOGY_WEBHOOK, REVIEW], ids=lambda kind: kind.name)
async def test_a_call_that_was_carried_out_though_its_reply_was_cut_counts_once(
    clinic: Clinic,
    forks: Forks,
    home: Path,
    proxy: CuttingProxy,
    kind: Kind,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = Sweep(clinic, forks, kind)
    expected = await sweep.undisturbed()
    monkeypatch.setattr(bootstrap, "Database", ArmingDatabase)
    ArmingDatabase.proxy = proxy
    faults: list[str] = []
    at, most = 1, len(expected.calls) + len(expected.calls_after)
    async with worker_behind(proxy, home):
        while at <= most:
            case = await clinic.prepared(kind)
            ArmingDatabase.expect(case.tenant, at)
            before = proxy.cuts
            await clinic.hand_in(case)
            survived = await _end(clinic, sweep, case, f"cut {at}", expected)
            if proxy.cuts == before:
                break
            faults += [f"{ArmingDatabase.calls[at - 1]}: {fault}" for fault in survived.faults]
            assert survived.duplicates == 0
            at += 1
    assert faults == []
    assert at > sum(call == "engine_flush" for call in expected.calls + expected.calls_after)


async def test_connections_that_the_server_ends_at_random_lose_and_double_nothing(
    clinic: Clinic, forks: Forks, home: Path, proxy: CuttingProxy
) -> None:
    kinds = (RADIOLOGY_WEBHOOK, REFERRAL, REVIEW)
    sweeps = {kind.name: Sweep(clinic, forks, kind) for kind in kinds}
    expected = {name: await sweep.undisturbed() for name, sweep in sweeps.items()}
    cases = [await clinic.prepared(kind) for kind in kinds for _ in range(3)]
    chance = random.Random(SEED)
    ended = 0
    async with worker_behind(proxy, home):

        async def terminate() -> None:
            nonlocal ended
            while True:
                victims = sorted(proxy.backends)
                chance.shuffle(victims)
                ended += await clinic.admin.fetchval(
                    "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))"
                    " FROM pg_stat_activity WHERE pid = ANY($1::int[])",
                    victims[: chance.randint(1, 3)],
                )
                await asyncio.sleep(chance.uniform(0.02, 0.2))

        storm = asyncio.create_task(terminate())
        for case in cases:
            await clinic.hand_in(case)
        survived = await asyncio.gather(
            *(
                _end(clinic, sweeps[case.kind.name], case, case.kind.name, expected[case.kind.name])
                for case in cases
            )
        )
        assert not storm.done()
        storm.cancel()
    assert [fault for one in survived for fault in one.faults] == []
    assert ended > 0


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
