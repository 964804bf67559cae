"""JSON as clients send it: a byte-order mark is left out, and an object names no member twice.

http://hl7.org/fhir/R4/json.html, RFC 8259. Of two members of one name each reader takes another:
what was checked would not be what the next one reads.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from careloom.errors import InvalidInput
from careloom.fhir.resource import parse

_MARK = b"\xef\xbb\xbf"
_ESCAPED = re.compile(rb'"[ \t\r\n]+:|\\u00(?:22|3[aA])').search
"""What makes the count of member names differ between text and value, without a name twice."""


def parse_sent(data: bytes) -> Any:
    """The JSON value of a body; raises InvalidInput, for a name that stands twice with its path."""
    data = data.removeprefix(_MARK)
    value = parse(data)
    if not _is_plain(data, value):
        place = _twice(_as_written(data))
        if place is not None:
            raise InvalidInput(
                "An object names a member twice",
                code="duplicate_member",
                path=place,
                fix="leave one of them",
            )
    return value


def _is_plain(data: bytes, value: Any) -> bool:
    """Whether the text has as many names as the value, so that none was there twice: two scans
    instead of a reading of its own. False where that cannot be told."""
    try:
        counted = orjson.dumps(value, default=str).count(b'":')
    except TypeError:  # Nested too deep, or a number beyond 64 bits.
        return False
    return data.count(b'":') == counted and _ESCAPED(data) is None


def _as_written(data: bytes) -> Any:
    try:
        return json.loads(data, object_pairs_hook=_Members)
    except RecursionError:
        return None  # Far deeper than any resource may be, and refused for that.


class _Members(list[tuple[str, Any]]):
    """An object as it was written."""


def _twice(value: Any) -> str | None:
    """The FHIRPath of the first member whose name stands twice; None when there is none."""
    stack: list[tuple[str, Any]] = [(_root(value), value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, _Members):
            seen = set()
            for name, below in item:
                path = f"{place}.{_safe(name)}" if place else _safe(name)
                if name in seen:
                    return path
                seen.add(name)
                stack.append((path, below))
        elif isinstance(item, list):
            stack += [(f"{place}[{number}]", below) for number, below in enumerate(item)]
    return None


def _root(value: Any) -> str:
    """The resource's type begins its paths."""
    if not isinstance(value, _Members):
        return ""
    return next((_safe(v) for n, v in value if n == "resourceType" and isinstance(v, str)), "")


def _safe(name: str) -> str:
    """A name fit for a message: it comes from the client."""
    return re.sub(r"[^\w\-]", "?", name)[:64]
