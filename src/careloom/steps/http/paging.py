"""An answer of several pages, followed by its next link on the same host.

RFC 8288 (Link: <…>; rel="next"): https://www.rfc-editor.org/rfc/rfc8288
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from careloom.connections.gateway import Answer
from careloom.types import Json
from careloom.workflows.step import StepError

MOST_PAGES = 100
_LINK = re.compile(r"<([^>]*)>((?:\s*;[^,]*)?)")
_NEXT = re.compile(r";\s*rel\s*=\s*\"?(?:[^\";]*\s)?next(?:\s[^\";]*)?\"?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Paging:
    """Where the items and the next address stand; JSON Pointers (RFC 6901)."""

    items: str = ""
    next: str | None = None
    """None: the Link header."""
    most: int = MOST_PAGES


def read_paging(given: Any) -> Paging | None:
    """`next-link`, or {items, next, most}."""
    if given is None:
        return None
    if given == "next-link":
        return Paging()
    most = min(int(given.get("most", MOST_PAGES)), MOST_PAGES)
    return Paging(str(given.get("items", "")), given.get("next"), most)


def next_address(paging: Paging, answer: Answer, body: Json, current: str) -> str | None:
    """The address of the next page, made absolute; None on the last one."""
    if paging.next is not None:
        found = pointed(body, paging.next)
        return urljoin(current, found) if isinstance(found, str) and found else None
    for match in _LINK.finditer(answer.headers.get("link", "")):
        if _NEXT.search(match[2]):
            return urljoin(current, str(match[1]))
    return None


def items_of(paging: Paging, body: Json) -> list[Any]:
    """The items of a page; raises StepError when there is no list."""
    found = pointed(body, paging.items)
    if not isinstance(found, list):
        raise StepError(
            f"A page has no list at {paging.items or 'its top'}",
            code="bad_answer",
        )
    return found


def pointed(value: Json, pointer: str) -> Json:
    """What a JSON Pointer names, None when it is not there: RFC 6901."""
    for part in pointer.split("/")[1:] if pointer else ():
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
