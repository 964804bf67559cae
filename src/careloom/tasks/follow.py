"""Changes of a mirrored FHIR Task become changes of its human task, in the same transaction.

A client that completes the Task over FHIR decides the human task: with its own permissions, once,
and with the run woken, or not at all.
"""

from __future__ import annotations

import uuid
from typing import Any, Protocol

from careloom.errors import Forbidden, NotFound
from careloom.identity.permissions import allows, grants_of
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.tasks.mirror import Resources, add_cancellation, decision_of, wanted
from careloom.tasks.service import Change, Tasks, asker_of, conflict_of_votes
from careloom.tasks.worklist import Entry
from careloom.types import JsonObject, Scope

_NEEDS = {
    "claim": "task:claim",
    "release": "task:claim",
    "approve": "task:complete",
    "reject": "task:complete",
}


class Plan(Protocol):
    """A FHIR write made ready, as far as it matters here."""

    effect: Effect
    resources: list[JsonObject]


class _Person:
    """Who writes, with the grants of the roles that the principal has now."""

    def __init__(self, id: str, roles: list[str]) -> None:
        self.id, self.roles = id, frozenset(roles)
        self._grants = grants_of(roles)

    def allows(self, permission: str) -> bool:
        return allows(self._grants, permission)


class Follower:
    """Accompanies FHIR writes of the type Task."""

    def __init__(self, db: Database, tasks: Tasks, resources: Resources) -> None:
        self._db = db
        self._tasks = tasks
        self._resources = resources

    async def accompany(self, scope: Scope, plan: Plan, actor: JsonObject) -> None:
        """Add to the plan what its Tasks ask of human tasks; raises what forbids it."""
        puts = [op for op in plan.effect.ops if op["op"] == "fhir.put"]
        for put, resource in zip(puts, plan.resources, strict=True):
            if resource["resourceType"] == "Task":
                await self._follow(scope, plan, put, resource, actor)

    async def _follow(
        self, scope: Scope, plan: Plan, put: JsonObject, resource: JsonObject, actor: JsonObject
    ) -> None:
        entry = await self._mirrored(scope, resource["id"])
        if entry is None:
            return
        row = entry.row
        person = await self._person(scope, actor)
        before, _ = await self._resources.current(scope, "Task", resource["id"])
        verb = wanted(before, resource, row["state"], row["assignee"] == person.id)
        if verb in _NEEDS and not person.allows(_NEEDS[verb]):
            raise Forbidden(
                f"This credential does not grant {_NEEDS[verb]}",
                fix="use a key whose principal has a role that grants it",
                details={"permission": _NEEDS[verb]},
            )
        who = asker_of(person)
        entry = await self._tasks.entry(scope, resource["id"], who)
        change = await self._change(scope, entry, verb, resource, who)
        change.op |= {"version": row["version"], "via": "fhir"}
        await add_cancellation(
            self._resources, scope, change.effect, change.op, resource, put["version"]
        )
        put["mirror"] = True
        # What locks run and task goes before what locks resources.
        change.effect.ops.insert(0, change.op)
        change.effect.extend(plan.effect)
        plan.effect = change.effect

    async def _change(
        self, scope: Scope, entry: Entry, verb: str, resource: JsonObject, who: JsonObject
    ) -> Change:
        if verb not in ("approve", "reject"):
            op = {"op": "task.change", "id": str(entry.row["task_id"]), "verb": verb, "who": who}
            return Change(op)
        decision = decision_of(resource, verb)
        stored = decision.pop("answersAt", None)
        if stored is not None:
            response, _ = await self._resources.current(scope, "QuestionnaireResponse", stored)
            decision["answers"] = {k: v for k, v in response.items() if k not in ("id", "meta")}
        change = await self._tasks.prepare_decision(scope, entry, decision, who, via="fhir")
        if change.status is None:
            raise conflict_of_votes()
        return change

    async def _mirrored(self, scope: Scope, id: str) -> Entry | None:
        try:
            entry = await self._tasks.entry(scope, str(uuid.UUID(id)), None)
        except (ValueError, NotFound):
            return None
        return entry if entry.row["mirror_version"] is not None else None

    async def _person(self, scope: Scope, actor: JsonObject) -> Any:
        principal = actor.get("principal")
        roles = None
        if isinstance(principal, str) and actor.get("kind") != "run":
            roles = await self._db.call("task_person", scope.tenant, principal)
        if roles is None:
            raise Forbidden(
                "Only a person or a service with a key changes a task",
                fix="use a key whose principal has a role that grants task:complete",
            )
        return _Person(principal or "", roles)
