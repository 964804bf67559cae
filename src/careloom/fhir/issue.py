"""An issue found in a resource or request, and the OperationOutcome that carries issues.

http://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from careloom.errors import CareloomError, Unprocessable
from careloom.types import JsonObject

RULES = "urn:careloom:fhir-rule"
"""The system of rule keys in OperationOutcome.issue.details."""


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong, where (FHIRPath) and what to do; never a value from the resource."""

    severity: str
    code: str
    expression: str
    message: str
    fix: str = ""
    rule: str = ""
    """The key of the rule that is broken, such as per-1; or the profile that asks for it."""

    def to_json(self) -> JsonObject:
        """As an element of OperationOutcome.issue."""
        diagnostics = f"{self.message}; {self.fix}" if self.fix else self.message
        issue: JsonObject = {
            "severity": self.severity,
            "code": self.code,
            "diagnostics": diagnostics,
        }
        if self.rule:
            issue["details"] = {"coding": [{"system": RULES, "code": self.rule}]}
        if self.expression:
            issue["expression"] = [self.expression]
        return issue


class InvalidResource(Unprocessable):
    """The resource breaks rules of its type; `issues` says which and where."""

    default_code = "invalid_resource"

    def __init__(self, issues: list[Issue]) -> None:
        first = issues[0]
        more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
        super().__init__(
            f"{first.expression}: {first.message}{more}",
            path=first.expression,
            fix=first.fix or None,
            details={"issues": [issue.to_json() for issue in issues]},
        )
        self.issues = issues


def outcome(issues: Iterable[Issue]) -> JsonObject:
    """An OperationOutcome resource."""
    return {"resourceType": "OperationOutcome", "issue": [issue.to_json() for issue in issues]}


def outcome_or_success(issues: list[Issue]) -> JsonObject:
    """The OperationOutcome of a validation; one without issues says that all is well, as R4 asks
    for at least one issue: http://hl7.org/fhir/R4/resource-operation-validate.html"""
    well = Issue("information", "informational", "", "No issues detected during validation")
    return outcome(issues or [well])


def outcome_of(error: CareloomError) -> JsonObject:
    """The OperationOutcome for one of our errors."""
    if isinstance(error, InvalidResource):
        return outcome(error.issues)
    issue = Issue("error", error.issue, error.path or "", error.message, error.fix or "")
    content = issue.to_json()
    content["details"] = {"coding": [{"system": "urn:careloom:error", "code": error.code}]}
    return {"resourceType": "OperationOutcome", "issue": [content]}
