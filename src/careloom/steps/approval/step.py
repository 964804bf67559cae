"""`approval`: those who may approve, approve or reject; the outcome chooses the branch."""

from __future__ import annotations

from careloom.steps.asking import Asking, People, Question
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepResult


class ApprovalStep:
    """Opens an approval and waits until enough people have approved, or rejected."""

    type = "approval"

    def __init__(self, people: People) -> None:
        self._asking = Asking(people)

    @property
    def schema(self) -> JsonObject:
        return load_schema("approval")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is not None:
            result = self._asking.settled(call)
            result.branch = "then" if result.output["approved"] else "else"
            return result
        question = Question(
            call,
            "approval",
            candidates=call.input.get("approvers"),
            quorum=call.input.get("quorum") or 1,
            rejects=call.input.get("rejects") or 1,
        )
        return await self._asking.open(question)

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        """An approval cannot be unmade: it stays on record, marked as withdrawn."""
        return await self._asking.undo(call, output)
