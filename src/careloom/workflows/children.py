"""Runs that a run starts: planned as data, born in the transaction of the step that asks."""

from __future__ import annotations

from dataclasses import dataclass

from careloom.errors import NotFound
from careloom.store.database import Database
from careloom.store.effect import Effect
from careloom.types import JsonObject, Scope
from careloom.workflows.admission import gated
from careloom.workflows.engine.ids import child_run_id, parse_run_name, run_name
from careloom.workflows.engine.payloads import Payloads
from careloom.workflows.input_schema import check_input
from careloom.workflows.registry import Registry
from careloom.workflows.step import StepCall, StepError
from careloom.workflows.triggers import MAX_CHAIN, patient_of


@dataclass(frozen=True, slots=True)
class Child:
    """A run that another one started, as it stands."""

    id: str
    state: str
    output: JsonObject
    error: JsonObject


@dataclass(frozen=True, slots=True)
class _Version:
    hash: str
    version: int
    owner: JsonObject


class Children:
    """Plans child runs and reads how they ended."""

    def __init__(self, db: Database, payloads: Payloads) -> None:
        self._db = db
        self._payloads = payloads
        self._registry: Registry | None = None

    def read_from(self, registry: Registry) -> None:
        """Where workflows are looked up; the registry knows the step types, so it is made later."""
        self._registry = registry

    async def plan(
        self, call: StepCall, workflow_id: str, version: int | None, body: JsonObject, awaited: bool
    ) -> tuple[str, Effect]:
        """The child's name and the effect that starts it. Raises StepError or a CareloomError."""
        registry = self._known()
        chain = [*call.actor.get("chain", ()), workflow_id]
        if len(chain) > MAX_CHAIN:
            raise StepError(
                f"{MAX_CHAIN} runs in a row have started one another: {' → '.join(chain)};"
                " let one of them end the chain",
                code="depth_limit",
            )
        found = await self._version(call.scope, workflow_id, version)
        program = await registry.program(call.scope.tenant, found.hash)
        check_input(program, body)
        trigger = {**body, "source": "workflow"}
        parent = parse_run_name(call.run_id)
        child = child_run_id(parent, call.path, call.iteration)
        patient = patient_of(trigger) or call.patient
        fields: JsonObject = {
            "id": str(child),
            "store": call.scope.store,
            "workflow": workflow_id,
            "version": found.version,
            "hash": found.hash,
            "source": "test" if "test" in call.actor else "workflow",
            "actor": _actor(call, found.owner, chain),
            "patient": patient,
        }
        gated(call.scope, program.definition, fields, trigger)
        sealed = await self._payloads.seal(call.scope.tenant, patient, child, "input", trigger)
        effect = Effect()
        effect.add(
            "run.start",
            run=fields,
            parent={"run": str(parent), "path": call.path, "iter": call.iteration},
            awaited=awaited,
            body=effect.add_body(sealed),
        )
        return run_name(child), effect

    async def find(self, scope: Scope, name: str) -> Child | None:
        """The child as it stands; None when it was never started."""
        rows = await self._db.rows("run_read", scope.tenant, scope.store, parse_run_name(name))
        if not rows:
            return None
        run = rows[0]["run"]
        closing: JsonObject = {}
        if run["output"] is not None:
            closing = await self._payloads.open(
                scope.tenant, run["origin_run"], "output", run["output"]
            )
        output = closing.get("output")
        return Child(
            name,
            run["state"],
            output if isinstance(output, dict) else {"value": output},
            closing.get("error") or {},
        )

    async def _version(self, scope: Scope, workflow_id: str, version: int | None) -> _Version:
        if version is None:
            newest = await self._known().get(scope, workflow_id)
            return _Version(newest.hash, newest.version, newest.owner)
        rows = await self._db.rows(
            "workflow_at", scope.tenant, scope.store, workflow_id, int(version)
        )
        if not rows:
            raise NotFound(
                f"There is no version {version} of the workflow {workflow_id!r}",
                code="version_not_found",
            )
        return _Version(rows[0]["hash"], version, rows[0]["owner"])

    def _known(self) -> Registry:
        if self._registry is None:
            raise AssertionError("the registry was not handed over")
        return self._registry


def child_of(call: StepCall, path: str) -> str:
    """The name of the run that the step at this path of the run started, or would start."""
    return run_name(child_run_id(parse_run_name(call.run_id), path, call.iteration))


def _actor(call: StepCall, owner: JsonObject, chain: list[str]) -> JsonObject:
    """The child acts for the workflow's owner and, at most, with what its parent may."""
    actor: JsonObject = {
        "principal": call.actor.get("principal"),
        "kind": "run",
        "owner": owner,
        "chain": chain,
        "parent": call.run_id,
    }
    test = call.actor.get("test")
    if test is not None:
        # What is pinned belongs to the steps of the parent.
        actor["test"] = {"effects": test["effects"], "pinned": []}
    return actor if call.grants is None else {**actor, "grants": list(call.grants)}
