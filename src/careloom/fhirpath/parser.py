"""Tokens to a tree by operator precedence. http://hl7.org/fhirpath/N1/#operator-precedence"""

from __future__ import annotations

from decimal import Decimal

from careloom.fhirpath.errors import LIMIT, SYNTAX, FhirPathError
from careloom.fhirpath.lexer import Token, tokenize
from careloom.fhirpath.quantity import CALENDAR, Quantity
from careloom.fhirpath.syntax import (
    Binary,
    Call,
    Chain,
    Constant,
    Index,
    Literal,
    Member,
    Sign,
    This,
    Tree,
    TypeTest,
)
from careloom.fhirpath.temporal import parse_date, parse_datetime, parse_time

MAX_DEPTH = 60
"""Nesting of brackets and length of a chain of members; each level costs stack."""
MAX_STEPS = 150

_IMPLIES, _OR, _AND, _MEMBERSHIP, _EQUALITY, _INEQUALITY = 1, 2, 3, 4, 5, 6
_UNION, _TYPE, _ADDITIVE, _MULTIPLICATIVE, _UNARY = 7, 8, 9, 10, 11
_BINDING = {
    "implies": _IMPLIES,
    **dict.fromkeys(("or", "xor"), _OR),
    "and": _AND,
    **dict.fromkeys(("in", "contains"), _MEMBERSHIP),
    **dict.fromkeys(("=", "~", "!=", "!~"), _EQUALITY),
    **dict.fromkeys(("<", "<=", ">", ">="), _INEQUALITY),
    "|": _UNION,
    **dict.fromkeys(("is", "as"), _TYPE),
    **dict.fromkeys(("+", "-", "&"), _ADDITIVE),
    **dict.fromkeys(("*", "/", "div", "mod"), _MULTIPLICATIVE),
}
_CHAINED = frozenset(("and", "or", "|"))
_RESERVED = frozenset(("and", "or", "xor", "implies", "div", "mod", "true", "false"))
_THIS = frozenset(("$this", "$index", "$total"))


