"""/api/stream: what changes, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from careloom.api.authentication import PrincipalDep, authenticate
from careloom.api.services import services_of
from careloom.errors import CareloomError, InvalidInput, Unavailable
from careloom.identity.principal import Principal
from careloom.workflows.change import beat
from careloom.workflows.changes import LONGEST_GAP, Subscription, Wanted
from careloom.workflows.engine.ids import parse_run_name

router = APIRouter(prefix="/api", tags=["operation"])
_TOPICS = {
    "runs": ("run:read", frozenset({"run"})),
    "steps": ("run:read", frozenset({"step"})),
    "tasks": ("task:read", frozenset({"task"})),
    "messages": ("run:read", frozenset({"message"})),
    "incidents": ("workflow:read", frozenset({"incident"})),
    "workflows": ("workflow:read", frozenset({"workflow"})),
}
_RUN = re.compile(r"run:(run_[0-9a-f]{32})")
_OF_RUN = frozenset({"run", "step", "message"})
_MOST_TOPICS = 50
MOST_STREAMS, MOST_OF_ONE = 500, 32
"""Streams that a process holds open, in all and for one principal."""
BEAT_S = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_RETRY_MS = 2000


class OpenStreams:
    """The streams of this process: how many, of whom, and their common end."""

    def __init__(self) -> None:
        self._open: set[Subscription] = set()
        self._of: Counter[tuple[str, str]] = Counter()
        self._is_closing = False

    def enter(self, principal: Principal) -> tuple[str, str]:
        """Take a place for one more; raises Unavailable when there is none."""
        whose = principal.tenant, principal.id
        if self._is_closing or self._of.total() >= MOST_STREAMS:
            raise Unavailable("No more streams are held open here", code="too_many_streams")
        if self._of[whose] >= MOST_OF_ONE:
            raise Unavailable(
                f"This key holds {MOST_OF_ONE} streams open already",
                code="too_many_streams",
                fix="close some; one stream takes several topics",
            )
        self._of[whose] += 1
        return whose

    def leave(self, whose: tuple[str, str]) -> None:
        self._of[whose] -= 1
        if not self._of[whose]:
            del self._of[whose]

    def add(self, subscription: Subscription) -> None:
        self._open.add(subscription)

    def discard(self, subscription: Subscription) -> None:
        self._open.discard(subscription)

    def close(self) -> None:
        """End them all, so that the server can stop; clients come again elsewhere."""
        self._is_closing = True
        for subscription in self._open:
            subscription.close()


@router.get("/stream", operation_id="streamChanges")
async def stream_changes(
    request: Request,
    principal: PrincipalDep,
    topics: str | None = Query(None, max_length=4000, description="Topics, with commas between"),
    last: str | None = Query(
        None, alias="lastEventId", max_length=30, description="As the header Last-Event-ID"
    ),
    seconds: int = Query(3600, ge=0, le=3600, description="The stream ends after so many"),
) -> Response:
    """What changes in runs, steps, tasks, messages, incidents and workflows, as it is committed:
    ids and states. A client that comes again with Last-Event-ID misses nothing."""
    wanted = await _wanted(request, principal, topics)
    place = _place(request.headers.get("last-event-id") or last)
    streams: OpenStreams = request.app.state.streams
    changes = services_of(request).changes
    async with AsyncExitStack() as stack:
        stack.callback(streams.leave, streams.enter(principal))
        subscription = await changes.subscribe(principal.scope, wanted, place)
        stack.callback(changes.unsubscribe, subscription)
        streams.add(subscription)
        stack.callback(streams.discard, subscription)
        listener = Listener(request, principal, BEAT_S)
        return HeldStream(_events(listener, subscription, seconds), stack.pop_all())


class Listener:
    """Who listens to a stream, asked for again while it is open."""

    def __init__(self, request: Request, principal: Principal, every_s: float) -> None:
        self._request = request
        self._known = _standing(principal)
        self._every_s = every_s
        self._asked = time.monotonic()

    async def may_go_on(self) -> bool:
        """Whether the credential still is what it was when the stream began: in the same store,
        with the same grants. Looked up again once `every_s` have passed since the last time.

        Who gained or lost a grant comes again, and is let in by what holds then."""
        if time.monotonic() - self._asked < self._every_s:
            return True
        self._asked = time.monotonic()
        try:
            return _standing(await authenticate(self._request)) == self._known
        except CareloomError:
            return False


def _standing(principal: Principal) -> tuple[object, ...]:
    return principal.id, principal.kind, principal.scope, frozenset(principal.grants)


class HeldStream(StreamingResponse):
    """Gives back what it holds however it ends, also before its first line."""

    def __init__(self, events: AsyncIterator[bytes], held: AsyncExitStack) -> None:
        super().__init__(events, media_type="text/event-stream", headers=_HEADERS)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


async def _events(
    listener: Listener, subscription: Subscription, seconds: int
) -> AsyncIterator[bytes]:
    """The stream itself. It ends when the listener may no longer hear it, before the next event."""
    end = time.monotonic() + seconds
    yield f"retry: {_RETRY_MS}\n".encode() + beat(subscription.first)
    while True:
        chunk = await subscription.next(max(0.0, min(BEAT_S, end - time.monotonic())))
        if chunk is None or not await listener.may_go_on():
            return
        yield chunk
        if time.monotonic() >= end:
            return


async def _wanted(request: Request, principal: Principal, topics: str | None) -> Wanted:
    """Which changes the topics mean; raises Forbidden, or InvalidInput for an unknown topic."""
    if not any(principal.allows(permission) for permission, _ in _TOPICS.values()):
        principal.refuse("run:read")
    names = [name for name in (topics or "").split(",") if name]
    if not names or len(names) > _MOST_TOPICS:
        raise InvalidInput(
            f"A stream takes 1 to {_MOST_TOPICS} topics",
            path="topics",
            fix=f"name some of {', '.join(_TOPICS)}, run:<run id>, with commas between",
        )
    kinds: set[str] = set()
    runs: set[uuid.UUID] = set()
    for name in names:
        if name in _TOPICS:
            permission, told = _TOPICS[name]
            principal.require(permission)
            kinds |= told
        elif found := _RUN.fullmatch(name):
            principal.require("run:read")
            await services_of(request).runs.known(principal.scope, found[1])
            runs.add(parse_run_name(found[1]))
        else:
            raise InvalidInput(
                f"There is no topic {name[:60]!r}",
                path="topics",
                fix=f"name some of {', '.join(_TOPICS)}, run:<run id>, with commas between",
            )
    of_run = _OF_RUN | ({"task"} if principal.allows("task:read") else set())
    return lambda change: change.kind in kinds or (change.run in runs and change.kind in of_run)


def _place(text: str | None) -> int | None:
    """The id that a client was told last; one that is not ours is as good as a long gap."""
    if text is None:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -LONGEST_GAP - 1
