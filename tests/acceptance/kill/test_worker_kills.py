"""kill -9 of the worker at the calls of both shipped workflows: the same end, everything once."""

from __future__ import annotations

import random

import pytest
from tests.acceptance.kill.cases import RADIOLOGY, RADIOLOGY_WEBHOOK, REFERRAL, REVIEW, Clinic, Kind
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.sweep import Baselines, Survived, Sweep

SEED = 20260101


def _faults(survived: list[Survived]) -> list[str]:
    return [fault for one in survived for fault in one.faults]


@pytest.mark.parametrize("kind", [RADIOLOGY, REFERRAL], ids=lambda kind: kind.name)
async def test_a_worker_killed_after_any_call_leaves_the_same_end(
    clinic: Clinic, forks: Forks, undisturbed_of: Baselines, kind: Kind
) -> None:
    undisturbed = await undisturbed_of(kind)
    sweep = Sweep(clinic, forks, kind)
    boundaries = undisturbed.boundaries()
    survived = await sweep.chain("after", boundaries, undisturbed)
    assert _faults(survived) == []
    killed = {str(one) for one, then in zip(boundaries, survived, strict=True) if then.killed}
    assert killed >= {str(one) for one in undisturbed.boundaries("engine_flush")}


@pytest.mark.parametrize("kind", [RADIOLOGY_WEBHOOK, REFERRAL, REVIEW], ids=lambda kind: kind.name)
@pytest.mark.parametrize("mode", ["before", "flight"])
async def test_a_worker_killed_before_or_during_a_call_leaves_the_same_end(
    clinic: Clinic, forks: Forks, undisturbed_of: Baselines, kind: Kind, mode: str
) -> None:
    undisturbed = await undisturbed_of(kind)
    sweep, chance = Sweep(clinic, forks, kind), random.Random(f"{SEED}{kind.name}{mode}")
    boundary = chance.choice(undisturbed.boundaries("engine_flush"))
    survived = await sweep.kill(mode, boundary, undisturbed, delay=chance.uniform(0, 0.006))
    assert survived.killed
    assert survived.faults == []


@pytest.mark.parametrize("mode", ["before", "flight", "after"])
async def test_a_decision_resumes_once_though_the_worker_that_takes_it_dies(
    clinic: Clinic, forks: Forks, undisturbed_of: Baselines, mode: str
) -> None:
    undisturbed = await undisturbed_of(REVIEW)
    sweep, chance = Sweep(clinic, forks, REVIEW), random.Random(f"{SEED}decided{mode}")
    boundary = chance.choice(undisturbed.boundaries("engine_flush", "engine_claim", decided=True))
    delay = chance.uniform(0, 0.006)
    survived = await sweep.kill(mode, boundary, undisturbed, delay=delay, decided=True)
    assert survived.killed
    assert survived.faults == []


async def test_a_message_in_doubt_is_sent_again_under_the_same_key(
    clinic: Clinic, forks: Forks, undisturbed_of: Baselines
) -> None:
    """The worker dies between the peer's answer and its own commit: the window that no engine can
    close. The receiver that deduplicates has one message, the other has two."""
    undisturbed = await undisturbed_of(RADIOLOGY_WEBHOOK)
    last = undisturbed.boundaries("engine_flush")[-1]
    sweep = Sweep(clinic, forks, RADIOLOGY_WEBHOOK)
    survived = await sweep.kill("before", last, undisturbed)
    assert survived.killed
    assert survived.faults == []
    assert survived.duplicates == 1


async def test_a_worker_that_was_paused_past_its_lease_is_fenced(
    clinic: Clinic, forks: Forks, other_forks: Forks, undisturbed_of: Baselines
) -> None:
    undisturbed = await undisturbed_of(RADIOLOGY_WEBHOOK)
    commits = undisturbed.boundaries("engine_flush")
    sweep = Sweep(clinic, forks, RADIOLOGY_WEBHOOK, lease_s=1)
    survived = [await sweep.pause(other_forks, one, undisturbed) for one in commits[-2:]]
    assert _faults(survived) == []
    assert survived[-1].duplicates == 1
