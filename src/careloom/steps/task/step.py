"""`task`: a person decides. The task row and the wait commit together; completing the task wakes
the run in the transaction that records the decision."""

from __future__ import annotations

from datetime import datetime, timedelta

from careloom.steps.schema import load_schema
from careloom.store.effect import Effect
from careloom.tasks.content import TaskContent
from careloom.types import JsonObject
from careloom.workflows.definition import parse_duration
from careloom.workflows.engine.ids import derived_id
from careloom.workflows.step import StepCall, StepError, StepResult, Wait


class TaskStep:
    """Opens a human task and waits for its decision."""

    type = "task"

    def __init__(self, content: TaskContent) -> None:
        self._content = content

    @property
    def schema(self) -> JsonObject:
        return load_schema("task")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is None:
            return await self._open(call)
        if call.resume.get("reason") == "time":
            close = Effect()
            close.add("task.close", id=str(derived_id("task", call.scope.tenant, call.key)))
            raise StepError("Nobody decided in time", code="task_expired", effect=close)
        decision = dict(call.resume)
        decision.pop("reason", None)
        if call.alias is not None:
            decision[call.alias] = decision["decision"]
        return StepResult(
            output=decision,
            messages=[{"role": "person", "content": f"{decision['decision']} by {decision['by']}"}],
        )

    async def _open(self, call: StepCall) -> StepResult:
        task_id = derived_id("task", call.scope.tenant, call.key)
        due, expires = _after(call, "due"), _after(call, "expires")
        content: JsonObject = {
            "title": call.input["title"],
            "description": call.input.get("instructions"),
            "show": call.input.get("show", {}),
            "form": call.input.get("form"),
            "ai": call.ai_fed,
        }
        sealed = await self._content.seal(call.scope, call.patient, task_id, "content", content)
        result = StepResult(wait=Wait(until=expires, event=f"task:{task_id}"))
        result.effect.add(
            "task.create",
            id=str(task_id),
            run=call.run_id.removeprefix("run_"),
            path=call.path,
            iter=call.iteration,
            priority=call.input.get("priority", "routine"),
            queue=call.input.get("queue", "default"),
            assignee=call.input.get("assignee"),
            due=due.isoformat() if due else None,
            patient=call.patient,
            body=result.effect.add_body(sealed),
        )
        result.messages.append({"role": "system", "content": f"Asked: {call.input['title']}"})
        return result


def _after(call: StepCall, name: str) -> datetime | None:
    value = call.input.get(name)
    if value is None:
        return None
    try:
        return call.now + timedelta(seconds=parse_duration(value))
    except ValueError as error:
        raise StepError(f"{name}: {error}", code="task_duration") from error
