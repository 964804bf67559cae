"""HTTP under both clients: the key, the repeats, the errors."""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from careloom_client.errors import EngineError, Unreachable

RETRIED = {429, 502, 503, 504}
HARMLESS = {"GET", "HEAD", "PUT", "DELETE"}
"""Methods that may be repeated when no answer came. RFC 9110, 9.2.2"""
ATTEMPTS = 4


@dataclass(slots=True)
class Call:
    """One request, before it is sent."""

    method: str
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    json: Any = None
    content: bytes | str | None = None
    files: Any = None

    @property
    def repeatable(self) -> bool:
        return self.method in HARMLESS or "Idempotency-Key" in self.headers


def call(
    method: str,
    path: str,
    places: dict[str, str] | None = None,
    *,
    query: dict[str, Any] | None = None,
    headers: dict[str, str | None] | None = None,
    json: Any = None,
    content: bytes | str | None = None,
    files: Any = None,
) -> Call:
    """A call with the places of its path filled and what was not given left out."""
    for name, value in (places or {}).items():
        path = path.replace("{" + name + "}", quote(value, safe=""))
    given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
    heads = {name: value for name, value in (headers or {}).items() if value is not None}
    return Call(method, path, given, heads, json, content, files)


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return uuid.uuid4().hex


def _text(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def settings(api_key: str | None, base_url: str | None, timeout: float) -> dict[str, Any]:
    """What httpx is built with. Raises ValueError when no key is given."""
    key = api_key or os.environ.get("CARELOOM_API_KEY")
    if not key:
        raise ValueError("no API key: give api_key=, or set CARELOOM_API_KEY")
    address = base_url or os.environ.get("CARELOOM_URL") or "http://127.0.0.1:8000"
    return {
        "base_url": address.rstrip("/"),
        "headers": {"Authorization": f"Bearer {key}"},
        "timeout": timeout,
    }


def _request(client: Any, wanted: Call) -> Any:
    return client.build_request(
        wanted.method,
        wanted.path,
        params=wanted.query,
        headers=wanted.headers,
        json=wanted.json,
        content=wanted.content,
        files=wanted.files,
    )


def _pause(attempt: int, response: httpx.Response | None) -> float:
    told = None if response is None else response.headers.get("Retry-After")
    if told is not None and told.isdigit():
        return min(float(told), 60.0)
    return random.uniform(0.5, 1.0) * 0.2 * 2.0**attempt  # noqa: S311


def answer(response: httpx.Response) -> Any:
    """The body as JSON, as bytes when it is something else. Raises EngineError for a refusal."""
    kind = response.headers.get("Content-Type", "")
    body: Any = response.json() if "json" in kind and response.content else response.content
    if response.status_code >= 400:
        raise EngineError(response.status_code, body)
    return body


class Transport:
    """Sends calls, one after another."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def send(self, wanted: Call) -> Any:
        for attempt in range(ATTEMPTS):
            response = None
            try:
                response = self.http.send(_request(self.http, wanted))
            except httpx.TransportError as error:
                if not wanted.repeatable or attempt == ATTEMPTS - 1:
                    raise Unreachable(f"no answer ({type(error).__name__})") from error
            else:
                last = attempt == ATTEMPTS - 1
                if response.status_code not in RETRIED or not wanted.repeatable or last:
                    return answer(response)
            time.sleep(_pause(attempt, response))
        raise AssertionError("unreachable")


class AsyncTransport:
    """The same for an event loop."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def send(self, wanted: Call) -> Any:
        for attempt in range(ATTEMPTS):
            response = None
            try:
                response = await self.http.send(_request(self.http, wanted))
            except httpx.TransportError as error:
                if not wanted.repeatable or attempt == ATTEMPTS - 1:
                    raise Unreachable(f"no answer ({type(error).__name__})") from error
            else:
                last = attempt == ATTEMPTS - 1
                if response.status_code not in RETRIED or not wanted.repeatable or last:
                    return answer(response)
            await asyncio.sleep(_pause(attempt, response))
        raise AssertionError("unreachable")
