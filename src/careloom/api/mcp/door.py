"""POST, GET and DELETE /mcp: streamable HTTP, for programs that show a key.

https://modelcontextprotocol.io/specification/2025-06-18/basic/transports#streamable-http
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careloom.api.address import public_root
from careloom.api.authentication import authenticate, challenge_headers, read_credential
from careloom.api.browser import require_our_page
from careloom.api.envelope import JsonResponse
from careloom.api.mcp.calls import KEY, answered, introduction
from careloom.api.mcp.flow import Underway, listening, streamed
from careloom.api.mcp.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    REFUSED,
    Message,
    RpcError,
    error_of,
    read_message,
    refused,
    result_of,
)
from careloom.api.mcp.tool import Guest
from careloom.api.mcp.visits import BATCHED, VERSIONS, Visit, Visits
from careloom.api.platform.bodies import media_of, read_body
from careloom.api.services import home_of, services_of
from careloom.errors import (
    CareloomError,
    InvalidInput,
    NotAcceptable,
    NotFound,
    UnsupportedMediaType,
)
from careloom.fhir.request import Caller
from careloom.fhir.restriction import Access
from careloom.identity.principal import Principal
from careloom.json_text import read_json
from careloom.types import Json, JsonObject

PATH = "/mcp"
SESSION = "Mcp-Session-Id"
_VERSION = "MCP-Protocol-Version"
_MOST_BATCHED = 50
_LONGEST_KEY = 255
_CODES = {"not_json": PARSE_ERROR, "not_jsonrpc": INVALID_REQUEST}
Endpoint = Callable[[Request], Awaitable[Response]]


def _speaking(endpoint: Endpoint) -> Endpoint:
    """What is refused before a message is looked at is answered by status, with an error of
    JSON-RPC in the body."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except CareloomError as error:
            headers = challenge_headers(error, request)
            return refused(error, headers, _CODES.get(error.code, REFUSED))

    return answer


@_speaking
async def post(request: Request) -> Response:
    """One message, or in the version that knows them several, and the answer."""
    principal = await _principal(request)
    takes_stream = _require_json(request)
    given = _json(await read_body(request, "message"))
    visits = Visits(home_of(request).db)
    if isinstance(given, list):
        return await _batch(request, principal, visits, given)
    message = read_message(given)
    if message.method == "initialize":
        if message.id is None:
            raise InvalidInput("initialize needs an id", code="not_jsonrpc")
        visit = await visits.open(principal, message.params)
        body = result_of(message.id, introduction(visit))
        return JsonResponse(body, headers={SESSION: visit.id})
    visit = await visits.find(principal, request.headers.get(SESSION))
    underway: Underway = request.app.state.mcp
    if not message.is_request:
        if message.method == "notifications/cancelled":
            underway.cancel(visit.id, message.params.get("requestId"))
        return Response(None, 202)
    guest = _guest(request, principal, visit, message)
    if takes_stream and _takes_time(message):
        return streamed(request, guest, message, underway, _answer(guest, message))
    with underway.place(principal):
        return JsonResponse(await _answer(guest, message))


@_speaking
async def get(request: Request) -> Response:
    """What the server has to say unasked: that tools or resources are others now."""
    principal = await _principal(request)
    if "text/event-stream" not in request.headers.get("accept", ""):
        raise NotAcceptable("This is a stream of events", fix="accept text/event-stream")
    visits = Visits(home_of(request).db)
    visit = await visits.find(principal, request.headers.get(SESSION))
    return await listening(request, principal, visits, visit)


@_speaking
async def delete(request: Request) -> Response:
    """The program ends its session."""
    principal = await _principal(request)
    await Visits(home_of(request).db).end(principal, request.headers.get(SESSION))
    return Response(None, 204)


