"""Verdicts: what an SQL function answers when an effect may not be applied.

A function raises SQLSTATE CLnnn with a JSON detail; this is the one table to our error kinds.
"""

from __future__ import annotations

import orjson

from careloom.errors import (
    CareloomError,
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotFound,
    PreconditionFailed,
    Unprocessable,
)

VERDICTS: dict[str, tuple[type[CareloomError], str, str]] = {
    "CL001": (PreconditionFailed, "stale", "The resource changed since it was read"),
    "CL002": (Conflict, "exists", "It exists already with other content"),
    "CL003": (PreconditionFailed, "multiple_matches", "The criteria match more than one resource"),
    "CL004": (NotFound, "not_found", "There is no such thing in this store"),
    "CL005": (Gone, "gone", "It was deleted"),
    "CL006": (Unprocessable, "unresolved_reference", "A reference points at nothing"),
    "CL007": (Conflict, "fenced", "Another worker holds this run now"),
    "CL008": (Conflict, "wrong_state", "It is not in a state that allows this"),
    "CL010": (Conflict, "decided_meanwhile", "Somebody decided meanwhile"),
    "CL011": (
        Conflict,
        "idempotency_key_reused",
        "The Idempotency-Key was used before with another body",
    ),
    "CL014": (Forbidden, "not_allowed", "Somebody else must do this"),
    "CL009": (InvalidInput, "invalid_effect", "The effect is not one that the store knows"),
}


def verdict_error(state: str, detail: str | None) -> CareloomError:
    """The error for a verdict; `detail` is the JSON object that the function gave."""
    kind, code, message = VERDICTS.get(state, (CareloomError, "internal_error", "Unknown verdict"))
    details = orjson.loads(detail) if detail else {}
    code, fix, path = details.pop("code", code), details.pop("fix", None), details.pop("path", None)
    message = str(details.pop("message", message))
    return kind(message, code=code, fix=fix, path=path, details=details)
