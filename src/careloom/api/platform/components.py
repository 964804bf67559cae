"""/api/components: parts of workflows that are kept once and used by many."""

from __future__ import annotations

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.services import services_of
from careloom.types import JsonObject
from careloom.workflows.definition.components import Component
from careloom.workflows.grants import with_grants

router = APIRouter(prefix="/api/components", tags=["components"])


@router.get("", operation_id="listComponents")
async def list_components(request: Request, principal: PrincipalDep) -> Response:
    """Every component of the store, newest versions."""
    principal.require("workflow:read")
    library = await services_of(request).deployment.components.library(principal.scope)
    return success([_shown(one) for one in library.values()])


@router.get("/{kind}/{name}", operation_id="getComponent")
async def get_component(
    kind: str, name: str, request: Request, principal: PrincipalDep
) -> Response:
    """One component, and the workflows that use it."""
    principal.require("workflow:read")
    components = services_of(request).deployment.components
    found = await components.get(principal.scope, kind, name)
    affected = await components.users(principal.scope, kind, name)
    return success({**_shown(found), "affected": affected})


@router.put("/{kind}/{name}", operation_id="putComponent")
async def put_component(
    kind: str,
    name: str,
    request: Request,
    principal: PrincipalDep,
    redeploy: bool = Query(False),
) -> Response:
    """Keep a new version, unless nothing changed. The answer names the workflows that use it;
    their deployed versions stay as they are until they are deployed again: `redeploy` does it."""
    principal.require("workflow:deploy")
    body = await read_object(request, "A component")
    answer = await services_of(request).deployment.put_component(
        principal.scope,
        kind,
        name,
        body,
        with_grants(principal.actor(), principal.grants),
        redeploy=redeploy,
    )
    return success(answer)


@router.delete("/{kind}/{name}", operation_id="deleteComponent")
async def delete_component(
    kind: str, name: str, request: Request, principal: PrincipalDep
) -> Response:
    """Keep it no longer; 409 while workflows use it."""
    principal.require("workflow:deploy")
    components = services_of(request).deployment.components
    await components.delete(principal.scope, kind, name, principal.actor())
    return success({"kind": kind, "name": name})


def _shown(one: Component) -> JsonObject:
    return {"kind": one.kind, "name": one.name, "version": one.version, "body": one.body}
