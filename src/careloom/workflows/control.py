"""Pause, resume, cancel and roll back runs, one or many, each in its own transaction."""

from __future__ import annotations

import uuid
from typing import Literal

from careloom.errors import CareloomError, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.engine.ids import parse_run_name, run_name

Action = Literal["pause", "resume", "cancel", "rollback"]
_DOING = {
    "pause": "pausing",
    "resume": "resuming",
    "cancel": "cancelling",
    "rollback": "rolling back",
}
_DEEP = frozenset({"pause", "resume", "cancel"})
"""What goes on to the children of a run; a roll-back undoes a child by the step that started it."""
MANY = 1000


class RunControl:
    """The service behind /api/workflows/runs/{id}/{action}."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def apply(self, scope: Scope, name: str, action: Action, actor: JsonObject) -> JsonObject:
        """Ask a run, and its children, to do it. A run that has ended is 422; only a succeeded or
        failed one can still be rolled back."""
        first = parse_run_name(name)
        answer = await self._one(scope, first, action, actor)
        if answer is None:
            raise NotFound("There is no such run", code="run_not_found")
        if answer.get("ended"):
            raise too_late(answer["state"], action)
        children = await self._children(scope, answer, action, actor)
        self._db.notify(scope.tenant, "runs")
        return {
            "runId": run_name(first),
            "status": _DOING[action],
            "changed": answer["changed"],
            "children": children,
        }

    async def apply_to_many(
        self, scope: Scope, names: list[str], action: Action, actor: JsonObject
    ) -> list[JsonObject]:
        """The outcome of each run; one that refuses does not keep the others from it."""
        outcomes: list[JsonObject] = []
        for name in names:
            try:
                outcome = await self.apply(scope, name, action, actor)
                outcomes.append(
                    {**outcome, "outcome": "done" if outcome["changed"] else "as_before"}
                )
            except CareloomError as error:
                outcomes.append(refused(name, error))
        return outcomes

    async def _children(
        self, scope: Scope, answer: JsonObject, action: Action, actor: JsonObject
    ) -> list[str]:
        """Do it to every descendant. The engine stops one that is born meanwhile."""
        reached: list[str] = []
        waiting = list(answer["children"]) if action in _DEEP else []
        while waiting:
            child = uuid.UUID(waiting.pop(0))
            reached.append(run_name(child))
            below = await self._one(scope, child, action, actor)
            waiting += (below or {}).get("children", [])
        return reached

    async def _one(
        self, scope: Scope, run_id: uuid.UUID, action: Action, actor: JsonObject
    ) -> JsonObject | None:
        answer: JsonObject | None = await self._db.call(
            "run_control", scope.tenant, scope.store, run_id, action, actor
        )
        return answer


def too_late(state: str, action: Action) -> Unprocessable:
    """What a run that has ended answers."""
    return Unprocessable(
        f"The run is {state}; it is too late to {_words(action)}",
        code="run_finished",
        fix="look at it with GET /api/workflows/runs/{id}; a failed run can be retried",
    )


def refused(name: str, error: CareloomError) -> JsonObject:
    """One run of many that refused, with its cause."""
    return {
        "runId": name,
        "outcome": "refused",
        "error": {"code": error.code, "message": error.message},
    }


def _words(action: Action) -> str:
    return "roll it back" if action == "rollback" else f"{action} it"
