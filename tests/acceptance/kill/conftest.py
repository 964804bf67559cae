"""A clinic on a database of its own, a receiver, and a server of forks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.receiver import Receiver
from tests.acceptance.kill.sweep import Baselines
from tests.conftest import create_database

from careloom.bootstrap import open_services
from careloom.settings import Settings


@pytest.fixture(scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kill-home")


@pytest.fixture(scope="session")
async def dsn(server_dsn: str) -> str:
    """A database of these tests alone, whose master key lies in `home`."""
    return await create_database(server_dsn)


@pytest.fixture(scope="session")
async def clinic(dsn: str, home: Path, receiver: Receiver) -> AsyncIterator[Clinic]:
    settings = Settings.from_environment({"CARELOOM_HOME": str(home), "DATABASE_URL": dsn})
    async with open_services(
        settings, work=False, listen=False, lease=timedelta(seconds=2)
    ) as services:
        clinic = Clinic(services, receiver)
        await clinic.open()
        yield clinic
        await clinic.close()


@pytest.fixture(scope="session")
async def forks(dsn: str, home: Path, clinic: Clinic) -> AsyncIterator[Forks]:
    forks = Forks(dsn, home)
    await forks.start()
    yield forks
    await forks.stop()


@pytest.fixture(scope="session")
def undisturbed_of(clinic: Clinic, forks: Forks) -> Baselines:
    """What comes out when nobody is killed, by kind of case."""
    return Baselines(clinic, forks)


@pytest.fixture
async def other_forks(dsn: str, home: Path, clinic: Clinic) -> AsyncIterator[Forks]:
    """A second server of forks, for two workers at the same time."""
    forks = Forks(dsn, home)
    await forks.start()
    yield forks
    await forks.stop()
