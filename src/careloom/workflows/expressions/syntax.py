"""Tokens to a tree, by operator precedence as in FHIRPath (https://hl7.org/fhirpath/N1/#operator-precedence)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from careloom.types import Json
from careloom.workflows.expressions.errors import LIMIT, ExpressionError
from careloom.workflows.expressions.tokens import Token, tokenize

MAX_DEPTH = 32
"""Parentheses, calls and signs within one another."""
MAX_CHAIN = 100
"""Operators or calls in one chain."""

ROOTS = frozenset({"trigger", "steps", "run", "session", "item", "index", "loops"})
"""What an expression may read; the last three exist inside a loop only."""
LOOP_ROOTS = frozenset({"item", "index", "loops"})
EXTERNALS = ROOTS | {"current", "previous", "resource"}
"""Names that may follow `%`."""
LAMBDAS = frozenset({"where", "select", "all", "any", "exists"})
"""Functions whose argument is evaluated for each item, with `$this` as that item."""
THIS = "$this"

_PRECEDENCE = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "!=": 5,
    "~": 5,
    "!~": 5,
    "<": 6,
    ">": 6,
    "<=": 6,
    ">=": 6,
    "+": 7,
    "-": 7,
    "&": 7,
    "*": 8,
    "/": 8,
    "div": 8,
    "mod": 8,
}


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text or truth value; None stands for `{}`, nothing."""

    value: Json
    at: int


