"""Date, DateTime and Time with partial precision. http://hl7.org/fhirpath/N1/#date-1

Each keeps exactly what was written: the precision, the digits of the second, the time zone.
"""

from __future__ import annotations

import calendar
import datetime as clock
import re
from dataclasses import dataclass, replace
from decimal import Decimal

YEAR, MONTH, DAY, HOUR, MINUTE, SECOND = 1, 2, 3, 4, 5, 6

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")
_CLOCK = r"(\d{2})(?::(\d{2})(?::(\d{2}(?:\.\d+)?))?)?"
_TIME = re.compile(rf"T?{_CLOCK}\Z")
_DATETIME = re.compile(
    rf"(\d{{4}})(?:-(\d{{2}})(?:-(\d{{2}}))?)?(?:T(?:{_CLOCK}(Z|[+-]\d{{2}}:\d{{2}})?)?)?\Z"
)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A point in time to some precision; Date, DateTime or Time by `kind`."""

    kind: str
    precision: int
    year: int = 1
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: Decimal = _ZERO
    zone: str = ""
    """"Z" or an offset as written; empty when none is given."""

    def __str__(self) -> str:
        if self.kind == "Time":
            return self._clock()
        text = f"{self.year:04}"
        if self.precision >= MONTH:
            text += f"-{self.month:02}"
        if self.precision >= DAY:
            text += f"-{self.day:02}"
        if self.precision >= HOUR:
            text += f"T{self._clock()}{self.zone}"
        return text

    def _clock(self) -> str:
        text = f"{self.hour:02}"
        if self.precision >= MINUTE:
            text += f":{self.minute:02}"
        if self.precision >= SECOND:
            whole, _, part = f"{self.second:f}".partition(".")
            text += f":{int(whole):02}" + (f".{part}" if part else "")
        return text

    def offset(self) -> int | None:
        """Minutes east of UTC, or None without a zone."""
        if not self.zone:
            return None
        if self.zone == "Z":
            return 0
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:6])
        return -minutes if self.zone[0] == "-" else minutes

    def at_utc(self) -> Temporal:
        """The same instant in UTC; itself where there is no zone or no minute."""
        offset = self.offset()
        if not offset or self.precision < HOUR:
            return self
        moved = shifted(self, Decimal(-offset * 60))
        return self if moved is None else replace(moved, zone="Z")

    def parts(self) -> list[Decimal | int]:
        """The components to the precision, the finest last."""
        every: list[Decimal | int] = [
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
        ]
        return every[HOUR - 1 if self.kind == "Time" else 0 : self.precision]

    def digits(self) -> int:
        """Digits of precision, http://hl7.org/fhirpath/#precision--integer."""
        if self.precision == SECOND:
            part = -int(self.second.as_tuple().exponent)
            return (6 if self.kind == "Time" else 14) + part
        digits = (0, 4, 6, 8, 10, 12)[self.precision]
        return digits - 8 if self.kind == "Time" else digits


def _valid(value: Temporal) -> Temporal | None:
    if not (1 <= value.month <= 12 and value.year >= 1):
        return None
    if not 1 <= value.day <= calendar.monthrange(value.year, value.month)[1]:
        return None
    if value.hour > 23 or value.minute > 59 or value.second >= 60:
        return None
    return None if abs(value.offset() or 0) > 14 * 60 else value


def parse_date(text: str) -> Temporal | None:
    """A Date from YYYY, YYYY-MM or YYYY-MM-DD; None where it is not one."""
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day = match.groups()
    precision = DAY if day else MONTH if month else YEAR
    return _valid(Temporal("Date", precision, int(year), int(month or 1), int(day or 1)))


def parse_time(text: str) -> Temporal | None:
    """A Time from hh, hh:mm or hh:mm:ss.fff; None where it is not one."""
    match = _TIME.match(text)
    if match is None:
        return None
    hour, minute, second = match.groups()
    precision = SECOND if second else MINUTE if minute else HOUR
    return _valid(
        Temporal(
            "Time",
            precision,
            hour=int(hour),
            minute=int(minute or 0),
            second=Decimal(second or 0),
        )
    )


def parse_datetime(text: str) -> Temporal | None:
    """A DateTime of any precision; None where it is not one."""
    match = _DATETIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    precision = (year, month, day, hour, minute, second, None).index(None)
    return _valid(
        Temporal(
            "DateTime",
            precision,
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            Decimal(second or 0),
            zone or "",
        )
    )


def from_clock(now: clock.datetime) -> Temporal:
    """A DateTime to the millisecond with its zone."""
    text = now.isoformat(timespec="milliseconds")
    found = parse_datetime(text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text)
    if found is None:
        raise ValueError("the clock gave a time that is no DateTime")
    return found


def to_date(value: Temporal) -> Temporal:
    """The Date part of a Date or DateTime."""
    return Temporal("Date", min(value.precision, DAY), value.year, value.month, value.day)


def to_datetime(value: Temporal) -> Temporal:
    """A Date as DateTime of the same precision."""
    return replace(value, kind="DateTime")


def shifted(value: Temporal, seconds: Decimal) -> Temporal | None:
    """Later by so many seconds; None beyond the years 1 to 9999. Times wrap at midnight."""
    total = Decimal(value.hour * 3600 + value.minute * 60) + value.second + seconds
    days, rest = divmod(total, 86400)
    if rest < 0:
        days, rest = days - 1, rest + 86400
    date = value
    if value.kind != "Time":
        moved = add_days(value, int(days))
        if moved is None:
            return None
        date = moved
    hour, rest = divmod(rest, 3600)
    minute, second = divmod(rest, 60)
    return replace(date, hour=int(hour), minute=int(minute), second=second)


def add_days(value: Temporal, days: int) -> Temporal | None:
    """Later by so many days; None beyond the years 1 to 9999."""
    try:
        moved = clock.date(value.year, value.month, value.day) + clock.timedelta(days)
    except OverflowError:
        return None
    return replace(value, year=moved.year, month=moved.month, day=moved.day)


def add_months(value: Temporal, months: int) -> Temporal | None:
    """Later by so many months, on the last day where the month is shorter."""
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    day = min(value.day, calendar.monthrange(year, month + 1)[1])
    return replace(value, year=year, month=month + 1, day=day)


def compare(left: Temporal, right: Temporal) -> int | None:
    """Below zero, zero or above; None where the precisions or zones leave it open."""
    if left.precision >= HOUR and right.precision >= HOUR and left.kind != "Time":
        if bool(left.zone) != bool(right.zone):
            return _across_zones(left, right)
        left, right = left.at_utc(), right.at_utc()
    for one, other in zip(left.parts(), right.parts(), strict=False):
        if one != other:
            return -1 if one < other else 1
    return 0 if left.precision == right.precision else None


def _across_zones(left: Temporal, right: Temporal) -> int | None:
    """One has no zone: known only where no offset from -12:00 to +14:00 could change it."""
    floating, fixed = (left, right) if right.zone else (right, left)
    earliest = replace(floating, zone="+14:00").at_utc()
    latest = replace(floating, zone="-12:00").at_utc()
    fixed = fixed.at_utc()
    low, high = compare(earliest, fixed), compare(latest, fixed)
    if low is None or low != high:
        return None
    return low if floating is left else -low
