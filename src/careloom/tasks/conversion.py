"""What an expression gave, as answers to a question of its type.

http://hl7.org/fhir/R4/questionnaireresponse-definitions.html#QuestionnaireResponse.item.answer.value_x_
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from careloom.fhirpath import Element, Model, Temporal
from careloom.fhirpath.values import plain, system
from careloom.tasks.questionnaire import extension, plain_value, unit_of
from careloom.types import Json, JsonObject


def answers_of(item: JsonObject, found: list[Any], model: Model) -> list[JsonObject] | None:
    """The answers; None when the result does not fit the question."""
    if not item.get("repeats") and len(found) > 1:
        return None
    made = [_answer(item, one, model) for one in found]
    return None if None in made else [one for one in made if one is not None]


def _answer(item: JsonObject, found: Any, model: Model) -> JsonObject | None:
    kind = item["type"]
    if kind in ("choice", "open-choice"):
        return _choice(item, found, model)
    if kind == "quantity":
        return _quantity(item, found, model)
    value = system(found, model) if isinstance(found, Element) else found
    if kind == "boolean":
        return {"valueBoolean": value} if isinstance(value, bool) else None
    if kind in ("integer", "decimal"):
        return _number(item, value)
    if kind in ("string", "text", "url"):
        text = _text(value)
        return None if text is None else {"valueUri" if kind == "url" else "valueString": text}
    if kind in ("date", "dateTime", "time"):
        return _moment(kind, value)
    if kind == "reference":
        value = plain(found)
        return {"valueReference": value} if isinstance(value, dict) else None
    return None


def _number(item: JsonObject, value: Any) -> JsonObject | None:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    number = Decimal(value)
    if item["type"] == "integer":
        return {"valueInteger": int(number)} if number == number.to_integral_value() else None
    return {"valueDecimal": _json_number(number, extension(item, "maxDecimalPlaces"))}


def _json_number(number: Decimal, places: Json) -> int | float:
    """JSON has no decimals of 28 digits: a whole number stays one, others are rounded to what is
    asked for and to what a double holds."""
    if isinstance(places, int) and 0 <= places <= 12:
        number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return int(number) if number == number.to_integral_value() else float(number)


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (str, int, Temporal)):
        return str(value) or None
    shown = plain(value)
    return shown if isinstance(shown, str) and shown else None


def _moment(kind: str, value: Any) -> JsonObject | None:
    text = str(value) if isinstance(value, (Temporal, str)) else ""
    day, separator, clock = text.partition("T")
    if kind == "time":
        return {"valueTime": clock or day} if ":" in text else None
    if not day:
        return None
    if kind == "date":
        return {"valueDate": day}
    return {"valueDateTime": f"{day}T{clock}" if separator and clock else day}


def _choice(item: JsonObject, found: Any, model: Model) -> JsonObject | None:
    value = plain(found)
    if isinstance(value, dict) and value.get("coding"):
        value = value["coding"][0]
    for option in item.get("answerOption", ()):
        offered = plain_value(option)
        if _same(offered, value):
            return {key: one for key, one in option.items() if key.startswith("value")}
    if isinstance(value, dict):
        return {"valueCoding": value} if isinstance(value.get("code"), str) else None
    text = _text(system(found, model) if isinstance(found, Element) else found)
    if text is None or item["type"] != "open-choice":
        return None
    return {"valueString": text}


def _same(offered: Json, value: Json) -> bool:
    if not isinstance(offered, dict):
        return bool(offered == value)
    if isinstance(value, dict):
        return (offered.get("system"), offered.get("code")) == (
            value.get("system"),
            value.get("code"),
        )
    return value in (offered.get("code"), offered.get("display"))


def _quantity(item: JsonObject, found: Any, model: Model) -> JsonObject | None:
    value = plain(found)
    if isinstance(value, dict):
        number = value.get("value")
        if isinstance(number, Decimal):
            value = {**value, "value": _json_number(number, extension(item, "maxDecimalPlaces"))}
        return {"valueQuantity": value} if number is not None else None
    number = system(found, model) if isinstance(found, Element) else found
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return None
    shown = _json_number(Decimal(number), extension(item, "maxDecimalPlaces"))
    return {"valueQuantity": {"value": shown, **(unit_of(item) or {})}}
