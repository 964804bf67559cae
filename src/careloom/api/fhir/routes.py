"""The FHIR RESTful API, mounted at /fhir: http://hl7.org/fhir/R4/http.html

Each endpoint authenticates, reads the request, calls the FHIR store and answers.
"""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from careloom.api.address import public_root
from careloom.api.authentication import authenticate, challenge_headers
from careloom.api.fhir.negotiation import (
    CONTENT_TYPE,
    FORM,
    JSON_PATCH,
    JSON_TYPES,
    Preferences,
    check_accept,
    check_content_type,
    http_date,
    parse_http_date,
    preferences,
)
from careloom.errors import CareloomError, InvalidInput, NotFound, TooLarge
from careloom.fhir import restful
from careloom.fhir.batch import batch
from careloom.fhir.issue import Issue, outcome, outcome_of
from careloom.fhir.operations.validate import validate
from careloom.fhir.request import Answer, Caller, parse_path
from careloom.fhir.request import Request as FhirRequest
from careloom.fhir.resource import parse, serialize
from careloom.fhir.restriction import Access
from careloom.fhir.store import FhirStore
from careloom.fhir.transact import transact

MOST_BYTES = 32 << 20
MOST_FIELDS = 2000
ROOT = "/fhir"
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
_REQUEST_ID = re.compile(r"[\w.\-]{1,64}\Z")
_log = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


def _store(request: Request) -> FhirStore:
    fhir: FhirStore = request.app.state.services.fhir
    return fhir


def _base(request: Request) -> str:
    """The base URL as the client knows it."""
    return f"{public_root(request)}{request.scope.get('root_path', '') or ROOT}"


async def _caller(request: Request) -> Caller:
    principal = await authenticate(request)
    given = request.headers.get("x-request-id", "")
    access = Access(principal.grants, principal.refuse)

    def authorise(permission: str, resource_type: str | None) -> None:
        if resource_type is None:
            principal.require(permission)
        else:
            access.require(resource_type, permission)

    return Caller(
        scope=principal.scope,
        actor=principal.actor(given if _REQUEST_ID.match(given) else None),
        authorise=authorise,
        may_read=lambda resource_type: access(resource_type, "fhir:read").allowed,
        restriction=access,
        base=_base(request),
    )


def _answering(endpoint: Endpoint) -> Endpoint:
    """Every error is an OperationOutcome, and never a trace of the program."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except CareloomError as error:
            content = outcome_of(error)
            response = _json(content, error.status, challenge_headers(error))
        except Exception as error:
            # The message of an unexpected error could hold patient data; the places cannot.
            places = "".join(traceback.format_tb(error.__traceback__))
            _log.error("unexpected %s at\n%s", type(error).__name__, places)
            message = "The server failed; look before you repeat a write"
            issue = Issue("fatal", "exception", "", message)
            response = _json(outcome([issue]), 500, {})
        return _without_body(response) if request.method == "HEAD" else response

    return answer


def _json(content: object, status: int, headers: dict[str, str]) -> Response:
    return Response(serialize(content), status, headers, media_type=CONTENT_TYPE)


def _without_body(response: Response) -> Response:
    length = response.headers.get("content-length", "0")
    bare = Response(None, response.status_code, dict(response.headers))
    bare.headers["content-length"] = length
    return bare


async def read_body(request: Request) -> bytes:
    """The body, at most MOST_BYTES of it."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MOST_BYTES:
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> TooLarge:
    return TooLarge(
        f"The body is larger than {MOST_BYTES >> 20} MiB", fix="split it into several requests"
    )


@_answering
async def metadata(request: Request) -> Response:
    """GET metadata: the CapabilityStatement; needs no credential."""
    check_accept(request)
    return Response(_store(request).capabilities(_base(request)), media_type=CONTENT_TYPE)


@_answering
async def bundle(request: Request) -> Response:
    """POST to the base: a batch or a transaction."""
    caller = await _caller(request)
    check_accept(request)
    check_content_type(request)
    content = parse(await read_body(request))
    kind = content.get("type") if isinstance(content, dict) else None
    wants_bodies = _wants_bodies(request)
    if kind == "transaction":
        body = await transact(_store(request), caller, content, return_bodies=wants_bodies)
    elif kind == "batch":
        body = await batch(_store(request), caller, content, return_bodies=wants_bodies)
    else:
        raise InvalidInput(
            "Only a Bundle of type batch or transaction may be sent here",
            path="Bundle.type",
            fix=f"send other resources to {ROOT}/[type]",
        )
    return Response(body, media_type=CONTENT_TYPE)


def _wants_bodies(request: Request) -> bool:
    """A Bundle's answer repeats the resources only when that is asked for."""
    return any("representation" in value for value in request.headers.getlist("prefer"))


@_answering
async def interaction(request: Request) -> Response:
    """Every interaction on a type or a resource."""
    caller = await _caller(request)
    check_accept(request)
    wanted = preferences(request)
    path = request.path_params["path"]
    if path.rpartition("/")[2].startswith("$"):
        return await _operation(request, caller, path)
    if request.method == "POST" and path.endswith("/_search"):
        asked = await _posted_search(request, path)
        answer = await _searched(request, caller, asked, wanted)
    else:
        asked = await _read(request, path, wanted)
        answer = await restful.perform(_store(request), caller, asked)
    return _respond(caller, answer, wanted)


