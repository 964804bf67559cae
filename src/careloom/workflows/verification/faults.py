"""What a value breaks of a step type's schema, in words."""

from __future__ import annotations

from typing import Any

DURATION = r"^([0-9]+([.][0-9]+)?\s*(ms|s|m|h|d)|P[0-9DTHMS.]+)$"
"""The pattern that step types give to lengths of time which are written as text."""
_TYPES = {"string": "text", "integer": "a whole number", "object": "an object", "array": "a list"}


def said(fault: Any) -> tuple[str, str]:
    """The message and the fix; the fix is empty where only the step's page can say it."""
    wanted = fault.validator_value
    if fault.validator == "pattern" and wanted == DURATION:
        return "this is not a length of time", "write seconds, or 30s, 5m, 2h, 1d or PT5M"
    if fault.validator in ("oneOf", "anyOf"):
        return _none_of(fault, wanted)
    if fault.validator == "enum":
        return "this is none of the values that are known here", f"write {_words(wanted)}"
    if fault.validator == "type":
        types = wanted if isinstance(wanted, list) else [wanted]
        known = " or ".join(_TYPES.get(one, f"a {one}") for one in types)
        return f"this must be {known}", f"write {known}"
    return f"the value breaks the step's schema ({fault.validator})", ""


def _none_of(fault: Any, alternatives: list[Any]) -> tuple[str, str]:
    named = [one["required"] for one in alternatives if set(one) == {"required"}]
    if len(named) == len(alternatives):
        keys = ", ".join(" with ".join(names) for names in named)
        given = [" with ".join(names) for names in named if set(names) <= fault.instance.keys()]
        have = f"not {' and '.join(given)} together" if given else "there is none"
        exactly = "exactly one" if fault.validator == "oneOf" else "one"
        return f"the step needs {exactly} of {keys}; {have}", f"write {exactly} of them"
    values = [value for one in alternatives for value in one.get("enum", [one.get("const")])]
    known = [value for value in values if value is not None]
    if not known:
        return f"the value breaks the step's schema ({fault.validator})", ""
    objects = [f"{{{key}: …}}" for one in alternatives for key in one.get("required", ())]
    offered = _words([*known, *objects])
    return "this is none of the values that are known here", f"write {offered}"


def _words(values: list[Any]) -> str:
    return " or ".join(str(value) for value in values)
