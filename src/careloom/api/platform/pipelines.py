"""/api/pipelines and /api/decision-tables: what workflows use by name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.parameters import NameParam
from careloom.api.services import services_of
from careloom.types import JsonObject, Scope

router = APIRouter(prefix="/api", tags=["pipelines"])
_Limit = Annotated[int, Query(ge=1, le=500)]
_After = Annotated[
    str | None, Query(pattern=r"^[0-9a-f-]{36}$", description="The last row of the page before")
]
_Version = Annotated[
    int | None, Query(ge=1, le=1_000_000, description="A version; without it the newest")
]


@router.get("/pipelines", operation_id="listPipelines")
async def list_pipelines(request: Request, principal: PrincipalDep) -> Response:
    """The newest version of every pipeline."""
    principal.require("workflow:read")
    return success(await services_of(request).computing.pipelines.all(principal.scope))


@router.put("/pipelines/{name}", operation_id="putPipeline")
async def put_pipeline(
    name: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Keep a pipeline; the same content again makes no new version."""
    principal.require("workflow:deploy")
    pipelines = services_of(request).computing.pipelines
    kept = await pipelines.put(principal.scope, name, body, principal.actor())
    return success({**kept, "usedBy": await _users(request, principal.scope, "pipeline", name)})


@router.get("/pipelines/{name}", operation_id="getPipeline")
async def get_pipeline(name: NameParam, request: Request, principal: PrincipalDep) -> Response:
    """A pipeline with what its last runs have moved so far, its streams and its quarantine."""
    principal.require("workflow:read")
    seen = await services_of(request).computing.pipelines.overview(principal.scope, name)
    return success({**seen, "usedBy": await _users(request, principal.scope, "pipeline", name)})


@router.get("/pipelines/{name}/rejects", operation_id="listPipelineRejects")
async def list_rejects(
    name: NameParam,
    request: Request,
    principal: PrincipalDep,
    after: _After = None,
    limit: _Limit = 50,
) -> Response:
    """Rows that could not be taken in, with their content, oldest first; the reading is audited."""
    principal.require("run:read")
    services = services_of(request)
    rows = await services.computing.pipelines.rejects(
        principal.scope, name, after=after, limit=limit
    )
    reading: JsonObject = {
        "op": "audit.record",
        "action": "pipeline.rejects.read",
        "entity": f"Pipeline/{name}",
        "detail": {"rows": [row["id"] for row in rows]},
    }
    await services.db.call(
        "effect_commit", principal.tenant, principal.store, [reading], [], principal.actor()
    )
    return success(rows)


@router.post("/pipelines/{name}/rejects", operation_id="resubmitPipelineRejects")
async def resubmit_rejects(
    name: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Hand rows of the quarantine, corrected or as they are, to the next run of the pipeline."""
    principal.require("run:read")
    principal.require("workflow:run")
    pipelines = services_of(request).computing.pipelines
    rows = body.get("rows")
    return success(await pipelines.resubmit(principal.scope, name, rows, principal.actor()))


@router.get("/decision-tables", operation_id="listDecisionTables")
async def list_tables(request: Request, principal: PrincipalDep) -> Response:
    """The newest version of every decision table."""
    principal.require("workflow:read")
    return success(await services_of(request).computing.tables.all(principal.scope))


@router.put("/decision-tables/{name}", operation_id="putDecisionTable")
async def put_table(
    name: NameParam, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """Keep a decision table; one with a gap or a forbidden overlap is refused with an example."""
    principal.require("workflow:deploy")
    tables = services_of(request).computing.tables
    kept = await tables.put(principal.scope, name, body, principal.actor())
    return success({**kept, "usedBy": await _users(request, principal.scope, "rules", name)})


@router.get("/decision-tables/{name}", operation_id="getDecisionTable")
async def get_table(
    name: NameParam, request: Request, principal: PrincipalDep, version: _Version = None
) -> Response:
    """A decision table, with its version and hash."""
    principal.require("workflow:read")
    kept = await services_of(request).computing.tables.get(principal.scope, name, version)
    return success({**kept, "usedBy": await _users(request, principal.scope, "rules", name)})


async def _users(request: Request, scope: Scope, kind: str, name: str) -> list[str]:
    """The workflows that have a step of this type with this name: what a change touches."""
    key = {"pipeline": "pipeline", "rules": "table"}[kind]
    active = await services_of(request).registry.active(scope)
    return sorted(
        workflow.id
        for workflow, program in active
        if any(
            step.type == kind and step.params.get(key) == name for step in program.definition.walk()
        )
    )
