"""GET /, /form.html and /assets/{file}: the built screens.

Every answer carries a strict Content-Security-Policy (https://www.w3.org/TR/CSP3/). The files hold
no data, so they are served without a key; the data comes from the API. Files under /assets carry
a hash of their content in their name and are kept for good (RFC 8246); the others are asked for
again, and answered by 304 while they are the same.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from careloom.api.envelope import failure
from careloom.api.screens.built import BuiltScreens
from careloom.api.services import services_of

SHIPPED = Path(__file__).parents[2] / "screens"
"""Where the package's build puts them."""
NAMED = ("form.html", "icon.svg", "theme-first.js")
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
    "Vary": "Accept-Encoding",
}
_ASK_AGAIN = "no-cache"
_FOR_GOOD = "public, max-age=31536000, immutable"
_NOT_BUILT = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Careloom</title></head>
<body>
<h1>The screens are not built</h1>
<p>Careloom runs, and its API answers: <a href="docs">its reference</a>.
The files of the screens are missing in <code>{folder}</code>.</p>
<p>In a checkout, <code>make screens</code> builds them; it fetches what it needs from the npm
registry, so the machine has to reach it. Released packages contain them.
Files that were built elsewhere are served from the folder in <code>CARELOOM_SCREENS</code>.</p>
</body>
</html>
"""


@cache
def _screens(folder: Path) -> BuiltScreens:
    return BuiltScreens(folder)


def _folder(request: Request) -> Path:
    given: Path | None = services_of(request).settings.screens
    return given or SHIPPED


def _answer(request: Request, name: str, keeping: str) -> Response | None:
    """The file, or 304 when the browser has it (RFC 9110, section 13.1.2)."""
    accepted = request.headers.get("accept-encoding", "")
    found = _screens(_folder(request)).find(name, accepted)
    if found is None:
        return None
    headers = {**_HEADERS, "ETag": found.etag, "Cache-Control": keeping}
    known = request.headers.get("if-none-match", "").split(",")
    if found.etag in (tag.strip().removeprefix("W/") for tag in known):
        return Response(status_code=304, headers=headers)
    if found.encoding:
        headers["Content-Encoding"] = found.encoding
    return Response(found.body, media_type=found.media_type, headers=headers)


async def app_page(request: Request) -> Response:
    """The application; what it shows is decided by the part of the address behind `#`."""
    page = _answer(request, "index.html", _ASK_AGAIN)
    if page is not None:
        return page
    text = _NOT_BUILT.format(folder=_folder(request))
    headers = {**_HEADERS, "Cache-Control": "no-store"}
    return Response(text, status_code=503, media_type="text/html", headers=headers)


async def named_file(request: Request) -> Response:
    """The patient's page, the icon, and what runs before the first paint."""
    name = request.url.path.rpartition("/")[2]
    return _answer(request, name, _ASK_AGAIN) or _missing()


async def asset(request: Request) -> Response:
    """A file with its hash in its name."""
    name = f"assets/{request.path_params['file']}"
    return _answer(request, name, _FOR_GOOD) or _missing()


def _missing() -> Response:
    return failure(404, "not_found", "There is no such file of the screens")


routes: list[BaseRoute] = [
    Route("/", app_page, methods=["GET"]),
    *(Route(f"/{name}", named_file, methods=["GET"]) for name in NAMED),
    Route("/assets/{file}", asset, methods=["GET"]),
]
