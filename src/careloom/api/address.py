"""Where the client finds this server."""

from __future__ import annotations

from starlette.requests import Request


def public_root(request: Request) -> str:
    """The server's root as the client knows it: the configured public URL, else the request's."""
    public: str | None = request.app.state.services.settings.public_url
    return (public or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")
