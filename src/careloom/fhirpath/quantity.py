"""Quantity: a decimal with a UCUM unit or a calendar duration.

http://hl7.org/fhirpath/N1/#quantity
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from careloom.fhirpath import temporal, ucum
from careloom.fhirpath.temporal import DAY, HOUR, MINUTE, MONTH, SECOND, YEAR, Temporal

NUMBERS = Context(prec=28, Emax=400, Emin=-400)
"""How decimals are computed: 28 digits."""

_UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
CALENDAR = {form: name for name in _UNITS for form in (name, name + "s")}
_DEFINITE = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second"} | {
    "ms": "millisecond"
}
_AS_UCUM = {name: code for code, name in _DEFINITE.items()} | {"year": "a", "month": "mo"}
_SECONDS = {
    "week": Decimal(604800),
    "day": Decimal(86400),
    "hour": Decimal(3600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
_FINENESS = {"year": YEAR, "month": MONTH, "week": DAY, "day": DAY, "hour": HOUR} | {
    "minute": MINUTE,
    "second": SECOND,
    "millisecond": SECOND,
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value and its unit; `calendar` marks calendar durations such as 1 month."""

    value: Decimal
    unit: str
    calendar: bool = False

    def __str__(self) -> str:
        if self.calendar:
            return f"{self.value:f} {self.unit}" + ("" if self.value == 1 else "s")
        return f"{self.value:f} '{self.unit}'"


def calendar_unit(quantity: Quantity) -> str | None:
    """The calendar word of a duration; definite weeks and shorter count as calendar ones."""
    if quantity.calendar:
        return quantity.unit
    return _DEFINITE.get(quantity.unit) or CALENDAR.get(quantity.unit)


def decimal_of(value: Fraction) -> Decimal:
    """A fraction to 28 digits."""
    return NUMBERS.divide(Decimal(value.numerator), Decimal(value.denominator))


def aligned(
    left: Quantity, right: Quantity, *, loosely: bool = False
) -> tuple[Fraction, Fraction] | None:
    """Both values in one unit; None where the units cannot be compared.

    Calendar years and months are comparable with each other, with definite ones only loosely.
    """
    if left.unit == right.unit and left.calendar == right.calendar:
        return Fraction(left.value), Fraction(right.value)
    if loosely:
        left, right = _definite(left), _definite(right)
    long_left, long_right = _months(left), _months(right)
    if long_left is not None and long_right is not None:
        return long_left, long_right
    if long_left is not None or long_right is not None:
        return _with_days(left, right) if left.calendar and right.calendar else None
    one, other = _unit(left), _unit(right)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return one.to_base(left.value), other.to_base(right.value)


def _with_days(left: Quantity, right: Quantity) -> tuple[Fraction, Fraction]:
    """A calendar year counts 365 days and a month 30 beside shorter durations."""
    days = {"year": Fraction(365), "month": Fraction(30)}

    def seconds(quantity: Quantity) -> Fraction:
        each = days.get(quantity.unit)
        scale = each * 86400 if each else Fraction(_SECONDS[quantity.unit])
        return Fraction(quantity.value) * scale

    return seconds(left), seconds(right)


def _definite(quantity: Quantity) -> Quantity:
    if not quantity.calendar:
        return quantity
    return Quantity(quantity.value, _AS_UCUM[quantity.unit])


def _months(quantity: Quantity) -> Fraction | None:
    if quantity.calendar and quantity.unit in ("year", "month"):
        return Fraction(quantity.value) * (12 if quantity.unit == "year" else 1)
    return None


def _unit(quantity: Quantity) -> ucum.Unit | None:
    return ucum.unit(_AS_UCUM[quantity.unit] if quantity.calendar else quantity.unit)


def converted(quantity: Quantity, code: str) -> Quantity | None:
    """The quantity in another unit; None where there is no conversion."""
    word = CALENDAR.get(code)
    target = Quantity(Decimal(1), word or code, calendar=word is not None)
    if target.unit == quantity.unit and target.calendar == quantity.calendar:
        return quantity
    if quantity.calendar and not target.calendar:
        own = converted(quantity, _word(code)) if _word(code) else None
        return None if own is None else Quantity(own.value, code)
    if target.calendar and not quantity.calendar:
        own = converted(quantity, _AS_UCUM[target.unit])
        return None if own is None else Quantity(own.value, target.unit, calendar=True)
    if target.calendar:
        pair = aligned(quantity, target)
        return None if pair is None else replace(target, value=decimal_of(pair[0] / pair[1]))
    one, other = _unit(quantity), _unit(target)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    return Quantity(decimal_of(other.from_base(one.to_base(quantity.value))), code)


