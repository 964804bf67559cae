"""Structure of resources that are still templates, and the repairs of compat mode.

A workflow writes resources with {{ }} in them: what such a place will hold is not known before
the run, so it satisfies any type. Compat mode repairs what has exactly one sensible reading and
gives a receipt for each repair; strict mode refuses instead.
"""

from __future__ import annotations

import re
from typing import Any

from careloom.fhir.issue import Issue
from careloom.fhir.resource import MAX_DEPTH
from careloom.fhir.validation import Field, validator
from careloom.types import JsonObject

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_SERVICE_SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
_TWICE = re.compile(
    r"(?P<type>[A-Z][A-Za-z]+)/(?P<rest>(?:https?://\S+/)?(?P<again>[A-Z][A-Za-z]+)/\S+)\Z"
)
KNOWN_WORDS: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("Observation", "category"): (
        _OBSERVATION_CATEGORY,
        {
            word: word
            for word in (
                "social-history",
                "vital-signs",
                "imaging",
                "laboratory",
                "procedure",
                "survey",
                "exam",
                "therapy",
                "activity",
            )
        },
    ),
    ("DiagnosticReport", "category"): (
        _SERVICE_SECTION,
        {"imaging": "RAD", "radiology": "RAD", "laboratory": "LAB"},
    ),
}
"""Words that have one meaning at one place: (code system, code by word)."""


def is_template(value: Any) -> bool:
    """Whether a value is text with {{ }} in it, whose final type is not known."""
    return isinstance(value, str) and "{{" in value


def check_template(resource_type: str, data: JsonObject) -> list[Issue]:
    """Faults that a resource will have whatever its {{ }} places become."""
    resource = {"resourceType": resource_type, **data}
    return validator().validate(resource, conditional_references=True, is_template=is_template)


def coercions(resource_type: str, data: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """The data with every one-reading repair made, and a receipt for each.

    A receipt is {"code", "path", "before", "after"}: W-COERCE (text where a CodeableConcept
    belongs, one where a list belongs), W-REQUIRED (a required CodeableConcept that is missing),
    W-REFPREFIX (Patient/Patient/1).
    """
    repair = _Repair()
    return repair.object(data, resource_type, resource_type), repair.receipts


class _Repair:
    def __init__(self) -> None:
        self.receipts: list[JsonObject] = []

    def object(self, data: JsonObject, kind: str, path: str) -> JsonObject:
        if path.count(".") > MAX_DEPTH:
            return data
        structure = validator().structure(kind)
        repaired: JsonObject = {}
        for key, value in data.items():
            known = structure.fields.get(key)
            place = f"{path}.{key}"
            repaired[key] = value if known is None else self._value(value, known, kind, place)
        if "." not in path:
            self._required(repaired, kind, path)
        return repaired

    def _value(self, value: Any, known: Field, kind: str, path: str) -> Any:
        if is_template(value) or value is None:
            return value
        if known.is_list and isinstance(value, list):
            return [self._one(v, known, kind, f"{path}[{n}]") for n, v in enumerate(value)]
        if known.is_list:
            quiet = _Repair()
            after = [quiet._one(value, known, kind, path)]
            self.receipts += [r for r in quiet.receipts if r["path"] != path]
            return self._receipt("W-COERCE", path, value, after)
        return self._one(value, known, kind, path)

    def _one(self, value: Any, known: Field, kind: str, path: str) -> Any:
        if is_template(value):
            return value
        if isinstance(value, dict) and known.check is None:
            inner = value.get("resourceType") if known.kind == "Resource" else known.kind
            if not isinstance(inner, str):
                return value
            repaired = self.object(value, inner, path)
            return self._reference(repaired, path) if inner == "Reference" else repaired
        if isinstance(value, str) and known.kind == "CodeableConcept":
            return self._concept(value, known, kind, path)
        return value

    def _concept(self, word: str, known: Field, kind: str, path: str) -> Any:
        system, codes = KNOWN_WORDS.get((kind, known.element.name), ("", {}))
        code = codes.get(word)
        if code is not None:
            after: JsonObject = {"coding": [{"system": system, "code": code}]}
        elif known.tokens is None:
            after = {"text": word}
        else:
            return word
        return self._receipt("W-COERCE", path, word, after)

    def _reference(self, value: JsonObject, path: str) -> JsonObject:
        text = value.get("reference")
        match = _TWICE.match(text) if isinstance(text, str) else None
        if match is None or match["type"] != match["again"]:
            return value
        after = self._receipt("W-REFPREFIX", f"{path}.reference", text, match["rest"])
        return {**value, "reference": after}

    def _required(self, data: JsonObject, kind: str, path: str) -> None:
        structure = validator().structure(kind)
        for name, keys in structure.required:
            known = structure.fields[keys[0]]
            if name in data or known.kind != "CodeableConcept" or known.tokens is not None:
                continue
            absent = {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}
            after = [absent] if known.is_list else absent
            data[name] = self._receipt("W-REQUIRED", f"{path}.{name}", None, after)

    def _receipt(self, code: str, path: str, before: Any, after: Any) -> Any:
        self.receipts.append({"code": code, "path": path, "before": before, "after": after})
        return after
