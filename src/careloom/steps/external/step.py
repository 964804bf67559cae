"""`external`: a program of one's own does it. The work and the wait commit together; the answer
wakes the run in the transaction that records it."""

from __future__ import annotations

from datetime import timedelta

import orjson

from careloom.steps.schema import load_schema
from careloom.store.effect import Effect
from careloom.store.keys import Keyring
from careloom.types import JsonObject
from careloom.workflows.definition import parse_duration
from careloom.workflows.engine.ids import derived_id
from careloom.workflows.step import StepCall, StepError, StepResult, Wait
from careloom.workflows.work import work_place

DEFAULT_LEASE = "2m"
DEFAULT_DELIVERIES = 3


class ExternalStep:
    """Offers work under a queue and waits for its answer."""

    type = "external"

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    @property
    def schema(self) -> JsonObject:
        return load_schema("external")

    async def execute(self, call: StepCall) -> StepResult:
        # Of the run, not of its origin: a run that takes another's place has work of its own.
        place = (call.run_id, call.path, call.iteration, str(call.attempt))
        work_id = derived_id("work", call.scope.tenant, *place)
        # An earlier attempt may have left its answer: only that of this attempt's work counts.
        if call.resume is not None and call.resume.get("work") == str(work_id):
            return _answered(call, call.resume)
        if call.resume is not None and call.resume.get("reason") == "time":
            close = Effect()
            close.add("work.close", id=str(work_id))
            raise StepError("Nobody did the work in time", code="timed_out", effect=close)
        given = orjson.dumps(call.input.get("input", {}))
        sealed = await self._keyring.seal(
            call.scope.tenant, call.patient, work_place(call.scope, work_id), given
        )
        limit = call.timeout_s
        until = None if limit is None else call.now + timedelta(seconds=limit)
        result = StepResult(wait=Wait(until=until, event=f"work:{work_id}"))
        result.effect.add(
            "work.offer",
            id=str(work_id),
            queue=call.input["queue"],
            run=call.run_id.removeprefix("run_"),
            path=call.path,
            iter=call.iteration,
            lease=_lease(call),
            most=call.input.get("deliveries", DEFAULT_DELIVERIES),
            body=result.effect.add_body(sealed),
        )
        said = f"Work for {call.input['queue']}"
        result.messages.append({"role": "system", "content": said})
        return result


def _lease(call: StepCall) -> float:
    try:
        return parse_duration(call.input.get("lease", DEFAULT_LEASE))
    except ValueError as error:
        raise StepError(f"lease: {error}", code="external_lease") from error


def _answered(call: StepCall, answer: JsonObject) -> StepResult:
    if answer["outcome"] == "succeeded":
        output: JsonObject = {"result": answer["result"], "work": answer["work"]}
        if call.alias is not None:
            output[call.alias] = answer["result"]
        return StepResult(output=output)
    if answer["outcome"] == "lost":
        raise StepError(
            f"The work was handed out {answer['deliveries']} times and never answered",
            code="work_lost",
            retryable=True,
        )
    raise StepError(
        answer["message"] or "The program said that it failed",
        code=answer["code"],
        retryable=answer["retryable"],
        details={"details": answer["details"]} if answer["details"] is not None else None,
    )
