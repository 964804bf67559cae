"""`form`: a person fills a FHIR Questionnaire, with a key or by a link that was sent."""

from __future__ import annotations

from careloom.steps.asking import Asking, People, Question
from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepResult


class FormStep:
    """Asks for a form and waits until it is completed."""

    type = "form"

    def __init__(self, people: People) -> None:
        self._asking = Asking(people)

    @property
    def schema(self) -> JsonObject:
        return load_schema("form")

    async def execute(self, call: StepCall) -> StepResult:
        if call.resume is not None:
            return self._asking.settled(call)
        store = call.input.get("store")
        question = Question(
            call,
            "form",
            candidates=call.input.get("candidates"),
            store=True if store is None else bool(store),
            external=bool(call.input.get("send")),
        )
        return await self._asking.open(question)

    async def undo(self, call: StepCall, output: JsonObject) -> StepResult | None:
        """The stored response is deleted; that the form was filled stays on record."""
        return await self._asking.undo(call, output)
