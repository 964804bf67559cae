"""Versions of a workflow: list, read, compare, go back to one, and move runs to one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from careloom.errors import NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import Definition
from careloom.workflows.definition.components import used
from careloom.workflows.deployment import Deployment
from careloom.workflows.difference import difference
from careloom.workflows.engine.ids import run_name
from careloom.workflows.fork import Row, obstacles
from careloom.workflows.registry import Registry

_MOST_RUNS = 1000
"""Runs that one migration looks at; it says when there are more."""


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version."""

    workflow_id: str
    number: int
    hash: str
    canonical: JsonObject
    source: str
    receipts: list[JsonObject]
    owner: JsonObject
    created_at: datetime

    def to_json(self) -> JsonObject:
        return {
            "workflowId": self.workflow_id,
            "version": self.number,
            "hash": self.hash,
            "deployedAt": self.created_at.isoformat(),
            "deployedBy": self.owner.get("principal"),
            "definition": self.canonical,
            "source": self.source,
            "receipts": self.receipts,
        }


class Versions:
    """The service behind /api/workflows/{id}/versions, diff, rollback and migrate."""

    def __init__(self, db: Database, registry: Registry, deployment: Deployment) -> None:
        self._db = db
        self._registry = registry
        self._deployment = deployment

    async def every(self, scope: Scope, workflow_id: str) -> list[JsonObject]:
        """Every version, newest first, with how many runs are under way on it."""
        workflow = await self._registry.get(scope, workflow_id)
        rows = await self._db.rows("workflow_versions", scope.tenant, scope.store, workflow_id)
        return [
            {
                "version": row["version"],
                "hash": row["hash"],
                "deployedAt": row["created_at"].isoformat(),
                "deployedBy": row["owner"].get("principal"),
                "newest": row["version"] == workflow.version,
                "unfinishedRuns": row["unfinished"],
            }
            for row in rows
        ]

    async def read(self, scope: Scope, workflow_id: str, number: int) -> Version:
        """One version; raises NotFound."""
        rows = await self._db.rows(
            "workflow_version_read", scope.tenant, scope.store, workflow_id, number
        )
        if not rows:
            await self._registry.get(scope, workflow_id)
            raise NotFound(
                f"The workflow {workflow_id!r} has no version {number}",
                code="version_not_found",
                fix=f"list them with GET /api/workflows/{workflow_id}/versions",
            )
        row = rows[0]
        return Version(
            workflow_id,
            row["version"],
            row["hash"],
            row["canonical"],
            row["source"],
            row["receipts"],
            row["owner"],
            row["created_at"],
        )

    async def compare(
        self, scope: Scope, workflow_id: str, before: int | None, after: int | None
    ) -> JsonObject:
        """What changed in meaning between two versions; without numbers, the last two."""
        newest = (await self._registry.get(scope, workflow_id)).version
        after = newest if after is None else after
        before = max(after - 1, 1) if before is None else before
        old = await self.read(scope, workflow_id, before)
        new = await self.read(scope, workflow_id, after)
        return {
            "workflowId": workflow_id,
            "from": before,
            "to": after,
            **difference(old.canonical, new.canonical).to_json(),
        }

    async def go_back(
        self, scope: Scope, workflow_id: str, number: int, actor: JsonObject
    ) -> JsonObject:
        """Deploy the content of an older version as a new one, verified as it is deployed."""
        old = await self.read(scope, workflow_id, number)
        # A text that names components is not kept: they may say something else by now.
        written = None if used(old.receipts) else old.source
        answer = await self._deployment.deploy(
            scope,
            old.canonical,
            actor,
            mode="compat",
            workflow_id=workflow_id,
            written=written,
        )
        return {**answer, "restored": number}

    async def migrate(
        self,
        scope: Scope,
        workflow_id: str,
        before: int,
        after: int,
        actor: JsonObject,
        *,
        dry_run: bool,
    ) -> JsonObject:
        """Move the unfinished runs of one version to another, as far as each can go on there.

        Without anything changed (`dry_run`) it says what would become of each. A run that somebody
        carries out at the moment is `busy`; ask again.
        """
        if before == after:
            raise Unprocessable("Both versions are the same", code="same_version", path="/to")
        old = await self.read(scope, workflow_id, before)
        new = await self.read(scope, workflow_id, after)
        was, becomes = (Definition.from_canonical(one.canonical) for one in (old, new))
        rows = await self._db.rows(
            "runs_unfinished", scope.tenant, scope.store, workflow_id, before, _MOST_RUNS + 1
        )
        plans: list[JsonObject] = []
        for row in rows[:_MOST_RUNS]:
            journal = [Row(step["path"], step["iter"], step["outcome"]) for step in row["steps"]]
            waits = [wait["path"] for wait in row["waits"]]
            found = obstacles(was, becomes, journal, waits)
            outcome = "incompatible" if found else "busy" if row["owned"] else "compatible"
            if outcome == "compatible" and not dry_run:
                outcome = await self._move(scope, row["run_id"], old, new, len(journal), actor)
            plans.append({"runId": run_name(row["run_id"]), "outcome": outcome, "obstacles": found})
        if not dry_run:
            self._db.notify(scope.tenant, "runs")
        counts: dict[str, int] = {}
        for plan in plans:
            counts[plan["outcome"]] = counts.get(plan["outcome"], 0) + 1
        return {
            "workflowId": workflow_id,
            "from": before,
            "to": after,
            "dryRun": dry_run,
            "summary": counts,
            "more": len(rows) > _MOST_RUNS,
            "runs": plans,
        }

    async def _move(
        self,
        scope: Scope,
        run_id: uuid.UUID,
        old: Version,
        new: Version,
        steps: int,
        actor: JsonObject,
    ) -> str:
        return str(
            await self._db.call(
                "run_migrate",
                scope.tenant,
                scope.store,
                run_id,
                old.hash,
                new.number,
                new.hash,
                steps,
                actor,
            )
        )
