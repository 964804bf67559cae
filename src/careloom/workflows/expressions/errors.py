"""What goes wrong in an expression: one kind of error with a code, a place and a fix."""

from __future__ import annotations

from typing import ClassVar

from careloom.errors import Unprocessable

SYNTAX = "E-EXPR-SYNTAX"
MISSING = "E-EXPR-MISSING"
TYPE = "E-EXPR-TYPE"
MANY = "E-EXPR-MANY"
LIMIT = "E-EXPR-LIMIT"
EXPRESSION_CODES = frozenset({SYNTAX, MISSING, TYPE, MANY, LIMIT})


class ExpressionError(Unprocessable):
    """An expression cannot be read or has no answer. Names places, never the values there."""

    default_code: ClassVar[str] = SYNTAX

    def __init__(
        self,
        message: str,
        *,
        code: str = SYNTAX,
        expression: str = "",
        position: int | None = None,
        path: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message, code=code, path=path, fix=fix)
        self.expression = expression
        self.position = position
        if position is not None:
            self.details["position"] = position

    def within(self, path: str) -> ExpressionError:
        """The same error, with the place in the template put before its own."""
        self.path = path
        return self
