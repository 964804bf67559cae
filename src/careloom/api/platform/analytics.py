"""/api/analytics: how runs go, in figures."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import WordParam, instant
from careloom.api.services import services_of
from careloom.workflows.analytics import Period

router = APIRouter(prefix="/api/analytics", tags=["runs"])


@router.get("/runs", operation_id="analyzeRuns")
async def analyze_runs(
    request: Request,
    principal: PrincipalDep,
    workflow: WordParam = None,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    bucket: Literal["minute", "hour", "day"] | None = None,
) -> Response:
    """How runs go: now, in a period (by default the last day), by workflow, by step, and what
    waits for people."""
    principal.require("workflow:read")
    begin, end = instant("from", since), instant("to", until)
    period = Period.of(begin, end, bucket, workflow, datetime.now(UTC))
    asked = begin, end, bucket, workflow
    analytics = services_of(request).operations.analytics
    return success(await analytics.runs(principal.scope, asked, period))
