"""Checks of primitive values in JSON: http://hl7.org/fhir/R4/datatypes.html#primitive"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

Check = Callable[[Any], bool]

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]").search
_SPACE = re.compile(r"\s").search
_DATE = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?)?\Z", re.A).match
_TIME_PART = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?"
_ZONED = re.compile(
    r"(\d{4}-\d\d-\d\d)T" + _TIME_PART + r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))\Z", re.A
).match
_TIME = re.compile(_TIME_PART + r"\Z", re.A).match
_CODE = re.compile(r"[^\s]+(\s[^\s]+)*\Z").match
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z").match
_OID = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+\Z").match
_UUID = re.compile(
    r"urn:uuid:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"
).match
_BASE64 = re.compile(r"[0-9a-zA-Z+/]+={0,2}\Z", re.A).match
_ACTIVE = re.compile(
    r"<\s*(script|iframe|object|embed|form|base|link|style|meta|head|body|input)\b"
    r"|\son[a-z]+\s*=|(href|src)\s*=[\s\"']*(javascript|vbscript)\s*:",
    re.I,
).search
INTEGER_LOW, INTEGER_HIGH = -(2**31), 2**31 - 1


def is_string(value: Any) -> bool:
    """Not empty, and no control characters but tab, line feed and carriage return."""
    return type(value) is str and value != "" and _CONTROL(value) is None


def is_date(value: Any) -> bool:
    """A year, a month or a day that exists."""
    if type(value) is not str:
        return False
    match = _DATE(value)
    if match is None or match[1] == "0000":
        return False
    return match[3] is None or _exists(value)


def is_datetime(value: Any) -> bool:
    """A date, or an instant with seconds and time zone."""
    return is_instant(value) if type(value) is str and "T" in value else is_date(value)


def is_instant(value: Any) -> bool:
    """A day that exists with a time in seconds or finer and a time zone."""
    if type(value) is not str:
        return False
    match = _ZONED(value)
    return match is not None and _exists(match[1])


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _integer(low: int) -> Check:
    return lambda value: type(value) is int and low <= value <= INTEGER_HIGH


def is_decimal(value: Any) -> bool:
    """A finite JSON number."""
    return (isinstance(value, float) and math.isfinite(value)) or type(value) is int


def _uri(value: Any) -> bool:
    return is_string(value) and _SPACE(value) is None


def _base64(value: Any) -> bool:
    if type(value) is not str:
        return False
    text = "".join(value.split())
    return len(text) % 4 == 0 and _BASE64(text) is not None


def _matches(match: Callable[[str], Any]) -> Check:
    return lambda value: type(value) is str and match(value) is not None


def _xhtml(value: Any) -> bool:
    """A div without active content: http://hl7.org/fhir/R4/narrative.html#security"""
    return (
        is_string(value)
        and value.lstrip().startswith("<div")
        and value.rstrip().endswith(">")
        and _ACTIVE(value) is None
    )


PRIMITIVES: dict[str, Check] = {
    "base64Binary": _base64,
    "boolean": lambda value: type(value) is bool,
    "canonical": _uri,
    "code": lambda value: type(value) is str and _CODE(value) is not None and not _CONTROL(value),
    "date": is_date,
    "dateTime": is_datetime,
    "decimal": is_decimal,
    "id": _matches(_ID),
    "instant": is_instant,
    "integer": _integer(INTEGER_LOW),
    "markdown": is_string,
    "oid": _matches(_OID),
    "positiveInt": _integer(1),
    "string": is_string,
    "time": _matches(_TIME),
    "unsignedInt": _integer(0),
    "uri": _uri,
    "url": _uri,
    "uuid": _matches(_UUID),
    "xhtml": _xhtml,
}
"""A check for each primitive type."""

EXPECTED = {
    "boolean": "true or false, without quotes",
    "date": "YYYY, YYYY-MM or YYYY-MM-DD, a day that exists",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz",
    "instant": "YYYY-MM-DDThh:mm:ss.sss+zz:zz",
    "time": "hh:mm:ss",
    "decimal": "a number, without quotes",
    "integer": "a whole number of 32 bits, without quotes",
    "positiveInt": "a whole number from 1, without quotes",
    "unsignedInt": "a whole number from 0, without quotes",
    "id": "1 to 64 letters, digits, - or .",
    "code": "text without leading, trailing or double spaces",
    "uri": "a URI without spaces",
    "base64Binary": "base64",
    "xhtml": "a <div> without scripts, forms or event attributes",
}
"""What would be right, for messages."""
