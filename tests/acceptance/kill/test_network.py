"""The network to PostgreSQL is cut, or lets nothing through for longer than a lease."""

from __future__ import annotations

import random
from pathlib import Path

from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.cutting_proxy import CuttingProxy
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.tally import Tally
from tests.acceptance.kill.test_storm import QUICK
from tests.acceptance.kill.weather import NetworkStorm

SEED = 20261121
OUTAGES = 8


async def test_outages_of_the_network_lose_double_and_strand_nothing(
    clinic: Clinic, dsn: str, home: Path, other_forks: Forks
) -> None:
    proxy, tally = CuttingProxy(dsn), Tally()
    await proxy.start()
    other_forks.serve(proxy.dsn, home)
    try:
        storm = NetworkStorm(clinic, [(other_forks, proxy)], random.Random(SEED))
        await storm.blow(QUICK, OUTAGES, tally, beside=4)
    finally:
        await proxy.stop()
    assert tally.all_faults == []
    assert tally.kills == OUTAGES
    assert tally.runs > 0
