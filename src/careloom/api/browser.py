"""What a browser sends with a request, and whether our own pages made it.

The session's token travels in a cookie that scripts cannot read and other sites cannot cause to be
sent. https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
https://www.w3.org/TR/fetch-metadata/ https://datatracker.ietf.org/doc/html/rfc6454#section-7
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from careloom.errors import Forbidden
from careloom.identity.sessions import Session
from careloom.settings import Settings

SECURE_COOKIE = "__Host-careloom"
PLAIN_COOKIE = "careloom"
"""For browsers that keep no `__Host-` cookie of http://localhost (Safari), and where the settings
let people sign in over plain http."""
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})


def token_of(request: Request) -> str | None:
    """The session's token, when the request has one. The plain cookie counts only where the pages
    cannot have the other."""
    cookies = request.cookies
    if cookies.get(SECURE_COOKIE):
        return cookies[SECURE_COOKIE]
    plain = cookies.get(PLAIN_COOKIE)
    return plain if plain and not is_secure(request) and _takes_plain(request) else None


def keep_token(request: Request, response: Response, token: str) -> None:
    """Hand the token to the browser; raises `Forbidden` over http that others may listen to."""
    require_safe_address(request)
    for name, secure in _cookies(request):
        response.set_cookie(name, token, path="/", secure=secure, httponly=True, samesite="strict")


def drop_token(request: Request, response: Response) -> None:
    """Take the token from the browser."""
    for name, secure in _cookies(request):
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


def _cookies(request: Request) -> list[tuple[str, bool]]:
    """The cookies that this browser keeps at this address: name, and whether it is `Secure`."""
    if is_secure(request):
        return [(SECURE_COOKIE, True)]
    loopback = [(SECURE_COOKIE, True)] if _is_loopback(request) else []
    return [*loopback, (PLAIN_COOKIE, False)]


def require_safe_address(request: Request) -> None:
    """Raise `Forbidden` where the cookie would travel readable through a network."""
    if not is_secure(request) and not _takes_plain(request):
        raise Forbidden(
            "Signing in at this address would send the session unprotected through the network",
            code="https_needed",
            fix="open the pages by https, or at http://localhost on the machine itself; in a"
            " network that you trust set CARELOOM_SIGN_IN_OVER_HTTP=yes",
        )


def is_secure(request: Request) -> bool:
    """Whether the browser came by https: here, or at the proxy that the public URL names."""
    public = urlsplit(_settings(request).public_url or "")
    return request.url.scheme == "https" or (
        public.scheme == "https" and public.netloc == _host(request)
    )


def _takes_plain(request: Request) -> bool:
    return _is_loopback(request) or _settings(request).sign_in_over_http


def _is_loopback(request: Request) -> bool:
    name = urlsplit(f"//{_host(request)}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def require_our_page(request: Request) -> None:
    """Raise `Forbidden` when the browser says that another site's page made the request."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if (site is not None and site not in _OURS) or (
        origin is not None and not _is_ours(request, origin)
    ):
        raise Forbidden(
            "The request comes from a page of another site",
            code="foreign_page",
            fix="use the pages of this server, or a key",
        )


def _is_ours(request: Request, origin: str) -> bool:
    public = urlsplit(_settings(request).public_url or "")
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and (
        parts.netloc == _host(request)
        or (bool(public.netloc) and (parts.scheme, parts.netloc) == (public.scheme, public.netloc))
    )


def require_csrf_token(request: Request, session: Session) -> None:
    """Raise `Forbidden` for a request that changes something without the session's token, which
    only a script of our pages can know."""
    if request.method in _SAFE:
        return
    given = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Forbidden(
            f"The header {CSRF_HEADER} does not fit the session",
            code="csrf_token",
            fix=f"send the `csrf` of GET /api/me as {CSRF_HEADER}",
        )


def is_script(request: Request) -> bool:
    """Whether a script, a style or a picture of a page asks, and no person at the address bar: a
    challenge for Basic would open the browser's own dialog over the page."""
    return request.headers.get("sec-fetch-mode", "navigate") != "navigate"


def _host(request: Request) -> str:
    return request.headers.get("host", "")


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.services.settings
    return settings
