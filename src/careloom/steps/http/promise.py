"""What is promised of a call's effect at the peer, and how it is kept over retries and crashes.

at-least-once and dedup: the call is made again under the same key. at-most-once: a call in doubt is
never made again by itself; a person says what became of it. verify: before a call is made again the
peer is asked whether it has the effect already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Protocol, TypeVar

from careloom.connections.call import CallFailed, Sent
from careloom.connections.call_ledger import CallLedger
from careloom.connections.gateway import Refused
from careloom.store.effect import Effect
from careloom.tasks.content import TaskContent
from careloom.types import JsonObject
from careloom.workflows.engine.ids import derived_id
from careloom.workflows.step import StepCall, StepError, StepResult, Wait

T = TypeVar("T")
Make = Callable[[], Awaitable[StepResult]]
"""Makes the call; raises StepError whose details say `sent`: no, refused or unknown."""
Verify = Callable[[], Awaitable[JsonObject | None]]
"""Asks the peer; the output when the effect is there, None when it is not."""


class _Ledgers(Protocol):
    @property
    def calls(self) -> CallLedger:
        """Where calls are written down before they are made."""


def step_error(error: CallFailed, **details: Any) -> StepError:
    """A call that failed, as the engine's retry policy reads it."""
    return StepError(
        error.message,
        code=error.code,
        retryable=error.retryable,
        retry_after=error.retry_after,
        details={"status": error.status, "sent": error.sent, **details},
    )


async def attempted(calling: Awaitable[T]) -> T:
    """The answer of a call; raises StepError that says whether the peer may have acted."""
    try:
        return await calling
    except CallFailed as error:
        raise step_error(error) from error
    except Refused as error:
        raise StepError(
            error.message, code=error.code, details={"fix": error.fix, "sent": "no"}
        ) from error


async def in_turn(call: StepCall, performing: Awaitable[StepResult]) -> StepResult:
    """The step's result; when its connection may not be called yet, a wait until it may, which uses
    up no attempt and holds nothing."""
    try:
        return await performing
    except StepError as error:
        if error.code != "rate_limited":
            raise
        return StepResult(wait=Wait(until=call.now + timedelta(seconds=error.retry_after or 1.0)))


class Promises:
    """Makes calls under a promise."""

    def __init__(self, connections: _Ledgers, content: TaskContent) -> None:
        self._connections = connections
        self._content = content

    async def keep(
        self, call: StepCall, promise: str, peer: str, make: Make, verify: Verify | None
    ) -> StepResult:
        """Make the call as the promise allows it."""
        if promise not in ("at-most-once", "verify"):
            return await make()
        ledger = self._connections.calls
        if call.resume is not None and "decision" in call.resume:
            if call.resume.get("approved"):
                return _settled(call, _taken_on_word(call))
            await ledger.ended(call.scope, call.key, asked=True)
        begun = await ledger.begin(call.scope, call.key, call.run_id, call.path)
        if begun.in_doubt and promise == "at-most-once":
            return await self._ask(call, peer, begun.round)
        if begun.in_doubt and verify is not None:
            found = await verify()
            if found is not None:
                return _settled(call, StepResult(output=found))
        try:
            return _settled(call, await make())
        except StepError as error:
            return await self._failed(call, promise, peer, error, begun.round)

    async def _failed(
        self, call: StepCall, promise: str, peer: str, error: StepError, round_: int
    ) -> StepResult:
        sent: Sent = error.details.get("sent", "unknown")
        if sent != "unknown":
            await self._connections.calls.ended(call.scope, call.key)
            error.effect.extend(_settle(call))
            raise error
        if promise == "at-most-once":
            return await self._ask(call, peer, round_)
        # The row stays begun: the next attempt asks the peer first.
        error.retryable = True
        raise error

    async def _ask(self, call: StepCall, peer: str, round_: int) -> StepResult:
        """Park the run and ask a person, who looks at the peer, what became of the call."""
        task_id = derived_id("doubt", call.scope.tenant, f"{call.key}:{round_}")
        content: JsonObject = {
            "title": f"Did the call of {call.path.removeprefix('steps/')} arrive?",
            "description": f"The answer of {peer} was lost, and the call is made at most once. Look"
            " there. Approve: it arrived, the run goes on. Reject: it did not, the call is made"
            " again.",
            "show": {"peer": peer, "key": call.key},
            "form": None,
            "ai": False,
        }
        sealed = await self._content.seal(call.scope, call.patient, task_id, "content", content)
        result = StepResult(wait=Wait(event=f"task:{task_id}"))
        result.effect.add("call.ask", key=call.key)
        result.effect.add(
            "task.create",
            id=str(task_id),
            run=call.run_id.removeprefix("run_"),
            path=call.path,
            iter=call.iteration,
            priority="urgent",
            queue="default",
            assignee=None,
            due=None,
            patient=call.patient,
            body=result.effect.add_body(sealed),
        )
        result.messages.append({"role": "system", "content": f"In doubt: {peer} did not answer"})
        return result


def _taken_on_word(call: StepCall) -> StepResult:
    resume = call.resume or {}
    data = resume.get("data")
    delivery = {"promise": "at-most-once", "attempt": call.attempt, "confirmedBy": resume.get("by")}
    output: JsonObject = {"status": None, "headers": {}, "body": data or None, "delivery": delivery}
    return StepResult(output=output)


def _settle(call: StepCall) -> Effect:
    effect = Effect()
    effect.add("call.settle", key=call.key)
    return effect


def _settled(call: StepCall, result: StepResult) -> StepResult:
    result.effect.extend(_settle(call))
    return result
