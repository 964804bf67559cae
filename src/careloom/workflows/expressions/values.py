"""How values compare, add up and become text: FHIRPath's rules over plain JSON."""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from careloom.types import Json
from careloom.workflows.expressions.errors import LIMIT, MANY, TYPE, ExpressionError

MAX_INTEGER = 2**63 - 1
MAX_TEXT = 1_000_000
"""Characters in a text that an expression makes."""

MAX_NESTING = 100
"""Levels of data that can be compared."""

_DATE = re.compile(
    r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_ARITHMETIC = decimal.Context(prec=28, traps=[decimal.Overflow, decimal.InvalidOperation])


def kind(value: Json) -> str:
    """The JSON name of a value's type, for messages; raises for anything that is not data."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    for types, name in (((int, float), "number"), (str, "text"), (dict, "object"), (list, "list")):
        if isinstance(value, types):
            return name
    raise ExpressionError("this value is not data", code=TYPE, fix="hand over JSON only")


def single(items: Sequence[Json], what: str) -> Json:
    """The only item, or None when there is none; several are an error."""
    if len(items) > 1:
        raise ExpressionError(
            f"{what} has {len(items)} items where one is expected",
            code=MANY,
            fix="choose one with first(), last(), [0] or where(…)",
        )
    return items[0] if items else None


def text_of(value: Json, what: str) -> str:
    """A text, number or truth value as text; objects, lists and null are errors."""
    name = kind(value)
    if name == "text":
        return str(value)
    if name == "boolean":
        return "true" if value else "false"
    if name == "number":
        return _digits(checked_number(value))
    raise ExpressionError(
        f"{what} is {'nothing' if name == 'null' else 'a ' + name}; only text, numbers and "
        "truth values can stand in a text",
        code=TYPE,
        fix="name the element to show, or use coalesce(…, 'a default')",
    )


def _digits(value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    return format(decimal.Decimal(repr(value)), "f") if abs(value) < 1e21 else repr(value)


def checked_text(value: str) -> str:
    """The text itself, refused when it is too long."""
    if len(value) > MAX_TEXT:
        raise ExpressionError(
            f"the text grew beyond {MAX_TEXT} characters", code=LIMIT, fix="use a shorter text"
        )
    return value


def checked_number(value: Json) -> int | float:
    """The number itself, refused when it is not one, or too large to reckon with."""
    number: int | float
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ExpressionError(
            f"a number is expected, not {kind(value)}", code=TYPE, fix="convert with toDecimal()"
        )
    outside = abs(value) > MAX_INTEGER if isinstance(value, int) else not math.isfinite(value)
    if outside:
        raise ExpressionError(
            "the number is too large", code=LIMIT, fix="keep whole numbers below 2^63"
        )
    number = value
    return number


def arithmetic(op: str, left: Json, right: Json) -> Json:
    """`+ - * / div mod` over two numbers, or `+` over two texts; None for a division by zero."""
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        return checked_text(left + right)
    a, b = checked_number(left), checked_number(right)
    if op in ("/", "div", "mod") and b == 0:
        return None
    x, y = decimal.Decimal(repr(a)), decimal.Decimal(repr(b))
    try:
        result = _operate(op, x, y)
    except decimal.DecimalException as error:
        raise ExpressionError(
            "the result is too large", code=LIMIT, fix="use smaller numbers"
        ) from error
    if isinstance(a, int) and isinstance(b, int) and abs(result) > MAX_INTEGER:
        raise ExpressionError("the result is too large", code=LIMIT, fix="use smaller numbers")
    return checked_number(json_number(result))


def _operate(op: str, x: decimal.Decimal, y: decimal.Decimal) -> decimal.Decimal:
    match op:
        case "+":
            return _ARITHMETIC.add(x, y)
        case "-":
            return _ARITHMETIC.subtract(x, y)
        case "*":
            return _ARITHMETIC.multiply(x, y)
        case "/":
            return _ARITHMETIC.divide(x, y)
        case "div":
            return _ARITHMETIC.divide_int(x, y)
        case _:
            return _ARITHMETIC.remainder(x, y)


def json_number(value: decimal.Decimal) -> int | float:
    """A whole number without fraction becomes an integer."""
    if value.adjusted() < 28 and value == value.to_integral_value():
        return int(value)
    return float(value)


def weight(values: Sequence[Json]) -> int:
    """How much work it is to look at these values in full; raises when they are nested too deep."""
    total, waiting = 0, [(value, 0) for value in values]
    while waiting:
        value, depth = waiting.pop()
        total += 1 + (len(value) // 64 if isinstance(value, str) else 0)
        if depth > MAX_NESTING:
            raise ExpressionError(
                f"data nested more than {MAX_NESTING} deep cannot be compared",
                code=LIMIT,
                fix="compare a part of it",
            )
        if isinstance(value, dict):
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)
    return total


def equal(left: Json, right: Json, *, loose: bool = False) -> bool:
    """Deep equality; true never equals 1. `loose` ignores case and spacing (FHIRPath `~`)."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            equal(left[key], right[key], loose=loose) for key in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return all_equal(left, right, loose=loose)
    if isinstance(left, str) and isinstance(right, str):
        if loose:
            return left.lower().split() == right.lower().split()
        return left == right or compare_dates(left, right) == 0
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def all_equal(left: Sequence[Json], right: Sequence[Json], *, loose: bool = False) -> bool:
    """Two collections item by item."""
    return len(left) == len(right) and all(
        equal(a, b, loose=loose) for a, b in zip(left, right, strict=True)
    )


def order(left: Json, right: Json) -> int | None:
    """-1, 0 or 1; None when two dates cannot be told apart at their precision."""
    if isinstance(left, str) and isinstance(right, str):
        if _DATE.fullmatch(left) and _DATE.fullmatch(right):
            return compare_dates(left, right)
        return (left > right) - (left < right)
    if kind(left) != "number" or kind(right) != "number":
        raise ExpressionError(
            f"{kind(left)} and {kind(right)} have no order",
            code=TYPE,
            fix="compare numbers with numbers and texts with texts; convert with toDecimal()",
        )
    return int(left > right) - int(left < right)


def compare_dates(left: str, right: str) -> int | None:
    """Order of two FHIR dates or instants; None when precision or time zone leaves it open."""
    if not (_DATE.fullmatch(left) and _DATE.fullmatch(right)):
        return None
    if "T" in left and "T" in right:
        a, b = _instant(left), _instant(right)
        if a is None or b is None or (a.tzinfo is None) != (b.tzinfo is None):
            return None
        return (a > b) - (a < b)
    a_date, b_date = left.split("T")[0], right.split("T")[0]
    size = min(len(a_date), len(b_date))
    if a_date[:size] != b_date[:size]:
        return 1 if a_date > b_date else -1
    return 0 if left == right else None


def _instant(text: str) -> datetime | None:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    return value.astimezone(UTC) if value.tzinfo else value
