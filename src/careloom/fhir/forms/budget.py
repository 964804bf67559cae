"""What the expressions of one call may cost together, and where they are evaluated.

Who may read may send a Questionnaire or a plan of its own, so that a call is bounded as a whole:
processor time, evaluations, items made, and the size of what was found. Expressions run beside
the event loop, a few at a time in a process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from careloom.errors import Unprocessable
from careloom.fhirpath import Limits
from careloom.types import JsonObject

SECONDS = 3.0
"""Processor time for all expressions of a call together."""
MOST_EVALUATIONS = 10_000
MOST_QUERIES = 1_000
MOST_ITEMS = 10_000
"""Items and answers of a form that one call visits or makes."""
MOST_CHARACTERS = 20_000_000
"""Characters and elements in all results together."""
AT_A_TIME = 2
"""Expressions that a process evaluates at the same time."""
LIMITS = Limits(steps=200_000, items=20_000, text=100_000)
"""Of each expression."""
Found = TypeVar("Found")
_threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="careloom-expressions")


class Overspent(Unprocessable):
    """The expressions of a form or plan cost more than one call may."""

    issue, default_code = "too-costly", "expressions_too_costly"


class Budget:
    """What is left for one call; Overspent is raised when it is used up."""

    def __init__(self) -> None:
        self._seconds = SECONDS
        self._evaluations = MOST_EVALUATIONS
        self._queries = MOST_QUERIES
        self._items = MOST_ITEMS
        self._characters = MOST_CHARACTERS

    async def evaluated(self, work: Callable[[], Found]) -> Found:
        """What the work gives, done in a thread; its processor time is counted also when it
        fails."""
        self._evaluations -= 1
        if self._evaluations < 0:
            raise _overspent(f"they are evaluated more than {MOST_EVALUATIONS:,} times")
        self._require_time()
        found = await asyncio.get_running_loop().run_in_executor(_threads, self._timed, work)
        self._require_time()
        return found

    async def query(self, asked: Callable[[], Awaitable[JsonObject]]) -> JsonObject:
        """What a query of an expression brings, counted and weighed."""
        self._queries -= 1
        if self._queries < 0:
            raise _overspent(f"they ask the store more than {MOST_QUERIES:,} times")
        found = await asked()
        await self.evaluated(lambda: self.weigh(found))
        return found

    def item(self, count: int = 1) -> None:
        """Count items or answers that are visited or made."""
        self._items -= count
        if self._items < 0:
            raise _overspent(f"there are more than {MOST_ITEMS:,} items and answers")

    def weigh(self, value: Any) -> None:
        """Count what was found: its characters, its elements and its numbers."""
        self._characters -= 1
        if isinstance(value, str):
            self._characters -= len(value)
        if self._characters < 0:
            raise _overspent("what they find is too large")
        if isinstance(value, dict):
            for one in value.values():
                self.weigh(one)
        elif isinstance(value, list):
            for one in value:
                self.weigh(one)

    def _timed(self, work: Callable[[], Found]) -> Found:
        began = time.thread_time()
        try:
            return work()
        finally:
            self._seconds -= time.thread_time() - began

    def _require_time(self) -> None:
        if self._seconds <= 0:
            raise _overspent(f"they take more than {SECONDS:g} seconds together")


def _overspent(why: str) -> Overspent:
    return Overspent(
        f"The expressions of the form or plan cost too much: {why}",
        fix="simplify its expressions and variables, or ask for fewer items at once",
    )
