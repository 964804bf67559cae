"""A hundred workers killed at random moments while workflows of every shape run."""

from __future__ import annotations

import random

from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.every_shape import EVERY
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.storm import Storm
from tests.acceptance.kill.tally import Tally

SEED = 20261120
KILLS = 100
QUICK = [shape for shape in EVERY if shape.first == 1]


async def test_a_hundred_random_kills_lose_double_and_strand_nothing(
    clinic: Clinic, forks: Forks, other_forks: Forks
) -> None:
    tally = Tally()
    storm = Storm(clinic, [forks, other_forks], random.Random(SEED))
    await storm.blow(QUICK, KILLS, tally, beside=6)
    assert tally.all_faults == []
    assert tally.given_up <= 2
    assert tally.kills >= KILLS
    assert tally.holding >= KILLS // 4
    assert len(tally.resume_ms) == tally.holding
