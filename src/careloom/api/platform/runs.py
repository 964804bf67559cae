"""/api/workflows/runs: what runs did and are doing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.parameters import (
    RunParam,
    RunStatusParam,
    TextParam,
    WordParam,
    instant,
)
from careloom.api.services import services_of
from careloom.audit.export import export
from careloom.audit.trail import Selection
from careloom.errors import NotAcceptable
from careloom.workflows.engine.ids import parse_run_name
from careloom.workflows.runs import MOST_BARS, MOST_STEPS

router = APIRouter(prefix="/api", tags=["runs"])
AfterParam = Annotated[
    int | None, Query(ge=0, le=2_000_000_000, description="The `nextStep` of the page before")
]
_FORMS = {
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/csv": "csv",
    "application/fhir+json": "fhir",
}


@router.get("/workflows/runs", operation_id="listRuns")
async def list_runs(
    request: Request,
    principal: PrincipalDep,
    workflow: WordParam = None,
    status: RunStatusParam = None,
    version: int | None = Query(None, ge=1, le=1_000_000),
    code: WordParam = None,
    text: TextParam = None,
    parent: RunParam = None,
    since: Annotated[datetime | None, Query(alias="from")] = None,
    until: Annotated[datetime | None, Query(alias="to")] = None,
    before: RunParam = None,
    limit: int = Query(50, ge=1, le=500),
    gantt: bool = Query(False, description="With each run's steps as segments of time"),
) -> Response:
    """Runs, newest first; page with the last id as `before`."""
    principal.require("workflow:read")
    times = {"from": since, "to": until}
    runs = await services_of(request).runs.page(
        principal.scope,
        workflow_id=workflow,
        state=status,
        before=before,
        limit=limit,
        gantt=gantt,
        version=version,
        code=code,
        text=None if text is None else text.removeprefix("run_"),
        parent=None if parent is None else str(parse_run_name(parent)),
        **{name: _text(instant(name, at)) for name, at in times.items()},
    )
    return success(runs)


@router.get("/workflows/runs/{run_id}", operation_id="getRun")
async def get_run(
    run_id: str,
    request: Request,
    principal: PrincipalDep,
    after: AfterParam = None,
    limit: int = Query(MOST_STEPS, ge=1, le=MOST_STEPS),
) -> Response:
    """One run: steps, attempts, output, error, cause, timings. Of a long run a page of steps."""
    principal.require("run:read")
    runs, place = services_of(request).runs, -1 if after is None else after
    return success(await runs.status(principal.scope, run_id, after=place, limit=limit))


@router.get("/workflows/runs/{run_id}/audit", operation_id="getRunAudit")
async def get_run_audit(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """The run's audit rows with the chain's proof; by Accept JSON, NDJSON, CSV or FHIR."""
    principal.require("audit:read")
    services = services_of(request)
    await services.runs.known(principal.scope, run_id)
    media = _media(request.headers.get("accept", "*/*"))
    chosen = Selection(run_id=str(parse_run_name(run_id)))
    form = _FORMS[media]
    pieces = export(services.trail, principal.tenant, chosen, form, key=services.signing_key)
    if form == "json":
        content = b"".join([piece async for piece in pieces])
        body = b'{"success":true,"data":' + content + b"}"
        return Response(body, media_type=media)
    return StreamingResponse(pieces, media_type=media)


@router.get("/workflows/runs/{run_id}/timeline", operation_id="getRunTimeline")
async def get_run_timeline(
    run_id: str,
    request: Request,
    principal: PrincipalDep,
    after: AfterParam = None,
    limit: int = Query(MOST_BARS, ge=1, le=MOST_BARS),
) -> Response:
    """When each step, attempt and wait of a run took place; no payloads."""
    principal.require("workflow:read")
    runs, place = services_of(request).runs, -1 if after is None else after
    return success(await runs.timeline(principal.scope, run_id, after=place, limit=limit))


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _media(accept: str) -> str:
    for part in accept.split(","):
        media = part.partition(";")[0].strip().lower()
        if media in _FORMS:
            return media
        if media in ("*/*", "application/*", ""):
            return "application/json"
    raise NotAcceptable(
        "The audit is not offered in that form", fix=f"accept one of {', '.join(_FORMS)}"
    )
