"""FHIR answers as HTTP responses: headers, Prefer, _pretty, gzip, and errors as OperationOutcomes.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from careloom.api.authentication import challenge_headers
from careloom.api.fhir.negotiation import CONTENT_TYPE, Preferences, http_date, wants_pretty
from careloom.errors import CareloomError
from careloom.fhir.failure import failure
from careloom.fhir.issue import Issue, outcome, outcome_of
from careloom.fhir.request import Answer, Caller
from careloom.fhir.resource import parse, serialize

REQUEST_ID = re.compile(r"[\w.\-]{1,64}\Z", re.A)
"""What may go into the audit trail, and back to the client."""
WORTH_PACKING = 4096
"""Bytes below which gzip saves less than it costs."""
PACKED_AT_ONCE = 256 << 10
"""Bytes above which another thread packs, so that other requests are not held up."""
Endpoint = Callable[[Request], Awaitable[Response]]
_STORED = serialize(outcome([Issue("information", "informational", "", "The resource was stored")]))
_DELETED = serialize(outcome([Issue("information", "informational", "", "Nothing of it is left")]))


def answering(endpoint: Endpoint) -> Endpoint:
    """Every error is an OperationOutcome, and never a trace of the program."""

    async def answer(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except CareloomError as error:
            headers = challenge_headers(error, request)
            if "allow" in error.details:
                headers["Allow"] = error.details["allow"]
            response = _json(outcome_of(error), error.status, headers)
        except ClientDisconnect:
            return Response(None, 400)  # Its client went away while it sent: nobody reads this.
        except Exception as error:
            response = _json(failure(error), 500, {})
        if request.scope["query_string"] and wants_pretty(request):
            response = _with_body(response, _pretty(bytes(response.body)))
        if len(response.body) >= WORTH_PACKING and _takes_gzip(request):
            response = await _packed(response)
        given = request.headers.get("x-request-id")
        if given is not None and REQUEST_ID.match(given):
            response.headers["X-Request-Id"] = given
        return _without_body(response) if request.method == "HEAD" else response

    return answer


def respond(caller: Caller, answer: Answer, wanted: Preferences) -> Response:
    """The response to one interaction."""
    headers = {}
    if answer.etag is not None:
        headers["ETag"] = answer.etag
    if answer.updated_at is not None:
        headers["Last-Modified"] = http_date(answer.updated_at)
    if answer.location is not None and answer.status in (200, 201):
        headers["Location"] = f"{caller.base}/{answer.location}"
    body, status = answer.body, answer.status
    if answer.is_write:
        if wanted.returned == "minimal":
            body = None
        elif wanted.returned == "OperationOutcome":
            body = _DELETED if status == 204 else _STORED
            status = 200 if status == 204 else status
    if body is None:
        return Response(None, status, headers)
    return Response(body, status, headers, media_type=CONTENT_TYPE)


def _json(content: object, status: int, headers: dict[str, str]) -> Response:
    return Response(serialize(content), status, headers, media_type=CONTENT_TYPE)


def _pretty(body: bytes) -> bytes:
    return serialize(parse(body), orjson.OPT_INDENT_2) if body else body


def _with_body(response: Response, body: bytes) -> Response:
    headers = {k: v for k, v in response.headers.items() if k != "content-length"}
    return Response(body, response.status_code, headers)


def _takes_gzip(request: Request) -> bool:
    """Whether Accept-Encoding names gzip, and not with a weight of nothing."""
    for choice in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = choice.replace(" ", "").lower().partition(";")
        if coding == "gzip":
            return weight.rstrip("0").rstrip(".") not in ("q=", "q=0")
    return False


async def _packed(response: Response) -> Response:
    plain = bytes(response.body)
    if len(plain) > PACKED_AT_ONCE:
        body = await asyncio.to_thread(gzip.compress, plain, 1, mtime=0)
    else:
        body = gzip.compress(plain, 1, mtime=0)
    packed = _with_body(response, body)
    packed.headers["Content-Encoding"] = "gzip"
    packed.headers["Vary"] = "Accept-Encoding"
    return packed


def _without_body(response: Response) -> Response:
    length = response.headers.get("content-length", "0")
    bare = Response(None, response.status_code, dict(response.headers))
    bare.headers["content-length"] = length
    return bare
