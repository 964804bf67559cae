"""/api/workflows/…/replay: past runs on another version, with every effect off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.types import JsonObject
from careloom.workflows.grants import with_grants
from careloom.workflows.idempotency import once_of
from careloom.workflows.replay import MOST_RUNS, ReplayOrder

router = APIRouter(prefix="/api/workflows", tags=["versions"])
ReplayParam = Annotated[str, Path(pattern=r"^rep_[0-9a-f]{32}$")]
_KNOWN = frozenset({"runIds", "last", "from", "to", "limit", "version", "definition"})


@router.get("/replays/{replay_id}", operation_id="getReplay")
async def get_replay(replay_id: ReplayParam, request: Request, principal: PrincipalDep) -> Response:
    """A replay: how far it is, which fields changed in how many runs, and each run's changes."""
    principal.require("run:read")
    return success(await services_of(request).operations.replays.read(principal.scope, replay_id))


@router.post("/replays/{replay_id}/cancel", operation_id="cancelReplay")
async def cancel_replay(
    replay_id: ReplayParam, request: Request, principal: PrincipalDep
) -> Response:
    """Stop a replay; what it found stays."""
    principal.require("workflow:replay")
    principal.require("run:read")
    return success(await services_of(request).operations.replays.cancel(principal.scope, replay_id))


@router.post("/{workflow_id}/replay", operation_id="replayRuns", status_code=202)
async def replay_runs(workflow_id: str, request: Request, principal: PrincipalDep) -> Response:
    """Do past runs again on a version or a draft, in memory: nothing is written, sent or asked."""
    principal.require("workflow:replay")
    principal.require("run:read")
    body = await read_object(request, "The order")
    key = request.headers.get("idempotency-key")
    answer = await services_of(request).operations.replays.begin(
        principal.scope,
        workflow_id,
        _order(body),
        with_grants(principal.actor(), principal.grants),
        once=once_of(key, principal.id, f"replay {workflow_id}", body),
    )
    return success(answer, status=202)


def _order(body: JsonObject) -> ReplayOrder:
    for name in body:
        if name not in _KNOWN:
            raise InvalidInput(
                f"{name[:40]!r} is not known here", fix=f"send {', '.join(sorted(_KNOWN))}"
            )
    names = body.get("runIds")
    if names is not None and (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or len(names) > MOST_RUNS
    ):
        raise InvalidInput(f"runIds is a list of up to {MOST_RUNS} run ids", path="/runIds")
    draft = body.get("definition")
    if draft is not None and not isinstance(draft, str | dict):
        raise InvalidInput("definition is YAML text or an object", path="/definition")
    limit = body.get("last", body.get("limit", 100 if names is None else len(names)))
    return ReplayOrder(
        run_ids=names,
        since=_time(body, "from"),
        until=_time(body, "to"),
        limit=_number(limit, "limit", MOST_RUNS),
        version=None if body.get("version") is None else _number(body["version"], "version"),
        draft=draft,
    )


def _number(value: Any, name: str, most: int = 1_000_000) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    raise InvalidInput(f"{name} is a number from 1 to {most}", path=f"/{name}")


def _time(body: JsonObject, name: str) -> datetime | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise InvalidInput(f"{name} is a time in ISO 8601", path=f"/{name}") from None
