"""/api/workers: AI workers as they are configured, in versions."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import services_of
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.grants import with_grants

router = APIRouter(prefix="/api/workers", tags=["workers"])


@router.post("", operation_id="createWorker", status_code=201)
async def create_worker(request: Request, principal: PrincipalDep, body: GivenDep) -> Response:
    """Make a worker: a model, instructions, tools and bounds. The same again is the same worker."""
    principal.require("workflow:deploy")
    ai = services_of(request).ai
    environment = await ai.environment_of(principal.tenant)
    answer = await ai.workers.create(principal.scope, body, _actor(principal), environment)
    created = answer.pop("created")
    await ai.evaluation.gate.reconsider(principal.scope)
    return success(answer, status=201 if created else 200, message="Worker created successfully")


@router.get("", operation_id="listWorkers")
async def list_workers(request: Request, principal: PrincipalDep) -> Response:
    """The workers of the store, in their newest versions."""
    principal.require("workflow:read")
    return success(await services_of(request).ai.workers.listed(principal.scope))


@router.get("/{worker_id}", operation_id="getWorker")
async def get_worker(worker_id: str, request: Request, principal: PrincipalDep) -> Response:
    """One worker, by id or name."""
    principal.require("workflow:read")
    return success(await services_of(request).ai.workers.shown(principal.scope, worker_id))


@router.put("/{worker_id}", operation_id="updateWorker")
async def update_worker(
    worker_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """A new version, unless nothing changed; keys that are not given stay as they are. Sessions
    that there are keep their version."""
    principal.require("workflow:deploy")
    ai = services_of(request).ai
    environment = await ai.environment_of(principal.tenant)
    answer = await ai.workers.update(
        principal.scope, worker_id, body, _actor(principal), environment
    )
    answer.pop("created")
    await ai.evaluation.gate.reconsider(principal.scope)
    return success(answer)


@router.get("/{worker_id}/versions", operation_id="listWorkerVersions")
async def list_worker_versions(
    worker_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """Every version of a worker, newest first."""
    principal.require("workflow:read")
    return success(await services_of(request).ai.workers.versions(principal.scope, worker_id))


def _actor(principal: Principal) -> JsonObject:
    return with_grants(principal.actor(), principal.grants)
