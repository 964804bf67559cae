"""Births of runs by request: those that come at about the same time are one transaction.

While the worker has room it drives its runs at once, and their births go out with their first
commits (worker.begin). Else the run's row, lease and audit row and the check that its workflow has
not changed meanwhile are one call of their own (sql/flush.sql, run_births).
"""

from __future__ import annotations

import time
from datetime import datetime

from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.store.notices import Notices
from careloom.store.packed import lines
from careloom.workflows.engine.birth import Birth, born, columns
from careloom.workflows.engine.group_commit import Entry, GroupCommit
from careloom.workflows.engine.worker import Worker

_MOST, _BYTES = 500, 1 << 20
_APART_S = 5.0
"""So long births go by themselves after one was refused together with others: the clocks differ, or
the workflow that this process knows is not the newest."""
_Entry = Entry[Birth, datetime | None]


class Births:
    """Starts runs that have an id of their own and wait for nobody."""

    def __init__(self, db: Database, notices: Notices, worker: Worker | None) -> None:
        self._db = db
        self._notices = notices
        self._worker = worker
        self._group: GroupCommit[Birth, datetime | None] = GroupCommit(self._write, _take)
        self._apart_until = 0.0

    async def start(self, birth: Birth) -> datetime | None:
        """When the run was made; None when its workflow has another version by now, and nothing was
        written. Raises Unavailable when it is not known whether it was made."""
        worker = self._worker
        is_apart = time.monotonic() < self._apart_until
        if worker is not None and not is_apart and worker.room and worker.serves(birth.tenant):
            if await worker.begin(born(birth, birth.at), birth):
                return birth.at
            self._apart_until = time.monotonic() + _APART_S
        return await self._group.add(birth.tenant, birth)

    async def _write(self, tenant: str, entries: list[_Entry]) -> None:
        try:
            await self._make(tenant, entries)
        except Unavailable as error:
            if self._worker is not None:
                self._worker.doubt(tenant)
            for entry in entries:
                entry.fail(error)
        except CareloomError as error:
            # One that cannot be written must not keep the others from being born.
            if len(entries) == 1:
                entries[0].fail(error)
                return
            for entry in entries:
                await self._write(tenant, [entry])
        except Exception as error:
            for entry in entries:
                entry.fail(error)

    async def _make(self, tenant: str, entries: list[_Entry]) -> None:
        worker = self._worker
        room = worker.room if worker is not None and worker.serves(tenant) else 0
        births = [entry.item for entry in entries]
        made = await self._db.call(
            "run_births",
            tenant,
            worker.id if worker is not None else None,
            worker.lease if worker is not None else None,
            room,
            *columns(births),
            [birth.request for birth in births],
            lines([birth.said for birth in births]),
            None,
        )
        if made is None and len(entries) > 1:
            for entry in entries:
                await self._write(tenant, [entry])
            return
        for number, entry in enumerate(entries):
            if made is not None and worker is not None and number < room:
                worker.adopt(born(entry.item, made))
            entry.settle(made)
        if made is not None and len(entries) > room:
            self._notices.publish("runs", tenant)


def _take(waiting: list[_Entry]) -> list[_Entry]:
    size = count = 0
    for entry in waiting[:_MOST]:
        size += len(entry.item.sealed)
        if count and size > _BYTES:
            break
        count += 1
    taken = waiting[:count]
    del waiting[:count]
    return taken
