"""Units to base units, exactly. https://ucum.org/ucum"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from careloom.fhirpath.ucum_units import ARBITRARY, BASE, METRIC, PLAIN, PREFIXES, SPECIAL

MAX_CODE = 80
MAX_EXPONENT = 30

Dimension = tuple[tuple[str, int], ...]
"""Base units with their exponents, sorted, none zero."""

ONE: Dimension = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """So many base units; `zero` shifts scales such as Celsius."""

    factor: Fraction
    dimension: Dimension
    zero: Fraction = Fraction(0)

    def to_base(self, value: Decimal) -> Fraction:
        """The value in base units."""
        return (Fraction(value) + self.zero) * self.factor

    def from_base(self, value: Fraction) -> Fraction:
        """A value in base units in this unit."""
        return value / self.factor - self.zero


class _NoUnit(Exception):
    """The code is not one of UCUM's, or not in this table."""


@lru_cache(maxsize=2048)
def unit(code: str) -> Unit | None:
    """The unit of a UCUM code; None where it is not known."""
    if code in SPECIAL:
        factor, zero = SPECIAL[code]
        return Unit(Fraction(factor), (("K", 1),), Fraction(zero))
    if len(code) > MAX_CODE:
        return None
    try:
        reader = _Reader(code)
        found = reader.term()
    except _NoUnit:
        return None
    return found if reader.at == len(code) else None


def product(left: Unit, right: Unit, sign: int) -> Unit:
    """left * right, or left / right for sign -1."""
    return Unit(left.factor * right.factor**sign, _combined(left.dimension, right.dimension, sign))


def _combined(left: Dimension, right: Dimension, sign: int) -> Dimension:
    exponents = dict(left)
    for name, exponent in right:
        exponents[name] = exponents.get(name, 0) + sign * exponent
    return tuple(sorted((name, power) for name, power in exponents.items() if power))


def powered(value: Unit, exponent: int) -> Unit:
    """The unit to a whole power."""
    if abs(exponent) > MAX_EXPONENT:
        raise _NoUnit
    dimension = tuple((name, power * exponent) for name, power in value.dimension if exponent)
    return Unit(value.factor**exponent, dimension)


class _Reader:
    """A recursive reader of UCUM's terms: components joined by . and /."""

    def __init__(self, code: str) -> None:
        self._code = code
        self.at = 0

    def _peek(self) -> str:
        return self._code[self.at] if self.at < len(self._code) else ""

    def term(self) -> Unit:
        """Components from here on, left to right."""
        found, sign = Unit(Fraction(1), ONE), 1
        if self._peek() == "/":
            self.at += 1
            sign = -1
        while True:
            found = product(found, self._component(), sign)
            if self._peek() not in (".", "/"):
                return found
            sign = 1 if self._peek() == "." else -1
            self.at += 1

    def _component(self) -> Unit:
        if self._peek() == "(":
            self.at += 1
            inner = self.term()
            if self._peek() != ")":
                raise _NoUnit
            self.at += 1
            return powered(inner, self._exponent())
        if self._peek() == "{":
            self._annotation()
            return Unit(Fraction(1), ONE)
        found = self._symbol()
        self._annotation()
        return found

    def _annotation(self) -> None:
        if self._peek() == "{":
            end = self._code.find("}", self.at)
            if end < 0:
                raise _NoUnit
            self.at = end + 1

    def _symbol(self) -> Unit:
        start = self.at
        bracket = False
        while (char := self._peek()) and (bracket or char not in "./(){}"):
            bracket = char == "[" or (bracket and char != "]")
            self.at += 1
        text = self._code[start : self.at]
        if not text:
            raise _NoUnit
        if text.isascii() and text.isdigit():
            if int(text) == 0:
                raise _NoUnit
            return Unit(Fraction(int(text)), ONE)
        name, exponent = _split(text)
        return powered(atom(name), exponent)

    def _exponent(self) -> int:
        start = self.at
        while self._peek() and self._peek() in "+-0123456789":
            self.at += 1
        text = self._code[start : self.at]
        return _whole(text) if text else 1


def _split(text: str) -> tuple[str, int]:
    """The symbol and its exponent: m-2 is m and -2."""
    if text in ("10*", "10^"):
        return text, 1
    end = len(text)
    while end and text[end - 1].isdigit() and text[end - 1].isascii():
        end -= 1
    if end == len(text):
        return text, 1
    if end and text[end - 1] in "+-":
        end -= 1
    return text[:end], _whole(text[end:])


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise _NoUnit from error


@lru_cache(maxsize=2048)
def atom(name: str) -> Unit:
    """A symbol with or without a prefix; raises where there is none."""
    plain = _unprefixed(name)
    if plain is not None:
        return plain
    for size in (1, 2):
        factor, rest = PREFIXES.get(name[:size]), name[size:]
        if factor is None or not (rest in METRIC or rest in BASE or rest in _COUNTED):
            continue
        found = _unprefixed(rest)
        if found is not None:
            return Unit(found.factor * Fraction(factor), found.dimension)
    raise _NoUnit


_COUNTED = frozenset(ARBITRARY)


def _unprefixed(name: str) -> Unit | None:
    if name in BASE or name in _COUNTED:
        name = "[iU]" if name == "[IU]" else name
        return Unit(Fraction(1), ((name, 1),))
    definition = METRIC.get(name) or PLAIN.get(name)
    if definition is None:
        return None
    counted = unit(definition[1])
    if counted is None:
        raise _NoUnit
    return Unit(Fraction(definition[0]) * counted.factor, counted.dimension)
