"""Answers of a QuestionnaireResponse by the type of their item.

http://hl7.org/fhir/R4/questionnaireresponse.html#link
"""

from __future__ import annotations

from typing import Any

from careloom.types import JsonObject

KEYS = {
    "boolean": "valueBoolean",
    "decimal": "valueDecimal",
    "integer": "valueInteger",
    "date": "valueDate",
    "dateTime": "valueDateTime",
    "time": "valueTime",
    "string": "valueString",
    "text": "valueString",
    "url": "valueUri",
    "choice": "valueCoding",
    "open-choice": "valueCoding",
    "attachment": "valueAttachment",
    "reference": "valueReference",
    "quantity": "valueQuantity",
}
"""The element of an answer by the type of the item; groups and displays have none."""


def answer_of(item: JsonObject, value: Any) -> JsonObject | None:
    """The answer to an item that a value gives; None for one that does not fit its type."""
    kind = item.get("type")
    key = KEYS.get(str(kind))
    if key is None:
        return None
    fitting = _fitting(item, str(kind), value)
    if fitting is None:
        return None
    if kind == "open-choice" and isinstance(fitting, str):
        return {"valueString": fitting}
    return {key: fitting}


def _fitting(item: JsonObject, kind: str, value: Any) -> Any:
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind in ("decimal", "integer"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value if is_number and (kind == "decimal" or value == int(value)) else None
    if kind in ("date", "dateTime"):
        if not isinstance(value, str):
            return None
        return value.partition("T")[0] if kind == "date" else value
    if kind in ("time", "string", "text", "url"):
        return value if isinstance(value, str) else None
    if kind in ("choice", "open-choice"):
        return _chosen(item, kind, value)
    if kind == "reference" and isinstance(value, dict) and "resourceType" in value:
        return {"reference": f"{value['resourceType']}/{value.get('id')}"}
    if kind == "quantity" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"value": value}
    is_known = isinstance(value, dict) and ("resourceType" not in value)
    return value if is_known else None


def _chosen(item: JsonObject, kind: str, value: Any) -> Any:
    """A Coding: of a concept the one that is an option, of a code the option that has it."""
    options = [one["valueCoding"] for one in item.get("answerOption", ()) if "valueCoding" in one]
    if isinstance(value, dict) and "coding" in value:
        codings = value["coding"]
        listed = [one for one in codings if any(_same(one, option) for option in options)]
        return (listed or codings or [None])[0]
    if isinstance(value, dict):
        return value if "resourceType" not in value else None
    if not isinstance(value, str):
        return None
    known = next((one for one in options if one.get("code") == value), None)
    if known is not None:
        return known
    if kind == "open-choice":
        return value
    return None if options else {"code": value}


def _same(one: JsonObject, option: JsonObject) -> bool:
    return (one.get("system"), one.get("code")) == (option.get("system"), option.get("code"))


def value_of(answer: JsonObject) -> Any:
    """The value of an answer; None for one without."""
    return next((answer[key] for key in answer if key.startswith("value")), None)