def parse(text: str) -> Tree:
    """The tree of the expression; raises FhirPathError with the position."""
    parser = _Parser(tokenize(text))
    tree = parser.expression(0)
    if parser.token.kind != "end":
        raise parser.unexpected("The expression should end here")
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self.token = tokens[0]

    def _advance(self) -> Token:
        taken = self.token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        self.token = self._tokens[self._at]
        return taken

    def _next_is(self, symbol: str) -> bool:
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        return following.kind == "symbol" and following.text == symbol

    def _is(self, symbol: str) -> bool:
        return self.token.kind == "symbol" and self.token.text == symbol

    def _take(self, symbol: str, what: str) -> None:
        if not self._is(symbol):
            raise self.unexpected(f"A {symbol} is missing {what}")
        self._advance()

    def unexpected(self, message: str) -> FhirPathError:
        """The error for the token at hand."""
        found = "the end" if self.token.kind == "end" else f"'{self.token.text[:40]}'"
        return FhirPathError(
            f"{message}; found {found}",
            self.token.at,
            fix="Correct the expression; an element that is named like an operator stands in "
            "backticks. The grammar: http://hl7.org/fhirpath/N1/grammar.html",
            code=SYNTAX,
        )

    def expression(self, binding: int) -> Tree:
        """An expression whose operators bind tighter than `binding`."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FhirPathError(
                f"The expression is nested deeper than {MAX_DEPTH} levels",
                self.token.at,
                fix="Split the expression.",
                code=LIMIT,
            )
        left = self._prefix()
        steps = 0
        while True:
            operator = self.token
            found = _BINDING.get(operator.text, 0) if operator.kind in ("name", "symbol") else 0
            if found <= binding:
                break
            self._advance()
            steps += 1
            left = self._operation(left, operator, found, steps)
        self._depth -= 1
        return left

    def _operation(self, left: Tree, operator: Token, binding: int, steps: int) -> Tree:
        name = operator.text
        if binding == _TYPE:
            return TypeTest(name, left, self._type_name(), operator.at)
        right = self.expression(binding)
        if name in _CHAINED:
            if isinstance(left, Chain) and left.operator == name and steps > 1:
                return Chain(name, (*left.operands, right), left.at)
            return Chain(name, (left, right), operator.at)
        if steps > MAX_STEPS:
            raise self._too_long(operator.at)
        return Binary(name, left, right, operator.at)

    def _too_long(self, at: int) -> FhirPathError:
        return FhirPathError(
            f"More than {MAX_STEPS} operations follow each other",
            at,
            fix="Split the expression.",
            code=LIMIT,
        )

    def _type_name(self) -> str:
        name = self._identifier("A type name is missing")
        while self._is("."):
            self._advance()
            name += "." + self._identifier("A type name is missing")
        return name

    def _identifier(self, message: str) -> str:
        if self.token.kind == "quoted" or (
            self.token.kind == "name" and self.token.text not in _RESERVED
        ):
            return self._advance().text
        raise self.unexpected(message)

    def _prefix(self) -> Tree:
        if self.token.kind == "symbol" and self.token.text in "+-":
            sign = self._advance()
            return Sign(sign.text, self.expression(_UNARY), sign.at)
        return self._postfix(self._term())

    def _postfix(self, tree: Tree) -> Tree:
        steps = 0
        while self.token.kind == "symbol" and self.token.text in ".[":
            mark = self._advance()
            steps += 1
            if steps > MAX_STEPS:
                raise self._too_long(mark.at)
            if mark.text == "[":
                index = self.expression(0)
                self._take("]", "after the index")
                tree = Index(tree, index, mark.at)
            else:
                tree = self._invocation(tree)
        return tree

    def _invocation(self, source: Tree) -> Tree:
        at = self.token.at
        if self.token.kind == "variable":
            return self._variable()
        quoted = self.token.kind == "quoted"
        after_dot = not (isinstance(source, This) and source.implied)
        if after_dot and self.token.kind == "name":
            name = self._advance().text  # text.div: no operator can stand here
        else:
            name = self._identifier("An element or function name is missing")
        if not self._is("(") or quoted:
            return Member(source, name, at)
        self._advance()
        arguments: list[Tree] = []
        orders: list[str] = []
        while not self._is(")"):
            if arguments:
                self._take(",", "between the arguments")
            arguments.append(self._argument(name, orders))
        self._advance()
        return Call(source, name, tuple(arguments), at, tuple(orders))

    def _argument(self, function: str, orders: list[str]) -> Tree:
        argument = self.expression(0)
        if function != "sort":
            return argument
        order = "asc"
        if isinstance(argument, Sign) and argument.operator == "-":
            argument, order = argument.operand, "-"
        elif self.token.kind == "name" and self.token.text in ("asc", "desc"):
            order = self._advance().text
        orders.append(order)
        return argument

    def _variable(self) -> Tree:
        if self.token.text not in _THIS:
            raise self.unexpected("Known are $this, $index and $total")
        taken = self._advance()
        return This(taken.text, taken.at)

    def _term(self) -> Tree:
        token = self.token
        if token.kind == "symbol":
            return self._symbol_term()
        if token.kind == "name" and token.text in ("true", "false"):
            self._advance()
            return Literal(token.text == "true", token.at)
        if token.kind in ("name", "quoted", "variable"):
            return self._invocation(This("$this", token.at, implied=True))
        if token.kind == "end":
            raise self.unexpected("An operand is missing")
        self._advance()
        return Literal(self._value(token), token.at)

    def _symbol_term(self) -> Tree:
        token = self._advance()
        if token.text == "(":
            inner = self.expression(0)
            self._take(")", "to close the bracket")
            return inner
        if token.text == "{":
            self._take("}", "after {")
            return Literal([], token.at)
        if token.text == "%":
            if self.token.kind == "string":
                return Constant(self._advance().text, token.at)
            return Constant(self._identifier("The name of the variable is missing"), token.at)
        self.token = token
        raise self.unexpected("An operand is missing")

    def _value(self, token: Token) -> object:
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return self._number(token)
        parsers = {"date": parse_date, "datetime": parse_datetime, "time": parse_time}
        text = token.text.removeprefix("@").removeprefix("T" if token.kind == "time" else "")
        found = parsers[token.kind](text)
        if found is None:
            raise FhirPathError(
                "There is no such date or time", token.at, fix="Correct it.", code=SYNTAX
            )
        return found

    def _number(self, token: Token) -> object:
        if self.token.kind == "string":
            return Quantity(Decimal(token.text), self._advance().text)
        if self.token.kind == "name" and self.token.text in CALENDAR and not self._next_is("("):
            return Quantity(Decimal(token.text), CALENDAR[self._advance().text], calendar=True)
        if "." in token.text:
            return Decimal(token.text)
        number = int(token.text)
        if number > 2**31:
            raise FhirPathError(
                "An Integer has at most 32 bits", token.at, fix="Write it as 1.0.", code=SYNTAX
            )
        return number
