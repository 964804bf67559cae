"""/api/workflows/{id}/…: versions, what changed between them, going back, and moving runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject
from careloom.workflows.grants import with_grants

router = APIRouter(prefix="/api/workflows", tags=["versions"])
NumberParam = Annotated[int, Path(ge=1, le=1_000_000)]
ChoiceParam = Annotated[int | None, Query(ge=1, le=1_000_000)]


@router.get("/{workflow_id}/versions", operation_id="listVersions")
async def list_versions(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Every version, newest first, with the runs under way on each."""
    principal.require("workflow:read")
    versions = services_of(request).operations.versions
    return success(await versions.every(principal.scope, workflow_id))


@router.get("/{workflow_id}/versions/{number}", operation_id="getVersion")
async def get_version(
    workflow_id: str, number: NumberParam, request: Request, principal: PrincipalDep
) -> Response:
    """One version: definition, source, who deployed it and when."""
    principal.require("workflow:read")
    versions = services_of(request).operations.versions
    return success((await versions.read(principal.scope, workflow_id, number)).to_json())


@router.get("/{workflow_id}/diff", operation_id="compareVersions")
async def compare_versions(
    workflow_id: str,
    request: Request,
    principal: PrincipalDep,
    before: Annotated[int | None, Query(alias="from", ge=1, le=1_000_000)] = None,
    after: Annotated[int | None, Query(alias="to", ge=1, le=1_000_000)] = None,
) -> Response:
    """What changed in meaning between two versions, in words and as data; without numbers, the
    newest against the one before."""
    principal.require("workflow:read")
    versions = services_of(request).operations.versions
    return success(await versions.compare(principal.scope, workflow_id, before, after))


@router.post("/{workflow_id}/rollback", operation_id="rollbackWorkflow", status_code=201)
async def rollback_workflow(
    workflow_id: str, request: Request, principal: PrincipalDep
) -> Response:
    """Deploy the content of an older version as a new one."""
    principal.require("workflow:deploy")
    body = await read_object(request, "The order")
    number = _number(body, "version")
    versions = services_of(request).operations.versions
    actor = with_grants(principal.actor(), principal.grants)
    answer = await versions.go_back(principal.scope, workflow_id, number, actor)
    return success(answer, status=201 if answer["created"] else 200)


@router.post("/{workflow_id}/migrate", operation_id="migrateRuns")
async def migrate_runs(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Move unfinished runs from one version to another, as far as each can go on there; with
    `dryRun` it only says what would become of each."""
    principal.require("run:control")
    body = await read_object(request, "The order")
    dry = body.get("dryRun", True)
    if not isinstance(dry, bool):
        raise InvalidInput("dryRun is true or false", path="/dryRun")
    versions = services_of(request).operations.versions
    answer = await versions.migrate(
        principal.scope,
        workflow_id,
        _number(body, "from"),
        _number(body, "to"),
        principal.actor(),
        dry_run=dry,
    )
    return success(answer)


def _number(body: JsonObject, name: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000:
        raise InvalidInput(f"{name} is the number of a version", path=f"/{name}")
    return value
