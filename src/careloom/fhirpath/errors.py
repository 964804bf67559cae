"""The one error of this room: an expression that cannot be read or evaluated."""

from __future__ import annotations

from careloom.errors import InvalidInput

SYNTAX = "fhirpath_syntax"
SEMANTIC = "fhirpath_semantic"
EVALUATION = "fhirpath_evaluation"
LIMIT = "fhirpath_limit"


class FhirPathError(InvalidInput):
    """What is wrong with the expression and at which character; never a value of the data.

    `code` is fhirpath_syntax, fhirpath_semantic, fhirpath_evaluation or fhirpath_limit.
    """

    default_code = EVALUATION

    def __init__(self, message: str, position: int, *, fix: str, code: str = EVALUATION) -> None:
        super().__init__(f"{message} (at character {position + 1})", code=code, fix=fix)
        self.position = position
        self.reason = message
        self.expression = ""

    def within(self, expression: str) -> FhirPathError:
        """The same error, knowing the expression in which it arose."""
        self.expression = self.expression or expression
        return self


def too_costly(what: str, position: int = 0) -> FhirPathError:
    """A limit was passed."""
    return FhirPathError(
        what, position, fix="Narrow the expression, or evaluate it on less data.", code=LIMIT
    )
