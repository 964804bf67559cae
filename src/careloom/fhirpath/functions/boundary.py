"""The range that a value of limited precision stands for, and parts of dates.

http://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from careloom.fhirpath.evaluation import Env, failure
from careloom.fhirpath.functions.definition import integer_of, on_value
from careloom.fhirpath.operators import numeric
from careloom.fhirpath.quantity import Quantity
from careloom.fhirpath.temporal import DAY, HOUR, MINUTE, MONTH, SECOND, YEAR, Temporal, to_date
from careloom.fhirpath.values import type_name

MAX_PLACES = 28
_DATE_DIGITS = {4: YEAR, 6: MONTH, 8: DAY, 10: HOUR, 12: MINUTE, 14: SECOND, 17: SECOND}
_TIME_DIGITS = {2: HOUR, 4: MINUTE, 6: SECOND, 9: SECOND}
_LAST_SECOND = Decimal("59.999")


def _boundary(high: bool) -> Callable[..., Any]:
    name = "highBoundary()" if high else "lowBoundary()"

    def run(env: Env, at: int, value: Any, *precision: Any) -> Any:
        digits = integer_of(precision[0], at, name) if precision else None
        if isinstance(value, Temporal):
            return _temporal(value, digits, high)
        if isinstance(value, Quantity):
            number = _decimal(value.value, digits, high)
            return None if number is None else replace(value, value=number)
        if numeric(value):
            return _decimal(Decimal(value), digits, high)
        raise failure(
            f"{name} takes a number, date, time or quantity, not {type_name(value)}",
            at,
            "Convert it first.",
        )

    return run


def _decimal(value: Decimal, digits: int | None, high: bool) -> Decimal | None:
    """Half a unit of the last digit away; away from zero rounded, towards zero cut off."""
    places = 8 if digits is None else digits
    if not 0 <= places <= MAX_PLACES:
        return None
    exponent = int(value.as_tuple().exponent)
    half = Decimal(5).scaleb(min(exponent, 0) - 1)
    outward = high != (value.is_signed() and value != 0)
    edge = value + half if high else value - half
    return edge.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP if outward else ROUND_DOWN)


def _temporal(value: Temporal, digits: int | None, high: bool) -> Temporal | None:
    known = _TIME_DIGITS if value.kind == "Time" else _DATE_DIGITS
    most = {"Time": 9, "Date": 8}.get(value.kind, 17)
    digits = most if digits is None else digits
    precision = known.get(digits)
    if precision is None or digits > most:
        return None
    filled = _filled(value, high)
    if value.kind == "DateTime" and not value.zone and precision >= HOUR:
        filled = replace(filled, zone="-12:00" if high else "+14:00")
    if value.kind == "DateTime" and precision < HOUR:
        filled = replace(to_date(filled), kind="DateTime")
    if precision == SECOND and digits in (6, 14):
        filled = replace(filled, second=Decimal(int(filled.second)))
    return replace(filled, precision=precision)


def _filled(value: Temporal, high: bool) -> Temporal:
    """All components, at their least or greatest below the value's precision."""
    month = value.month if value.precision >= MONTH else 12 if high else 1
    day = value.day
    if value.precision < DAY:
        day = calendar.monthrange(value.year, month)[1] if high else 1
    second = Decimal("0.000")
    if value.precision < SECOND:
        second = _LAST_SECOND if high else second
    else:
        fraction = max(0, 3 + min(0, int(value.second.as_tuple().exponent)))
        extra = Decimal("0.999") % Decimal(1).scaleb(fraction - 3) if high and fraction else 0
        second = (value.second + extra).quantize(Decimal("0.001"), ROUND_DOWN)
    return replace(
        value,
        month=month,
        day=day,
        hour=value.hour if value.precision >= HOUR else 23 if high else 0,
        minute=value.minute if value.precision >= MINUTE else 59 if high else 0,
        second=second,
    )


def _precision(env: Env, at: int, value: Any) -> int:
    if isinstance(value, Temporal):
        return value.digits()
    if numeric(value):
        return max(0, -int(Decimal(value).as_tuple().exponent))
    raise failure(
        f"precision() takes a number, date or time, not {type_name(value)}", at, "Convert it first."
    )


def _part(name: str, precision: int, read: Callable[[Temporal], Any]) -> dict[str, Any]:
    """A component, empty where the value is not that precise."""

    def run(env: Env, at: int, value: Any) -> Any:
        if not isinstance(value, Temporal):
            raise failure(
                f"{name}() takes a date or time, not {type_name(value)}", at, "Convert it first."
            )
        has = value.precision >= precision and (value.kind != "Time" or precision >= HOUR)
        return read(value) if has else None

    return {name: on_value(run)}


def _offset(value: Temporal) -> Decimal | None:
    offset = value.offset()
    return None if offset is None else Decimal(offset) / 60


FUNCTIONS = {
    "lowBoundary": on_value(_boundary(high=False), 0, 1),
    "highBoundary": on_value(_boundary(high=True), 0, 1),
    "precision": on_value(_precision),
    **_part("yearOf", YEAR, lambda value: value.year),
    **_part("monthOf", MONTH, lambda value: value.month),
    **_part("dayOf", DAY, lambda value: value.day),
    **_part("hourOf", HOUR, lambda value: value.hour),
    **_part("minuteOf", MINUTE, lambda value: value.minute),
    **_part("secondOf", SECOND, lambda value: int(value.second)),
    **_part("millisecondOf", SECOND, lambda value: int(value.second % 1 * 1000)),
    **_part("timezoneOffsetOf", HOUR, _offset),
    **_part("dateOf", YEAR, to_date),
    **_part("timeOf", HOUR, lambda v: replace(v, kind="Time", year=1, month=1, day=1, zone="")),
}
