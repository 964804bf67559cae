"""The FHIR RESTful API, mounted at /fhir: http://hl7.org/fhir/R4/http.html

Each endpoint authenticates, reads the request, calls the FHIR store and answers.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from careloom.api.address import public_root
from careloom.api.authentication import authenticate_anywhere
from careloom.api.fhir.answering import REQUEST_ID, answering, respond
from careloom.api.fhir.deferring import begun, status_of
from careloom.api.fhir.negotiation import CONTENT_TYPE, Preferences, check_accept, preferences
from careloom.api.fhir.reading import read_request
from careloom.api.services import enter_store, services_of
from careloom.errors import Forbidden, InvalidInput
from careloom.fhir import restful
from careloom.fhir.batch import batch
from careloom.fhir.interactions.capabilities import capability_bytes
from careloom.fhir.request import Caller, allowed, parse_path, require_method
from careloom.fhir.request import Request as FhirRequest
from careloom.fhir.restriction import Access
from careloom.fhir.store import FhirStore
from careloom.fhir.transact import transact
from careloom.identity.stores import Stores

ROOT = "/fhir"
_STORES = "stores/"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


async def _store(request: Request, caller: Caller) -> FhirStore:
    """The store as the caller sees it, in the database that it is placed in."""
    await enter_store(request, caller.scope)
    return services_of(request).fhir.seen_by(caller.restriction, caller.base)


def _door(request: Request) -> tuple[str | None, str]:
    """The store that the address names (ROOT/stores/[id]/…), and the path below its base."""
    path: str = request.path_params.get("path", "")
    if not path.startswith(_STORES):
        return None, path
    store, _, below = path.removeprefix(_STORES).partition("/")
    return store, below


def _base(request: Request, store: str | None) -> str:
    """The base URL as the client knows it."""
    root = f"{public_root(request)}{request.scope.get('root_path', '') or ROOT}"
    return root if store is None else f"{root}/{_STORES}{store}"


async def _caller(request: Request, store: str | None) -> Caller:
    principal = await authenticate_anywhere(request)
    stores: Stores = request.app.state.services.stores
    scope = await stores.enter(principal, store)
    given = request.headers.get("x-request-id", "")
    access = Access(principal.grants, principal.refuse)

    def authorise(permission: str, resource_type: str | None) -> None:
        if resource_type is None:
            principal.require(permission)
        else:
            access.require(resource_type, permission)

    return Caller(
        scope=scope,
        actor=principal.actor(given if REQUEST_ID.match(given) else None),
        authorise=authorise,
        may_read=lambda resource_type: access(resource_type, "fhir:read").allowed,
        restriction=access,
        base=_base(request, store),
        allows=principal.allows,
    )


@answering
async def interaction(request: Request) -> Response:
    """Every interaction: on the store, a type, a resource, a compartment, or an operation."""
    store, path = _door(request)
    if path == "metadata" or request.method == "OPTIONS":
        return await _open_to_all(request, store, path)
    caller = await _caller(request, store)
    check_accept(request)
    wanted = preferences(request)
    asked = await read_request(request, path, wanted)
    fhir = await _store(request, caller)
    if asked.place == "async":
        return await status_of(fhir, caller, asked)
    if wanted.later and request.method != "HEAD":
        return await begun(fhir, caller, asked)
    try:
        if asked.method == "POST" and asked.place == "system":
            body = await _bundle(fhir, caller, asked, wanted)
            return Response(body, media_type=CONTENT_TYPE)
        return respond(caller, await restful.perform(fhir, caller, asked), wanted)
    except Forbidden as error:
        caller.restriction.note(error, asked.type)
        raise


async def _open_to_all(request: Request, store: str | None, path: str) -> Response:
    """What needs no credential: the CapabilityStatement, and the methods of a place."""
    asked = parse_path(path)
    if request.method == "OPTIONS":
        return Response(None, 204, {"Allow": allowed(asked.place)})
    asked.method = "GET" if request.method == "HEAD" else request.method
    require_method(asked)
    check_accept(request)
    pairs = request.query_params.multi_items()
    fhir: FhirStore = request.app.state.services.fhir
    statement = capability_bytes(fhir, _base(request, store), pairs)
    return Response(statement, media_type=CONTENT_TYPE)


async def _bundle(
    fhir: FhirStore, caller: Caller, asked: FhirRequest, wanted: Preferences
) -> bytes:
    """A batch or a transaction."""
    content = asked.resource
    match content.get("type") if isinstance(content, dict) else None:
        case "transaction":
            return await transact(fhir, caller, content, wanted.asks_for_bodies)
        case "batch":
            return await batch(fhir, caller, content, wanted.asks_for_bodies, asked.strict)
    raise InvalidInput(
        "Only a Bundle of type batch or transaction may be sent here",
        path="Bundle.type",
        fix=f"send other resources to {ROOT}/[type]",
    )


routes: list[BaseRoute] = [Route("/{path:path}", interaction, methods=METHODS)]
"""Below the FHIR base."""


async def resource_edge(scope: Scope, receive: Receive, send: Send) -> None:
    """An interaction at ROOT as an ASGI application of its own: no route is looked for."""
    scope["root_path"] = ROOT
    scope["path_params"] = {"path": scope["path"][len(ROOT) + 1 :]}
    request = Request(scope, receive)
    response = await interaction(request)
    await response(scope, receive, send)


def mounted(path: str = ROOT) -> list[BaseRoute]:
    """The routes at a base path, with a slash at its end and without."""
    return [Route(path, interaction, methods=METHODS), Mount(path, routes=routes)]
