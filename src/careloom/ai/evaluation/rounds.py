"""Rounds over evaluations and gates: what a process left behind when it ended is gone on with.

An evaluation whose process is gone is taken up, and gates are held against what is deployed where
something changed since they were looked at. A round that finds nothing costs a few small queries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from careloom.ai.evaluation.evaluations import Evaluations
from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.store.duty import look_on

log = logging.getLogger("careloom.evaluation")
_ROUND_S = 10.0
Look = Callable[[str], Awaitable[None]]
"""Reconsiders the gates of a tenant."""


class Rounds:
    """Runs beside the workers of runs; the first round is made at the start."""

    def __init__(
        self, db: Database, evaluations: Evaluations, look: Look, serves: Callable[[str], bool]
    ) -> None:
        self._db = db
        self._evaluations = evaluations
        self._look = look
        self._serves = serves

    async def run(self, stop: asyncio.Event) -> None:
        """Go round until told to stop."""
        await look_on(stop, self.once, _ROUND_S, log, "a round over evaluations")

    async def once(self) -> None:
        """One round. Gates first: what is not measured must not be trusted for longer."""
        for row in await self._db.rows("tenants_measured", ""):
            if self._serves(row["tenant"]):
                await self._of(row["tenant"])

    async def _of(self, tenant: str) -> None:
        try:
            await self._look(tenant)
            await self._evaluations.take_up(tenant)
        except Unavailable:
            raise
        except Exception as error:
            # One tenant's fault must not keep the others from their round.
            code = error.code if isinstance(error, CareloomError) else type(error).__name__
            log.error("a round over a tenant's evaluations failed: %s", code)
