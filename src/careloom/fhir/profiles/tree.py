"""A profile as a tree: each node says what its element must be.

http://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from careloom.types import JsonObject

ABSENT: Any = object()
"""No fixed value or pattern; null could be meant otherwise."""


@dataclass(slots=True)
class Slicing:
    """How the items of a list are told apart."""

    discriminators: tuple[tuple[str, str], ...]
    """Type (value, pattern, exists, type, profile) and path of each."""
    rules: str
    """open, closed or openAtEnd."""
    is_ordered: bool


@dataclass(slots=True)
class Node:
    """One element of a profile, or one slice of it."""

    id: str
    name: str
    """The element's name without [x]."""
    is_choice: bool
    min: int = 0
    max: int | None = None
    types: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The types that are allowed, each with the profiles of which a value meets one; empty: any."""
    targets: tuple[str, ...] = ()
    """Profiles of which the target of a reference meets one."""
    fixed: Any = ABSENT
    pattern: Any = ABSENT
    binding: tuple[str, str] | None = None
    """Strength and canonical URL of the value set."""
    constraints: list[JsonObject] = field(default_factory=list)
    max_length: int | None = None
    low: Any = None
    high: Any = None
    slicing: Slicing | None = None
    slice_name: str | None = None
    same_as: str | None = None
    """The id of the element whose children this one has."""
    children: dict[str, Node] = field(default_factory=dict)
    slices: dict[str, Node] = field(default_factory=dict)
    may_err: bool = True
    """Whether this or what is below may ask for more than the type does: bearing.py."""
    may_warn: bool = True

    def walk(self) -> Iterator[Node]:
        """This node and every node below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(node.children.values())
            stack.extend(node.slices.values())

    @property
    def identifies(self) -> bool:
        """Whether something here or below tells a value from others."""
        return any(
            n.fixed is not ABSENT or n.pattern is not ABSENT or n.binding is not None
            for n in self.walk()
        )


@dataclass(slots=True)
class Profile:
    """A compiled StructureDefinition."""

    url: str
    version: str | None
    name: str
    type: str
    root: Node
    nodes: dict[str, Node]
    """By element id."""

    @property
    def extension_url(self) -> str:
        """Of an extension's definition: the url that the extension has."""
        url = self.root.children.get("url")
        return str(url.fixed) if url is not None and url.fixed is not ABSENT else self.url

    def children(self, node: Node) -> dict[str, Node]:
        """The children of a node, those of the element it repeats included."""
        if node.children or node.same_as is None:
            return node.children
        same = self.nodes.get(node.same_as)
        return {} if same is None else same.children
