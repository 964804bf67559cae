"""Whether a step's rendered parameters are what its schema allows.

A definition is checked when it is deployed, but a template may become anything; what it became is
checked here, before the step sees it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from careloom.types import Json, JsonObject
from careloom.workflows.definition.json_schema import validator
from careloom.workflows.definition.quick_check import NUL, Check, quick_check

_CHECKS_KEPT = 256
_SHOWN = 200
"""Characters of a rule that a sentence shows."""


def input_fault(schema: JsonObject, given: JsonObject) -> str | None:
    """A sentence with the place and what is allowed there, or None when nothing is wrong.

    `schema` is the `input` part of the step's schema.json. A parameter that is not required may be
    null: it counts as not given. The sentence never shows a value, which may be a patient's.
    """
    required = schema.get("required", ())
    stated = given
    if None in given.values():
        stated = {
            name: item for name, item in given.items() if item is not None or name in required
        }
    if _quick(schema)(stated):
        return None
    place = _nul(given, "")
    if place is not None:
        return f"{place or 'A key'} has the character U+0000, which cannot be stored"
    errors = sorted(
        _validator(orjson.dumps(schema)).iter_errors(stated),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    return _sentence(errors[0]) if errors else None


def unwritable(given: JsonObject) -> str | None:
    """Why no step can keep or send an input: templates have put what came from outside deeper than
    JSON is written, or calculated a number beyond 64 bits. Costs as much as writing it."""
    try:
        orjson.dumps(given)
    except TypeError:
        return (
            "The step's input is nested too deep, or has a number beyond 64 bits:"
            " keep it below 200 levels, and large numbers as text"
        )
    return None


_checks: dict[int, tuple[JsonObject, Check]] = {}
"""By the schema's identity; each is kept here, so that no other can have it."""


def _quick(schema: JsonObject) -> Check:
    known = _checks.get(id(schema))
    if known is None:
        if len(_checks) >= _CHECKS_KEPT:
            _checks.clear()
        known = _checks[id(schema)] = (schema, quick_check(schema))
    return known[1]


def value_fault(schema: JsonObject, value: Json, what: str) -> str | None:
    """The same for any value, named `what` in the sentence."""
    errors = sorted(
        _validator(orjson.dumps(schema)).iter_errors(value),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    if not errors:
        return None
    place = _place(errors[0].absolute_path)
    return (
        f"{what} breaks its schema: {_sentence(errors[0])}"
        if place[0] == "/"
        else (f"{what} breaks its schema: {_sentence(errors[0]).replace(place, 'it')}")
    )


@lru_cache(maxsize=64)
def _validator(schema: bytes) -> Any:
    return validator(orjson.loads(schema))


def _sentence(error: Any) -> str:
    place = _place(error.absolute_path)
    rule = orjson.dumps(error.validator_value).decode()[:_SHOWN]
    match error.validator:
        case "type":
            kinds = error.validator_value
            allowed = kinds if isinstance(kinds, str) else " or ".join(kinds)
            return f"{place} must be of type {allowed}"
        case "enum":
            return f"{place} must be one of {', '.join(map(str, error.validator_value))[:_SHOWN]}"
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{place} misses {', '.join(missing)}"
        case "additionalProperties":
            offered = ", ".join(sorted(error.schema.get("properties", {}))) or "nothing"
            return f"{place} has a key that is not offered; offered are {offered}"[: 2 * _SHOWN]
        case rule_name:
            return f"{place} breaks {rule_name}: {rule}"


def _place(path: Any) -> str:
    return "/" + "/".join(str(part) for part in path) if path else "The step's input"


def _nul(value: Json, place: str) -> str | None:
    """Where a U+0000 stands; PostgreSQL keeps none:
    https://www.postgresql.org/docs/current/datatype-json.html"""
    if isinstance(value, str):
        return place if NUL in value else None
    children: list[tuple[str, Json]] = []
    if isinstance(value, dict):
        if any(NUL in key for key in value):
            return place
        children = list(value.items())
    elif isinstance(value, list):
        children = [(str(number), child) for number, child in enumerate(value)]
    for name, child in children:
        found = _nul(child, f"{place}/{name}")
        if found is not None:
            return found
    return None
