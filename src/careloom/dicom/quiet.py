"""Studies that are complete as far as one can tell: nothing came for the quiet period.

Each arrival moves a timer that is a row (store/sql/studies.sql), so a restart waits on where it
was. When it is over the study has one event; what comes later begins a new period.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from careloom.store.database import Database
from careloom.store.duty import Duty
from careloom.types import JsonObject, Scope

BATCH = 200
MOST_LISTED = 1000
"""Instances that an event lists; their number is given in full."""


class StudyTimers:
    """Tells of the quiet studies of the tenants that it is woken for."""

    def __init__(
        self, db: Database, *, clock: Callable[[], datetime | None] = lambda: None
    ) -> None:
        self._db = db
        self._clock = clock
        self._duty = Duty("studies", self.settle)

    async def start(self) -> None:
        self._duty.start()

    async def stop(self) -> None:
        await self._duty.stop()

    def wake(self, tenant: str) -> None:
        """The tenant may have a study that is quiet."""
        self._duty.wake(tenant)

    async def settle(self, tenant: str) -> int:
        """One event for each study whose quiet period is over; returns how many there were."""
        count = int(await self._db.call("studies_settle", tenant, self._clock(), BATCH))
        if count:
            self._db.notify(tenant, "events")
        return count


async def stable_study(db: Database, scope: Scope, ref: JsonObject) -> JsonObject:
    """What `trigger.*` shows of a stable study: what came since it was told of last, and counts."""
    rows = await db.rows(
        "study_arrivals",
        scope.tenant,
        scope.store,
        ref["study"],
        ref["since"],
        ref["revision"],
        MOST_LISTED,
    )
    instances = [row["uri"] for row in rows]
    return {
        "event": "StudyStable",
        "study": ref["study"],
        "uri": ref["uri"],
        "file": instances[0] if instances else ref["uri"],
        "instances": instances,
        "instanceCount": ref["instanceCount"],
        "newInstances": ref["newInstances"],
        "seriesCount": ref["seriesCount"],
        "patientId": ref.get("patientId"),
        "imagingStudy": f"ImagingStudy/{ref['study']}",
        "again": ref["since"] > 0,
    }
