"""/api/browser-session and /api/me: signing in to the pages with a key, and who is signed in."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import PrincipalDep, signed_in_of
from careloom.api.browser import (
    drop_token,
    keep_token,
    require_our_page,
    require_safe_address,
    token_of,
)
from careloom.api.envelope import success
from careloom.api.platform.bodies import GivenByLinkDep
from careloom.api.services import home_of
from careloom.errors import Forbidden, Unauthenticated
from careloom.identity.grants import INTERACTIONS
from careloom.identity.keytext import parse
from careloom.identity.permissions import PERMISSIONS
from careloom.identity.principal import Principal
from careloom.identity.sessions import Session, SignedIn
from careloom.identity.stores import KIND as STORE
from careloom.types import JsonObject

router = APIRouter(prefix="/api", tags=["identity"])
_FIX = 'send {"key": "clk_…"}; an administrator creates keys'


@router.post("/browser-session", operation_id="openBrowserSession", status_code=201)
async def open_session(request: Request, body: GivenByLinkDep) -> Response:
    """Sign in to the pages with a key: sets the cookie, and ends the session there was before."""
    text = body.get("key")
    if not isinstance(text, str) or not text.strip():
        raise Unauthenticated("Signing in needs a key", fix=_FIX)
    require_our_page(request)
    require_safe_address(request)
    identity = home_of(request).identity
    principal, key = await identity.authenticate(text.strip()), parse(text.strip())
    if key is None or principal.kind == STORE:
        raise Forbidden(
            "The key of a FHIR store does not open the pages",
            fix="use a key made by `careloom key create`",
        )
    agent = request.headers.get("user-agent", "")
    before = token_of(request)
    token, session = await identity.sessions.open(principal, key.key_id, agent=agent, before=before)
    me = await _me(request, principal, session)
    response = success({"me": me, "csrf": session.csrf}, status=201)
    keep_token(request, response, token)
    return _private(response)


@router.delete("/browser-session", operation_id="closeBrowserSession")
async def close_session(request: Request) -> Response:
    """Sign out: the session ends everywhere at once, and the cookie goes."""
    principal, session = await _signed_in(request)
    await home_of(request).identity.sessions.end(principal, session.id)
    response = success({"id": session.id, "status": "ended"})
    drop_token(request, response)
    return _private(response)


@router.get("/browser-sessions", operation_id="listBrowserSessions")
async def list_sessions(request: Request, principal: PrincipalDep) -> Response:
    """One's own sessions: which browsers are signed in, since when."""
    current = await _session_of(request)
    sessions = await home_of(request).identity.sessions.page(principal)
    shown = [
        {**one, "current": current is not None and one["id"] == current.id} for one in sessions
    ]
    return _private(success(shown))


@router.delete("/browser-sessions", operation_id="closeOtherBrowserSessions")
async def close_others(request: Request, principal: PrincipalDep) -> Response:
    """End all of one's own sessions but the one that asks."""
    current = await _session_of(request)
    kept = None if current is None else current.id
    return success({"ended": await home_of(request).identity.sessions.end_others(principal, kept)})


@router.delete("/browser-sessions/{browser_session_id}", operation_id="closeOneBrowserSession")
async def close_one(browser_session_id: str, request: Request, principal: PrincipalDep) -> Response:
    """End one of one's own sessions, for example of a browser that was lost."""
    await home_of(request).identity.sessions.end(principal, browser_session_id)
    return success({"id": browser_session_id, "status": "ended"})


@router.get("/me", operation_id="getMe")
async def get_me(request: Request, principal: PrincipalDep) -> Response:
    """Who asks, where, and what they may do; in a browser session with its CSRF token."""
    session = await _session_of(request)
    return _private(success(await _me(request, principal, session)))


async def _me(request: Request, principal: Principal, session: Session | None) -> JsonObject:
    home = home_of(request)
    tenant = await home.db.call("tenant_read", principal.tenant)
    production = "production" in (home.settings.environment, tenant["environment"])
    me: JsonObject = {
        "principal": principal.id,
        "name": principal.name,
        "kind": principal.kind,
        "tenant": principal.tenant,
        "store": principal.store,
        "environment": "production" if production else "development",
        "roles": sorted(principal.roles),
        "permissions": sorted(one for one in PERMISSIONS | INTERACTIONS if principal.allows(one)),
        "grants": list(principal.grants),
    }
    if session is not None:
        me |= {
            "csrf": session.csrf,
            "session": {
                "id": session.id,
                "expiresAt": session.expires_at,
                "idleMinutes": home.identity.sessions.idle.total_seconds() / 60,
            },
        }
    return me


async def _session_of(request: Request) -> Session | None:
    """The session of the request; a key in the header counts alone."""
    if request.headers.get("authorization"):
        return None
    found = await signed_in_of(request)
    return None if found is None else found[1]


async def _signed_in(request: Request) -> SignedIn:
    found = await signed_in_of(request)
    if found is None:
        raise Unauthenticated("You are not signed in", fix="sign in with POST /api/browser-session")
    return found


def _private(response: Response) -> Response:
    """An answer that nobody may keep."""
    response.headers["Cache-Control"] = "no-store"
    return response
