"""The envelope of every platform answer, and the one place where errors become answers."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from careloom.api.authentication import challenge_headers
from careloom.errors import CareloomError
from careloom.types import JsonObject

log = logging.getLogger("careloom.api")


class JsonResponse(Response):
    """JSON by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def success(data: Any, *, message: str | None = None, status: int = 200) -> JsonResponse:
    """{"success": true, "data": …}, with a message where the documents show one."""
    body: JsonObject = {"success": True}
    if message is not None:
        body["message"] = message
    return JsonResponse({**body, "data": data}, status_code=status)


def failure(
    status: int,
    code: str,
    message: str,
    *,
    details: Any = None,
    path: str | None = None,
    fix: str | None = None,
    headers: dict[str, str] | None = None,
) -> JsonResponse:
    """{"success": false, "message", "data": null, "error": {"code", "details", …}}."""
    error: JsonObject = {"code": code, "details": message if details is None else details}
    if path is not None:
        error["path"] = path
    if fix is not None:
        error["fix"] = fix
    body = {"success": False, "message": message, "data": None, "error": error}
    return JsonResponse(body, status_code=status, headers=headers)


def _place(error: BaseException) -> str:
    """File and line of the innermost frame: where it broke, with no value of it."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    innermost = frames[-1]
    parts = Path(innermost.filename).parts
    return f"{'/'.join(parts[-3:])}:{innermost.lineno}"


def install_errors(app: FastAPI) -> None:
    """Answer every error in the envelope; what was not foreseen says so without its content."""

    async def careloom_error(request: Request, error: Exception) -> Response:
        if not isinstance(error, CareloomError):
            raise error
        headers = challenge_headers(error, request)
        if error.retryable:
            headers.setdefault("Retry-After", "1")
        return failure(
            error.status,
            error.code,
            error.message,
            details=error.details or None,
            path=error.path,
            fix=error.fix,
            headers=headers,
        )

    async def validation_error(_request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        path = "/" + "/".join(str(part) for part in first["loc"][1:])
        return failure(422, "invalid_request", f"{path}: {first['msg']}", path=path)

    async def http_error(_request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        return failure(error.status_code, code, str(error.detail))

    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("%s failed: %s at %s", request.method, type(error).__name__, _place(error))
        message = "The server made a mistake; it was logged without its content"
        return failure(500, "internal_error", message)

    app.add_exception_handler(CareloomError, careloom_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unforeseen)
