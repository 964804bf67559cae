"""/api/work: what programs of one's own carry out."""

from __future__ import annotations

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject

router = APIRouter(prefix="/api/work", tags=["work"])


@router.get("", operation_id="listWork")
async def list_work(
    request: Request,
    principal: PrincipalDep,
    queue: str | None = Query(None),
    limit: int = Query(100, ge=1, le=1000),
) -> Response:
    """Work that is not done, oldest first, without what it carries."""
    principal.require("workflow:read")
    return success(await services_of(request).work.open(principal.scope, queue, limit))


@router.post("/{queue}/poll", operation_id="pollWork")
async def poll_work(
    queue: str,
    request: Request,
    principal: PrincipalDep,
    body: GivenDep,
) -> Response:
    """Take work of a queue under a lease; waits up to `wait` seconds for the first piece."""
    principal.require("work:do")
    given = body
    most, wait = given.get("max", 1), given.get("wait", 0)
    for name, value, top in (("max", most, 100), ("wait", wait, 60)):
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= top:
            raise InvalidInput(f"`{name}` must be a number up to {top}", path=f"/{name}")
    found = await services_of(request).work.poll(
        principal.scope,
        queue,
        max(int(most), 1),
        float(wait),
        principal.actor(),
        request.is_disconnected,
    )
    return success(found)


@router.post("/{work_id}/beat", operation_id="beatWork")
async def beat_work(
    work_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """A sign of life, which makes the lease whole again; `progress` is shown to whoever looks."""
    principal.require("work:do")
    progress = body.get("progress")
    if progress is not None and not isinstance(progress, dict):
        raise InvalidInput("`progress` must be an object", path="/progress")
    answer = await services_of(request).work.beat(
        principal.scope, work_id, _token(body), _counts(progress)
    )
    return success(answer)


@router.post("/{work_id}/complete", operation_id="completeWork")
async def complete_work(
    work_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """The work is done; the run goes on with `result`. 409 when the lease ran out."""
    principal.require("work:do")
    answer = await services_of(request).work.complete(
        principal.scope, work_id, _token(body), body.get("result"), principal.actor()
    )
    return success(answer)


@router.post("/{work_id}/fail", operation_id="failWork")
async def fail_work(
    work_id: str, request: Request, principal: PrincipalDep, body: GivenDep
) -> Response:
    """The work failed, for now (`retryable`) or for good."""
    principal.require("work:do")
    answer = await services_of(request).work.fail(
        principal.scope, work_id, _token(body), body, principal.actor()
    )
    return success(answer)


def _token(body: JsonObject) -> str:
    token = body.get("token")
    if not isinstance(token, str):
        raise InvalidInput(
            "The token that came with the work is missing", path="/token", fix="send the token"
        )
    return token


def _counts(progress: JsonObject | None) -> JsonObject | None:
    """How far it is, in numbers and a unit: free text might name a patient."""
    if progress is None:
        return None
    kept = {name: progress[name] for name in ("current", "total") if name in progress}
    if not all(isinstance(value, int | float) for value in kept.values()):
        raise InvalidInput("`current` and `total` must be numbers", path="/progress")
    unit = progress.get("unit")
    return {**kept, **({"unit": unit[:32]} if isinstance(unit, str) else {})}
