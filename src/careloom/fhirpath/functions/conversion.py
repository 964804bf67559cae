"""Conversions. http://hl7.org/fhirpath/N1/#conversion"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from careloom.fhirpath.evaluation import Env, Run, single
from careloom.fhirpath.functions.definition import Function, Scope, is_true, on_value, text_of
from careloom.fhirpath.operators import integer
from careloom.fhirpath.quantity import CALENDAR, Quantity, converted
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.temporal import (
    Temporal,
    parse_date,
    parse_datetime,
    parse_time,
    to_date,
    to_datetime,
)
from careloom.fhirpath.values import system

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,60}(\.[0-9]{1,60})?\Z")
_QUANTITY = re.compile(r"([+-]?[0-9]{1,60}(?:\.[0-9]{1,60})?)\s*(?:'([^']+)'|([a-zA-Z]+))?\Z")
_TRUE = frozenset(("true", "t", "yes", "y", "1", "1.0"))
_FALSE = frozenset(("false", "f", "no", "n", "0", "0.0"))


def to_boolean(value: Any) -> bool | None:
    """http://hl7.org/fhirpath/N1/#toboolean-boolean"""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return True if value == 1 else False if value == 0 else None
    if isinstance(value, str):
        return True if value.lower() in _TRUE else False if value.lower() in _FALSE else None
    return None


def to_integer(value: Any) -> int | None:
    """http://hl7.org/fhirpath/N1/#tointeger-integer"""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and _INTEGER.match(value):
        return integer(int(value))
    return None


def to_decimal(value: Any) -> Decimal | None:
    """http://hl7.org/fhirpath/N1/#todecimal-decimal"""
    if isinstance(value, bool):
        return Decimal("1.0") if value else Decimal("0.0")
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    return Decimal(value) if isinstance(value, str) and _DECIMAL.match(value) else None


def to_date_value(value: Any) -> Temporal | None:
    """http://hl7.org/fhirpath/N1/#todate-date"""
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else to_date(value)
    return parse_date(value) if isinstance(value, str) else None


def to_datetime_value(value: Any) -> Temporal | None:
    """http://hl7.org/fhirpath/N1/#todatetime-datetime"""
    if isinstance(value, Temporal):
        return None if value.kind == "Time" else to_datetime(value)
    return parse_datetime(value) if isinstance(value, str) else None


def to_time_value(value: Any) -> Temporal | None:
    """http://hl7.org/fhirpath/N1/#totime-time"""
    if isinstance(value, Temporal):
        return value if value.kind == "Time" else None
    return parse_time(value) if isinstance(value, str) else None


def to_quantity(value: Any) -> Quantity | None:
    """http://hl7.org/fhirpath/N1/#toquantityunit-string-quantity"""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool):
        return Quantity(Decimal("1.0") if value else Decimal("0.0"), "1")
    if isinstance(value, (int, Decimal)):
        return Quantity(Decimal(value), "1")
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    if match is None:
        return None
    number, code, word = match.groups()
    if word is not None:
        unit = CALENDAR.get(word)
        return None if unit is None else Quantity(Decimal(number), unit, calendar=True)
    return Quantity(Decimal(number), code or "1")


def to_text(value: Any) -> str | None:
    """http://hl7.org/fhirpath/N1/#tostring-string"""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, (int, Temporal, Quantity)) else None


def _pair(name: str, convert: Callable[[Any], Any]) -> dict[str, Function]:
    """toX and convertsToX."""
    return {
        f"to{name}": on_value(lambda env, at, value: convert(value)),
        f"convertsTo{name}": on_value(lambda env, at, value: convert(value) is not None),
    }


def _quantity(env: Env, at: int, value: Any, *unit: Any) -> Quantity | None:
    found = to_quantity(value)
    if found is None or not unit:
        return found
    return converted(found, text_of(unit[0], at, "toQuantity()"))


def _converts_to_quantity(env: Env, at: int, value: Any, *unit: Any) -> bool:
    return _quantity(env, at, value, *unit) is not None


def _iif(scope: Scope, call: Call, source: Run) -> Run:
    compiled = [scope.compile(argument) for argument in call.arguments]
    criterion, chosen = compiled[0], compiled[1]
    otherwise = compiled[2] if len(compiled) > 2 else None
    model, at = scope.model, call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        single(items, at, "iif()")
        outer, variables = env.this, env.variables
        env.this = items
        if is_true(criterion(env), model, at):
            found = chosen(env)
        else:
            found = otherwise(env) if otherwise is not None else []
        env.this, env.variables = outer, variables
        return found

    return run


def _not_a_collection(scope: Scope, call: Call, source: Run) -> Run:
    """toString() and convertsToString(): an element without a System value has no text."""
    asks, model, at = call.name == "convertsToString", scope.model, call.at

    def run(env: Env) -> list[Any]:
        items = source(env)
        if not items:
            return []
        text = to_text(system(single(items, at, f"{call.name}()"), model))
        if asks:
            return [text is not None]
        return [] if text is None else [text]

    return run


FUNCTIONS = {
    **_pair("Boolean", to_boolean),
    **_pair("Integer", to_integer),
    **_pair("Decimal", to_decimal),
    **_pair("Date", to_date_value),
    **_pair("DateTime", to_datetime_value),
    **_pair("Time", to_time_value),
    "toString": Function(_not_a_collection),
    "convertsToString": Function(_not_a_collection),
    "toQuantity": on_value(_quantity, 0, 1),
    "convertsToQuantity": on_value(_converts_to_quantity, 0, 1),
    "iif": Function(_iif, 2, 3),
}
