"""Places inside a resource, named by FHIRPath: what FHIRPath Patch changes.

Served: element names, choices by name or by type, [n], first(), last(), ofType(T), extension('url')
and where(a.b = 'c' and …). http://hl7.org/fhir/R4/fhirpatch.html#concept
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.definitions import Definitions, Element
from careloom.types import Json, JsonObject

_LONGEST = 2000
_PART = re.compile(
    r"""
      \.?(?P<function>first|last|where|ofType|extension)\((?P<argument>(?:'(?:[^'\\]|\\.)*'|[^()'])*)\)
    | \[\s*(?P<index>\d{1,9})\s*\]
    | \.?(?P<name>[A-Za-z_]\w*|`[^`]*`)
    """,
    re.VERBOSE,
)
_CRITERION = re.compile(
    r"\s*(?P<path>[A-Za-z_][\w.]*)\s*=\s*"
    r"(?:'(?P<text>(?:[^'\\]|\\.)*)'|(?P<number>-?\d+(?:\.\d+)?)|(?P<flag>true|false))\s*\Z"
)


@dataclass(slots=True)
class Node:
    """A value and where it stands: `holder[key]`."""

    value: Json
    kind: str
    holder: Any = None
    key: str | int | None = None
    owner: JsonObject | None = None
    """The object that has the element; `name` is its JSON key there."""
    name: str = ""
    parent: Node | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a path."""

    word: str
    argument: str | None = None


def read_path(text: Json, resource_type: str) -> list[Step]:
    """The parts after the type's own name; raises InvalidInput for what is not served."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise _unserved("a path is a text")
    steps, at = [], 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            raise _unserved(f"the path cannot be read at character {at}")
        at = match.end()
        if match["function"]:
            steps.append(Step(match["function"] + "()", match["argument"].strip()))
        elif match["index"] is not None:
            steps.append(Step("[]", match["index"]))
        else:
            steps.append(Step(match["name"].strip("`")))
    if steps and steps[0] == Step(resource_type):
        return steps[1:]
    raise _unserved(f"the path begins with {resource_type}")


def locate(definitions: Definitions, resource: JsonObject, steps: list[Step]) -> list[Node]:
    """Every node that the path names, in order."""
    nodes = [Node(resource, resource["resourceType"])]
    for step in steps:
        match step.word:
            case "[]":
                index = int(step.argument or 0)
                nodes = nodes[index : index + 1]
            case "first()":
                nodes = nodes[:1]
            case "last()":
                nodes = nodes[-1:]
            case "where()":
                criteria = _criteria(step.argument or "")
                nodes = [node for node in nodes if _meets(node.value, criteria)]
            case "ofType()":
                nodes = [node for node in nodes if node.kind == step.argument]
            case "extension()":
                url = _text((step.argument or "").strip("'"))
                found = [
                    child for node in nodes for child in _children(definitions, node, "extension")
                ]
                nodes = [node for node in found if _meets(node.value, [("url", url)])]
            case name:
                nodes = [child for node in nodes for child in _children(definitions, node, name)]
    return nodes


def element_of(definitions: Definitions, kind: str, name: str) -> Element | None:
    """The element of a type by its name; a choice also by its name with its type."""
    return definitions.element(kind, name) if "." not in name else None


def kind_of(node: Node) -> str:
    """The type of a node; of a resource inside another, its own."""
    if node.kind == "Resource" and isinstance(node.value, dict):
        return str(node.value.get("resourceType", "Resource"))
    return node.kind


def _children(definitions: Definitions, node: Node, name: str) -> list[Node]:
    if not isinstance(node.value, dict):
        return []
    kind = kind_of(node)
    element = element_of(definitions, kind, name)
    if element is None:
        raise InvalidInput(
            f"{kind} has no element {name[:64]}", code="invalid_patch", fix="check the path"
        )
    found = []
    for type_ in element.types:
        key = element.key(type_)
        value = node.value.get(key)
        if isinstance(value, list):
            found += [Node(v, type_, value, n, node.value, key, node) for n, v in enumerate(value)]
        elif value is not None:
            found.append(Node(value, type_, node.value, key, node.value, key, node))
    return found


def _criteria(text: str) -> list[tuple[str, Json]]:
    """`use = 'official' and system = 'x'` as pairs."""
    found: list[tuple[str, Json]] = []
    for part in re.split(r"\s+and\s+(?=(?:[^']*'[^']*')*[^']*\Z)", text):
        match = _CRITERION.match(part)
        if match is None:
            raise _unserved("where() takes a.b = 'text', a number, true or false, joined by and")
        if match["text"] is not None:
            found.append((match["path"], _text(match["text"])))
        elif match["number"] is not None:
            found.append((match["path"], float(match["number"])))
        else:
            found.append((match["path"], match["flag"] == "true"))
    return found


def _text(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _meets(value: Json, criteria: list[tuple[str, Json]]) -> bool:
    return all(wanted in _values(value, path.split(".")) for path, wanted in criteria)


def _values(value: Json, names: list[str]) -> list[Json]:
    found = [value]
    for name in names:
        below = [item.get(name) for item in found if isinstance(item, dict)]
        found = [one for item in below for one in (item if isinstance(item, list) else [item])]
    return found


def _unserved(why: str) -> InvalidInput:
    return InvalidInput(
        f"The path is not served here: {why}",
        code="invalid_patch",
        fix="see docs/reference/fhir.md for the paths that FHIRPath Patch takes",
    )
