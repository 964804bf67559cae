"""kill -9 of the whole server and of its PostgreSQL while files come in over HTTP."""

from __future__ import annotations

import random
from pathlib import Path

from tests.acceptance.kill.receiver import Receiver
from tests.acceptance.kill.served import ServedHome

SEED = 20260103
KILLS = 4


async def test_every_acknowledged_upload_becomes_one_finished_run(
    tmp_path: Path, receiver: Receiver
) -> None:
    served = ServedHome(tmp_path / "home", receiver)
    try:
        await served.prepare()
        await served.storm(KILLS, random.Random(SEED))
        faults = await served.verdict()
        await served.stop()
    finally:
        await served.close()
    assert faults == []
    assert served.tally.server_kills + served.tally.postmaster_kills == KILLS
    assert served.tally.acknowledged
