"""Small value types that every floor shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict."""
JsonObject = dict[str, Any]
"""A JSON object; FHIR resources travel in this form, never as class models."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where data lives: every key in the database begins with these two."""

    tenant: str
    store: str


DEFAULT_SCOPE = Scope("default", "main")
"""The tenant and store that exist from the first migration."""


def iso(at: datetime | None) -> str | None:
    """A time as the API writes it: UTC, in milliseconds."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
