"""Queues and groups: who may see and do which tasks.

A candidate is written `user:<principal>`, `role:<role>` or `group:<group>`. A queue without
candidates is open to everybody who may read tasks.
"""

from __future__ import annotations

import re

from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.types import Json, JsonObject, Scope

CANDIDATE = re.compile(r"(user|role|group):[^\s:][^\s]{0,127}", re.ASCII)


def read_candidates(given: Json, path: str) -> list[str] | None:
    """The candidates as they are kept; None for everybody. A bare word is a user.

    Also takes `{"users": […], "roles": […], "groups": […]}`. Raises InvalidInput.
    """
    if given is None:
        return None
    if isinstance(given, dict) and given and not given.keys() - {"users", "roles", "groups"}:
        given = [f"{kind[:-1]}:{name}" for kind, names in given.items() for name in names or ()]
    listed = [given] if isinstance(given, str) else given
    if isinstance(listed, list) and listed and all(isinstance(one, str) for one in listed):
        named = [one if ":" in one else f"user:{one}" for one in listed]
        if all(CANDIDATE.fullmatch(one) for one in named):
            return sorted(set(named))
    raise InvalidInput(
        "Candidates are users, roles and groups",
        path=path,
        fix='write ["role:clinician", "group:icu", "user:ada"]',
    )


class Teams:
    """The queues and groups of a tenant's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put_queue(
        self, scope: Scope, queue: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """{"name"?, "candidates"?}; what was kept of the name before is replaced."""
        name = _name(given, queue)
        candidates = read_candidates(given.get("candidates"), "/candidates")
        await self._db.call(
            "task_queue_put", scope.tenant, scope.store, queue, name, candidates, actor
        )
        return {"queue": queue, "name": name, "candidates": candidates}

    async def queues(self, scope: Scope) -> list[JsonObject]:
        """The queues that were named."""
        rows = await self._db.rows("task_queue_list", scope.tenant, scope.store)
        return [{name: row[name] for name in ("queue", "name", "candidates")} for row in rows]

    async def put_group(
        self, scope: Scope, group: str, given: JsonObject, actor: JsonObject
    ) -> JsonObject:
        """{"name"?, "members": [principals]}."""
        name, members = _name(given, group), given.get("members", [])
        if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
            raise InvalidInput("Members are a list of principals", path="/members")
        await self._db.call(
            "task_group_put", scope.tenant, scope.store, group, name, members, actor
        )
        return {"group": group, "name": name, "members": members}

    async def groups(self, scope: Scope) -> list[JsonObject]:
        """The groups with their members."""
        rows = await self._db.rows("task_group_list", scope.tenant, scope.store)
        return [
            {"group": row["group_id"], "name": row["name"], "members": row["members"]}
            for row in rows
        ]


def _name(given: JsonObject, otherwise: str) -> str:
    name = given.get("name", otherwise)
    if not isinstance(name, str) or not name:
        raise InvalidInput("The name is a text", path="/name")
    return name
