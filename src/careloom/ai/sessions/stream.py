"""What happens in a session, as server-sent events that can be taken up again.

Words come while a turn with `stream` goes on; when it has ended, its messages. An event's id is
`<turn>.<place>`, and `<turn>.end` behind a turn: who comes back with Last-Event-ID misses no
message.
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import orjson

from careloom.ai.sessions.conversations import Conversations, Turn
from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.types import JsonObject, Scope

BEAT_S = 15.0
_TOLD_EVERY_S = 0.1
_TOLD_AT = 160
_MOST_OPEN = 2000
_END = "end"
LookOn = Callable[[Scope], AbstractAsyncContextManager["Bell"]]
"""Rings for as long as it is open."""
MayGoOn = Callable[[], Awaitable[bool]]
"""Whether who listens may hear what comes now."""


class Bell(asyncio.Event):
    """Set whenever something in the tenant's sessions may have changed; `closed` with the house."""

    closed = False


@dataclass(slots=True)
class _Words:
    """Words of one answer that are still to be told."""

    call: int
    attempt: int
    text: str = ""
    told_at: float = field(default_factory=time.monotonic)


class Words:
    """Keeps the words of answers as they come, some at a time."""

    def __init__(self, db: Database, keyring: Keyring, ring: Callable[[str], None]) -> None:
        self._db = db
        self._keyring = keyring
        self._ring = ring
        self._open: OrderedDict[str, _Words] = OrderedDict()

    async def tell(
        self, scope: Scope, patient: str | None, run: str, call: int, attempt: int, words: str
    ) -> None:
        """Some more words of an answer of this run."""
        known = self._open.get(run)
        if known is None or (known.call, known.attempt) != (call, attempt):
            known = self._open[run] = _Words(call, attempt)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        known.text += words
        late = time.monotonic() - known.told_at >= _TOLD_EVERY_S
        if not late and len(known.text) < _TOLD_AT:
            return
        said = {"call": call, "attempt": attempt, "text": known.text}
        known.text, known.told_at = "", time.monotonic()
        place = _place(scope, run)
        sealed = await self._keyring.seal(scope.tenant, patient, place, orjson.dumps(said))
        await self._db.call(
            "ai_stream_add", scope.tenant, scope.store, run.removeprefix("run_"), sealed
        )
        self._ring(scope.tenant)

    async def read(self, scope: Scope, run: str, after: int) -> list[tuple[int, JsonObject]]:
        """The words of a run behind a place."""
        rows = await self._db.rows(
            "ai_stream_read", scope.tenant, scope.store, run.removeprefix("run_"), after
        )
        found = []
        for row in rows:
            plain = await self._keyring.open(scope.tenant, row["body"], _place(scope, run))
            found.append((row["seq"], orjson.loads(plain)))
        return found


class SessionStream:
    """The service behind /api/sessions/{id}/stream."""

    def __init__(
        self,
        conversations: Conversations,
        words: Words,
        look_on: LookOn,
    ) -> None:
        self._conversations = conversations
        self._words = words
        self._look_on = look_on

    async def follow(
        self, scope: Scope, session_id: str, last: str | None, seconds: float, may: MayGoOn
    ) -> AsyncGenerator[bytes, None]:
        """Events from now on, or behind the one that was received last, for so many seconds. It
        ends before the first event, or beat, that who listens may not hear."""
        until = time.monotonic() + seconds
        turn, place = _read_last(last)
        if last is None:
            known = await self._conversations.turns(scope, session_id, limit=100_000)
            ended = [one.number for one in known if not one.is_open]
            turn = max(ended, default=0)
        seen: dict[int, str] = {}
        async with self._look_on(scope) as bell:
            yield b"retry: 1000\n\n"
            while not bell.closed:
                bell.clear()
                for one in await self._conversations.turns(scope, session_id, after=turn):
                    async for event in self._of_turn(scope, session_id, one, place, seen):
                        if not await may():
                            return
                        yield event.text
                        place = event.place
                    if one.is_open:
                        break
                    turn, place = one.number, 0
                left = until - time.monotonic()
                if left <= 0:
                    return
                try:
                    async with asyncio.timeout(min(BEAT_S, left)):
                        await bell.wait()
                except TimeoutError:
                    if not await may():
                        return
                    yield b": beat\n\n"

    async def ended(self, scope: Scope, session_id: str, task_id: str, patience_s: float) -> bool:
        """Wait until the turn does not go on by itself; whether it came to that in time."""
        until = time.monotonic() + patience_s
        async with self._look_on(scope) as bell:
            while True:
                bell.clear()
                shown = await self._conversations.task(scope, session_id, task_id)
                if shown["status"] not in ("queued", "running"):
                    return True
                left = until - time.monotonic()
                if left <= 0 or bell.closed:
                    return False
                try:
                    async with asyncio.timeout(min(left, BEAT_S)):
                        await bell.wait()
                except TimeoutError:
                    continue

    async def _of_turn(
        self, scope: Scope, session_id: str, turn: Turn, place: int, seen: dict[int, str]
    ) -> AsyncIterator[_Event]:
        """What is new of one turn."""
        for number, said in await self._words.read(scope, f"run_{turn.run.hex}", place):
            place = number
            data = {"taskId": turn.task_id, **said}
            yield _Event(place, _event("delta", f"{turn.number}.{place}", data))
        if seen.get(turn.number) != turn.status and turn.is_open:
            seen[turn.number] = turn.status
            shown = await self._conversations.task(scope, session_id, turn.task_id)
            yield _Event(place, _event("task", f"{turn.number}.{place}", shown))
        if not turn.is_open:
            for message in await self._conversations.messages_of(scope, session_id, turn):
                yield _Event(place, _event("message", f"{turn.number}.{place}", message))
            shown = await self._conversations.task(scope, session_id, turn.task_id)
            yield _Event(place, _event("done", f"{turn.number}.{_END}", shown))


@dataclass(frozen=True, slots=True)
class _Event:
    place: int
    text: bytes


def _event(kind: str, place: str, data: JsonObject) -> bytes:
    return f"event: {kind}\nid: {place}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"


def _read_last(last: str | None) -> tuple[int, int]:
    """The turns that are over, and the place in the one after them."""
    if last is None:
        return 0, 0
    turn, _, place = last.partition(".")
    if not turn.isdecimal() or not (place == _END or place.isdecimal()):
        raise InvalidInput(
            "Last-Event-ID is not one of this stream", path="Last-Event-ID", code="event_id"
        )
    return (int(turn), 0) if place == _END else (int(turn) - 1, int(place))


def _place(scope: Scope, run: str) -> str:
    return f"{scope.store}|ai_stream|{run}"
