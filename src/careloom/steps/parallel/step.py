"""`parallel`: branches beside each other. That it began is journaled; the engine joins them."""

from __future__ import annotations

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepResult


class ParallelStep:
    """Goes through its branches side by side and ends by its `join`."""

    type = "parallel"

    @property
    def schema(self) -> JsonObject:
        return load_schema("parallel")

    async def execute(self, call: StepCall) -> StepResult:
        """What the journal keeps of the beginning."""
        return StepResult(output={"join": call.input.get("join", "all")})
