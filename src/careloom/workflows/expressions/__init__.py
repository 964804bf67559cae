"""The expressions of `{{ }}` and conditions: paths over `trigger`, `steps`, `run` and `session`.

The grammar and its limits are in docs/reference/expressions.md. Data only: nothing of the host can
be reached, and every evaluation is bounded.
"""

from careloom.workflows.expressions.errors import ExpressionError
from careloom.workflows.expressions.template import (
    Condition,
    Expression,
    Reference,
    Template,
    compile_condition,
    compile_expression,
    compile_template,
    evaluate,
    evaluate_collection,
)

__all__ = [
    "Condition",
    "Expression",
    "ExpressionError",
    "Reference",
    "Template",
    "compile_condition",
    "compile_expression",
    "compile_template",
    "evaluate",
    "evaluate_collection",
]
