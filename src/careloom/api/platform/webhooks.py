"""/hooks: deliveries of other systems. /api/webhooks: where they are sent, and their secrets."""

from __future__ import annotations

from datetime import timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.address import public_root
from careloom.api.authentication import PrincipalDep, authenticate
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenDep, read_body
from careloom.api.platform.parameters import NameParam
from careloom.api.services import services_of
from careloom.errors import InvalidInput
from careloom.identity.principal import Principal
from careloom.workflows.webhooks import BODY_LIMIT

router = APIRouter(tags=["webhooks"])
_DAY_S = 86400
_LONGEST_S = 30 * _DAY_S


@router.post("/hooks/{endpoint}/{path}", operation_id="receiveWebhook", status_code=202)
async def receive_webhook(endpoint: str, path: str, request: Request) -> Response:
    """Take a signed delivery: kept, with its event, before this answers. A repeat of its id gets
    the same answer and starts nothing again."""

    async def who() -> Principal:
        return await authenticate(request)

    body = await read_body(request, "delivery", limit=BODY_LIMIT, fix="send less, or a reference")
    webhooks = services_of(request).triggers.webhooks
    taken = await webhooks.receive(endpoint, path, request.headers, body, who)
    return success(taken, status=202)


@router.get("/api/webhooks", operation_id="listWebhooks")
async def list_webhooks(request: Request, principal: PrincipalDep) -> Response:
    """The store's address for webhooks, the paths that workflows listen at, its secrets by name."""
    principal.require("workflow:deploy")
    found = await services_of(request).triggers.webhooks.all(principal.scope, principal.actor())
    origin = public_root(request)
    for hook in found["hooks"]:
        hook["url"] = f"{origin}{hook['url']}"
    return success(found)


@router.put("/api/webhooks/secrets/{name}", operation_id="putWebhookSecret", status_code=201)
async def put_webhook_secret(
    name: NameParam,
    request: Request,
    principal: PrincipalDep,
    body: GivenDep,
) -> Response:
    """Make or keep a signing secret; it is shown in this answer only. The earlier ones of the name
    stay valid for a day, or for `keepPreviousFor` seconds, so that senders can change over."""
    principal.require("admin")
    given = body
    secret, keep = given.get("secret"), given.get("keepPreviousFor", _DAY_S)
    if secret is not None and not isinstance(secret, str):
        raise InvalidInput("`secret` must be text", path="/secret")
    if not isinstance(keep, int) or isinstance(keep, bool) or not 0 <= keep <= _LONGEST_S:
        raise InvalidInput(
            "`keepPreviousFor` must be seconds, at most 30 days", path="/keepPreviousFor"
        )
    kept = await services_of(request).triggers.webhooks.put_secret(
        principal.scope, name, secret, timedelta(seconds=keep), principal.actor()
    )
    return success(kept, status=201)
