"""Whether a question is asked: `enableWhen` with `enableBehavior`, and how answers compare.

http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen
"""

from __future__ import annotations

from careloom.tasks.questionnaire import plain_value
from careloom.types import Json, JsonObject


def answer_key(value: Json) -> Json:
    """What makes two answers the same."""
    if not isinstance(value, dict):
        return value
    if "reference" in value:
        return value["reference"]
    if "code" in value:
        return (value.get("system"), value["code"], value.get("value"))
    return repr(sorted(value.items()))


def is_enabled(item: JsonObject, around: tuple[JsonObject, ...]) -> bool:
    conditions = item.get("enableWhen", [])
    if not conditions:
        return True
    met = [_met(condition, around) for condition in conditions]
    return any(met) if item.get("enableBehavior") == "any" else all(met)


def _met(condition: JsonObject, around: tuple[JsonObject, ...]) -> bool:
    """http://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen"""
    answers = _answers_to(condition["question"], around)
    operator = condition.get("operator", "=")
    wanted = next((value for key, value in condition.items() if key.startswith("answer")), None)
    if operator == "exists":
        return bool(answers) is bool(wanted)
    if operator in ("=", "!="):
        return any((answer_key(one) == answer_key(wanted)) is (operator == "=") for one in answers)
    orders = {">": (1,), "<": (-1,), ">=": (0, 1), "<=": (-1, 0)}[operator]
    return any(compared(one, wanted) in orders for one in answers)


def _answers_to(link: str, around: tuple[JsonObject, ...]) -> list[Json]:
    """The answers to a question: those of the same repetition of a group go before others."""
    for scope in reversed(around):
        found = _found(link, scope)
        if found:
            return found
    return []


def _found(link: str, scope: JsonObject) -> list[Json]:
    found: list[Json] = []
    for one in scope.get("item", ()):
        if not isinstance(one, dict):
            continue
        answers = [a for a in one.get("answer", ()) if isinstance(a, dict)]
        if one.get("linkId") == link:
            found += [value for a in answers if (value := plain_value(a)) is not None]
        for part in (one, *answers):
            found += _found(link, part)
    return found


def is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def compared(left: Json, right: Json) -> int | None:
    """-1, 0 or 1; None when the two cannot be compared."""
    if isinstance(left, dict) and isinstance(right, dict):
        same = left.get("code", left.get("unit")) == right.get("code", right.get("unit"))
        left, right = left.get("value"), right.get("value") if same else None
    texts = isinstance(left, str) and isinstance(right, str)
    if not texts and not (is_number(left) and is_number(right)):
        return None
    return int(left > right) - int(left < right)
