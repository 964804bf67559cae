"""The rules that the R4 definitions state in FHIRPath, compiled when a type is first met.

http://hl7.org/fhir/R4/conformance-rules.html#constraints. The most frequent rules have a form in
Python (quick_rules.py); tests hold both forms against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from careloom.fhir.definitions import Definitions
from careloom.fhir.definitions.archive import load_invariants
from careloom.fhir.fhirpath_model import TYPE_ONLY, r4_model
from careloom.fhir.quick_rules import QUICK, SUFFICIENT, Scene
from careloom.fhirpath import FhirPathError, Hooks, Limits, compile
from careloom.types import JsonObject

Holds = Callable[[JsonObject, Scene], bool]
CORRECTED = {
    "que-7": "operator = 'exists' implies (answer is boolean)",
    "ras-2": "probability.empty() or "
    "(probability is decimal implies (probability as decimal) <= 100)",
    "ref-1": "reference.empty() or reference = '#' or reference.startsWith('#').not() or "
    "(reference.substring(1) in %rootResource.contained.id)",
}
"""Expressions of 4.0.1 that refuse what is right as they are written, as R4B and R5 mean them."""
UNDECIDED_IS_MET = frozenset({"per-1", "inv-1", "mdd-1", "rng-2"})
"""They compare: values of different precision or unit cannot be compared and break no rule."""
ADVISED = frozenset({"csd-1"})
"""Errors that the specification's own examples break: they are warnings here."""
NOT_EVALUATED = frozenset({"ele-1", "txt-2"})
"""ele-1 is checked with the structure; txt-2 has the expression of txt-1."""

_LIMITS = Limits(steps=300_000)
"""A resource on which a rule takes longer is refused by that rule."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One invariant of a type or element."""

    key: str
    severity: str
    human: str
    expression: str
    holds: Holds


def _grammar(key: str, human: str, pattern: str) -> Rule:
    matches = re.compile(pattern).fullmatch

    def holds(value: Any, scene: Scene) -> bool:
        return isinstance(value, str) and matches(value) is not None

    return Rule(key, "error", human, f"matches('^{pattern}$')", holds)


_MIME = _grammar("bcp-13", "The code is a MIME type", r"[^\s/;]+/[^\s/;]+(\s*;.*)?")
GRAMMARS = {
    "Attachment.contentType": _MIME,
    "Binary.contentType": _MIME,
    "Money.currency": _grammar("iso-4217", "The code is that of a currency", "[A-Z]{3}"),
}
"""Required bindings to systems that the definitions do not list, by the form of their codes."""


class Invariants:
    """The rules of every type."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    def of_type(self, kind: str) -> tuple[Rule, ...]:
        """The rules on each value of a type or nested element."""
        types, _ = load_invariants()
        stated = list(types.get(kind, ()))
        if self._definitions.is_resource(kind) and "text" in self._definitions.elements(kind):
            stated += types["DomainResource"]
        return self._rules(stated, kind)

    def of_element(
        self, kind: str, name: str, is_choice: bool, value_type: str
    ) -> tuple[Rule, ...]:
        """The rules that one element of type `kind` adds for its values of a type."""
        _, elements = load_invariants()
        path = f"{kind}.{name}" + ("[x]" if is_choice else "")
        rules = self._rules(elements.get(path, ()), value_type)
        grammar = GRAMMARS.get(path)
        return rules if grammar is None else (*rules, grammar)

    def _rules(self, stated: Any, kind: str) -> tuple[Rule, ...]:
        rules: dict[str, Rule] = {}
        for key, severity, human, text in stated:
            if key not in NOT_EVALUATED:
                expression = corrected(key, text)
                holds = _holds(key, text, expression, kind)
                if key in ADVISED:
                    severity = "warning"
                rules[key] = Rule(key, severity, human, expression, holds)
        return tuple(rules.values())


def corrected(key: str, text: str) -> str:
    """The expression of a rule as it can be evaluated: dom-3 asks `as` of many items."""
    return CORRECTED.get(key, text).replace("descendants().as(", "descendants().ofType(")


def _holds(key: str, text: str, expression: str, kind: str) -> Holds:
    quick = QUICK.get((key, text))
    if quick is not None:
        return quick
    judge = general(expression, kind, met=key in UNDECIDED_IS_MET)
    enough = SUFFICIENT.get((key, text))
    if enough is None:
        return judge
    return lambda data, scene: enough(data, scene) or judge(data, scene)


def general(expression: str, kind: str, *, met: bool = False, hooks: Hooks = TYPE_ONLY) -> Holds:
    """A rule by the FHIRPath engine; `met` is the answer when the expression gives nothing.

    `kind` is the type of the values that it is asked about.
    """
    compiled = compile(expression, r4_model(), type=kind)

    def holds(data: Any, scene: Scene) -> bool:
        context = None if data is scene.resource else data
        try:
            found = compiled(
                scene.resource,
                context=context,
                root_resource=scene.root,
                hooks=hooks,
                limits=_LIMITS,
            )
        except FhirPathError:
            return met
        return found != [False] if found else met

    return holds
