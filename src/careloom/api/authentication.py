"""Whose request this is: an API key as Bearer token or as the password of HTTP Basic, or the cookie
of a browser session. A header with a key counts alone: then no cookie is looked at.

Basic exists for clients that know nothing else (DICOMweb tools, feed readers); its user name is
the key's id or the word `key`. RFC 6750, RFC 7617.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from careloom.api.browser import (
    is_script,
    require_csrf_token,
    require_our_page,
    token_of,
)
from careloom.api.services import enter_store
from careloom.errors import CareloomError, Forbidden, Unauthenticated
from careloom.identity.attempts import TooManyAttempts
from careloom.identity.keytext import parse
from careloom.identity.principal import Principal
from careloom.identity.service import Identity
from careloom.identity.sessions import SignedIn
from careloom.identity.stores import KIND as STORE

_BEARER = 'Bearer realm="careloom"'
_CHALLENGE = f'{_BEARER}, Basic realm="careloom", charset="UTF-8"'


async def authenticate(request: Request) -> Principal:
    """The principal of the request; raises `Unauthenticated` or `TooManyAttempts`, or `Forbidden`
    for the key of a FHIR store, which works at the address of its store only."""
    principal = await authenticate_anywhere(request)
    if principal.kind == STORE:
        raise Forbidden(
            "The key of a FHIR store works at the endpoint of its store only",
            fix="use a key made by `careloom key create`",
        )
    await enter_store(request, principal.scope)
    return principal


async def authenticate_anywhere(request: Request) -> Principal:
    """The same for every kind of key: the caller sees to it that it is used in its place."""
    identity: Identity = request.app.state.services.identity
    header = request.headers.get("authorization")
    if not header:
        signed_in = await signed_in_of(request)
        if signed_in is not None:
            return signed_in[0]
    return await identity.authenticate(read_credential(header))


async def signed_in_of(request: Request) -> SignedIn | None:
    """The principal and the session of the cookie, None without one. Raises `Unauthenticated`, or
    `Forbidden` for a request that our own pages did not make."""
    token = token_of(request)
    if token is None:
        return None
    identity: Identity = request.app.state.services.identity
    principal, session = await identity.sessions.authenticate(token, used=not _by_itself(request))
    try:
        require_our_page(request)
        require_csrf_token(request, session)
    except Forbidden as error:
        identity.sessions.rejected(principal, session, error.code)
        raise
    return principal, session


def _by_itself(request: Request) -> bool:
    """Whether the page asks without anybody at it: its stream of events, and what it says is in the
    background."""
    accepted = request.headers.get("accept", "")
    return "x-background" in request.headers or accepted.startswith("text/event-stream")


PrincipalDep = Annotated[Principal, Depends(authenticate)]
"""For FastAPI endpoints: `principal: PrincipalDep`."""


def challenge_headers(error: CareloomError, request: Request | None = None) -> dict[str, str]:
    """The headers that an answer with this error must carry: the challenge, or when to retry."""
    if isinstance(error, TooManyAttempts):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        quiet = request is not None and is_script(request)
        return {"WWW-Authenticate": _BEARER if quiet else _CHALLENGE}
    if error.retryable:
        return {"Retry-After": "1"}
    return {}


def read_credential(header: str | None) -> str:
    """The key's text from an Authorization header; raises `Unauthenticated`."""
    if not header:
        raise Unauthenticated(
            "This address needs a key",
            fix="send `Authorization: Bearer <key>` with the request, or sign in to the pages",
        )
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer" and rest.strip():
        return rest.strip()
    if scheme.lower() == "basic":
        return _password(rest.strip())
    raise Unauthenticated(
        "The Authorization header is neither Bearer nor Basic",
        fix="send `Authorization: Bearer <key>`",
    )


def _password(encoded: str) -> str:
    try:
        user, separator, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("The Basic credential is not base64 of UTF-8 text") from error
    key = parse(password)
    if not separator or key is None or user not in ("key", key.key_id, key.prefix):
        raise Unauthenticated(
            "The Basic credential does not name a key",
            fix="use the key's id, or the word key, as user name and the whole key as password",
        )
    return password
