"""Mathematics and aggregates. http://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    Decimal,
    InvalidOperation,
    Overflow,
)
from typing import Any

from careloom.fhirpath.equality import compare_items
from careloom.fhirpath.evaluation import Env, Run, failure
from careloom.fhirpath.functions.definition import (
    Function,
    Scope,
    decimal_of,
    integer_of,
    on_value,
)
from careloom.fhirpath.operators import arithmetic, integer
from careloom.fhirpath.quantity import NUMBERS, Quantity
from careloom.fhirpath.syntax import Call
from careloom.fhirpath.values import system, type_name

MAX_PLACES = 28


def _abs(env: Env, at: int, value: Any) -> Any:
    if isinstance(value, Quantity):
        return replace(value, value=abs(value.value))
    number = decimal_of(value, at, "abs()")
    return abs(value) if isinstance(value, int) else abs(number)


def _whole(name: str, rounding: str) -> Function:
    def run(env: Env, at: int, value: Any) -> Any:
        if isinstance(value, Quantity):
            return replace(value, value=value.value.to_integral_value(rounding))
        number = decimal_of(value, at, f"{name}()")
        return integer(int(number.to_integral_value(rounding)))

    return on_value(run)


def _round(env: Env, at: int, value: Any, *precision: Any) -> Any:
    places = integer_of(precision[0], at, "round()") if precision else 0
    if places < 0:
        raise failure(
            "round() takes a precision of 0 or more", at, "Give the number of decimal places."
        )
    quantity = value if isinstance(value, Quantity) else None
    number = value.value if isinstance(value, Quantity) else decimal_of(value, at, "round()")
    if -int(number.as_tuple().exponent) > places:
        number = number.quantize(Decimal(1).scaleb(-min(places, MAX_PLACES)), ROUND_HALF_UP)
    return number if quantity is None else replace(quantity, value=number)


def _computed(name: str, body: Callable[..., Decimal | None], arguments: int = 0) -> Function:
    """A function of decimals; what cannot be represented is empty."""

    def run(env: Env, at: int, *values: Any) -> Decimal | None:
        numbers = [decimal_of(value, at, f"{name}()") for value in values]
        try:
            found = body(*numbers)
        except (InvalidOperation, Overflow, ZeroDivisionError):
            return None
        return found if found is not None and found.is_finite() else None

    return on_value(run, arguments)


def _ln(number: Decimal) -> Decimal | None:
    return NUMBERS.ln(number) if number > 0 else None


def _log(number: Decimal, base: Decimal) -> Decimal | None:
    if number <= 0 or base <= 0 or base == 1:
        return None
    found = NUMBERS.divide(NUMBERS.ln(number), NUMBERS.ln(base))
    near = found.to_integral_value()
    return near if abs(found - near) < Decimal("1e-24") else found


def _sqrt(number: Decimal) -> Decimal | None:
    return NUMBERS.sqrt(number) if number >= 0 else None


def _power(env: Env, at: int, value: Any, exponent: Any) -> Any:
    base, power = decimal_of(value, at, "power()"), decimal_of(exponent, at, "power()")
    try:
        found = NUMBERS.power(base, power)
    except (InvalidOperation, Overflow, ZeroDivisionError):
        return None
    if not found.is_finite():
        return None
    if isinstance(value, int) and isinstance(exponent, int) and exponent >= 0:
        return integer(int(found)) if found < 2**40 else None
    return found


def _sum(scope: Scope, call: Call, source: Run) -> Run:
    model, at, average = scope.model, call.at, call.name == "avg"

    def run(env: Env) -> list[Any]:
        values = [system(item, model) for item in source(env)]
        if not values:
            return []
        env.spend(len(values), at)
        total = values[0]
        for value in values[1:]:
            total = arithmetic("+", total, value, env, at)
            if total is None:
                return []
        if average:
            total = arithmetic("/", total, len(values), env, at)
        return [] if total is None else [total]

    return run


def _extreme(scope: Scope, call: Call, source: Run) -> Run:
    at, wanted = call.at, -1 if call.name == "min" else 1

    def run(env: Env) -> list[Any]:
        items = source(env)
        env.spend(len(items), at)
        best = items[:1]
        for item in items[1:]:
            try:
                order = compare_items(item, best[0], env)
            except TypeError:
                raise failure(
                    f"{type_name(item)} and {type_name(best[0])} have no common order",
                    at,
                    f"Use {call.name}() on values of one type.",
                ) from None
            if order is None:
                return []
            if order == wanted:
                best = [item]
        return best

    return run


def _aggregate(scope: Scope, call: Call, source: Run) -> Run:
    body, at = scope.compile(call.arguments[0]), call.at
    initial = scope.compile(call.arguments[1]) if len(call.arguments) > 1 else None

    def run(env: Env) -> list[Any]:
        items = source(env)
        total = initial(env) if initial is not None else []
        env.spend(len(items), at)
        outer = env.this, env.index, env.total, env.variables
        for position, item in enumerate(items):
            env.this, env.index, env.total = [item], position, total
            total = body(env)
        env.this, env.index, env.total, env.variables = outer
        return total

    return run


FUNCTIONS = {
    "abs": on_value(_abs),
    "ceiling": _whole("ceiling", ROUND_CEILING),
    "floor": _whole("floor", ROUND_FLOOR),
    "truncate": _whole("truncate", ROUND_DOWN),
    "round": on_value(_round, 0, 1),
    "exp": _computed("exp", NUMBERS.exp),
    "ln": _computed("ln", _ln),
    "log": _computed("log", _log, 1),
    "sqrt": _computed("sqrt", _sqrt),
    "power": on_value(_power, 1),
    "sum": Function(_sum),
    "avg": Function(_sum),
    "min": Function(_extreme),
    "max": Function(_extreme),
    "aggregate": Function(_aggregate, 1, 2),
}
