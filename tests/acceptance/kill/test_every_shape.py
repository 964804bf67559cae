"""Every shape ends as it says when nobody is killed: what the sweep of kills compares with."""

from __future__ import annotations

from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.every_shape import EVERY, MORE
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.shape_runs import begun, ended, faults_of


def test_there_are_forty_shapes_and_more() -> None:
    assert len({shape.name for shape in EVERY}) == len(EVERY) >= 40


async def test_every_shape_ends_as_it_says(clinic: Clinic, forks: Forks) -> None:
    begun_cases = [(shape, *await begun(clinic, shape)) for shape in MORE]
    tenants = [case.tenant for _, case, _ in begun_cases]
    worker = await forks.fork(tenants[0], also=tenants[1:], lease=2)
    faults: list[str] = []
    try:
        for shape, case, run in begun_cases:
            state = await ended(clinic, case, run, shape)
            found = await faults_of(clinic, case, shape, state)
            faults += [fault for kind in found.values() for fault in kind]
    finally:
        await worker.kill()
    assert faults == []
