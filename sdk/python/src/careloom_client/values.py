"""What the server answers, readable as attributes and as JSON."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

T = TypeVar("T")
JsonObject = dict[str, Any]
_WORD = re.compile(r"_([a-z0-9])")


class Model(dict[str, Any]):
    """A JSON object whose members are attributes too, in Python's spelling.

    `model.run_id` is `model["runId"]`. Members that this version does not know stay readable.
    """

    def __getattr__(self, name: str) -> Any:
        for key in (name, _WORD.sub(lambda found: found[1].upper(), name), name.rstrip("_")):
            if key in self:
                return wrapped(self[key])
        raise AttributeError(f"the answer has no {name!r}; it has {', '.join(sorted(self))}")


class Envelope(Generic[T]):
    """The platform's answer: `success`, `message` and `data`."""

    def __init__(self, body: JsonObject) -> None:
        self.body = body
        self.success: bool = bool(body.get("success"))
        self.message: str | None = body.get("message")
        self.data: T = wrapped(body.get("data"))

    def __repr__(self) -> str:
        return f"Envelope(success={self.success}, message={self.message!r})"


def wrapped(value: Any) -> Any:
    """Objects as models, however deep they stand in lists."""
    if isinstance(value, dict) and not isinstance(value, Model):
        return Model(value)
    if isinstance(value, list):
        return [wrapped(item) for item in value]
    return value
