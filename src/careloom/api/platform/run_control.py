"""/api/workflows/runs/…: pause, resume, cancel, roll back and retry; and dead letters."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.platform.parameters import RunParam, WordParam
from careloom.api.platform.run_orders import chosen, only, order_of, summary
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.identity.principal import Principal
from careloom.types import JsonObject
from careloom.workflows.control import Action
from careloom.workflows.grants import with_grants
from careloom.workflows.starters import require_manual_start

router = APIRouter(prefix="/api/workflows", tags=["runs"])
_ACTIONS: tuple[Action, ...] = ("pause", "resume", "cancel", "rollback")
_BULK = frozenset({"action", "runIds", "filter", "from", "version"})
LetterParam = Annotated[str, Path(pattern=r"^(run_[0-9a-f]{32}|evt_\d{1,18}_[\w.:-]{1,128})$")]
"""A dead letter: a run, or an event that was put aside for a workflow."""


@router.post("/runs/bulk", operation_id="controlRuns")
async def control_runs(request: Request, principal: PrincipalDep) -> Response:
    """Do one thing to many runs, named or found by a filter; the outcome of each."""
    body = await read_object(request, "The order")
    only(body, _BULK)
    action = body.get("action")
    if action not in (*_ACTIONS, "retry"):
        raise InvalidInput(
            "The action is not one that runs know",
            path="/action",
            fix=f"use one of {', '.join((*_ACTIONS, 'retry'))}",
        )
    principal.require("run:retry" if action == "retry" else "run:control")
    operations, scope = services_of(request).operations, principal.scope
    names = await chosen(request, principal, body, action)
    if action == "retry":
        order = order_of(body)
        if order.trigger is not None:
            raise InvalidInput("An input belongs to one run", path="/input", fix="retry it alone")
        actor = with_grants(principal.actor(), principal.grants)
        outcomes = await operations.retry.retry_many(scope, names, order, actor)
    else:
        outcomes = await operations.control.apply_to_many(scope, names, action, principal.actor())
    return success({"action": action, "summary": summary(outcomes), "runs": outcomes})


@router.post("/runs/{run_id}/pause", operation_id="pauseRun", status_code=202)
async def pause_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Let a run and its children rest after the step they are at; a finished one is 422."""
    return await _control(request, principal, run_id, "pause")


@router.post("/runs/{run_id}/resume", operation_id="resumeRun", status_code=202)
async def resume_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Let a paused run and its children go on."""
    return await _control(request, principal, run_id, "resume")


@router.post("/runs/{run_id}/cancel", operation_id="cancelRun", status_code=202)
async def cancel_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Ask a run and its children to stop; a finished one is 422."""
    return await _control(request, principal, run_id, "cancel")


@router.post("/runs/{run_id}/rollback", operation_id="rollbackRun", status_code=202)
async def rollback_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Undo the completed steps of a run, last first; also of one that has ended."""
    return await _control(request, principal, run_id, "rollback")


@router.post("/runs/{run_id}/retry", operation_id="retryRun", status_code=202)
async def retry_run(run_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Start a run that takes this one's place: from the step that failed, or `from` another, with
    another `input`, on another `version`."""
    principal.require("run:retry")
    body = await read_object(request, "The order")
    only(body, frozenset({"from", "input", "version"}))
    actor = with_grants(principal.actor(), principal.grants)
    answer = await services_of(request).operations.retry.retry(
        principal.scope,
        run_id,
        order_of(body),
        actor,
        lambda definition: require_manual_start(definition, principal),
    )
    return success(answer, status=202)


@router.get("/dead-letters", operation_id="listDeadLetters")
async def list_dead_letters(
    request: Request,
    principal: PrincipalDep,
    workflow: WordParam = None,
    code: WordParam = None,
    version: int | None = Query(None, ge=1, le=1_000_000),
    step: str | None = Query(None, max_length=500),
    before: RunParam = None,
    limit: int = Query(50, ge=1, le=500),
) -> Response:
    """What failed and waits for somebody: by cause, then one by one, newest first."""
    principal.require("workflow:read")
    letters, scope = services_of(request).operations.dead_letters, principal.scope
    where: JsonObject = {"workflow": workflow, "code": code, "version": version, "path": step}
    return success(
        {
            "causes": await letters.causes(scope, workflow),
            "runs": await letters.runs(scope, where, before, limit),
            "events": await letters.events(scope, where, limit),
        }
    )


@router.get("/dead-letters/{letter_id}", operation_id="getDeadLetter")
async def get_dead_letter(
    letter_id: LetterParam, request: Request, principal: PrincipalDep
) -> Response:
    """One dead letter with what it was started with."""
    principal.require("run:read")
    letters = services_of(request).operations.dead_letters
    return success(await letters.read(principal.scope, letter_id))


@router.post("/dead-letters/{letter_id}/resend", operation_id="resendDeadLetter", status_code=202)
async def resend_dead_letter(
    letter_id: LetterParam, request: Request, principal: PrincipalDep
) -> Response:
    """Send it again: an event to the workflow that could not read it; a run as `retryRun` does."""
    principal.require("run:retry")
    if letter_id.startswith("run_"):
        return await retry_run(letter_id, request, principal)
    only(await read_object(request, "The order"), frozenset())
    letters = services_of(request).operations.dead_letters
    return success(await letters.resend(principal.scope, letter_id, principal.actor()), status=202)


@router.post("/dead-letters/{letter_id}/discard", operation_id="discardDeadLetter")
async def discard_dead_letter(
    letter_id: LetterParam, request: Request, principal: PrincipalDep
) -> Response:
    """Let it be, with a reason."""
    principal.require("run:retry")
    body = await read_object(request, "The reason")
    only(body, frozenset({"reason"}))
    reason = body.get("reason")
    if not isinstance(reason, str):
        raise InvalidInput("A reason is missing", path="/reason", fix='send {"reason": "…"}')
    letters = services_of(request).operations.dead_letters
    return success(await letters.discard(principal.scope, letter_id, reason, principal.actor()))


async def _control(request: Request, principal: Principal, run_id: str, action: Action) -> Response:
    principal.require("run:control")
    answer = await services_of(request).operations.control.apply(
        principal.scope, run_id, action, principal.actor()
    )
    return success(answer, status=202)
