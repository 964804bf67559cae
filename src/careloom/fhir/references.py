"""References: their forms, and rewriting them inside a resource.

http://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from careloom.types import JsonObject

_RELATIVE = re.compile(
    r"(?:(?P<base>https?://\S+?)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?\Z"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>\S+)\Z")
_LINK = re.compile(
    r"(?P<before>\b(?:href|src)\s*=\s*(?P<quote>[\"']))"
    r"(?P<target>(?:urn:(?:uuid|oid):|https?://)[^\"'\s]+)(?P=quote)"
).sub
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+\Z")


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal reference to a resource by type and id; base is None inside the store."""

    type: str
    id: str
    version: str | None
    base: str | None


def parse_literal(text: str) -> Literal | None:
    """The parts of `Patient/1`, `Patient/1/_history/2` or `http://host/fhir/Patient/1`."""
    match = _RELATIVE.match(text)
    if match is None:
        return None
    return Literal(match["type"], match["id"], match["version"], match["base"])


def parse_conditional(text: str) -> tuple[str, str] | None:
    """Type and query of `Practitioner?identifier=…`."""
    match = _CONDITIONAL.match(text)
    return None if match is None else (match["type"], match["query"])


def is_absolute(text: str) -> bool:
    """Whether this is an absolute URI of any scheme."""
    return _ABSOLUTE.match(text) is not None


def walk(value: Any) -> Iterator[JsonObject]:
    """Every object inside a JSON value, itself included, without recursion."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            yield item
            stack.extend(v for v in item.values() if isinstance(v, (dict, list)))
        elif isinstance(item, list):
            stack.extend(v for v in item if isinstance(v, (dict, list)))


def references(resource: JsonObject) -> Iterator[tuple[JsonObject, str]]:
    """Each object that has a literal reference, with the reference's text."""
    for item in walk(resource):
        text = item.get("reference")
        if isinstance(text, str) and "resourceType" not in item:
            yield item, text


def _local(text: str, base: str) -> str | None:
    """`Patient/1` for that resource below the store's own base URL; None for all else."""
    if not base or not text.startswith(f"{base}/"):
        return None
    relative = text[len(base) + 1 :]
    literal = parse_literal(relative)
    return relative if literal is not None and literal.base is None else None


def make_local(resource: JsonObject, base: str) -> None:
    """Write references below the store's own base URL as relative ones, in place: so they are
    found, protected and checked like those that were written so."""
    for holder, text in references(resource):
        relative = _local(text, base)
        if relative is not None:
            holder["reference"] = relative


def rewrite(value: Any, replace: Callable[[str], str | None]) -> Any:
    """A copy with references and urn: uris replaced where `replace` answers.

    So are the links and images of a narrative; an Identifier's value stays.
    http://hl7.org/fhir/R4/http.html#trules
    """
    if isinstance(value, dict):
        return {key: _rewrite_member(key, item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [rewrite(item, replace) for item in value]
    return value


def _rewrite_member(key: str, value: Any, replace: Callable[[str], str | None]) -> Any:
    if isinstance(value, str):
        if key == "reference" or (key != "value" and value.startswith(("urn:uuid:", "urn:oid:"))):
            replaced = replace(value)
            return value if replaced is None else replaced
        if key == "div":
            return _LINK(lambda found: _relinked(found, replace), value)
        return value
    return rewrite(value, replace) if isinstance(value, (dict, list)) else value


def _relinked(found: re.Match[str], replace: Callable[[str], str | None]) -> str:
    replaced = replace(found["target"])
    return found[0] if replaced is None else f"{found['before']}{replaced}{found['quote']}"
