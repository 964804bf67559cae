"""The ledger: journal rows and effects of concurrent runs, grouped into one transaction a turn.

One flush is under way per tenant; what arrives meanwhile makes the next one. A lost reply is
settled by repeating the same call under the same batch id. A poison effect fails alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from dataclasses import dataclass
from datetime import timedelta

import orjson

from careloom.errors import CareloomError, Unavailable
from careloom.store.database import Database
from careloom.types import JsonObject
from careloom.workflows.engine.batch import Batch, Unit
from careloom.workflows.engine.group_commit import Entry, GroupCommit
from careloom.workflows.engine.lock_order import locks_of

__all__ = ["GIVE_UP_S", "OK", "EngineBroken", "Ledger", "Unit", "Verdict"]

log = logging.getLogger("careloom.ledger")
_JOURNAL_UNITS, _EFFECT_UNITS, _BYTES = 500, 48, 1 << 20
_AT_ONCE = 2
"""Calls of one tenant under way, of different runs: PostgreSQL writes one while the runs of the
other go on."""
_LONGEST_PAUSE_S = 1.0
GIVE_UP_S = 600.0
"""How long an outage of the database is sat out with runs in memory; then others may take them."""


class EngineBroken(Exception):
    """The database reports a bug or corruption; the worker must stop claiming."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """ok, exists, fenced, failed (with the SQLSTATE and the verdict's detail), lost, or unborn."""

    kind: str
    state: str | None = None
    detail: JsonObject | None = None
    effect: list[JsonObject] | None = None
    """What became of each operation of the unit's effect."""
    stop: bool = False
    """Somebody asked the run to stop."""

    @property
    def written(self) -> bool:
        return self.kind in ("ok", "again")


OK = Verdict("ok")
"""Written, and nothing else is to be said."""


_Waiting = Entry[Unit, Verdict]


class Ledger:
    """Commits units of one worker."""

    def __init__(self, db: Database, worker_id: str, lease: timedelta) -> None:
        self._db = db
        self._worker = worker_id
        self._lease = lease
        self._group: GroupCommit[Unit, Verdict] = GroupCommit(
            self._write_all, _take, at_once=_AT_ONCE
        )
        self.broken: EngineBroken | None = None

    def commit(self, tenant: str, unit: Unit) -> asyncio.Future[Verdict]:
        """Write the unit together with whatever else is ready; its own verdict."""
        return self._group.add(tenant, unit, unit.fields["r"])

    def waiting(self, tenant: str) -> int:
        """How many units wait for the batch under way."""
        return self._group.waiting(tenant)

    async def _write_all(self, tenant: str, entries: list[_Waiting]) -> None:
        if len({entry.owner for entry in entries}) < len(entries):
            entries = _newest(entries)
        born = [entry for entry in entries if entry.item.birth is not None]
        if born:
            await self._bear(tenant, entries, born)
        else:
            await self._write(tenant, entries)

    async def _bear(self, tenant: str, entries: list[_Waiting], born: list[_Waiting]) -> None:
        """Write births together with the other units. When that is refused, births are somebody
        else's to write, and the other units go without them; so they do when it is in doubt."""
        others = [entry for entry in entries if entry.item.birth is None]
        if locks_of(entry.item for entry in entries) is not None:
            entries, later = born, others
        else:
            later = []
        units, identity = [entry.item for entry in entries], uuid.uuid4()
        batch, kind = Batch(units, careful=False), "unborn"
        try:
            answer = await self._db.call(
                *("engine_flush_born", tenant, self._lease, *batch.born),
                *(self._worker, identity, *batch.arguments),
            )
            if answer is None or "unborn" not in answer:
                verdicts = [OK] * len(units) if answer is None else _verdicts(units, answer)
                await self._group.answer(tenant, entries, verdicts)
                others = later
                born = []
        except Unavailable:
            kind = "lost"
        except CareloomError as error:
            log.info("births were refused together: %s", error.code)
        except Exception as error:
            log.error("a commit with births failed: %s", type(error).__name__)
            kind = "lost"
        for entry in born:
            entry.settle(Verdict(kind))
        if others:
            await self._write(tenant, others, careful=kind == "lost", batch=identity)

    async def _write(
        self,
        tenant: str,
        entries: list[_Waiting],
        *,
        careful: bool = False,
        batch: uuid.UUID | None = None,
    ) -> None:
        """`batch`: of a call that was made for these units before, and whose end is not known."""
        try:
            units = [entry.item for entry in entries]
            verdicts = await self._call(tenant, units, careful, batch or uuid.uuid4())
        except Unavailable:
            for entry in entries:
                entry.settle(Verdict("lost"))
        except CareloomError as error:
            if careful:
                await self._bisect(tenant, entries, error)
            else:
                # Nothing was written; with a verdict for each unit it shows which is at fault.
                await self._write(tenant, entries, careful=True)
        except Exception as error:
            # A bug must not leave its runs waiting for a verdict while their leases are renewed.
            log.error("a commit failed: %s", type(error).__name__)
            for entry in entries:
                entry.settle(Verdict("lost"))
        else:
            await self._group.answer(tenant, entries, verdicts)

    async def _bisect(self, tenant: str, entries: list[_Waiting], error: CareloomError) -> None:
        """Find the unit that makes the whole batch fail; its neighbours commit."""
        state = str(error.details.get("sqlstate", ""))
        if state.startswith(("42", "XX")):
            # A bug or corruption is nobody's fault here: the runs keep their leases, and stay.
            log.critical("the database reports SQLSTATE %s; no more runs are claimed", state)
            self.broken = EngineBroken(f"SQLSTATE {state}")
            for entry in entries:
                entry.settle(Verdict("lost"))
            return
        if len(entries) == 1:
            entries[0].settle(Verdict("failed", state or error.code, {"message": error.message}))
            return
        middle = len(entries) // 2
        await self._write(tenant, entries[:middle], careful=True)
        await self._write(tenant, entries[middle:], careful=True)

    async def _call(
        self, tenant: str, units: list[Unit], careful: bool, batch: uuid.UUID
    ) -> list[Verdict]:
        locks = locks_of(units)
        arguments = Batch(units, careful=careful, locked=locks is not None).arguments
        pause, deadline = 0.05, asyncio.get_running_loop().time() + GIVE_UP_S
        while True:
            try:
                answer = await self._db.call(
                    "engine_flush" if locks is None else "engine_flush_locked",
                    tenant,
                    self._worker,
                    batch,
                    *arguments,
                    *(locks or ()),
                )
            except Unavailable:
                # In doubt: the fence lock of the repeat waits for the old transaction, and its
                # own batch id in the journal tells success from loss. Who lost the lease meanwhile
                # is fenced.
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                arguments = Batch(units, careful=True).arguments
                continue
            if answer is None:
                return [OK] * len(units)
            if "careful" not in answer:
                return _verdicts(units, answer)
            arguments = Batch(units, careful=True).arguments


def _newest(entries: list[_Waiting]) -> list[_Waiting]:
    """The entries without those of a lease that ran out here and was taken again here: what the run
    had under way is stale, and fenced."""
    newest: dict[str, int] = {}
    for entry in entries:
        fields = entry.item.fields
        newest[fields["r"]] = max(fields["f"], newest.get(fields["r"], 0))
    kept = []
    for entry in entries:
        if entry.item.fields["f"] < newest[entry.item.fields["r"]]:
            entry.settle(Verdict("fenced"))
        else:
            kept.append(entry)
    return kept


def _take(waiting: list[_Waiting]) -> list[_Waiting]:
    """The next batch within the caps; a larger unit goes alone."""
    effects = size = count = 0
    for entry in waiting[:_JOURNAL_UNITS]:
        birth = entry.item.birth
        size += sum(map(len, entry.item.blobs)) + (0 if birth is None else len(birth.sealed))
        effects += "ops" in entry.item.fields
        if count and (effects > _EFFECT_UNITS or size > _BYTES):
            break
        count += 1
    taken = waiting[:count]
    del waiting[:count]
    return taken


def _verdicts(units: list[Unit], answer: JsonObject) -> list[Verdict]:
    """A verdict for each unit; those that were plain have none of their own, they are written."""
    single = answer.get("units") or {}
    stopped = frozenset(answer.get("ctl") or ())
    return [
        _verdict(single[str(index)])
        if str(index) in single
        else Verdict("ok", stop=unit.fields["r"] in stopped)
        for index, unit in enumerate(units)
    ]


def _verdict(answer: JsonObject) -> Verdict:
    detail = answer.get("detail")
    return Verdict(
        answer["verdict"],
        answer.get("state"),
        orjson.loads(detail) if detail else None,
        answer.get("effect"),
        bool(answer.get("ctl")),
    )
