"""PostgreSQL's file system is full for a while: what was acknowledged is there, every run ends."""

from __future__ import annotations

import pytest
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.full_disk import SmallDisk, fill_and_free
from tests.acceptance.kill.receiver import Receiver
from tests.acceptance.kill.tally import Tally

SEED = 20261122


async def test_a_full_disk_loses_nothing_that_was_acknowledged(
    receiver: Receiver, other_forks: Forks
) -> None:
    reason = SmallDisk.impossible()
    if reason is not None:
        pytest.skip(reason)
    tally = Tally()
    with SmallDisk.mounted() as disk:
        await fill_and_free(disk, receiver, other_forks, 2, SEED, tally)
    assert tally.all_faults == []
    assert tally.holding > 0, "the disk was never full"
