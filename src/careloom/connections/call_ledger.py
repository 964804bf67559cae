"""Calls whose end must not be forgotten: what was begun is written down before it is made.

A call that was begun and whose end nobody recorded is in doubt: the peer may have acted on it. An
at-most-once call is then not made again by itself; see steps/http.
"""

from __future__ import annotations

from dataclasses import dataclass

from careloom.store.database import Database
from careloom.types import Scope


@dataclass(frozen=True, slots=True)
class Begun:
    """How often calls of this key were begun, and whether the last one has no end."""

    round: int
    in_doubt: bool


class CallLedger:
    """The rows of table outgoing_call; the row goes with the step's checkpoint (`call.settle`)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def begin(self, scope: Scope, key: str, run: str, path: str) -> Begun:
        """Write down that the call is about to be made. When an earlier one of this key was begun
        and not ended, nothing is written, and the call is in doubt."""
        number: int = await self._db.call(
            "call_begin", scope.tenant, scope.store, key, run.removeprefix("run_"), path
        )
        return Begun(abs(number), in_doubt=number < 0)

    async def ended(self, scope: Scope, key: str, *, asked: bool = False) -> None:
        """The peer did not act on the call, so it may be made again. With `asked` a person said
        so, of the call that the person was asked about and of no later one."""
        await self._db.call("call_ended", scope.tenant, scope.store, key, asked)
