"""/api/workflows: deploy, validate, list, read, execute."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import media_of, parse_json, read_body, read_object
from careloom.api.services import services_of
from careloom.errors import InvalidInput, UnsupportedMediaType
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.definition import Definition
from careloom.workflows.grants import with_grants
from careloom.workflows.idempotency import once_of
from careloom.workflows.registry import Workflow
from careloom.workflows.starters import require_manual_start

router = APIRouter(prefix="/api/workflows", tags=["workflows"])
_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
"""RFC 9512, and the names that were used before it."""
ModeParam = Literal["compat", "strict"] | None


@router.post("", operation_id="createWorkflow", status_code=201)
async def create_workflow(
    request: Request, principal: PrincipalDep, mode: ModeParam = Query(None)
) -> Response:
    """Deploy a workflow from YAML or JSON; the answer carries receipts of repairs."""
    principal.require("workflow:deploy")
    source, form = await _source(request)
    services = services_of(request)
    answer = await services.deployment.deploy(
        principal.scope,
        source,
        with_grants(principal.actor(), principal.grants),
        mode=mode,
        format=form,
    )
    return success(answer, message="Workflow deployed", status=201 if answer["created"] else 200)


@router.post("/validate", operation_id="validateWorkflow")
async def validate_workflow(
    request: Request, principal: PrincipalDep, mode: ModeParam = Query(None)
) -> Response:
    """What a deployment would say; nothing is stored."""
    principal.require("workflow:read")
    source, form = await _source(request)
    checked = await services_of(request).deployment.check(
        principal.scope, source, mode=mode, format=form
    )
    return success({**checked.report(), "valid": not checked.errors})


@router.get("", operation_id="listWorkflows")
async def list_workflows(request: Request, principal: PrincipalDep) -> Response:
    """Every workflow of the store, newest versions."""
    principal.require("workflow:read")
    workflows = await services_of(request).registry.all(principal.scope)
    return success([_summary(workflow) for workflow in workflows])


@router.get("/{workflow_id}", operation_id="getWorkflow")
async def get_workflow(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """One workflow: canonical definition, and the source as it was handed in."""
    principal.require("workflow:read")
    workflow = await services_of(request).registry.get(principal.scope, workflow_id)
    detail = {
        "definition": workflow.canonical,
        "source": workflow.source,
        "receipts": workflow.receipts,
    }
    return success({**_summary(workflow), **detail})


@router.put("/{workflow_id}", operation_id="updateWorkflow")
async def update_workflow(
    workflow_id: str, request: Request, principal: PrincipalDep, mode: ModeParam = Query(None)
) -> Response:
    """Deploy a new version of a workflow."""
    principal.require("workflow:deploy")
    source, form = await _source(request)
    answer = await services_of(request).deployment.deploy(
        principal.scope,
        source,
        with_grants(principal.actor(), principal.grants),
        mode=mode,
        format=form,
        workflow_id=workflow_id,
    )
    return success(answer, message="Workflow deployed")


@router.post("/{workflow_id}/execute", operation_id="executeWorkflow", status_code=202)
async def execute_workflow(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Start a run; the body becomes `trigger`. 422 when the input misses what the steps need. With
    an Idempotency-Key the same request again is answered, with 200, by the run that there is."""
    principal.require("workflow:run")
    registry = services_of(request).registry
    workflow = await registry.get(principal.scope, workflow_id)
    program = await registry.program(principal.scope.tenant, workflow.hash)
    require_manual_start(program.definition, principal)
    body = await read_object(request, "The input of a run")
    key = request.headers.get("idempotency-key")
    started = await services_of(request).runs.start(
        principal.scope,
        workflow_id,
        body,
        with_grants(principal.actor(), principal.grants),
        once=once_of(key, principal.id, f"execute {workflow_id}", body),
    )
    return success(started, status=200 if started.pop("repeated", False) else 202)


@router.post("/{workflow_id}/pause", operation_id="pauseWorkflow")
async def pause_workflow(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Let no event start a run of it until it is resumed, whatever is deployed; what happens
    meanwhile starts none later either. Runs that are under way go on, and execute still works."""
    return await _activate(request, principal, workflow_id, active=False)


@router.post("/{workflow_id}/resume", operation_id="resumeWorkflow")
async def resume_workflow(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Let events start runs of it again."""
    return await _activate(request, principal, workflow_id, active=True)


async def _activate(
    request: Request, principal: Principal, workflow_id: str, *, active: bool
) -> Response:
    principal.require("workflow:deploy")
    services, scope = services_of(request), principal.scope
    workflow = await services.registry.get(scope, workflow_id)
    await services.db.call(
        "workflow_activate", scope.tenant, scope.store, workflow.id, active, principal.actor()
    )
    return success(_summary(await services.registry.get(scope, workflow_id)))


def _summary(workflow: Workflow) -> JsonObject:
    return {
        "id": workflow.id,
        "name": workflow.name,
        "version": workflow.version,
        "hash": workflow.hash,
        "active": workflow.active,
        "updatedAt": workflow.updated_at.isoformat(),
        "owner": workflow.owner.get("principal"),
        "triggers": workflow.canonical.get("triggers", []),
        "steps": [
            {"id": step.id, "type": step.type, "path": step.path}
            for step in Definition.from_canonical(workflow.canonical).walk()
        ],
    }


async def _source(request: Request) -> tuple[str | JsonObject, Literal["yaml", "json"] | None]:
    raw = await read_body(request)
    kind = media_of(request)
    if kind == "application/json":
        value = parse_json(raw)
        if isinstance(value, dict) and isinstance(value.get("yaml"), str):
            return value["yaml"], "yaml"
        if not isinstance(value, dict):
            raise InvalidInput("The body must be a JSON object", path="/")
        return value, None
    if kind not in _YAML:
        raise UnsupportedMediaType(
            "A definition is YAML or JSON",
            fix="send it with Content-Type: application/yaml or application/json",
        )
    try:
        return raw.decode("utf-8"), "yaml"
    except UnicodeDecodeError as error:
        raise InvalidInput("The body is not UTF-8 text", fix="send UTF-8") from error
