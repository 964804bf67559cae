"""What a draft holds: the source as it is written, pinned data and the places of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from careloom.errors import TooLarge, Unprocessable
from careloom.types import Json, JsonObject
from careloom.workflows.definition import DefinitionError
from careloom.workflows.definition.source import MAX_BYTES, load

MOST_PLACES_BYTES = 256 << 10
NAME_LENGTH = 200
_PINNED = frozenset({"trigger", "steps"})


@dataclass(frozen=True, slots=True)
class Content:
    """The content of one revision."""

    source: str
    pinned: JsonObject = field(default_factory=lambda: {"trigger": None, "steps": {}})
    """`trigger`: what a test is started with, or None; `steps`: outputs by step id."""
    positions: JsonObject = field(default_factory=dict)
    """Where a screen shows what; kept as it is."""

    def to_json(self) -> JsonObject:
        return {"source": self.source, "pinned": self.pinned, "positions": self.positions}

    @property
    def is_pinned(self) -> bool:
        """Whether any data is pinned."""
        return self.pinned.get("trigger") is not None or bool(self.pinned.get("steps"))


def read_content(given: JsonObject, before: Content | None = None, *, seen: bool = True) -> Content:
    """The content that a request gives; what it leaves out stays as it was. So do pinned data that
    come back empty from whoever was not shown them: not `seen`, or marked as `pinnedHidden`.

    Raises Unprocessable or TooLarge with the place.
    """
    source = given.get("source", before.source if before else None)
    if not isinstance(source, str):
        raise Unprocessable(
            "A draft has a text under `source`",
            code="draft_source",
            path="/source",
            fix="send the YAML as it is written; it need not be valid",
        )
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise TooLarge(f"The source has {size} bytes; at most {MAX_BYTES} are kept", path="/source")
    pinned = read_pinned(given["pinned"]) if "pinned" in given else None
    places = given.get("positions")
    if places is not None and not isinstance(places, dict):
        raise Unprocessable("positions is an object", code="draft_positions", path="/positions")
    if places is not None and len(_written(places, "/positions")) > MOST_PLACES_BYTES:
        raise TooLarge("positions has more than 256 kB", path="/positions")
    former = before or Content("")
    is_blind = not seen or given.get("pinnedHidden") is True
    if pinned is not None and is_blind and not Content("", pinned).is_pinned:
        pinned = None
    content = Content(
        source,
        former.pinned if pinned is None else pinned,
        former.positions if places is None else places,
    )
    _written(content.to_json(), "/")
    return content


def read_pinned(given: Json, path: str = "/pinned") -> JsonObject:
    """Pinned data in its whole form: {trigger: an object or None, steps: {id: an object}}."""
    if given is None:
        given = {}
    if not isinstance(given, dict) or given.keys() - _PINNED:
        raise Unprocessable(
            "pinned has trigger and steps", code="draft_pinned", path=path, fix="see drafts.md"
        )
    trigger, steps = given.get("trigger"), given.get("steps") or {}
    if trigger is not None and not isinstance(trigger, dict):
        raise Unprocessable(
            "The pinned trigger is an object", code="draft_pinned", path=f"{path}/trigger"
        )
    if not isinstance(steps, dict):
        raise Unprocessable(
            "Pinned steps are an object by step id", code="draft_pinned", path=f"{path}/steps"
        )
    for name, output in steps.items():
        if not isinstance(output, dict):
            raise Unprocessable(
                "A pinned step is the object that the step is to give as its output",
                code="draft_pinned",
                path=f"{path}/steps/{name[:64]}",
            )
    return {"trigger": trigger, "steps": steps}


def names_of(source: str) -> tuple[str | None, str | None]:
    """Name and workflow id, as far as the text can be read; a draft may be unfinished."""
    try:
        value: Any = load(source).value
    except DefinitionError:
        return None, None
    inner = value.get("workflow", value) if isinstance(value, dict) else None
    if not isinstance(inner, dict):
        return None, None
    name, identity = _short(inner.get("name")), _short(inner.get("id"))
    return name or identity, identity


def _short(value: Json) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return value.replace("\x00", "").strip()[:NAME_LENGTH] or None


def _written(value: Json, path: str) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        raise Unprocessable(
            "The value cannot be kept: it is nested too deep, or has a number beyond 64 bits",
            code="cannot_be_kept",
            path=path,
        ) from error
