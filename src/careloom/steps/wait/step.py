"""`wait`: park the run for a duration, until a time, or until an event is sent. A row waits, no
process does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from careloom.errors import InvalidInput
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.definition import parse_duration
from careloom.workflows.signals import Signals, check_name, event_of, expire, lock_of, take
from careloom.workflows.step import StepCall, StepError, StepResult, Wait


class WaitStep:
    """Waits for `duration` (`5m`, `PT5M`), until `until` (ISO 8601 with a time zone), or for the
    event `event` with this `key`, at most for `timeout`."""

    type = "wait"

    def __init__(self, signals: Signals) -> None:
        self._signals = signals

    @property
    def schema(self) -> JsonObject:
        return load_schema("wait")

    async def execute(self, call: StepCall) -> StepResult:
        if "event" in call.input:
            return await self._event(call)
        if call.resume is not None:
            return StepResult(output={"waitedUntil": call.now.isoformat()})
        return StepResult(wait=Wait(until=_until(call)))

    async def _event(self, call: StepCall) -> StepResult:
        name, key = str(call.input["event"]), _key(call)
        if call.resume is None:
            try:
                check_name(name, key)
            except InvalidInput as error:
                raise StepError(error.message, code=error.code) from error
            until = None
            if call.timeout_s is not None:
                until = call.now + timedelta(seconds=call.timeout_s)
            return StepResult(
                wait=Wait(until=until, event=event_of(name, key)),
                effect=take(call, name, key),
                lock=lock_of(call.scope, name, key),
            )
        if call.resume.get("reason") == "time":
            raise StepError(
                f"No event {name!r} came within {call.timeout_s or 0:g} s",
                code="timed_out",
                effect=expire(call),
            )
        taken = await self._signals.taken(call)
        if taken is None:
            raise StepError("The event that ended the wait is not there", code="event_lost")
        if call.alias is not None:
            taken[call.alias] = taken["data"]
        return StepResult(output=taken)


def _key(call: StepCall) -> str:
    key = call.input.get("key")
    return "" if key is None else str(key)


def _until(call: StepCall) -> datetime:
    if "duration" in call.input:
        try:
            return call.now + timedelta(seconds=parse_duration(call.input["duration"]))
        except ValueError as error:
            raise StepError(str(error), code="wait_duration") from error
    try:
        until = datetime.fromisoformat(str(call.input.get("until")))
    except ValueError as error:
        raise StepError("`until` is not an ISO 8601 time", code="wait_until") from error
    if until.tzinfo is None:
        raise StepError(
            "`until` needs a time zone, for example 2026-01-31T08:00:00Z", code="wait_until"
        )
    try:
        return until.astimezone(UTC)
    except OverflowError as error:
        raise StepError(
            "`until` is before the year 1 or after the year 9999 in UTC", code="wait_until"
        ) from error