def _word(code: str) -> str:
    return _DEFINITE.get(code) or {"a": "year", "mo": "month"}.get(code, "")


def added(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """The sum in the finer unit; None where the units differ in kind."""
    if left.unit == right.unit and left.calendar == right.calendar:
        return replace(left, value=NUMBERS.add(left.value, sign * right.value))
    if _months(left) is not None or _months(right) is not None:
        return None
    if "Cel" in (left.unit, right.unit) or "[degF]" in (left.unit, right.unit):
        return None
    one, other = _unit(left), _unit(right)
    if one is None or other is None or one.dimension != other.dimension:
        return None
    finer, scale = (left, one) if one.factor <= other.factor else (right, other)
    total = one.to_base(left.value) + sign * other.to_base(right.value)
    word = calendar_unit(finer) if left.calendar != right.calendar else None
    result = decimal_of(total / scale.factor)
    return Quantity(result, word, calendar=True) if word else replace(finer, value=result)


def multiplied(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    """The product, or the quotient for sign -1; None for calendar durations."""
    if sign < 0 and not right.value:
        return None
    compute = NUMBERS.multiply if sign > 0 else NUMBERS.divide
    value = compute(left.value, right.value)
    if not right.calendar and right.unit == "1":
        return replace(left, value=value)
    if sign > 0 and not left.calendar and left.unit == "1":
        return replace(right, value=value)
    if left.calendar or right.calendar:
        return None
    one, other = ucum.unit(left.unit), ucum.unit(right.unit)
    if one is None or other is None or one.zero or other.zero:
        return None
    result = ucum.product(one, other, sign)
    code = _code(left.unit, right.unit, sign)
    named = ucum.unit(code)
    if named is not None and named.dimension == result.dimension and result.dimension:
        return Quantity(decimal_of(Fraction(value) * result.factor / named.factor), code)
    return Quantity(decimal_of(Fraction(value) * result.factor), _canonical(result.dimension))


def _code(left: str, right: str, sign: int) -> str:
    """A readable code: equal units become a power or cancel out, others are joined."""
    if left == right:
        return "1" if sign < 0 else f"{left}2" if left.isalpha() else f"{left}.{left}"
    if sign > 0:
        return f"{left}.{right}" if "/" not in left and "/" not in right else ""
    simple = "/" not in right and "." not in right
    return f"{'' if left == '1' else left}/{right}" if simple else ""


def _canonical(dimension: ucum.Dimension) -> str:
    return ".".join(name + ("" if power == 1 else str(power)) for name, power in dimension) or "1"


def shifted(value: Temporal, amount: Quantity, sign: int) -> Temporal | None:
    """A date or time moved by a duration; None beyond the calendar.

    Raises ValueError where the unit is no calendar duration or too fine for the kind.
    http://hl7.org/fhirpath/N1/#datetime-arithmetic
    """
    unit = calendar_unit(amount)
    if unit is None:
        raise ValueError(amount.unit)
    if value.kind == "Time" and _FINENESS[unit] < HOUR:
        raise ValueError(amount.unit)
    number = sign * amount.value
    if unit in ("second", "millisecond"):
        number = NUMBERS.multiply(number, _SECONDS[unit])
        unit = "second"
    else:
        number = number.to_integral_value(ROUND_DOWN)
    return _moved(value, unit, number)


def _moved(value: Temporal, unit: str, number: Decimal) -> Temporal | None:
    if abs(number) > 10**12:
        return None
    if _FINENESS[unit] > value.precision:
        unit, number = _coarser(value, unit, number)
    if unit == "year":
        return temporal.add_months(value, int(number) * 12)
    if unit == "month":
        return temporal.add_months(value, int(number))
    if unit in ("week", "day"):
        return temporal.add_days(value, int(number) * (7 if unit == "week" else 1))
    return temporal.shifted(value, number * _SECONDS[unit])


def _coarser(value: Temporal, unit: str, number: Decimal) -> tuple[str, Decimal]:
    """The duration in the finest unit that the value has, without the remainder."""
    if unit == "month":
        return "year", (number / 12).to_integral_value(ROUND_DOWN)
    seconds = number * _SECONDS[unit]
    target, size = {
        YEAR: ("year", Decimal(365 * 86400)),
        MONTH: ("month", Decimal(30 * 86400)),
        DAY: ("day", Decimal(86400)),
        HOUR: ("hour", Decimal(3600)),
        MINUTE: ("minute", Decimal(60)),
    }[value.precision]
    return target, (seconds / size).to_integral_value(ROUND_DOWN)


def rounded(value: Decimal, places: int) -> Decimal:
    """To so many places, half to even; used for equivalence only."""
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, NUMBERS)
