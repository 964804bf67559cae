"""GET / and GET /screens/{file}: the pages, from a fixed list of files of the package.

Every answer carries a strict Content-Security-Policy (https://www.w3.org/TR/CSP3/) and an ETag;
the files hold no data, so they are served without a key. The data comes from the API.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careloom.api.envelope import failure

APP_PAGE = "index.html"
FILES = (
    "app.js",
    "client.js",
    "codes.js",
    "dialogs.js",
    "dom.js",
    "fhir.js",
    "format.js",
    "icons.js",
    "inbox.js",
    "incidents.js",
    "json_view.js",
    "layout.css",
    "messages.js",
    "parts.css",
    "picture.js",
    "press.js",
    "router.js",
    "run.js",
    "run_facts.js",
    "runs.js",
    "sign_in.js",
    "steps.js",
    "stored_file.js",
    "task.js",
    "theme.css",
    "values.js",
    "widgets.js",
    "workflows.js",
    "icon.svg",
)
_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob:",
        "frame-src blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class _Page:
    body: bytes
    media_type: str
    etag: str


@cache
def _page(name: str) -> _Page:
    body = files(__package__).joinpath("static", name).read_bytes()
    media_type = _TYPES["." + name.rpartition(".")[2]]
    return _Page(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _answer(request: Request, name: str) -> Response:
    """The file, or 304 when the browser has it (RFC 9110, section 13.1.2)."""
    page = _page(name)
    headers = {**_HEADERS, "ETag": page.etag}
    known = request.headers.get("if-none-match", "").split(",")
    if page.etag in (tag.strip().removeprefix("W/") for tag in known):
        return Response(status_code=304, headers=headers)
    return Response(page.body, media_type=page.media_type, headers=headers)


async def app_page(request: Request) -> Response:
    """The one page; what it shows is decided by the part of the address behind `#`."""
    return _answer(request, APP_PAGE)


async def screen_file(request: Request) -> Response:
    """A file of the pages. Only names of FILES are looked up, so no path can leave the folder."""
    name = request.path_params["file"]
    if name not in FILES:
        return failure(404, "not_found", "There is no such file of the pages")
    return _answer(request, name)


routes: list[BaseRoute] = [
    Route("/", app_page, methods=["GET"]),
    Route("/screens/{file}", screen_file, methods=["GET"]),
]
