"""The components that are kept: put, listed, deleted, and who uses them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from careloom.errors import Conflict, NotFound, Unprocessable
from careloom.store.database import Database
from careloom.types import JsonObject, Scope
from careloom.workflows.definition import DefinitionError, content_hash, parse_definition
from careloom.workflows.definition.components import (
    OWN_KEYS,
    TRIGGER,
    Component,
    Library,
    used,
)
from careloom.workflows.registry import Registry, Workflow
from careloom.workflows.verification import Finding, Known, verify

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_STAND_IN = "component"
_OF_THE_USER = ("E-MISSINGKEY", "E-REF", "E-BRANCH", "E-INPUTKEY", "E-OUTPUTKEY", "E-CYCLE")
"""Faults that only the workflow that uses a component can have."""


class Components:
    """Reads and writes components."""

    def __init__(self, db: Database, registry: Registry, schemas: Mapping[str, JsonObject]) -> None:
        self._db = db
        self._registry = registry
        self._schemas = schemas

    async def library(self, scope: Scope) -> Library:
        """The newest version of every component of the store."""
        rows = await self._db.rows("component_list", scope.tenant, scope.store)
        return {
            (row["kind"], row["name"]): Component(
                row["kind"], row["name"], row["version"], row["body"]
            )
            for row in rows
        }

    async def get(self, scope: Scope, kind: str, name: str) -> Component:
        """One component; raises NotFound."""
        found = (await self.library(scope)).get((kind, name))
        if found is None:
            raise NotFound(
                f"There is no {kind} component {name!r}",
                code="component_not_found",
                fix="list them with GET /api/components",
            )
        return found

    async def put(
        self, scope: Scope, kind: str, name: str, body: JsonObject, known: Known, actor: JsonObject
    ) -> JsonObject:
        """Keep a new version, unless nothing changed. Raises Unprocessable when no workflow could
        use it."""
        canonical = self._canonical(kind, name, body, known)
        digest = content_hash(canonical)
        answer: JsonObject = await self._db.call(
            "component_put", scope.tenant, scope.store, kind, name, digest, canonical, actor
        )
        return {"kind": kind, "name": name, "hash": digest, **answer}

    async def delete(self, scope: Scope, kind: str, name: str, actor: JsonObject) -> None:
        """Keep it no longer. Raises NotFound, and Conflict while workflows use it."""
        await self.get(scope, kind, name)
        users = await self.users(scope, kind, name)
        if users:
            raise Conflict(
                f"{len(users)} workflows use the {kind} component {name!r}",
                code="component_used",
                fix="write its keys into these workflows first",
                details={"affected": users},
            )
        await self._db.call("component_delete", scope.tenant, scope.store, kind, name, actor)

    async def rewrite(
        self, workflow: Workflow, source: str, receipts: list[JsonObject], actor: JsonObject
    ) -> None:
        """The workflow's newest version is written with other components, to the same content."""
        scope = workflow.scope
        await self._db.call(
            "workflow_rewrite",
            scope.tenant,
            scope.store,
            workflow.id,
            workflow.version,
            source,
            receipts,
            actor,
        )

    async def users(self, scope: Scope, kind: str, name: str) -> list[JsonObject]:
        """The workflows whose newest version uses it: where, and which version of it they took."""
        out: list[JsonObject] = []
        for workflow in await self._registry.all(scope):
            taken = [one for one in used(workflow.receipts) if one[:2] == (kind, name)]
            if taken:
                out.append(
                    {
                        "workflow": workflow.id,
                        "version": workflow.version,
                        "uses": max(version for _, _, version, _ in taken),
                        "paths": [path for _, _, _, path in taken],
                    }
                )
        return out

    def _canonical(self, kind: str, name: str, body: JsonObject, known: Known) -> JsonObject:
        """The keys as a definition has them; lengths of time are seconds."""
        kinds = sorted({TRIGGER, *self._schemas})
        if kind not in kinds or not _NAME.fullmatch(name):
            raise Unprocessable(
                f"A component has a kind ({', '.join(kinds)}) and a name of letters, digits, '.',"
                " '_' and '-'",
                code="E-COMPONENT",
                path="/kind" if kind not in kinds else "/name",
                fix="write PUT /api/components/worker/reader",
            )
        own = sorted(OWN_KEYS & body.keys())
        if own or (body.get("type", kind) != kind and kind != TRIGGER):
            raise Unprocessable(
                f"A component gives no {', '.join(own) or 'other type'}",
                code="E-COMPONENT",
                path=f"/{own[0] if own else 'type'}",
                fix="give it in the workflow that uses the component",
            )
        workflow = _around(kind, body)
        try:
            definition = parse_definition(workflow, mode="strict").definition
        except DefinitionError as error:
            error.path = _within(error.path or "")
            raise
        faults = [
            one
            for one in verify(definition, self._schemas, known=known)
            if one.severity == "error" and not one.code.startswith(_OF_THE_USER)
        ]
        if faults:
            raise _refusal(faults)
        stored: JsonObject = definition.canonical["triggers" if kind == TRIGGER else "steps"][0]
        return {key: value for key, value in stored.items() if key not in _ADDED[kind == TRIGGER]}


def _within(path: str) -> str:
    """A place of the workflow around a component as a place of the component."""
    inner = path.removeprefix(f"steps/{_STAND_IN}").removeprefix("triggers/0")
    return f"/{inner.lstrip('/')}"


_ADDED = {True: frozenset[str](), False: frozenset({"id", "type"})}


def _around(kind: str, body: JsonObject) -> JsonObject:
    """A workflow that has nothing but the component."""
    if kind == TRIGGER:
        pause = {"id": _STAND_IN, "type": "wait", "duration": 1}
        return {"id": _STAND_IN, "triggers": [body], "steps": [pause]}
    return {"id": _STAND_IN, "steps": [{**body, "id": _STAND_IN, "type": kind}]}


def _refusal(faults: list[Finding]) -> Unprocessable:
    first = faults[0]
    return Unprocessable(
        first.message,
        code=first.code,
        path=_within(first.path),
        fix=first.fix,
        details={"findings": [{**one.to_json(), "path": _within(one.path)} for one in faults]},
    )
