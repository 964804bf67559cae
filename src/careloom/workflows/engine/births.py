"""Births of runs by request: those that come at about the same time are one transaction.

The run's row, lease and audit row and the check that its workflow has not changed meanwhile are
one call (sql/flush.sql, run_births). While the worker has room it owns its runs at birth.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

import orjson

from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.store.notices import Notices
from careloom.store.packed import array, lines
from careloom.types import JsonObject
from careloom.workflows.engine.batch import Packer, audit_content
from careloom.workflows.engine.group_commit import Entry, GroupCommit
from careloom.workflows.engine.journal import RunState
from careloom.workflows.engine.worker import Worker

_MOST, _BYTES = 500, 1 << 20
_PACKERS: tuple[Packer, ...] = (
    *(array, lines, lines, array, lines, lines, lines),
    *(list, list, list, lines),
)


@dataclass(frozen=True, slots=True)
class Birth:
    """A run to be started: what its row says, its sealed input and what `trigger` shows."""

    fields: JsonObject
    sealed: bytes
    trigger: JsonObject


_Entry = Entry[Birth, datetime | None]


class Births:
    """Starts runs that have an id of their own and wait for nobody."""

    def __init__(self, db: Database, notices: Notices, worker: Worker | None) -> None:
        self._db = db
        self._notices = notices
        self._worker = worker
        self._group: GroupCommit[Birth, datetime | None] = GroupCommit(self._write, _take)

    async def start(self, tenant: str, birth: Birth) -> datetime | None:
        """When the run was made; None when its workflow has another version by now, and nothing was
        written. Raises Unavailable when it is not known whether it was made."""
        return await self._group.add(tenant, birth)

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
            *_columns(tenant, births),
        )
        if made is None and len(entries) > 1:
            for entry in entries:
                await self._write(tenant, [entry])
            return
        for number, entry in enumerate(entries):
            if made is not None and worker is not None and number < room:
                worker.adopt(_born(tenant, entry.item, made))
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


def _columns(tenant: str, births: list[Birth]) -> list[object]:
    """The arrays of run_births, from the ids on."""
    columns = zip(*(_row(tenant, birth) for birth in births), strict=True)
    return [pack(column) for pack, column in zip(_PACKERS, columns, strict=True)]


def _row(tenant: str, birth: Birth) -> tuple[object, ...]:
    fields = birth.fields
    actor, run, store = fields["actor"], fields["id"], fields["store"]
    request = actor.get("request_id")
    names = ("workflow", "version", "source")
    content = audit_content(
        tenant,
        store,
        "run.start",
        f"Run/{run}",
        {**actor, "run_id": run},
        {name: fields[name] for name in names},
        run,
        request,
    )
    return (
        run,
        store,
        fields["workflow"],
        fields["version"],
        fields["hash"],
        fields["source"],
        orjson.dumps(actor).decode(),
        fields["patient"],
        birth.sealed,
        request,
        content,
    )


def _born(tenant: str, birth: Birth, made: datetime) -> RunState:
    fields = birth.fields
    run_id = uuid.UUID(fields["id"])
    return RunState(
        tenant=tenant,
        store=fields["store"],
        run_id=run_id,
        fence=1,
        wakes=0,
        workflow_id=fields["workflow"],
        version=fields["version"],
        def_hash=fields["hash"],
        origin_run=run_id,
        source=fields["source"],
        actor=fields["actor"],
        patient=fields["patient"],
        trigger=birth.trigger,
        created_at=made,
    )
