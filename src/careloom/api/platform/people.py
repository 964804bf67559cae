"""/api/tasks, /api/messages, /api/incidents: what people decide, were told and must look at."""

from __future__ import annotations

import uuid
from typing import Any

from fastapi import APIRouter, Body, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import TaskStatusParam
from careloom.api.services import services_of
from careloom.errors import NotFound

router = APIRouter(prefix="/api", tags=["people"])


@router.get("/tasks", operation_id="listTasks")
async def list_tasks(
    request: Request,
    principal: PrincipalDep,
    status: TaskStatusParam = None,
    limit: int = Query(50, ge=1, le=500),
) -> Response:
    """Human tasks: open ones first, the most urgent and oldest first."""
    principal.require("task:read")
    tasks = services_of(request).tasks
    return success(await tasks.page(principal.scope, state=status, limit=limit))


@router.get("/tasks/{task_id}", operation_id="getTask")
async def get_task(task_id: str, request: Request, principal: PrincipalDep) -> Response:
    """One human task with what it shows."""
    principal.require("task:read")
    return success(await services_of(request).tasks.read(principal.scope, task_id))


@router.post("/tasks/{task_id}/claim", operation_id="claimTask")
async def claim_task(task_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Take a task; 409 when somebody else was faster."""
    principal.require("task:complete")
    tasks = services_of(request).tasks
    return success(await tasks.claim(principal.scope, task_id, principal.actor()))


@router.post("/tasks/{task_id}/decision", operation_id="decideTask")
async def decide_task(
    task_id: str, request: Request, principal: PrincipalDep, body: dict[str, Any] = Body(...)
) -> Response:
    """Approve, reject or complete a task; the waiting run goes on."""
    principal.require("task:complete")
    tasks = services_of(request).tasks
    return success(await tasks.decide(principal.scope, task_id, body, principal.actor()))


@router.get("/messages", operation_id="listMessages")
async def list_messages(
    request: Request,
    principal: PrincipalDep,
    run: str | None = Query(None),
    limit: int = Query(50, ge=1, le=500),
) -> Response:
    """Messages that were sent, or captured for want of a connection."""
    principal.require("run:read")
    messages = services_of(request).messages
    return success(await messages.page(principal.scope, run=run, limit=limit))


@router.get("/incidents", operation_id="listIncidents")
async def list_incidents(
    request: Request, principal: PrincipalDep, limit: int = Query(50, ge=1, le=500)
) -> Response:
    """What needs a look, grouped by cause."""
    principal.require("workflow:read")
    rows = await services_of(request).db.rows(
        "incident_list", principal.tenant, principal.store, limit
    )
    return success(
        [
            {
                "id": str(row["incident_id"]),
                "kind": row["kind"],
                "cause": row["cause"],
                "status": row["state"],
                "count": row["count"],
                "ref": row["ref"],
                "firstAt": row["first_at"].isoformat(),
                "lastAt": row["last_at"].isoformat(),
            }
            for row in rows
        ]
    )


@router.post("/incidents/{incident_id}/close", operation_id="closeIncident")
async def close_incident(incident_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Say that somebody has looked; the same cause opens a new incident when it comes again."""
    principal.require("workflow:run")
    try:
        found = uuid.UUID(incident_id)
    except ValueError:
        raise NotFound("There is no such incident", code="incident_not_found") from None
    changed = await services_of(request).db.call(
        "incident_close", principal.tenant, principal.store, found, principal.actor()
    )
    return success({"id": str(found), "status": "closed", "changed": changed})
