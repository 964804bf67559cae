"""Refusals of the server, and its silence."""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """The server refused a call. The text says what, where and what to do."""

    def __init__(self, status: int, body: Any) -> None:
        error = body.get("error", {}) if isinstance(body, dict) else {}
        self.status = status
        self.body = body
        self.code: str = error.get("code") or f"http_{status}"
        self.details: Any = error.get("details")
        message = body.get("message") if isinstance(body, dict) else None
        if message is None and isinstance(body, dict) and body.get("issue"):
            message = body["issue"][0].get("diagnostics")
        super().__init__(f"{status} {self.code}: {message or 'the server said no more'}")


class Unreachable(EngineError):
    """No answer came, also after the repeats that are harmless."""

    def __init__(self, cause: str) -> None:
        super().__init__(503, {"message": cause, "error": {"code": "unreachable"}})
