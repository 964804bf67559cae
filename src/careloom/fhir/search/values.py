"""Values as the index keeps them and as queries ask for them: text, dates, numbers.

http://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

NORM_LENGTH = 200
_DATETIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?P<fraction>\.\d+)?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?\Z",
    re.ASCII,
)
_SPACES = re.compile(r"\s+")
FIRST, LAST = "-infinity", "infinity"
Span = tuple[datetime | None, datetime | None]
"""Half-open; None is without end."""


def fold(text: str) -> str:
    """Text for comparison: no case, no accents, single spaces."""
    if text.isascii():
        return _SPACES.sub(" ", text).strip().lower()
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return _SPACES.sub(" ", kept.casefold()).strip()


def compact(text: str) -> str:
    """Text short enough for an index key and still equal only to itself."""
    if len(text) <= NORM_LENGTH:
        return text
    return f"{text[:100]}\u2026{hashlib.sha256(text.encode()).hexdigest()}"


def parse_span(text: str) -> Span | None:
    """The time that a date, dateTime or instant leaves open, as [start, end); None if invalid.

    Without a time zone UTC is meant. http://hl7.org/fhir/R4/search.html#date
    """
    match = _DATETIME.match(text)
    if match is None:
        return None
    try:
        return _span(match)
    except (ValueError, OverflowError):
        return None


def _span(match: re.Match[str]) -> Span:
    year, month, day = int(match["year"]), match["month"], match["day"]
    if month is None:
        start = datetime(year, 1, 1, tzinfo=UTC)
        return start, None if year == 9999 else datetime(year + 1, 1, 1, tzinfo=UTC)
    if day is None:
        start = datetime(year, int(month), 1, tzinfo=UTC)
        return start, _later(start, timedelta(days=32), day=1)
    if match["hour"] is None:
        start = datetime(year, int(month), int(day), tzinfo=UTC)
        return start, _later(start, timedelta(days=1))
    second = int(match["second"] or 0)
    moment = datetime(
        year,
        int(month),
        int(day),
        int(match["hour"]),
        int(match["minute"]),
        min(second, 59),
        tzinfo=UTC,
    ) - _offset(match["zone"])
    if match["second"] is None:
        return moment, _later(moment, timedelta(minutes=1))
    digits = (match["fraction"] or ".")[1:7]
    if not digits:
        return moment, _later(moment, timedelta(seconds=1))
    moment += timedelta(microseconds=int(digits.ljust(6, "0")))
    return moment, _later(moment, timedelta(microseconds=10 ** (6 - len(digits))))


def _later(start: datetime, step: timedelta, **change: int) -> datetime | None:
    try:
        return (start + step).replace(**change)  # type: ignore[arg-type]
    except OverflowError:
        return None


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone == "Z":
        return timedelta()
    hours, minutes = zone[1:].split(":")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return -offset if zone[0] == "-" else offset


def lower_text(moment: datetime | None) -> str:
    """A span's start as PostgreSQL reads it."""
    return FIRST if moment is None else moment.isoformat()


def upper_text(moment: datetime | None) -> str:
    """A span's end as PostgreSQL reads it."""
    return LAST if moment is None else moment.isoformat()


def parse_number(text: str) -> tuple[float, float, float] | None:
    """A number as (value, low, high) by its implied precision: 5.4 → 5.4, 5.35, 5.45.

    http://hl7.org/fhir/R4/search.html#number
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(number.adjusted()) > 300:
        return None
    if "." not in text and "e" not in text.lower():
        exponent = 0
    # The specification's own example, 1e2, means [95, 105), a digit finer than its rule.
    half = Decimal(5).scaleb(exponent - (2 if exponent > 0 else 1))
    return float(number), float(number - half), float(number + half)


def after_prefix(text: str) -> str:
    """The least text, by code points, that is behind every text that begins with this one."""
    kept = text.rstrip("\U0010ffff")
    if not kept:
        return "\U0010ffff" * (NORM_LENGTH + 1)
    last = ord(kept[-1]) + 1
    # Half of a surrogate pair is no character.
    return kept[:-1] + chr(0xE000 if 0xD800 <= last < 0xE000 else last)
