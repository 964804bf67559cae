"""`session`: the run's session: add a line, read it, or say which patient it is about.

A session is not a store of its own: it is what the journal's steps said, in their order.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from careloom.steps.schema import load_schema
from careloom.types import JsonObject, Scope
from careloom.workflows.step import StepCall, StepError, StepResult
from careloom.workflows.triggers import patient_of

ReadSession = Callable[[Scope, str], Awaitable[JsonObject]]
"""(scope, run id) → {id, patientId, messages: […]}."""
_MOST_READ = 1000


class SessionStep:
    """say, read or pin."""

    type = "session"

    def __init__(self, read: ReadSession) -> None:
        self._read = read

    @property
    def schema(self) -> JsonObject:
        return load_schema("session")

    async def execute(self, call: StepCall) -> StepResult:
        match call.input.get("action", "say"):
            case "read":
                result = await self._messages(call)
            case "pin":
                result = _pin(call)
            case _:
                result = _say(call)
        result.output["sessionId"] = f"ses_{call.run_id.removeprefix('run_')}"
        if call.alias is not None:
            output = dict(result.output)
            result.output[call.alias] = output.get("messages", output)
        return result

    async def _messages(self, call: StepCall) -> StepResult:
        """The last messages, oldest first; those of one role when it is named."""
        session = await self._read(call.scope, call.run_id)
        role, last = call.input.get("role"), call.input.get("last", _MOST_READ)
        found = [one for one in session["messages"] if role in (None, one.get("role"))]
        kept = found[-last:]
        output = {"messages": kept, "count": len(kept), "patientId": session["patientId"]}
        return StepResult(output=output)


def _say(call: StepCall) -> StepResult:
    if "content" not in call.input:
        raise StepError("To say something, the step needs `content`", code="session_content")
    message: JsonObject = {
        "role": call.input.get("role", "system"),
        "content": call.input["content"],
    }
    return StepResult(output={"message": message, "patientId": call.patient}, messages=[message])


def _pin(call: StepCall) -> StepResult:
    patient = patient_of({"patientId": call.input.get("patientId")})
    if patient is None:
        raise StepError("To pin the session, the step needs a `patientId`", code="session_patient")
    if call.patient not in (None, patient):
        raise StepError(
            "The run is about another patient already; a session has one", code="session_pinned"
        )
    return StepResult(output={"patientId": patient}, patient=patient)
