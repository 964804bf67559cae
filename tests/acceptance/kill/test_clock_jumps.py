"""A worker's clock jumps by an hour while a run goes on: it waits as long as it was told to."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.shape_runs import begun, ended, faults_of
from tests.acceptance.kill.weather import HOUR_S, NAP, NAP_S, TOO_EARLY, FakeClock


@pytest.mark.parametrize("jump", [HOUR_S, -HOUR_S], ids=["ahead", "back"])
async def test_a_wait_is_measured_by_no_clock_that_can_be_set(
    clinic: Clinic, dsn: str, home: Path, tmp_path: Path, jump: int
) -> None:
    """Stopped at the commit before the wait, and woken an hour away."""
    clock = FakeClock.at(tmp_path / "clock")
    if clock is None:
        pytest.skip("libfaketime is not installed")
    forks = Forks(dsn, home, clock.environment)
    await forks.start()
    try:
        case, run = await begun(clinic, NAP)
        worker = await forks.fork(case.tenant, lease=20, mode="pause", call="engine_flush", at=1)
        await worker.is_stopped()
        clock.jump(jump)
        worker.signal(signal.SIGCONT)
        state = await ended(clinic, case, run, NAP)
        await worker.kill()
    finally:
        await forks.stop()
    faults = await faults_of(clinic, case, NAP, state)
    assert [said for found in faults.values() for said in found] == []
    assert await clinic.admin.fetchval(TOO_EARLY, case.tenant, NAP_S) == 0
