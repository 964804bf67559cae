"""A worker with control steps, for the tests of this room."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.integration.workflows.shapes import ShapesBench

from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.store.notices import Notices
from careloom.types import Scope


@pytest.fixture
async def shapes(
    database: Database, keyring: Keyring, dsn: str, scope: Scope
) -> AsyncIterator[ShapesBench]:
    """Its worker serves the test's own tenant only."""
    notices = Notices(dsn)
    await notices.start()
    bench = ShapesBench(database, keyring, notices, scope.tenant)
    await bench.worker.start()
    yield bench
    await bench.worker.stop(grace_s=1)
    await notices.stop()
