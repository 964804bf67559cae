"""Deployed workflows: immutable versions by content hash, and the newest of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from careloom.errors import NotFound
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import Definition
from careloom.workflows.engine.program import Program, build_program

_PROGRAMS_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Workflow:
    """The newest version of a workflow."""

    scope: Scope
    id: str
    name: str
    version: int
    hash: str
    active: bool
    updated_at: datetime
    canonical: JsonObject
    source: str
    receipts: list[JsonObject]
    owner: JsonObject


class Registry:
    """Reads and writes workflows; keeps programs in memory by content hash."""

    def __init__(self, db: Database, schemas: Mapping[str, JsonObject]) -> None:
        self._db = db
        self._schemas = schemas
        self._programs: dict[tuple[str, str], Program] = {}
        self._known: dict[str, tuple[str, list[Workflow]]] = {}

    async def deploy(
        self,
        scope: Scope,
        workflow_id: str,
        name: str,
        digest: str,
        canonical: JsonObject,
        source: str,
        receipts: list[JsonObject],
        actor: JsonObject,
        *,
        expect: int | None = None,
    ) -> JsonObject:
        """Store a new version; the same content again is no new version. Raises Conflict when
        `expect` is not the newest version there is."""
        answer: JsonObject = await self._db.call(
            "workflow_deploy",
            scope.tenant,
            scope.store,
            workflow_id,
            name,
            digest,
            canonical,
            source,
            receipts,
            expect,
            actor,
        )
        return answer

    async def all(self, scope: Scope) -> list[Workflow]:
        """The newest version of every workflow; re-read only when one of them changed."""
        key = f"{scope.tenant}/{scope.store}"
        stamp = await self._db.call("workflows_changed", scope.tenant)
        known = self._known.get(key)
        if known is None or known[0] != stamp:
            rows = await self._db.rows("workflow_list", scope.tenant, scope.store)
            known = self._known[key] = (stamp, [_workflow(scope, row) for row in rows])
        return known[1]

    async def get(self, scope: Scope, workflow_id: str) -> Workflow:
        for workflow in await self.all(scope):
            if workflow.id == workflow_id:
                return workflow
        raise NotFound(
            f"There is no workflow {workflow_id!r}",
            code="workflow_not_found",
            fix="list them with GET /api/workflows",
        )

    async def recent(self, scope: Scope, workflow_id: str) -> Workflow:
        """The newest version this process knows of, without asking the database when it knows one:
        whoever uses it finds out in the same transaction whether there is a newer one."""
        known = self._known.get(f"{scope.tenant}/{scope.store}")
        for workflow in known[1] if known is not None else ():
            if workflow.id == workflow_id:
                return workflow
        return await self.get(scope, workflow_id)

    async def program(self, tenant: str, digest: str) -> Program:
        """The program of a definition that a run is pinned to."""
        program = self._programs.get((tenant, digest))
        if program is None:
            canonical = await self._db.call("definition_read", tenant, digest)
            if canonical is None:
                raise NotFound("The definition of the run is not there", code="definition_lost")
            program = build_program(Definition.from_canonical(canonical), self._schemas)
            if len(self._programs) >= _PROGRAMS_KEPT:
                del self._programs[next(iter(self._programs))]
            self._programs[tenant, digest] = program
        return program

    def draft(self, canonical: JsonObject) -> Program:
        """The program of a definition that is not deployed; it is not kept."""
        return build_program(Definition.from_canonical(canonical), self._schemas)

    async def active(self, scope: Scope) -> list[tuple[Workflow, Program]]:
        """Workflows whose triggers count now."""
        return [
            (workflow, await self.program(scope.tenant, workflow.hash))
            for workflow in await self.all(scope)
            if workflow.active
        ]


def _workflow(scope: Scope, row: asyncpg.Record) -> Workflow:
    return Workflow(
        scope=scope,
        id=row["workflow_id"],
        name=row["name"],
        version=row["version"],
        hash=row["hash"],
        active=row["active"],
        updated_at=row["updated_at"],
        canonical=row["canonical"],
        source=row["source"],
        receipts=row["receipts"],
        owner=row["owner"],
    )
