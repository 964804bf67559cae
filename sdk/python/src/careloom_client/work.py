"""Programs that do external work: poll, give signs of life, answer."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from careloom_client import operations
from careloom_client.errors import EngineError, Unreachable
from careloom_client.models import Work
from careloom_client.values import JsonObject

Handler = Callable[[Work], Awaitable[Any] | Any]
POLL_S = 30
_PAUSE_S = 2.0


class WorkFailed(Exception):
    """Raised by a handler: the work failed, for good unless `retryable`."""

    def __init__(self, message: str, *, code: str = "work_failed", retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class AsyncWorkOperations(operations.AsyncWork):
    """External work."""

    async def serve(self, queue: str, handler: Handler, *, concurrency: int = 1) -> None:
        """Do the work of a queue until cancelled, so many pieces at a time.

        The handler gets the work (`work.input`) and returns the result; a plain function runs in
        a thread. It raises WorkFailed to say how it failed; any other exception fails the work for
        now. When the work is no longer wanted the handler is cancelled.
        """
        await asyncio.gather(*(self._serve_one(queue, handler) for _ in range(concurrency)))

    async def _serve_one(self, queue: str, handler: Handler) -> None:
        while True:
            try:
                found = (await self.poll_work(queue, {"max": 1, "wait": POLL_S})).data
            except (Unreachable, EngineError) as error:
                if error.status not in (429, 502, 503, 504):
                    raise
                await asyncio.sleep(_PAUSE_S)
                continue
            for work in found:
                await self.do(work, handler)

    async def do(self, work: Work, handler: Handler) -> None:
        """Do one piece: signs of life while the handler works, then its answer."""
        doing = asyncio.ensure_future(_called(handler, work))
        living = asyncio.ensure_future(self._live(work, doing))
        try:
            result = await doing
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return
        except WorkFailed as error:
            await self._answer(work, error.code, str(error), error.retryable)
            return
        except Exception as error:
            # What was thrown may carry patient data: its type is all that is told.
            await self._answer(work, "program_failed", type(error).__name__, True)
            return
        finally:
            living.cancel()
            doing.cancel()
        with contextlib.suppress(EngineError):
            await self.complete_work(work.id, {"token": work.token, "result": result})

    async def _live(self, work: Work, doing: asyncio.Future[Any]) -> None:
        lease = datetime.fromisoformat(work.lease_until) - datetime.now(UTC)
        pause = max(lease.total_seconds() / 3, 0.05)
        while not doing.done():
            await asyncio.sleep(pause)
            with contextlib.suppress(EngineError):
                answer = await self.beat_work(work.id, {"token": work.token})
                if not answer.data.wanted:
                    doing.cancel()

    async def _answer(self, work: Work, code: str, message: str, retryable: bool) -> None:
        body: JsonObject = {"token": work.token, "code": code, "message": message}
        with contextlib.suppress(EngineError):
            await self.fail_work(work.id, {**body, "retryable": retryable})


async def _called(handler: Handler, work: Work) -> Any:
    if inspect.iscoroutinefunction(handler):
        return await handler(work)
    return await asyncio.to_thread(handler, work)