async def _operation(request: Request, caller: Caller, path: str) -> Response:
    """$validate of a type or of a stored resource."""
    target, _, name = path.rpartition("/")
    asked = parse_path(target) if target else None
    if name != "$validate" or asked is None or asked.history:
        raise NotFound(
            "There is no such operation here",
            code="unknown_operation",
            fix="see the operations in the CapabilityStatement",
        )
    store = _store(request)
    store.context.require_type(asked.type)
    caller.authorise("fhir:read", asked.type)
    content = stored = None
    if request.method == "POST":
        check_content_type(request)
        body = await read_body(request)
        content = parse(body) if body else None
    elif request.method != "GET":
        raise MethodNotAllowed("An operation is a POST, or a GET of a stored resource")
    if asked.id is not None:
        stored = await store.read(caller.scope, asked.type, asked.id)
    return Response(serialize(validate(asked.type, content, stored)), media_type=CONTENT_TYPE)


async def _searched(
    request: Request, caller: Caller, asked: FhirRequest, wanted: Preferences
) -> Answer:
    caller.authorise("fhir:read", asked.type)
    asked.strict = wanted.strict
    return await restful.search(_store(request), caller, asked)


async def _posted_search(request: Request, path: str) -> FhirRequest:
    check_content_type(request, (FORM,))
    asked = parse_path(path.removesuffix("/_search"))
    if asked.id is not None or asked.history:
        raise NotFound("_search belongs to a type", fix=f"POST {ROOT}/[type]/_search")
    asked.pairs = request.query_params.multi_items()
    asked.pairs += _fields((await read_body(request)).decode("utf-8", "replace"))
    return asked


def _fields(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise TooLarge(f"More than {MOST_FIELDS} parameters") from error


async def _read(request: Request, path: str, wanted: Preferences) -> FhirRequest:
    asked = parse_path(path)
    asked.method = "GET" if request.method == "HEAD" else request.method
    _check_method(asked)
    asked.pairs = request.query_params.multi_items()
    if asked.method in ("PUT", "PATCH", "DELETE") and asked.id is None:
        asked.query = request.url.query
    asked.strict = wanted.strict
    asked.if_match = request.headers.get("if-match")
    asked.if_none_match = request.headers.get("if-none-match")
    asked.if_none_exist = request.headers.get("if-none-exist")
    asked.if_modified_since = parse_http_date(request.headers.get("if-modified-since"))
    if asked.method in ("POST", "PUT"):
        check_content_type(request)
        asked.resource = parse(await read_body(request))
    elif asked.method == "PATCH":
        asked.resource = await _patch(request)
    return asked


async def _patch(request: Request) -> Any:
    """A JSON Patch (application/json-patch+json) or a FHIRPath Patch (application/fhir+json)."""
    check_content_type(request, (JSON_PATCH, *JSON_TYPES))
    content = parse(await read_body(request))
    is_json_patch = request.headers.get("content-type", "").lower().startswith(JSON_PATCH)
    if isinstance(content, list) != is_json_patch:
        raise InvalidInput(
            "The patch is not of the type that Content-Type says",
            code="invalid_patch",
            path="Content-Type",
            fix=f"a list is {JSON_PATCH}, a Parameters resource application/fhir+json",
        )
    return content


def _check_method(asked: FhirRequest) -> None:
    right = {
        "GET": True,
        "POST": asked.id is None and not asked.history,
        "PUT": not asked.history,
        "PATCH": not asked.history,
        "DELETE": not asked.history,
    }
    if not right.get(asked.method, False):
        raise MethodNotAllowed(
            "This method is not served here",
            fix="see the interactions in the CapabilityStatement",
        )


class MethodNotAllowed(InvalidInput):
    """The place is there, but not for this method."""

    status, issue, default_code = 405, "not-supported", "method_not_allowed"


def _respond(caller: Caller, answer: Answer, wanted: Preferences) -> Response:
    headers = {}
    if answer.etag is not None:
        headers["ETag"] = answer.etag
    if answer.updated_at is not None:
        headers["Last-Modified"] = http_date(answer.updated_at)
    if answer.location is not None and answer.status in (200, 201):
        headers["Location"] = f"{caller.base}/{answer.location}"
    body = answer.body
    if answer.is_write and body is not None:
        if wanted.returned == "minimal":
            body = None
        elif wanted.returned == "OperationOutcome":
            done = Issue("information", "informational", "", "The resource was stored")
            body = serialize(outcome([done]))
    if body is None:
        return Response(None, answer.status, headers)
    return Response(body, answer.status, headers, media_type=CONTENT_TYPE)


routes: list[BaseRoute] = [
    Route("/metadata", metadata, methods=["GET"]),
    Route("/", bundle, methods=["POST"]),
    Route("/{path:path}", interaction, methods=METHODS),
]
"""Below the FHIR base."""


async def resource_edge(scope: Scope, receive: Receive, send: Send) -> None:
    """An interaction at ROOT as an ASGI application of its own: no route is looked for."""
    scope["root_path"] = ROOT
    scope["path_params"] = {"path": scope["path"][len(ROOT) + 1 :]}
    request = Request(scope, receive)
    response = await interaction(request)
    await response(scope, receive, send)


def mounted(path: str = ROOT) -> list[BaseRoute]:
    """The routes at a base path; the base itself, without a slash, takes Bundles."""
    return [Route(path, bundle, methods=["POST"]), Mount(path, routes=routes)]
