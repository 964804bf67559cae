"""/api/connections: where messages go."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Body
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import NameParam
from careloom.api.services import services_of

router = APIRouter(prefix="/api/connections", tags=["connections"])


@router.get("", operation_id="listConnections")
async def list_connections(request: Request, principal: PrincipalDep) -> Response:
    """Every connection, without secrets."""
    principal.require("workflow:read")
    return success(await services_of(request).connections.all(principal.scope))


@router.put("/{connection_id}", operation_id="putConnection")
async def put_connection(
    connection_id: NameParam,
    request: Request,
    principal: PrincipalDep,
    body: dict[str, Any] = Body(...),
) -> Response:
    """Keep a connection of kind slack, email or webhook; secrets are sealed and never shown."""
    principal.require("admin")
    connections = services_of(request).connections
    return success(await connections.put(principal.scope, connection_id, body, principal.actor()))
