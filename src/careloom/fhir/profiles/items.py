"""Values of a resource as a profile's nodes see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.profiles.tree import ABSENT, Node
from careloom.fhir.references import parse_literal
from careloom.types import JsonObject


@dataclass(frozen=True, slots=True)
class Item:
    """One value with its type and its place."""

    value: Any
    type: str
    path: str


def items_of(data: Any, node: Node, path: str, definitions: Definitions) -> list[Item]:
    """The values of a node's element in its parent."""
    if not isinstance(data, dict):
        return []
    if not node.is_choice:
        return _listed(data, node.name, _type_of(node), path)
    found: list[Item] = []
    length = len(node.name)
    for key in data:
        bare = key.removeprefix("_")
        rest = bare[length:]
        if not bare.startswith(node.name) or not rest[:1].isupper():
            continue
        if key != bare and bare in data:
            continue
        kind = rest if definitions.is_type(rest) else rest[0].lower() + rest[1:]
        found += _listed(data, bare, kind, path)
    return found


def _type_of(node: Node) -> str:
    return next(iter(node.types), "") if len(node.types) == 1 else ""


def _listed(data: JsonObject, key: str, kind: str, path: str) -> list[Item]:
    value, extra = data.get(key), data.get("_" + key)
    place = f"{path}.{key}"
    if isinstance(value, list) or isinstance(extra, list):
        values, extras = value or [], extra or []
        count = max(len(values), len(extras))
        return [
            _item(values[n] if n < len(values) else None, kind, f"{place}[{n}]")
            for n in range(count)
        ]
    return [] if value is None and extra is None else [_item(value, kind, place)]


def _item(value: Any, kind: str, path: str) -> Item:
    if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        kind = value["resourceType"]
    return Item(value, kind, path)


def target_type(value: Any) -> str | None:
    """The resource type that a Reference points at, as far as the reference says it."""
    if not isinstance(value, dict):
        return None
    literal = parse_literal(str(value.get("reference", "")))
    if literal is not None:
        return literal.type
    stated = value.get("type")
    return stated if isinstance(stated, str) else None


def matches_fixed(fixed: Any, value: Any) -> bool:
    """Exactly equal: http://hl7.org/fhir/R4/elementdefinition.html"""
    return type(fixed) is type(value) and bool(fixed == value)


def matches_pattern(pattern: Any, value: Any) -> bool:
    """What the pattern states is there, with others beside it."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            matches_pattern(wanted, value.get(key, ABSENT)) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(matches_pattern(wanted, one) for one in value) for wanted in pattern
        )
    return type(pattern) is type(value) and bool(pattern == value)
