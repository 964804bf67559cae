"""Random kill -9 of every part of the embedded server while rows are written."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

import psutil

from .conftest import Attached, processes_of, until, watcher_of

SEED = 20261120
ROUNDS = 12


def test_no_acknowledged_row_is_lost_whoever_is_killed(
    home: Path, attach: Callable[[], Attached]
) -> None:
    chance = random.Random(SEED)
    users = [attach(), attach()]
    users[0].sql("CREATE TABLE written (number int PRIMARY KEY)")
    for number in range(ROUNDS):
        kill_one(home, chance)
        if chance.random() < 0.3:
            users.pop(0).kill()
            users.append(attach())
        writer = chance.choice(users)
        # A reply that was cut leaves it open whether the row is there: so the repeat is harmless.
        writer.sql(f"INSERT INTO written VALUES ({number}) ON CONFLICT DO NOTHING")
    assert users[0].sql("SELECT count(*) FROM written") == str(ROUNDS)
    for user in users:
        user.detach()
    until(lambda: not processes_of(home))


def kill_one(home: Path, chance: random.Random) -> None:
    """Kill the watcher, the postmaster or any other process of the server."""
    with contextlib.suppress(psutil.NoSuchProcess, StopIteration, IndexError):
        chance.choice([watcher_of(home), *processes_of(home)]).kill()
