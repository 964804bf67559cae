"""`if` and `switch`: choose a child list. The choice is journaled: a resume keeps it."""

from __future__ import annotations

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult


class IfStep:
    """Goes on with `then` when the condition holds, else with `else`."""

    type = "if"

    @property
    def schema(self) -> JsonObject:
        return load_schema("branch", "if.schema.json")

    async def execute(self, call: StepCall) -> StepResult:
        answer = call.input.get("condition")
        if not isinstance(answer, bool):
            raise StepError(
                "The condition is neither true nor false; compare it with something",
                code="condition_not_boolean",
            )
        return StepResult(output={"result": answer}, branch="then" if answer else "else")


class SwitchStep:
    """Goes on with the case that equals the value, else with `default`."""

    type = "switch"

    @property
    def schema(self) -> JsonObject:
        return load_schema("branch", "switch.schema.json")

    async def execute(self, call: StepCall) -> StepResult:
        value = call.input.get("value")
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(value, str | int):
            raise StepError(
                "The value of a switch must be a text, a whole number or true or false",
                code="switch_value",
            )
        return StepResult(output={"value": str(value)}, branch=str(value))
