"""A search as the statement sees it: conditions on index rows, joined by and, or, and references.

All of it is hashable: equal shapes share one statement, whose values travel beside it. In the
texts `i` is a row of an index table and `e.v` the values.
"""

from __future__ import annotations

from dataclasses import dataclass

SEEK, READ = "seek", "read"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One parameter on one index table; one of the conditions must hold."""

    kind: str
    """Letter of the table."""
    param: str
    conditions: tuple[str, ...]
    way: str = SEEK
    """How a candidate is tested: SEEK by value and id in the index, READ from its own `keys`."""
    rank: int = 3
    """How few resources are likely to be left; the lowest drives the search."""
    walk: tuple[str, ...] = ()
    """Columns by which the rows of a range come in index order, before the id."""
    single: bool = False
    """Whether a resource has at most one row of the parameter."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The id is one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Updated:
    """A condition on the time of the last update."""

    condition: str


@dataclass(frozen=True, slots=True)
class Present:
    """The resource has index rows of a parameter; an empty `param` stands for always."""

    kind: str
    param: str


@dataclass(frozen=True, slots=True)
class Inside:
    """The resource lies in a compartment: one of the parameters refers to one of the targets."""

    params: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference to a resource of one type that meets nodes."""

    param: str
    target: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Reverse:
    """A resource of another type refers to this one (of type `own`) and meets nodes."""

    source: str
    param: str
    own: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every node holds; of none, always."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One node holds; of none, never."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The node does not hold."""

    node: Node


Node = Leaf | Identity | Updated | Present | Inside | Link | Reverse | AllOf | AnyOf | Not
NEVER = AnyOf(())


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the order of a page."""

    kind: str
    """Letter of the table, or '' for _id and 'u' for _lastUpdated."""
    param: str
    descending: bool
    single: bool


_UNKNOWN = 99
LINK_RANK = 6
MOST_NARROW = 2


def rank(node: Node) -> int:
    """How few resources a node is likely to leave; 99 for what cannot lead to candidates."""
    match node:
        case Identity():
            return 0
        case Leaf(rank=found):
            return found
        case Inside():
            return 2
        case Link(nodes=nodes) | Reverse(nodes=nodes):
            return MOST_NARROW if min(map(rank, nodes), default=_UNKNOWN) <= 1 else LINK_RANK
        case AllOf(nodes=nodes) if nodes:
            return min(map(rank, nodes))
        case AnyOf(nodes=nodes) if nodes:
            return max(map(rank, nodes))
    return _UNKNOWN


def drives(node: Node) -> bool:
    """Whether an index leads from the node to its resources."""
    return rank(node) < _UNKNOWN


def narrow(node: Node) -> bool:
    """Whether a node leaves few resources, however many there are."""
    return rank(node) <= MOST_NARROW
