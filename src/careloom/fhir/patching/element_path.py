"""Places inside a resource, named by FHIRPath: what FHIRPath Patch changes.

Served: element names, choices by name or by type, [n], first(), last(), tail(), single(), skip(n),
take(n), ofType(T), extension('url') and where() with any FHIRPath criterion, which only looks at
what is there: the rest must lead to places. http://hl7.org/fhir/R4/fhirpatch.html#concept
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from careloom.errors import InvalidInput
from careloom.fhir.definitions import Definitions, Element
from careloom.fhir.fhirpath_model import r4_model
from careloom.fhirpath import FhirPathError, compile
from careloom.types import Json, JsonObject

_LONGEST = 2000
_FUNCTIONS = frozenset(
    ("first", "last", "tail", "single", "skip", "take", "where", "ofType", "extension")
)
_PART = re.compile(
    r"""
      \.?(?P<function>[A-Za-z]\w*)\(
    | \[\s*(?P<index>\d{1,9})\s*\]
    | \.?(?P<name>[A-Za-z_]\w*|`[^`]*`)
    """,
    re.VERBOSE,
)
_ARGUMENT = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|[()]|[^()'`]+")
"""A piece of an argument: text in quotes, a parenthesis, or what stands between."""


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
            if match["function"] not in _FUNCTIONS:
                raise _unserved(f"{match['function'][:32]}() leads to no place")
            argument, at = _argument(text, at)
            steps.append(Step(match["function"] + "()", argument))
        elif match["index"] is not None:
            steps.append(Step("[]", match["index"]))
        else:
            steps.append(Step(match["name"].strip("`")))
    if steps and steps[0] == Step(resource_type):
        return steps[1:]
    raise _unserved(f"the path begins with {resource_type}")


def _argument(text: str, at: int) -> tuple[str, int]:
    """What stands in parentheses that were just opened, and where it goes on behind them."""
    start, depth = at, 1
    while depth:
        piece = _ARGUMENT.match(text, at)
        if piece is None:
            raise _unserved("a parenthesis or a quote is not closed")
        depth += {"(": 1, ")": -1}.get(piece[0], 0)
        at = piece.end()
    return text[start : at - 1].strip(), at


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
            case "tail()":
                nodes = nodes[1:]
            case "single()":
                if len(nodes) > 1:
                    raise _unserved(f"single() finds {len(nodes)} elements")
            case "skip()":
                nodes = nodes[_whole(step) :]
            case "take()":
                nodes = nodes[: _whole(step)]
            case "where()":
                nodes = [node for node in nodes if _meets(resource, node, step.argument or "")]
            case "ofType()":
                nodes = [node for node in nodes if node.kind == step.argument]
            case "extension()":
                url = _text((step.argument or "").strip("'"))
                found = [
                    child for node in nodes for child in _children(definitions, node, "extension")
                ]
                nodes = [node for node in found if node.value.get("url") == url]
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


def _whole(step: Step) -> int:
    text = step.argument or ""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise _unserved(f"{step.word} takes a number")
    return int(text)


def _text(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _meets(resource: JsonObject, node: Node, criterion: str) -> bool:
    """Whether the criterion is true of the node."""
    try:
        compiled = compile(criterion, r4_model(), type=kind_of(node))
        return compiled(resource, context=node.value) == [True]
    except FhirPathError as error:
        raise _unserved(f"where(): {error}") from error


def _unserved(why: str) -> InvalidInput:
    return InvalidInput(
        f"The path is not served here: {why}",
        code="invalid_patch",
        fix="see docs/reference/fhir.md for the paths that FHIRPath Patch takes",
    )
