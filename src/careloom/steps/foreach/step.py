"""`foreach`: the same steps for each item of a list. The list is journaled first, so that a resume
goes through the same one; the engine runs the items."""

from __future__ import annotations

from careloom.steps.schema import load_schema
from careloom.types import JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult

DEFAULT_CONCURRENCY = 10
MAX_CONCURRENCY = 1_000
DEFAULT_MAX_ITEMS = 10_000


class ForeachStep:
    """Goes through its steps once for each item, several items at a time."""

    type = "foreach"

    @property
    def schema(self) -> JsonObject:
        return load_schema("foreach")

    async def execute(self, call: StepCall) -> StepResult:
        """What the journal keeps of the beginning: the list, and how many items run at a time."""
        items, limit = call.input.get("items"), call.input.get("maxItems", DEFAULT_MAX_ITEMS)
        if not isinstance(items, list):
            raise StepError(
                "`items` is not a list; give it one, or wrap a single item in [ ]",
                code="foreach_items",
            )
        if len(items) > limit:
            raise StepError(
                f"The list has {len(items)} items, and maxItems is {limit};"
                " raise maxItems, or take fewer",
                code="foreach_too_many",
                details={"count": len(items), "maxItems": limit},
            )
        concurrency = call.input.get("concurrency", DEFAULT_CONCURRENCY)
        return StepResult(
            output={"items": items, "concurrency": min(int(concurrency), MAX_CONCURRENCY)}
        )
