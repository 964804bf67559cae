"""/api/events: tell runs that wait that something has come."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep
from careloom.api.envelope import success
from careloom.api.platform.bodies import read_object
from careloom.api.services import services_of
from careloom.errors import InvalidInput

router = APIRouter(prefix="/api/events", tags=["runs"])


@router.post("/{name}", operation_id="sendEvent", status_code=202)
async def send_event(
    name: str,
    request: Request,
    principal: PrincipalDep,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Send an event by name and key to the run that has waited longest for it; one that no run
    waits for yet is kept. An `Idempotency-Key`, or `id` in the body, makes a repeat harmless."""
    principal.require("workflow:run")
    body = await read_object(request, "The event")
    unknown = sorted(body.keys() - {"key", "data", "id"})
    if unknown:
        raise InvalidInput(
            f"An event takes key, data and id, not {unknown[0]!r}",
            code="event_body",
            path=unknown[0],
        )
    key, sender_id = body.get("key"), body.get("id", idempotency_key)
    if isinstance(key, dict | list | bool) or not isinstance(sender_id, str | None):
        raise InvalidInput("`key` and `id` are texts", code="event_body", path="key")
    sent = await services_of(request).signals.send(
        principal.scope,
        name,
        "" if key is None else str(key),
        body.get("data"),
        principal.actor(),
        sender_id=sender_id,
    )
    return success(sent, status=202)
