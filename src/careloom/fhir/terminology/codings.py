"""What can be said of the codes in a resource without a profile: warnings, never refusals.

LOINC codes have a check digit; displays are compared where the code system is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from careloom.fhir.issue import Issue
from careloom.fhir.terminology.display import same_display
from careloom.fhir.terminology.loinc import LOINC, check_digit_fault
from careloom.fhir.terminology.service import Terminology
from careloom.types import JsonObject

_CODING = frozenset(
    ("id", "extension", "system", "version", "code", "display", "userSelected", "_display", "_code")
)
MOST_CODINGS = 2000


async def coding_issues(terminology: Terminology, resource: JsonObject) -> list[Issue]:
    """Warnings about the Codings of a resource."""
    issues: list[Issue] = []
    for number, (path, coding) in enumerate(codings(resource, resource["resourceType"])):
        if number >= MOST_CODINGS:
            break
        issue = await _issue(terminology, path, coding)
        if issue is not None:
            issues.append(issue)
    return issues


async def _issue(terminology: Terminology, path: str, coding: JsonObject) -> Issue | None:
    system, code = coding["system"], coding["code"]
    if system == LOINC and check_digit_fault(code):
        message = "The check digit of this LOINC code is wrong, so there is no such code"
        fix = "look the code up again: a digit is missing, wrong or swapped"
        return Issue("warning", "code-invalid", f"{path}.code", message, fix, "loinc-check-digit")
    version = coding.get("version")
    loaded = await terminology.code_system(f"{system}|{version}" if version else system)
    if loaded is None:
        return None
    concept = loaded.find(code)
    if concept is None:
        if not loaded.is_complete:
            return None
        message, fix = "The code system has no such code", f"use a code of {system}"
        return Issue("warning", "code-invalid", f"{path}.code", message, fix, "code-unknown")
    display = coding.get("display")
    if not isinstance(display, str) or concept.display is None:
        return None
    if same_display(display, concept.display, concept):
        return None
    message = "The display is not one that the code system has for this code"
    fix = f"it is: {concept.display}"
    return Issue("warning", "code-invalid", f"{path}.display", message, fix, "display-mismatch")


def codings(value: Any, path: str) -> Iterator[tuple[str, JsonObject]]:
    """Every Coding with system and code, and its place."""
    stack: list[tuple[Any, str]] = [(value, path)]
    while stack:
        item, place = stack.pop()
        if isinstance(item, list):
            stack += [(one, f"{place}[{n}]") for n, one in reversed(list(enumerate(item)))]
        elif isinstance(item, dict):
            if _CODING.issuperset(item) and _has_code(item):
                yield place, item
                continue
            stack += [
                (inner, f"{place}.{key}")
                for key, inner in reversed(item.items())
                if isinstance(inner, (dict, list))
            ]


def _has_code(item: JsonObject) -> bool:
    return isinstance(item.get("system"), str) and isinstance(item.get("code"), str)
