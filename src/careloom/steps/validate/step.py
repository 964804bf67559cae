"""`validate`: is a resource what R4 defines, or a code one that an element takes?

Structure, cardinality, types, required value sets and references, as every write is checked.
http://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from typing import Any

from careloom.fhir.definitions import Definitions, load_definitions
from careloom.fhir.issue import Issue, outcome_or_success
from careloom.fhir.validation import validate
from careloom.steps.schema import load_schema
from careloom.types import Json, JsonObject
from careloom.workflows.step import StepCall, StepError, StepResult

_SHOWN = 12


class ValidateStep:
    """Gives issues as data, or fails with them where the definition says `fail`."""

    type = "validate"

    @property
    def schema(self) -> JsonObject:
        return load_schema("validate")

    async def execute(self, call: StepCall) -> StepResult:
        if "element" in call.input:
            issues = code_issues(call.input["element"], call.input.get("code"))
        else:
            issues = validate(call.input.get("resource"))
        errors = [issue for issue in issues if issue.severity in ("error", "fatal")]
        outcome = outcome_or_success(issues)
        if errors and call.input.get("fail"):
            raise StepError(
                f"The resource has {len(errors)} errors, the first at {errors[0].expression}",
                code="not_valid",
                details={
                    "path": errors[0].expression,
                    "issues": [issue.to_json() for issue in issues],
                    "outcome": outcome,
                },
            )
        output: JsonObject = {
            "valid": not errors,
            "errors": len(errors),
            "warnings": len(issues) - len(errors),
            "issues": [issue.to_json() for issue in issues],
            "outcome": outcome,
        }
        if call.alias is not None:
            output[call.alias] = output["valid"]
        return StepResult(output=output)


def code_issues(place: str, given: Json) -> list[Issue]:
    """Whether a code, Coding or CodeableConcept is in the value set that R4 requires at a place.

    Raises StepError (no_value_set) where R4 requires none: nothing could be said.
    """
    definitions = load_definitions()
    lists = _value_set(definitions, place)
    if isinstance(given, str):
        found = any(given in codes for codes in lists.values())
    else:
        found = any(_is_in(coding, lists) for coding in _codings(given))
    if found:
        return []
    known = [f"{system}|{code}" for system, codes in sorted(lists.items()) for code in codes]
    hint = f"use one of: {', '.join(known[:_SHOWN])}"
    return [
        Issue("error", "code-invalid", place, "The code is not in the required value set", hint)
    ]


def _value_set(definitions: Definitions, place: str) -> dict[str, list[str]]:
    type_, _, path = place.partition(".")
    element = definitions.element(type_, path) if definitions.is_resource(type_) else None
    if element is None:
        raise StepError(f"R4 has no element {place}", code="no_element")
    if element.binding is None:
        raise StepError(
            f"R4 requires no value set at {place}, so that no code can be checked there",
            code="no_value_set",
        )
    return definitions.code_lists[element.binding]


def _codings(given: Any) -> list[Any]:
    if not isinstance(given, dict):
        return []
    inner = given.get("coding")
    return inner if isinstance(inner, list) else [given]


def _is_in(coding: Any, lists: dict[str, list[str]]) -> bool:
    """A Coding says its system, and then that system's codes count."""
    return isinstance(coding, dict) and coding.get("code") in lists.get(
        str(coding.get("system")), ()
    )
