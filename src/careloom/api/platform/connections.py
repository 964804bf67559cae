"""/api/connections: where messages go, and the systems that workflows call."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.platform.parameters import NameParam
from careloom.api.services import services_of
from careloom.connections.trial import trial

router = APIRouter(prefix="/api/connections", tags=["connections"])


@router.get("", operation_id="listConnections")
async def list_connections(request: Request, principal: PrincipalDep) -> Response:
    """Every connection, without secrets, with what this process knows of its health."""
    principal.require("workflow:read")
    return success(await services_of(request).connections.all(principal.scope))


@router.put("/{connection_id}", operation_id="putConnection")
async def put_connection(
    connection_id: NameParam,
    request: Request,
    principal: PrincipalDep,
    body: GivenDep,
) -> Response:
    """Keep a connection of any kind; secrets are sealed and never shown."""
    principal.require("admin")
    connections = services_of(request).connections
    return success(await connections.put(principal.scope, connection_id, body, principal.actor()))


@router.post("/{connection_id}/test", operation_id="testConnection")
async def test_connection(
    connection_id: NameParam, request: Request, principal: PrincipalDep
) -> Response:
    """Ask the peer for a sign of life, with the connection's credentials; nothing is sent on."""
    principal.require("admin")
    connections = services_of(request).connections
    return success(await trial(connections, principal.scope, connection_id))
