"""A worker in this process whose way to PostgreSQL fails: replies cut, connections ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from tests.acceptance.kill.cases import Case, Clinic
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.sweep import Boundary, Survived, Sweep, Undisturbed

from careloom import bootstrap
from careloom.bootstrap import Services, open_services
from careloom.settings import Settings
from careloom.store.database import Database


class ArmingDatabase(Database):
    """Counts the calls inside one tenant and arms the proxy at one of them."""

    proxy: CuttingProxy
    tenant = ""
    boundary: Boundary | None = None
    count = 0

    async def _repeat(self, sql: str, *args: Any) -> Any:
        name = sql.rpartition("careloom.")[2].partition("(")[0]
        armed, boundary = ArmingDatabase, ArmingDatabase.boundary
        if args and args[0] == armed.tenant and boundary is not None and name == boundary.call:
            armed.count += 1
            if armed.count == boundary.at:
                armed.proxy.arm()
        return await super()._repeat(sql, *args)

    @classmethod
    def expect(cls, tenant: str, boundary: Boundary) -> None:
        """Arm at this call inside the tenant."""
        cls.tenant, cls.boundary, cls.count = tenant, boundary, 0


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
    ArmingDatabase.proxy = proxy
    with mock.patch.object(bootstrap, "Database", ArmingDatabase):
        async with open_services(settings, listen=False, lease=timedelta(seconds=5)) as services:
            yield services


async def cut_replies(
    clinic: Clinic,
    proxy: CuttingProxy,
    home: Path,
    sweep: Sweep,
    expected: Undisturbed,
    boundaries: list[Boundary],
) -> list[Survived]:
    """One case for each boundary, whose reply is cut; `killed` says that it was."""
    found = []
    async with worker_behind(proxy, home):
        for boundary in boundaries:
            case = await clinic.prepared(sweep.kind)
            ArmingDatabase.expect(case.tenant, boundary)
            before = proxy.cuts
            await clinic.hand_in(case)
            survived = await ended(clinic, sweep, case, f"reply cut of {boundary}", expected)
            survived.killed = proxy.cuts > before
            found.append(survived)
    return found


async def end_connections(
    clinic: Clinic,
    proxy: CuttingProxy,
    home: Path,
    cases: list[tuple[Case, Sweep, Undisturbed]],
    chance: random.Random,
) -> tuple[int, list[Survived]]:
    """Hand in all cases while the server ends the worker's connections at random; returns how
    many it ended, and what became of each case."""
    count = 0

    async def storm() -> None:
        nonlocal count
        while True:
            victims = sorted(proxy.backends)
            chance.shuffle(victims)
            count += await clinic.admin.fetchval(
                "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))"
                " FROM pg_stat_activity WHERE pid = ANY($1::int[])",
                victims[: chance.randint(1, 3)],
            )
            await asyncio.sleep(chance.uniform(0.02, 0.2))

    async with worker_behind(proxy, home):
        storming = asyncio.create_task(storm())
        for case, _, _ in cases:
            await clinic.hand_in(case)
        survived = await asyncio.gather(
            *(
                ended(clinic, sweep, case, "ended connections", expected)
                for case, sweep, expected in cases
            )
        )
        if storming.done():
            await storming
        storming.cancel()
    return count, list(survived)


async def ended(
    clinic: Clinic, sweep: Sweep, case: Case, what: str, expected: Undisturbed
) -> Survived:
    """Wait for the case's end, with the decision where it takes one, and judge it."""
    survived = Survived(f"{case.kind.name}: {what} ({case.tenant})", False, None)
    reached = True
    if case.kind.stops_at == "waiting":
        reached = await clinic.reached(case, "waiting")
        if reached:
            await clinic.decide(case)
    if not (reached and await clinic.reached(case, "succeeded")):
        survived.stranded.append(str(await clinic.state(case)))
    await sweep.judge(case, survived, expected.outcome)
    return survived
