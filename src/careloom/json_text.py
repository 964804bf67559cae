"""JSON that comes from outside: read within bounds, so that whatever was taken can be kept again.

https://www.rfc-editor.org/rfc/rfc8259#section-9: a reader may limit the depth of nesting.
"""

from __future__ import annotations

import orjson

from careloom.errors import InvalidInput
from careloom.types import Json

MOST_LEVELS = 200
"""Of lists and objects in each other. What is kept wraps it a few levels deeper, and the writer of
JSON takes 254."""


def read_json(raw: bytes, what: str) -> Json:
    """The text as a value; raises InvalidInput with line and column, or for too deep a nesting.
    `what` names it in the error."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"{what} is not JSON (line {error.lineno}, column {error.colno})",
            path="/",
            fix=f"send JSON in UTF-8, nested at most {MOST_LEVELS} levels",
        ) from error
    if raw.count(b"[") + raw.count(b"{") > MOST_LEVELS and _too_deep(value):
        raise InvalidInput(
            f"{what} is nested deeper than {MOST_LEVELS} levels",
            path="/",
            fix="send it flatter, or as a text",
        )
    return value


def _too_deep(value: Json) -> bool:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
