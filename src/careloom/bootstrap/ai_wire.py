"""Connects the AI room to the connections and to the FHIR store, which it does not know."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from careloom.ai.language.asking import ModelFailed, OpenWire
from careloom.ai.language.facts import ModelFacts
from careloom.ai.language.wire import Wire, WireAnswer, WireFailed
from careloom.ai.sessions.stream import Bell
from careloom.ai.tools.fhir_access import OpenRecords, Records
from careloom.connections.call import CallFailed
from careloom.connections.delivery import retry_after
from careloom.connections.gateway import Answer, Incoming, Refused
from careloom.connections.http_peer import HttpPeer
from careloom.connections.registry import Connections
from careloom.errors import NotFound
from careloom.fhir.restriction import Access
from careloom.fhir.store import FhirStore
from careloom.steps.fhir.elsewhere import FindStore
from careloom.store.notices import Notices
from careloom.types import JsonObject, Scope
from careloom.workflows.change import Change
from careloom.workflows.changes import Changes

_MOST_BYTES = 32 << 20
_PATIENCE_S = 60.0


class PeerWire:
    """A way to a model's provider through a connection of the store."""

    def __init__(self, peer: HttpPeer) -> None:
        self._peer = peer

    @asynccontextmanager
    async def exchange(
        self, method: str, target: str, headers: dict[str, str], content: bytes, *, timeout_s: float
    ) -> AsyncIterator[WireAnswer]:
        peer = replace(self._peer, timeout_s=timeout_s)
        opened = peer.open(method, target, headers=headers, content=content, most_bytes=_MOST_BYTES)
        try:
            async with opened as incoming:
                pause = retry_after(Answer(incoming.status, incoming.headers, b""))
                yield WireAnswer(incoming.status, incoming.headers, _body(incoming), pause)
        except CallFailed as error:
            raise _failed(error) from error
        except Refused as error:
            raise WireFailed(error.message, code=error.code, retryable=False, sent="no") from error


async def _body(incoming: Incoming) -> AsyncIterator[bytes]:
    try:
        async for chunk in incoming.body:
            yield chunk
    except CallFailed as error:
        raise _failed(error) from error


def _failed(error: CallFailed) -> WireFailed:
    return WireFailed(
        error.message,
        code=error.code,
        retryable=error.retryable,
        sent=error.sent,
        retry_after=error.retry_after,
    )


def open_wire(connections: Connections) -> OpenWire:
    """The way to a model by its connection."""

    async def open(scope: Scope, facts: ModelFacts) -> Wire:
        try:
            return PeerWire(await connections.http(scope, facts.connection))
        except NotFound as error:
            raise ModelFailed(
                f"The model {facts.name} is reached by the connection {facts.connection!r},"
                " which is not there",
                code="no_connection",
                retryable=False,
                sent="no",
            ) from error

    return open


class SeenRecords:
    """A FHIR store as the grants of a turn let it be seen."""

    def __init__(self, store: FhirStore, scope: Scope) -> None:
        self._store = store
        self._scope = scope

    async def read(self, resource_type: str, id: str) -> JsonObject:
        return await self._store.read(self._scope, resource_type, id)

    async def search(self, resource_type: str, query: list[tuple[str, str]]) -> JsonObject:
        return await self._store.search(self._scope, resource_type, query)

    async def check_write(self, method: str, resource: JsonObject) -> None:
        if method == "POST":
            await self._store.plan_create(self._scope, resource)
        else:
            await self._store.plan_update(self._scope, resource)


def open_records(fhir: FhirStore, find_store: FindStore) -> OpenRecords:
    """FHIR stores as a turn's principal sees them. The run's own is at hand; others are found."""

    async def open(scope: Scope, grants: tuple[str, ...], own: bool) -> Records:
        store = fhir if own else await find_store(scope)
        return SeenRecords(store.seen_by(Access(grants)), scope)

    return open


@asynccontextmanager
async def bell_of(
    scope: Scope, changes: Changes, notices: Notices, topic: str
) -> AsyncIterator[Bell]:
    """An event that is set when words of an answer came, or when a run of the tenant changed."""
    event = Bell()

    def ring(tenant: str) -> None:
        if tenant == scope.tenant:
            event.set()

    def wanted(change: Change) -> bool:
        return change.kind == "run" and change.store == scope.store

    notices.subscribe(topic, ring)
    subscription = await changes.subscribe(scope, wanted, None)

    async def follow() -> None:
        while await subscription.next(_PATIENCE_S) is not None:
            event.set()
        event.closed = True
        event.set()

    task = asyncio.create_task(follow(), name="careloom-session-bell")
    try:
        yield event
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        changes.unsubscribe(subscription)
        notices.unsubscribe(topic, ring)
