"""Plain paths and conditions as tight loops over JSON, without an Element for each value.

Only what is certain to give the same values as the general evaluation is compiled here: members
with known types, type filters, where() with conditions on what exists and on texts or with
resolve() is T, first(), unions; exists(), empty(), all() and logic over such paths. Where the
data turn out otherwise, `Undecided` sends the caller to the general evaluation.
"""

from __future__ import annotations

from careloom.fhirpath.direct.paths import General
from careloom.fhirpath.direct.predicates import Predicates
from careloom.fhirpath.direct.walking import Plan, Undecided
from careloom.fhirpath.model import Model
from careloom.fhirpath.syntax import Tree

__all__ = ["Plan", "Undecided", "plan"]


def plan(tree: Tree, model: Model, type_name: str, *, as_filters: bool) -> Plan | None:
    """The expression for objects of this type; None where it takes the general evaluation."""
    try:
        return Predicates(model, type_name, as_filters=as_filters).plan(tree)
    except General:
        return None
