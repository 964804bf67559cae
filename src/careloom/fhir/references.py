"""References: their forms, and rewriting them inside a resource.

http://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from careloom.fhir.definitions import Definitions, load_definitions
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
LINKS = ("uri", "url", "oid", "uuid")
"""Types of elements whose values are links, beside references."""
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


def rewrite(resource: Any, replace: Callable[[str], str | None]) -> Any:
    """A copy of a resource with its links replaced where `replace` answers.

    Links are references, elements of type uri, url, oid and uuid, and the links and images of a
    narrative; a canonical is none, and neither is text. http://hl7.org/fhir/R4/http.html#trules
    """
    copied = _rewritten(resource, replace)
    if any(_is_urn(value) and replace(value) for item in walk(copied) for value in _texts(item)):
        _rewrite_uris(load_definitions(), copied, "Resource", replace)
    return copied


def _rewritten(value: Any, replace: Callable[[str], str | None]) -> Any:
    """A copy with references and narrative links replaced."""
    if isinstance(value, dict):
        return {key: _rewrite_member(key, item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [_rewritten(item, replace) for item in value]
    return value


def _rewrite_member(key: str, value: Any, replace: Callable[[str], str | None]) -> Any:
    if isinstance(value, str):
        if key == "reference":
            replaced = replace(value)
            return value if replaced is None else replaced
        if key == "div":
            return _LINK(lambda found: _relinked(found, replace), value)
        return value
    return _rewritten(value, replace) if isinstance(value, (dict, list)) else value


def _is_urn(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("urn:uuid:", "urn:oid:"))


def _texts(item: JsonObject) -> Iterator[str]:
    for value in item.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            yield from (one for one in value if isinstance(one, str))


def _rewrite_uris(
    definitions: Definitions, item: Any, kind: str, replace: Callable[[str], str | None]
) -> None:
    """Replace urn: links in elements of the types that are links, in place."""
    if kind == "Resource":
        kind = str(item.get("resourceType"))
    for name, value in item.items():
        element = definitions.element(kind, name)
        if element is None:
            continue
        if element.types[0] in LINKS:
            item[name] = _linked(value, replace)
            continue
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, dict):
                _rewrite_uris(definitions, one, element.types[0], replace)


def _linked(value: Any, replace: Callable[[str], str | None]) -> Any:
    if isinstance(value, list):
        return [_linked(one, replace) for one in value]
    return (replace(value) or value) if _is_urn(value) else value


def _relinked(found: re.Match[str], replace: Callable[[str], str | None]) -> str:
    replaced = replace(found["target"])
    return found[0] if replaced is None else f"{found['before']}{replaced}{found['quote']}"
