"""/api/templates and /api/samples: workflows to begin with, and events to test them with."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.services import services_of

router = APIRouter(tags=["drafts"])


@router.get("/api/templates", operation_id="listTemplates")
async def list_templates(request: Request, principal: PrincipalDep) -> Response:
    """Every shipped template: what it does, what it begins with, what it needs."""
    principal.require("workflow:read")
    return success(services_of(request).drafts.templates.every())


@router.get("/api/templates/{name}", operation_id="getTemplate")
async def get_template(name: str, request: Request, principal: PrincipalDep) -> Response:
    """One template with its YAML and a sample input."""
    principal.require("workflow:read")
    return success(services_of(request).drafts.templates.one(name))


@router.get("/api/samples", operation_id="listSamples")
async def list_samples(request: Request, principal: PrincipalDep) -> Response:
    """Every sample event that a draft can be tested with."""
    principal.require("workflow:read")
    return success(services_of(request).drafts.templates.samples())
