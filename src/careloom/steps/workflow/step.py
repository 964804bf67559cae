"""`workflow`: start a run of another workflow and wait for it. The run is born in the transaction
that journals the wait; its end wakes this one."""

from __future__ import annotations

from datetime import timedelta

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.children import Child, Children, child_of
from careloom.workflows.signals import expire
from careloom.workflows.step import StepCall, StepError, StepResult, Wait


class WorkflowStep:
    """Runs another workflow inside this one."""

    type = "workflow"

    def __init__(self, children: Children) -> None:
        self._children = children

    @property
    def schema(self) -> JsonObject:
        return load_schema("workflow")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is not None and call.resume.get("reason") == "time":
            raise _late(call)
        if call.resume is not None:
            return _ended(call, await self._child(call, call.path))
        given = call.input
        awaited = given.get("wait", True) is True
        name, effect = await self._children.plan(
            call, str(given["workflow"]), given.get("version"), given.get("input") or {}, awaited
        )
        said: JsonObject = {"role": "system", "content": f"Started {name} of {given['workflow']}"}
        if not awaited:
            output = {"runId": name, "status": "running", "output": {}}
            return StepResult(output=output, effect=effect, messages=[said])
        until = None
        if call.timeout_s is not None:
            until = call.now + timedelta(seconds=call.timeout_s)
        return StepResult(effect=effect, wait=Wait(until, f"run:{name}"), messages=[said])

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        """Roll the started run back, and wait until that is done."""
        done = call.done or {}
        # A run that took another's place may have taken the step over, with the run it had started.
        name = str(output.get("runId") or child_of(call, str(done["path"])))
        child = await self._children.find(call.scope, name)
        if child is None or child.state == "rolled_back":
            return None
        if call.resume is not None:
            raise StepError(
                f"The run {name} could not be rolled back",
                code="child_rollback_failed",
                details={"run": name, "status": child.state},
            )
        result = StepResult(wait=Wait(event=f"run:{name}"))
        result.effect.add("run.rollback", run=name.removeprefix("run_"))
        return result

    async def _child(self, call: StepCall, path: str) -> Child:
        name = child_of(call, path)
        child = await self._children.find(call.scope, name)
        if child is None:
            raise StepError(f"The run {name} is not there any more", code="child_lost")
        return child


def _late(call: StepCall) -> StepError:
    """The started run takes too long: it is cancelled, unless it ended meanwhile."""
    effect = expire(call)
    effect.ops.append({**effect.ops[0], "op": "step.abandon"})
    return StepError(
        f"The started run did not end within {call.timeout_s or 0:g} s",
        code="timed_out",
        details={"run": child_of(call, call.path)},
        effect=effect,
    )


def _ended(call: StepCall, child: Child) -> StepResult:
    if child.state == "succeeded":
        output = {"runId": child.id, "status": child.state, "output": child.output}
        if call.alias is not None:
            output[call.alias] = child.output
        return StepResult(output=output)
    cause = child.error
    raise StepError(
        f"The run {child.id} of {call.input['workflow']} ended as {child.state}:"
        f" {cause.get('message', 'see it for the cause')}",
        code="child_failed",
        details={
            "run": child.id,
            "status": child.state,
            "cause": {key: cause[key] for key in ("code", "step", "stepPath") if key in cause},
        },
    )
