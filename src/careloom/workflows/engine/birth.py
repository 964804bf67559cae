"""A run that is to be started, and what the database is told of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from careloom.audit.content import unnumbered
from careloom.store.packed import array, lines
from careloom.types import JsonObject
from careloom.workflows.engine.journal import RunState

Packer = Callable[[Iterable[Any]], Any]
_PACKERS: tuple[Packer, ...] = (array, lines, lines, array, lines, lines, lines, list, list)
_SAID = ("workflow", "version", "source")


@dataclass(frozen=True, slots=True)
class Birth:
    """A run to be started: what its row says, its sealed input and what `trigger` shows."""

    tenant: str
    fields: JsonObject
    sealed: bytes
    trigger: JsonObject
    at: datetime
    """When it was asked for."""

    @property
    def request(self) -> str | None:
        request: str | None = self.fields["actor"].get("request_id")
        return request

    @property
    def said(self) -> str:
        """What the audit row of the birth says, as audit_append (sql/audit.sql) takes it."""
        fields = self.fields
        run = fields["id"]
        return audit_content(
            self.tenant,
            fields["store"],
            "run.start",
            f"Run/{run}",
            {**fields["actor"], "run_id": run},
            {name: fields[name] for name in _SAID},
            run,
            self.request,
        )


@dataclass(slots=True)
class Birthing:
    """A birth that goes out with the first commit of its run, and who waits for it."""

    birth: Birth
    born: asyncio.Future[bool]
    is_over: bool = False

    def settle(self, is_born: bool) -> None:
        """The run is born, or nothing was written of it."""
        self.is_over = True
        if not self.born.done():
            self.born.set_result(is_born)

    def fail(self, error: Exception) -> None:
        """It is not known whether the run is born."""
        self.is_over = True
        if not self.born.done():
            self.born.set_exception(error)


def columns(births: Sequence[Birth]) -> list[Any]:
    """The arrays of run_births and engine_flush_born (sql/flush.sql), from ids to inputs."""
    rows = zip(*map(_row, births), strict=True)
    return [pack(column) for pack, column in zip(_PACKERS, rows, strict=True)]


def born(birth: Birth, made: datetime) -> RunState:
    """The run in memory, as its birth leaves it."""
    fields = birth.fields
    run_id = uuid.UUID(fields["id"])
    return RunState(
        tenant=birth.tenant,
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


def audit_content(
    tenant: str,
    store: str,
    action: str,
    entity: str,
    actor: JsonObject,
    detail: JsonObject,
    run: str | uuid.UUID,
    request: str | None = None,
) -> str:
    """What an audit row says, as audit_append (sql/audit.sql) takes it: no number, id or time, and
    without the last brace, so that they can be put behind it."""
    said = unnumbered(tenant, store, action, entity, actor, detail, run, request)
    return orjson.dumps(said)[:-1].decode()


def _row(birth: Birth) -> tuple[Any, ...]:
    fields = birth.fields
    return (
        fields["id"],
        fields["store"],
        fields["workflow"],
        fields["version"],
        fields["hash"],
        fields["source"],
        orjson.dumps(fields["actor"]).decode(),
        fields["patient"],
        birth.sealed,
    )