@dataclass(frozen=True, slots=True)
class Path:
    """A root and the names and indexes that follow it, with nothing to compute."""

    root: str
    parts: tuple[str | int, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """A name read from a computed value."""

    of: Node
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Index:
    """One item of a computed value."""

    of: Node
    index: Node
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the fixed table; `of` is None when it stands alone, as `today()`."""

    of: Node | None
    name: str
    args: tuple[Node, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and a sign or word between them."""

    op: str
    left: Node
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class Negative:
    """A number with its sign turned."""

    of: Node
    at: int


Node = Literal | Path | Member | Index | Call | Binary | Negative


def parse(text: str, *, focus: bool = False) -> Node:
    """The tree of an expression; with `focus`, bare names are read from the resource at hand."""
    parser = _Parser(text, focus)
    tree = parser.expression(0)
    if parser.token.kind != "end":
        parser.refuse("the expression should end here", "join the parts with an operator, or &")
    return tree


class _Parser:
    def __init__(self, text: str, focus: bool) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0
        self.depth = 0
        self.chain = 0
        self.item_scopes = int(focus)

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def refuse(self, message: str, fix: str, *, code: str | None = None) -> NoReturn:
        found = f"{self.token.text!r}" if self.token.kind != "end" else "the end"
        raise ExpressionError(
            f"{message}, at position {self.token.at} ({found})",
            code=code or ExpressionError.default_code,
            expression=self.text,
            position=self.token.at,
            fix=fix,
        )

    def take(self, text: str) -> bool:
        if self.token.kind == "op" and self.token.text == text:
            self.index += 1
            return True
        return False

    def need(self, text: str) -> None:
        if not self.take(text):
            self.refuse(f"expected {text!r}", f"add {text}")

    def link(self) -> None:
        self.chain += 1
        if self.chain > MAX_CHAIN:
            self.refuse(
                f"more than {MAX_CHAIN} operators and calls", "split the expression", code=LIMIT
            )

    def expression(self, floor: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(f"nested more than {MAX_DEPTH} deep", "split the expression", code=LIMIT)
        left = self.signed()
        while True:
            token = self.token
            rank = _PRECEDENCE.get(token.text, 0) if token.kind in ("op", "name") else 0
            if rank <= floor:
                self.depth -= 1
                return left
            self.link()
            self.index += 1
            left = Binary(token.text, left, self.expression(rank), token.at)

    def signed(self) -> Node:
        at, sign = self.token.at, 0
        while self.token.kind == "op" and self.token.text in "+-":
            self.link()
            sign += self.token.text == "-"
            self.index += 1
        value = self.postfix(self.term())
        return Negative(value, at) if sign % 2 else value

    def term(self) -> Node:
        token = self.token
        if token.kind == "end":
            self.refuse("a value is missing", "write a path such as trigger.patientId")
        self.index += 1
        if token.kind == "string":
            return Literal(token.text, token.at)
        if token.kind == "number":
            return Literal(float(token.text) if "." in token.text else int(token.text), token.at)
        if token.kind == "name":
            return self.named(token)
        if token.text == "(":
            inner = self.expression(0)
            self.need(")")
            return inner
        if token.text == "{}":
            return Literal(None, token.at)
        if token.text == "%":
            return self.external()
        if token.text == THIS and self.item_scopes:
            return Path(THIS, (), token.at)
        self.index -= 1
        return self.refuse("a value is missing", "write a path such as trigger.patientId")

    def external(self) -> Node:
        token = self.token
        if token.kind != "name" or token.text not in EXTERNALS:
            self.refuse("unknown name after %", "one of " + ", ".join(sorted(EXTERNALS)))
        self.index += 1
        root = "current" if token.text == "resource" else token.text
        return Path(root, (), token.at)

    def named(self, token: Token) -> Node:
        if token.text in ("true", "false"):
            return Literal(token.text == "true", token.at)
        if self.token.kind == "op" and self.token.text == "(":
            return self.call(None, token)
        # Inside where() and the like `item` is far more often an element than the loop's item.
        relative = self.item_scopes and (token.text not in ROOTS or token.text in LOOP_ROOTS)
        if relative:
            return Path(THIS, (token.text,), token.at)
        if token.text in ROOTS:
            return Path(token.text, (), token.at)
        self.index -= 1
        return self.refuse(
            f"{token.text!r} is not a root",
            "begin with trigger, steps, run or session; quote text as 'text'; "
            "write names with a hyphen as trigger['a-b']",
        )

    def postfix(self, node: Node) -> Node:
        while True:
            at = self.token.at
            if self.take("."):
                node = self.member(node, at)
            elif self.take("["):
                node = self.item(node, at)
            else:
                return node

    def member(self, node: Node, at: int) -> Node:
        token = self.token
        if token.kind != "name":
            self.refuse("a name must follow the dot", "write names with signs as ['a-b']")
        if token.text.startswith("__"):
            self.refuse("a name cannot begin with __", "write a key of the data as ['__key']")
        self.index += 1
        if self.token.kind == "op" and self.token.text == "(":
            return self.call(node, token)
        if isinstance(node, Path):
            if len(node.parts) >= MAX_CHAIN:
                self.link()
            return Path(node.root, (*node.parts, token.text), node.at)
        self.link()
        return Member(node, token.text, at)

    def item(self, node: Node, at: int) -> Node:
        inner = self.expression(0)
        self.need("]")
        key = inner.value if isinstance(inner, Literal) else None
        if isinstance(key, bool) or not isinstance(key, (str, int)):
            self.link()
            return Index(node, inner, at)
        if isinstance(node, Path):
            if len(node.parts) >= MAX_CHAIN:
                self.link()
            return Path(node.root, (*node.parts, key), node.at)
        self.link()
        if isinstance(key, str):
            return Member(node, key, at)
        return Index(node, inner, at)

    def call(self, of: Node | None, name: Token) -> Node:
        self.link()
        self.need("(")
        scoped = name.text in LAMBDAS
        self.item_scopes += scoped
        args: list[Node] = []
        if not self.take(")"):
            args.append(self.expression(0))
            while self.take(","):
                args.append(self.expression(0))
            self.need(")")
        self.item_scopes -= scoped
        if of is None and self.item_scopes and name.text not in STANDALONE:
            of = Path(THIS, (), name.at)
        return Call(of, name.text, tuple(args), name.at)


STANDALONE = frozenset({"today", "now", "iif", "coalesce", "not"})
"""Functions that need nothing to their left."""
