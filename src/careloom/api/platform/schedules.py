"""/api/schedules: when workflows start by themselves."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.services import services_of

router = APIRouter(prefix="/api/schedules", tags=["workflows"])


@router.get("", operation_id="listSchedules")
async def list_schedules(request: Request, principal: PrincipalDep) -> Response:
    """Every schedule of the store: its next five times, its last firing, what it missed."""
    principal.require("workflow:read")
    return success(await services_of(request).triggers.scheduler.all(principal.scope))
