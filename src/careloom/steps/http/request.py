"""A call as the definition asks for it: address, query, headers and body made ready.

RFC 9110; https://www.rfc-editor.org/rfc/rfc9110
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson

from careloom.types import Json, JsonObject
from careloom.workflows.step import StepCall, StepError

READS = frozenset({"GET", "HEAD", "OPTIONS"})
_NOT_HERE = frozenset(
    {"authorization", "cookie", "proxy-authorization", "host", "content-length"}
    | {"transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What is sent; credentials are the connection's and are not in it."""

    method: str
    target: str
    query: Pairs
    headers: dict[str, str]
    content: bytes

    @property
    def writes(self) -> bool:
        return self.method not in READS

    def written(self) -> str:
        """Everything of it that can name a person."""
        body = self.content.decode("utf-8", "replace")
        return "\n".join((self.target, *(value for _, value in self.query), body))


def read_request(call: StepCall, given: JsonObject | None = None) -> HttpRequest:
    """The step's request, or the one under `verify`. Raises StepError (http_params)."""
    given = call.input if given is None else given
    method = str(given.get("method", "GET")).upper()
    kind, content = _body(given)
    headers = {"Accept": "application/json, */*;q=0.5"}
    if kind is not None:
        headers["Content-Type"] = kind
    headers |= _headers(given.get("headers") or {})
    request = HttpRequest(
        method, str(given["url"]), pairs(given.get("query") or {}), headers, content
    )
    if request.writes:
        # The same over retries and crashes: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
        headers.setdefault("Idempotency-Key", call.key)
    return request


def _headers(given: JsonObject) -> dict[str, str]:
    made = {}
    for name, value in given.items():
        text = _scalar(value)
        if name.lower() in _NOT_HERE:
            raise StepError(
                f"The header {name} is not the step's; credentials belong into a connection",
                code="http_params",
            )
        if not text.isprintable() or not text.isascii():
            raise StepError(f"The header {name} has a character no header has", code="http_params")
        made[name] = text
    return made


def pairs(given: JsonObject) -> Pairs:
    """Query parameters: a list repeats the name, null leaves it out."""
    found: Pairs = []
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        found += [(name, _scalar(one)) for one in values if one is not None]
    return found


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _body(given: JsonObject) -> tuple[str | None, bytes]:
    """Media type and bytes."""
    body: Any = given.get("body")
    if body is None:
        return None, b""
    kind = given.get("bodyType") or ("text" if isinstance(body, str) else "json")
    if kind == "json":
        return "application/json", orjson.dumps(body)
    if kind == "form":
        if not isinstance(body, dict):
            raise StepError("A form's `body` must be an object", code="http_params")
        return "application/x-www-form-urlencoded", urlencode(pairs(body)).encode()
    if not isinstance(body, str):
        raise StepError(f"A {kind} `body` must be a text", code="http_params")
    if kind == "text":
        return "text/plain; charset=utf-8", body.encode()
    try:
        return "application/octet-stream", base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise StepError("The `body` is not base64", code="http_params") from error
