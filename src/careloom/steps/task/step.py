"""`task`: a person decides. The task row and the wait commit together; completing the task wakes
the run in the transaction that records the decision."""

from __future__ import annotations

from careloom.steps.asking import Asking, People, Question
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepResult


class TaskStep:
    """Opens a human task and waits for its decision."""

    type = "task"

    def __init__(self, people: People) -> None:
        self._asking = Asking(people)

    @property
    def schema(self) -> JsonObject:
        return load_schema("task")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is not None:
            return self._asking.settled(call)
        question = Question(
            call,
            "task",
            candidates=call.input.get("candidates"),
            store=bool(call.input.get("store")),
        )
        return await self._asking.open(question)

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        """A decision cannot be unmade: it stays on record, marked as withdrawn."""
        return await self._asking.undo(call, output)
