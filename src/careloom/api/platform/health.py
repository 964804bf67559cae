"""Health, readiness, metrics and the step catalog."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import JsonResponse, success
from careloom.api.metrics import exposition
from careloom.api.services import services_of
from careloom.errors import Unavailable

router = APIRouter(tags=["operation"])


@router.get("/health/live", operation_id="live")
async def live() -> Response:
    """The process answers."""
    return JsonResponse({"status": "live"})


@router.get("/health/ready", operation_id="ready")
async def ready(request: Request) -> Response:
    """The database answers too, and runs are carried out; 503 while one of them is not so."""
    broken = services_of(request).worker.ledger.broken
    if broken is not None:
        cause = f"The database reports an inner fault ({broken}); no more runs are claimed here"
        return JsonResponse({"status": "not ready", "cause": cause}, status_code=503)
    try:
        await services_of(request).db.call("tenant_read", "default")
    except Unavailable as error:
        return JsonResponse({"status": "not ready", "cause": error.message}, status_code=503)
    return JsonResponse({"status": "ready"})


@router.get("/metrics", operation_id="metrics")
async def metrics(request: Request) -> Response:
    """Prometheus text; no patient data in any label."""
    return Response(exposition(request.app.state.services), media_type="text/plain; version=0.0.4")


@router.get("/api/step-types", operation_id="listStepTypes", tags=["workflows"])
async def list_step_types(request: Request, principal: PrincipalDep) -> Response:
    """Every step type with its schema: forms, verification and rollback all read it."""
    principal.require("workflow:read")
    catalog = services_of(request).catalog
    return success([{"type": name, **step.schema} for name, step in sorted(catalog.items())])
