"""/api/workflows/runs/…/preview: what an order to runs would do, told before it is given."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.platform.run_orders import chosen, only, order_of
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.workflows.previews import PreviewAction
from careloom.workflows.starters import require_manual_start

router = APIRouter(prefix="/api/workflows", tags=["runs"])
_ONE = frozenset({"action", "from", "input", "version"})
_MANY = frozenset({"action", "runIds", "filter", "from", "version"})
_ACTIONS: tuple[PreviewAction, ...] = ("retry", "replay", "rollback", "cancel")
_OF_MANY: tuple[PreviewAction, ...] = ("retry", "rollback", "cancel")


@router.post("/runs/preview", operation_id="previewRuns")
async def preview_runs(request: Request, principal: PrincipalDep) -> Response:
    """What an order to many runs would do, counted; it takes what `controlRuns` takes."""
    principal.require("run:read")
    body = await read_object(request, "The order")
    only(body, _MANY)
    action = _action(body.get("action"), _OF_MANY)
    names = await chosen(request, principal, body, action)
    previews = services_of(request).operations.previews
    return success(await previews.of_many(principal.scope, names, action, order_of(body)))


@router.post("/runs/{run_id}/preview", operation_id="previewRun")
async def preview_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """What a retry, a replay, a rollback or a cancellation would do to a run; nothing is done."""
    principal.require("run:read")
    services = services_of(request)
    await services.runs.known(principal.scope, run_id)
    body = await read_object(request, "The order")
    only(body, _ONE)
    action = _action(body.get("action"), _ACTIONS)
    found = await services.operations.previews.of(
        principal.scope,
        run_id,
        action,
        order_of(body),
        lambda definition: require_manual_start(definition, principal),
    )
    return success(found)


def _action(value: Any, known: tuple[PreviewAction, ...]) -> PreviewAction:
    for action in known:
        if value == action:
            return action
    raise InvalidInput(
        "The action is not one that can be previewed",
        path="/action",
        fix=f"use one of {', '.join(known)}",
    )
