"""`wait`: park the run for a duration or until a time. A row waits, no process does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.definition import parse_duration
from careloom.workflows.step import StepCall, StepError, StepResult, Wait


class WaitStep:
    """Waits for `duration` (`5m`, `PT5M`) or until `until` (ISO 8601 with a time zone)."""

    type = "wait"

    @property
    def schema(self) -> JsonObject:
        return load_schema("wait")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is not None:
            return StepResult(output={"waitedUntil": call.now.isoformat()})
        return StepResult(wait=Wait(until=_until(call)))


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
