"""/api/evaluations: how people decided on what models suggested."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import WordParam
from careloom.api.services import services_of
from careloom.tasks.agreement import agreement
from careloom.tasks.service import asker_of

router = APIRouter(prefix="/api", tags=["ai"])


@router.get("/evaluations", operation_id="listEvaluations")
async def list_evaluations(
    request: Request, principal: PrincipalDep, workflow: WordParam = None
) -> Response:
    """By workflow, step, model and version: how often people agreed with what was suggested, with
    its interval, and whether the stated confidence kept its word; of the latest 1,000 decided tasks
    that the key may see."""
    principal.require("task:read")
    tasks, who = services_of(request).tasks, asker_of(principal)
    return success(await agreement(tasks, principal.scope, who, workflow))
