"""The check digit of LOINC codes: LOINC Users' Guide, appendix on check digits (mod 10)."""

from __future__ import annotations

import re

LOINC = "http://loinc.org"
_CODE = re.compile(r"(\d{1,7})-(\d)\Z", re.A)


def check_digit(number: str) -> int:
    """The mod 10 check digit of the digits before the hyphen."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return -total % 10


def check_digit_fault(code: str) -> bool:
    """Whether this has the form of a LOINC code and its last digit is not its check digit."""
    match = _CODE.match(code)
    return match is not None and check_digit(match[1]) != int(match[2])
