"""FHIRPath Patch: a Parameters resource whose operations change one resource.

http://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.definitions import Definitions
from careloom.fhir.patching.element_path import (
    Node,
    Step,
    element_of,
    kind_of,
    locate,
    read_path,
)
from careloom.fhir.patching.json_patch import MOST_OPERATIONS, PatchFailed
from careloom.types import Json, JsonObject

TYPES = ("add", "insert", "delete", "replace", "move")


@dataclass(frozen=True, slots=True)
class Change:
    """One operation, read."""

    place: str
    type: str
    path: list[Step]
    name: str | None
    value: Json
    value_type: str | None
    numbers: dict[str, int]


def read_changes(parameters: Json, resource_type: str) -> list[Change]:
    """The operations of a patch for this type; raises InvalidInput."""
    if not isinstance(parameters, dict) or parameters.get("resourceType") != "Parameters":
        raise _malformed("Parameters", "a FHIRPath Patch is a Parameters resource")
    listed = parameters.get("parameter", [])
    if not isinstance(listed, list) or len(listed) > MOST_OPERATIONS:
        raise _malformed("Parameters.parameter", f"at most {MOST_OPERATIONS} operations")
    return [_read(number, item, resource_type) for number, item in enumerate(listed)]


def _read(number: int, item: Json, resource_type: str) -> Change:
    place = f"Parameters.parameter[{number}]"
    if not isinstance(item, dict) or item.get("name") != "operation":
        raise _malformed(place, "the name is `operation`")
    parts = {part["name"]: part for part in _objects(item.get("part")) if "name" in part}
    kind = _value(parts.get("type", {}))[0]
    if kind not in TYPES:
        raise _malformed(place, f"type is one of {', '.join(TYPES)}")
    try:
        path = read_path(_value(parts.get("path", {}))[0], resource_type)
    except InvalidInput as error:
        error.path = place
        raise
    value, value_type = _value(parts["value"]) if "value" in parts else (None, None)
    name = _value(parts.get("name", {}))[0]
    if (kind in ("add", "insert", "replace")) != ("value" in parts) or (
        (kind == "add") != isinstance(name, str)
    ):
        raise _malformed(place, "add has path, name and value; insert and replace path and value")
    numbers = {}
    for wanted in {"insert": ("index",), "move": ("source", "destination")}.get(kind, ()):
        given = _value(parts.get(wanted, {}))[0]
        if not isinstance(given, int) or isinstance(given, bool) or given < 0:
            raise _malformed(place, f"{kind} needs {wanted}, a number from 0")
        numbers[wanted] = given
    return Change(place, kind, path, name, value, value_type, numbers)


def _objects(value: Json) -> list[JsonObject]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _value(part: JsonObject) -> tuple[Json, str | None]:
    """The value[x] of a part with the name of its type; nested parts make an object."""
    for key, value in part.items():
        if key.startswith("value"):
            return value, key.removeprefix("value")
    if "resource" in part:
        return part["resource"], "Resource"
    if "part" in part:
        made = {one["name"]: _value(one)[0] for one in _objects(part["part"]) if "name" in one}
        return made, None
    return None, None


def apply_changes(
    definitions: Definitions, resource: JsonObject, changes: list[Change]
) -> JsonObject:
    """The patched resource; `resource` stays as it is. Raises PatchFailed."""
    work: JsonObject = copy.deepcopy(resource)
    for change in changes:
        _APPLY[change.type](definitions, work, change)
    return work


def _add(definitions: Definitions, work: JsonObject, change: Change) -> None:
    node = _only(locate(definitions, work, change.path), change)
    if not isinstance(node.value, dict):
        raise _failed(change, "a primitive has no elements")
    name = str(change.name)
    element = element_of(definitions, kind_of(node), name)
    if element is None:
        raise _failed(change, f"there is no element {name[:64]}")
    key = name
    if element.is_choice:
        kind = next((t for t in element.types if _is_named(t, change.value_type)), None)
        if kind is None:
            raise _failed(change, f"{name} does not take this type")
        key = element.key(kind)
    value = copy.deepcopy(change.value)
    if element.is_list:
        node.value.setdefault(key, []).append(value)
    elif any(element.key(one) in node.value for one in element.types):
        raise _failed(change, f"{name} is there already; replace it")
    else:
        node.value[key] = value


def _is_named(kind: str, given: str | None) -> bool:
    return given is not None and kind[0].upper() + kind[1:] == given


def _insert(definitions: Definitions, work: JsonObject, change: Change) -> None:
    items, _ = _items(definitions, work, change)
    index = change.numbers["index"]
    if index > len(items):
        raise _failed(change, "the index is beyond the end of the list")
    items.insert(index, copy.deepcopy(change.value))


def _delete(definitions: Definitions, work: JsonObject, change: Change) -> None:
    nodes = locate(definitions, work, change.path)
    if not nodes:
        return
    node = _only(nodes, change)
    if node.owner is None:
        raise _failed(change, "the whole resource cannot be deleted")
    _take_out(node)


def _take_out(node: Node) -> None:
    """Remove a node, and what becomes empty by that: FHIR has no empty elements."""
    if node.owner is None:
        return
    beside = "_" + node.name
    if isinstance(node.key, int):
        del node.holder[node.key]
        more = node.owner.get(beside)
        if isinstance(more, list) and node.key < len(more):
            del more[node.key]
    if not isinstance(node.key, int) or not node.holder:
        node.owner.pop(node.name)
        node.owner.pop(beside, None)
    if not node.owner and node.parent is not None:
        _take_out(node.parent)


def _replace(definitions: Definitions, work: JsonObject, change: Change) -> None:
    node = _only(locate(definitions, work, change.path), change)
    if node.owner is None or node.key is None:
        raise _failed(change, "the whole resource cannot be replaced; update it")
    key = _replacing_key(definitions, node, change)
    if key == node.name:
        node.holder[node.key] = copy.deepcopy(change.value)
        return
    # A choice changes its type: the value keeps its place, without what stood beside the old one.
    kept = [(name, value) for name, value in node.owner.items() if name != f"_{node.name}"]
    node.owner.clear()
    for name, value in kept:
        if name == node.name:
            name, value = key, copy.deepcopy(change.value)
        node.owner[name] = value


def _replacing_key(definitions: Definitions, node: Node, change: Change) -> str:
    """The JSON name under which the new value stands: that of a choice goes by its type."""
    if node.parent is None or change.value_type in (None, "Resource"):
        return node.name
    known = definitions.elements(kind_of(node.parent)).values()
    choice = next((one for one in known if one.is_choice and one.key(node.kind) == node.name), None)
    if choice is None:
        return node.name
    kind = next((t for t in choice.types if _is_named(t, change.value_type)), None)
    if kind is None:
        raise _failed(change, f"{choice.name} does not take this type")
    return choice.key(kind)


def _move(definitions: Definitions, work: JsonObject, change: Change) -> None:
    items, beside = _items(definitions, work, change)
    source, destination = change.numbers["source"], change.numbers["destination"]
    if max(source, destination) >= len(items):
        raise _failed(change, "source and destination are places of the list")
    for listed in (items, beside):
        if listed is not None and source < len(listed):
            listed.insert(destination, listed.pop(source))


def _items(
    definitions: Definitions, work: JsonObject, change: Change
) -> tuple[list[Any], list[Any] | None]:
    """The list that the path names by the element's own name, and its list of extensions."""
    if not change.path or change.path[-1].argument is not None:
        raise _failed(change, "the path ends with the name of a list")
    holder = _only(locate(definitions, work, change.path[:-1]), change).value
    name = change.path[-1].word
    found = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(found, list):
        raise _failed(change, "there is no list at the path")
    beside = holder.get("_" + name)
    return found, beside if isinstance(beside, list) else None


def _only(nodes: list[Node], change: Change) -> Node:
    if len(nodes) != 1:
        raise _failed(change, f"the path names {len(nodes)} elements instead of one")
    return nodes[0]


def _malformed(place: str, why: str) -> InvalidInput:
    return InvalidInput(f"{place}: {why}", code="invalid_patch", path=place)


def _failed(change: Change, why: str) -> PatchFailed:
    return PatchFailed(f"{change.place}: {why}", path=change.place)


_APPLY: dict[str, Any] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}
