"""Operators on items. http://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any

from careloom.fhirpath.evaluation import Env, failure, single
from careloom.fhirpath.model import Model
from careloom.fhirpath.quantity import NUMBERS, Quantity, added, multiplied, shifted
from careloom.fhirpath.temporal import Temporal
from careloom.fhirpath.values import system, type_name

Arithmetic = Callable[[Any, Any, Env, int], Any]
INTEGERS = range(-(2**31), 2**31)


def integer(value: int) -> int | None:
    """The integer, or None beyond 32 bits."""
    return value if value in INTEGERS else None


def numeric(value: Any) -> bool:
    """Whether this is an Integer or Decimal."""
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def boolean(items: list[Any], model: Model | None, at: int) -> bool | None:
    """A collection as Boolean: a single item that is none counts as true."""
    if not items:
        return None
    if len(items) > 1:
        single(items, at, "A Boolean operator")
    value = items[0]
    if value is True or value is False:
        return bool(value)
    value = system(value, model)
    return value if isinstance(value, bool) else True


def arithmetic(operator: str, left: Any, right: Any, env: Env, at: int) -> Any:
    """The result of an operator on two System values, or None for empty."""
    try:
        found = _OPERATORS[operator](left, right, env, at)
    except (InvalidOperation, OverflowError, ZeroDivisionError):
        return None
    if found is NotImplemented:
        raise failure(
            f"{operator} is not defined between {type_name(left)} and {type_name(right)}",
            at,
            "Convert an operand, for example with toString() or toDecimal().",
        )
    if found.__class__ is int:
        return integer(found)
    return found


def _quantities(left: Any, right: Any) -> tuple[Quantity, Quantity] | None:
    if isinstance(left, Quantity) and numeric(right):
        return left, Quantity(Decimal(right), "1")
    if isinstance(right, Quantity) and numeric(left):
        return Quantity(Decimal(left), "1"), right
    if isinstance(left, Quantity) and isinstance(right, Quantity):
        return left, right
    return None


def _sum(left: Any, right: Any, sign: int, at: int) -> Any:
    if numeric(left) and numeric(right):
        if isinstance(left, int) and isinstance(right, int):
            return left + sign * right
        return NUMBERS.add(Decimal(left), sign * Decimal(right))
    if isinstance(left, Temporal) and isinstance(right, Quantity):
        return _moved(left, right, sign, at)
    pair = _quantities(left, right)
    return NotImplemented if pair is None else added(*pair, sign)


def _moved(left: Temporal, right: Quantity, sign: int, at: int) -> Any:
    try:
        return shifted(left, right, sign)
    except ValueError:
        raise failure(
            f"A duration in this unit cannot be added to a {left.kind}",
            at,
            "Use a calendar duration such as 3 days or 1 month.",
        ) from None


def _plus(left: Any, right: Any, env: Env, at: int) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return env.text(left + right, at)
    return _sum(left, right, 1, at)


def _minus(left: Any, right: Any, env: Env, at: int) -> Any:
    return _sum(left, right, -1, at)


def _times(left: Any, right: Any, env: Env, at: int) -> Any:
    if numeric(left) and numeric(right):
        if isinstance(left, int) and isinstance(right, int):
            return left * right
        return NUMBERS.multiply(Decimal(left), Decimal(right))
    pair = _quantities(left, right)
    return NotImplemented if pair is None else multiplied(*pair, 1)


def _divided(left: Any, right: Any, env: Env, at: int) -> Any:
    if numeric(left) and numeric(right):
        return NUMBERS.divide(Decimal(left), Decimal(right)) if right else None
    pair = _quantities(left, right)
    return NotImplemented if pair is None else multiplied(*pair, -1)


def _div(left: Any, right: Any, env: Env, at: int) -> Any:
    if not (numeric(left) and numeric(right)):
        return NotImplemented
    if not right:
        return None
    whole = NUMBERS.divide_int(Decimal(left), Decimal(right))
    return int(whole.to_integral_value(ROUND_DOWN))


def _mod(left: Any, right: Any, env: Env, at: int) -> Any:
    if not (numeric(left) and numeric(right)):
        return NotImplemented
    if not right:
        return None
    rest = NUMBERS.remainder(Decimal(left), Decimal(right))
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


_OPERATORS: dict[str, Arithmetic] = {
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
    "div": _div,
    "mod": _mod,
}


def negated(value: Any, at: int) -> Any:
    """The value with the other sign."""
    if numeric(value):
        return integer(-value) if isinstance(value, int) else -value
    if isinstance(value, Quantity):
        return replace(value, value=-value.value)
    raise failure(f"- is not defined for {type_name(value)}", at, "Use it on a number or quantity.")


def both(left: bool | None, right: bool | None) -> bool | None:
    """and, http://hl7.org/fhirpath/N1/#boolean-logic"""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """or."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def exclusive(left: bool | None, right: bool | None) -> bool | None:
    """xor."""
    return None if left is None or right is None else left is not right


def implied(left: bool | None, right: bool | None) -> bool | None:
    """implies."""
    if left is False or right is True:
        return True
    return None if left is None or right is None else right
