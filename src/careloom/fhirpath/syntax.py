"""The tree of an expression. http://hl7.org/fhirpath/N1/grammar.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `value` is a System value, or a list without items for {}."""

    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class This:
    """$this, $index or $total; an implied $this has no text in the expression."""

    name: str
    at: int
    implied: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """An environment variable, %name."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A step to a child element."""

    source: Tree
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function on a source; `orders` are the directions of sort keys: asc, desc or -.

    A leading - is how drafts wrote desc; with it, empty keys come first.
    """

    source: Tree
    name: str
    arguments: tuple[Tree, ...]
    at: int
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """source[index]."""

    source: Tree
    index: Tree
    at: int


@dataclass(frozen=True, slots=True)
class Sign:
    """A leading + or -."""

    operator: str
    operand: Tree
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two operands."""

    operator: str
    left: Tree
    right: Tree
    at: int


@dataclass(frozen=True, slots=True)
class Chain:
    """An associative operator (and, or, |) between many operands."""

    operator: str
    operands: tuple[Tree, ...]
    at: int


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`is` or `as` with a type specifier."""

    operator: str
    operand: Tree
    type: str
    at: int


Tree = Literal | This | Constant | Member | Call | Index | Sign | Binary | Chain | TypeTest
