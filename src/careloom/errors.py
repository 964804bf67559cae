"""Every error Careloom raises on purpose, and the one table to HTTP status and FHIR issue code.

Messages say what is wrong, where, and what to do; they never carry patient data.
"""

from __future__ import annotations

from typing import ClassVar

from careloom.types import JsonObject


class CareloomError(Exception):
    """Root of the tree. `code` is stable and part of the API; `fix` says what to do next."""

    status: ClassVar[int] = 500
    issue: ClassVar[str] = "exception"
    default_code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        path: str | None = None,
        fix: str | None = None,
        details: JsonObject | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.path = path
        self.fix = fix
        self.details = details or {}


class InvalidInput(CareloomError):
    """The request cannot be read or breaks a rule of its format."""

    status, issue, default_code = 400, "invalid", "invalid_input"


class Unauthenticated(CareloomError):
    """No credential, or one that is not valid."""

    status, issue, default_code = 401, "login", "unauthenticated"


class Forbidden(CareloomError):
    """The principal is known but has no such grant."""

    status, issue, default_code = 403, "forbidden", "insufficient_permissions"


class NotFound(CareloomError):
    """There is no such thing in this tenant and store."""

    status, issue, default_code = 404, "not-found", "not_found"


class Gone(CareloomError):
    """The thing existed and was deleted."""

    status, issue, default_code = 410, "deleted", "gone"


class NotAcceptable(CareloomError):
    """No representation that the client accepts."""

    status, issue, default_code = 406, "not-supported", "not_acceptable"


class Conflict(CareloomError):
    """The state of the store contradicts the request."""

    status, issue, default_code = 409, "conflict", "conflict"


class PreconditionFailed(CareloomError):
    """If-Match or a conditional criterion did not hold."""

    status, issue, default_code = 412, "conflict", "precondition_failed"


class TooLarge(CareloomError):
    """Beyond a stated limit."""

    status, issue, default_code = 413, "too-costly", "too_large"


class UnsupportedMediaType(CareloomError):
    """The bytes are not of a type that this place takes."""

    status, issue, default_code = 415, "not-supported", "unsupported_media_type"


class Unprocessable(CareloomError):
    """Well-formed, but it can never be carried out as it stands."""

    status, issue, default_code = 422, "processing", "unprocessable"


class NotSupported(CareloomError):
    """A standard feature that this server does not offer."""

    status, issue, default_code = 400, "not-supported", "not_supported"


class Unavailable(CareloomError):
    """A part we depend on does not answer; nothing was lost, try again."""

    status, issue, default_code, retryable = 503, "transient", "unavailable", True


class ConfigurationError(CareloomError):
    """A setting is wrong; the start stops with a sentence and a hint."""

    status, issue, default_code = 500, "exception", "configuration_error"