async def _principal(request: Request) -> Principal:
    """Who calls, by a key alone: no cookie counts here, and no page of another site may ask."""
    if not home_of(request).settings.mcp:
        raise NotFound("There is nothing here", fix="set CARELOOM_MCP=yes to serve MCP")
    require_our_page(request)
    read_credential(request.headers.get("authorization"))
    principal = await authenticate(request)
    principal.require("mcp:use")
    given = request.headers.get(_VERSION)
    if given is not None and given not in VERSIONS:
        raise InvalidInput(
            f"{_VERSION} names a version that this server does not speak",
            code="mcp_version",
            fix=f"use {' or '.join(VERSIONS)}",
        )
    return principal


def _require_json(request: Request) -> bool:
    """Whether the client takes a stream, too."""
    if media_of(request) != "application/json":
        raise UnsupportedMediaType(
            "A message is JSON", fix="send it with Content-Type: application/json"
        )
    accept = request.headers.get("accept", "*/*")
    if not any(one in accept for one in ("application/json", "application/*", "*/*")):
        raise NotAcceptable("Answers are JSON", fix="accept application/json and text/event-stream")
    return "text/event-stream" in accept


def _json(raw: bytes) -> Json:
    try:
        return read_json(raw, "The body")
    except InvalidInput as error:
        error.code = "not_json"
        raise


async def _batch(
    request: Request, principal: Principal, visits: Visits, given: list[Json]
) -> Response:
    """Several messages at once, as the version of 2025-03-26 has it."""
    visit = await visits.find(principal, request.headers.get(SESSION))
    if visit.version != BATCHED or not 1 <= len(given) <= _MOST_BATCHED:
        raise InvalidInput(
            "The body is one message", code="not_jsonrpc", fix="send messages one by one"
        )
    messages = [read_message(one) for one in given]
    underway: Underway = request.app.state.mcp
    with underway.place(principal):
        answers = [
            await _batched(_guest(request, principal, visit, one), one)
            for one in messages
            if one.is_request
        ]
    return JsonResponse(answers) if answers else Response(None, 202)


async def _batched(guest: Guest, message: Message) -> JsonObject:
    """The answer to a request among others, which wait for it: it does not wait itself."""
    if message.id is not None and _takes_time(message):
        said = "A call in a batch does not wait: leave waitSeconds out, or send it alone"
        return error_of(message.id, RpcError(INVALID_PARAMS, said))
    return await _answer(guest, message)


async def _answer(guest: Guest, message: Message) -> JsonObject:
    """The whole answer to a request, an error included."""
    if message.id is None:
        raise AssertionError("only requests are answered")
    try:
        return result_of(message.id, await answered(guest, message))
    except RpcError as error:
        return error_of(message.id, error)
    except CareloomError as error:
        return error_of(message.id, RpcError(REFUSED, error.message, {"code": error.code}))


def _takes_time(message: Message) -> bool:
    given = message.params.get("arguments")
    return (
        message.method == "tools/call"
        and message.params.get("name") == "run_status"
        and isinstance(given, dict)
        and bool(given.get("waitSeconds"))
    )


def _guest(request: Request, principal: Principal, visit: Visit, message: Message) -> Guest:
    access = Access(principal.grants, principal.refuse)

    def authorise(permission: str, resource_type: str | None) -> None:
        if resource_type is None:
            principal.require(permission)
        else:
            access.require(resource_type, permission)

    caller = Caller(
        scope=principal.scope,
        actor=principal.actor(),
        authorise=authorise,
        may_read=lambda resource_type: access(resource_type, "fhir:read").allowed,
        restriction=access,
        base=f"{public_root(request)}/fhir",
        allows=principal.allows,
    )
    meta = message.params.get("_meta")
    key = meta.get(KEY) if isinstance(meta, dict) else None
    fit = isinstance(key, str) and 0 < len(key) <= _LONGEST_KEY
    return Guest(principal, services_of(request), visit, caller, key if fit else None)


routes: list[BaseRoute] = [
    Route(PATH, post, methods=["POST"]),
    Route(PATH, get, methods=["GET"]),
    Route(PATH, delete, methods=["DELETE"]),
]
