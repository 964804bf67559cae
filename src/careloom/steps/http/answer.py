"""What a peer answered, as JSON values, and whether it is what was expected."""

from __future__ import annotations

import base64
from email.message import Message
from typing import Any

import orjson

from careloom.connections.call import may_pass, says_unsent
from careloom.connections.delivery import retry_after
from careloom.connections.gateway import Answer
from careloom.types import Json, JsonObject
from careloom.workflows.step import StepError

_HIDDEN = frozenset({"set-cookie", "www-authenticate", "proxy-authenticate", "authorization"})


def is_expected(status: int, expect: Any) -> bool:
    """`expect` is a list of statuses (200) and classes (2xx)."""
    wanted = expect if isinstance(expect, list) else [expect]
    return any(one in (status, str(status), f"{status // 100}xx") for one in wanted)


def refusal(answer: Answer, peer: str, details: JsonObject | None = None) -> StepError:
    """The error for a status that was not expected."""
    status = answer.status
    return StepError(
        f"{peer} answered {status}",
        code="http_status",
        retryable=may_pass(status),
        retry_after=retry_after(answer),
        details={
            "status": status,
            "sent": "refused" if says_unsent(status) else "unknown",
            **(details or {}),
        },
    )


def shown_headers(answer: Answer) -> dict[str, str]:
    """Headers in small letters, without cookies and challenges."""
    return {
        name.lower(): value for name, value in answer.headers.items() if name.lower() not in _HIDDEN
    }


def parsed(answer: Answer, wanted: str) -> Json:
    """The body: JSON where it is, text where it is text, else base64; null when there is none.

    `wanted` is auto, json, text, base64 or none. Raises StepError (bad_answer).
    """
    if wanted == "none" or not answer.body:
        return None
    kind, charset = _content_type(answer)
    if wanted == "auto":
        wanted = _kind_of(kind)
    if wanted == "base64":
        return base64.b64encode(answer.body).decode()
    if wanted == "text":
        return _decoded(answer.body, charset)
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        raise StepError(
            f"The answer of {len(answer.body)} bytes is not JSON", code="bad_answer"
        ) from error


def _content_type(answer: Answer) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = answer.headers.get("content-type", "")
    return message.get_content_type(), str(message.get_param("charset") or "utf-8")


def _kind_of(kind: str) -> str:
    if kind == "application/json" or kind.endswith("+json"):
        return "json"
    if kind.startswith("text/") or kind.endswith(("/xml", "+xml", "/x-www-form-urlencoded")):
        return "text"
    return "base64"


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
