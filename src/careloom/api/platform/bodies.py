"""Reading the body of a request: bounded, and JSON where JSON is asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from careloom.api.authentication import PrincipalDep
from careloom.errors import InvalidInput, TooLarge, UnsupportedMediaType
from careloom.json_text import read_json
from careloom.types import Json, JsonObject

_LIMIT = 1 << 20


def media_of(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(
    request: Request, what: str = "body", *, limit: int = _LIMIT, fix: str = "send less"
) -> bytes:
    """The body within its limit of bytes, refused before it is read whole; `what` and `fix` are
    the words of the refusal."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The {what} is larger than {limit >> 20} MB", fix=fix)
        chunks.append(chunk)
    return b"".join(chunks)


def parse_json(raw: bytes) -> Json:
    """The body as JSON; raises InvalidInput with line and column, or beyond 200 levels."""
    return read_json(raw, "The body")


async def read_object(request: Request, what: str) -> JsonObject:
    """The body as a JSON object; an empty body is an empty object. `what` names it in the error."""
    raw = await read_body(request)
    if not raw.strip():
        return {}
    if media_of(request) != "application/json":
        raise UnsupportedMediaType(
            f"{what} is JSON", fix="send it with Content-Type: application/json"
        )
    body = parse_json(raw)
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object", path="/")
    return body


async def _by_link(request: Request) -> JsonObject:
    return await read_object(request, "The body")


async def _by_key(request: Request, _principal: PrincipalDep) -> JsonObject:
    return await read_object(request, "The body")


GivenDep = Annotated[JsonObject, Depends(_by_key)]
"""The body as a JSON object, read once the key is known to be one, and within the limit. FastAPI's
own `Body` reads without a limit, before it asks who sends."""
GivenByLinkDep = Annotated[JsonObject, Depends(_by_link)]
"""The same where the address is the credential."""
