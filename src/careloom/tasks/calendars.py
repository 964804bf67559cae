"""Business calendars: when a length of working time is over. Pure, but for where rules are kept.

Hours are wall-clock hours of a time zone; what lies between two of them is counted in elapsed
seconds, so a night in which the clock changes is neither longer nor shorter than it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from careloom.errors import InvalidInput, NotFound
from careloom.store.database import Database
from careloom.types import Json, JsonObject, Scope

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_LONGEST_DAYS = 3 * 366
Span = tuple[int, int]
"""Minutes from midnight: opening and closing, 1440 at most."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Opening hours of a week, days that differ, and public holidays."""

    zone: ZoneInfo
    week: tuple[tuple[Span, ...], ...]
    closed: frozenset[date] = frozenset()
    special: dict[date, tuple[Span, ...]] = field(default_factory=dict)
    holidays: Any = None
    """Of the `holidays` library: `day in holidays`."""

    def hours(self, day: date) -> tuple[Span, ...]:
        """The opening hours of one day."""
        if day in self.special:
            return self.special[day]
        if day in self.closed or (self.holidays is not None and day in self.holidays):
            return ()
        return self.week[day.weekday()]

    def open_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open spans from a moment on, in UTC, for three years."""
        first = start.astimezone(self.zone).date() - timedelta(days=1)
        for number in range(_LONGEST_DAYS):
            day = first + timedelta(days=number)
            for opens, closes in self.hours(day):
                begin, end = self._moment(day, opens), self._moment(day, closes)
                if end > start:
                    yield max(begin, start), end

    def _moment(self, day: date, minutes: int) -> datetime:
        days, rest = divmod(minutes, 1440)
        wall = datetime.combine(day + timedelta(days=days), time(rest // 60, rest % 60), self.zone)
        return wall.astimezone(UTC)


def after(calendar: BusinessCalendar | None, start: datetime, seconds: float) -> datetime:
    """When `seconds` of opening time from `start` are over, in UTC; without a calendar all time
    counts. Raises InvalidInput when the calendar is not open for that long in three years."""
    if calendar is None:
        return start.astimezone(UTC) + timedelta(seconds=seconds)
    left = seconds
    for begin, end in calendar.open_from(start.astimezone(UTC)):
        length = (end - begin).total_seconds()
        if left <= length:
            return begin + timedelta(seconds=left)
        left -= length
    raise InvalidInput(
        "The calendar has not that many opening hours within three years",
        code="calendar_closed",
        fix="give it more hours, or the task more time",
    )


def parse_calendar(rules: JsonObject) -> BusinessCalendar:
    """A calendar from its rules; raises InvalidInput with the place of the fault.

    `{"timezone", "hours": {"mon": ["08:00-12:00", …]}, "holidays"?: {"country", "subdivision"?},
    "closed"?: [dates], "open"?: {date: [spans]}}`.
    """
    known = {"timezone", "hours", "holidays", "closed", "open"}
    for name in rules.keys() - known:
        raise _fault(f"/{name}", f"is not offered; offered are {', '.join(sorted(known))}")
    week = _week(rules.get("hours"))
    return BusinessCalendar(
        _zone(rules.get("timezone")),
        week,
        frozenset(_dates(rules.get("closed", []))),
        _special(rules.get("open", {})),
        _holidays(rules.get("holidays")),
    )


def _fault(path: str, message: str) -> InvalidInput:
    return InvalidInput(
        f"The calendar's {path} {message}",
        code="invalid_calendar",
        path=path,
        fix='write {"timezone": "Europe/Berlin", "hours": {"mon": ["08:00-17:00"]}}',
    )


def _zone(name: Json) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) else "")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _fault("/timezone", "is not a time zone of the IANA database") from None


def _week(hours: Json) -> tuple[tuple[Span, ...], ...]:
    if not isinstance(hours, dict) or not hours or hours.keys() - set(DAYS):
        raise _fault("/hours", f"gives the spans of days named {', '.join(DAYS)}")
    return tuple(_spans(f"/hours/{day}", hours.get(day, [])) for day in DAYS)


def _spans(path: str, given: Json) -> tuple[Span, ...]:
    if not isinstance(given, list) or len(given) > 24:
        raise _fault(path, "is a list of spans")
    spans: list[Span] = []
    for text in given:
        found = _SPAN.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise _fault(path, "has a span that is not written HH:MM-HH:MM")
        opens = int(found[1]) * 60 + int(found[2])
        closes = 1440 if found[3] == "24:00" else int(found[4]) * 60 + int(found[5])
        if closes <= opens or (spans and opens < spans[-1][1]):
            raise _fault(path, "has spans that do not follow one another")
        spans.append((opens, closes))
    return tuple(spans)


def _date(path: str, text: Json) -> date:
    try:
        return date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise _fault(path, "has a date that is not written YYYY-MM-DD") from None


def _dates(given: Json) -> list[date]:
    if not isinstance(given, list):
        raise _fault("/closed", "is a list of dates")
    return [_date("/closed", one) for one in given]


def _special(given: Json) -> dict[date, tuple[Span, ...]]:
    if not isinstance(given, dict):
        raise _fault("/open", "gives spans by date")
    return {_date("/open", day): _spans(f"/open/{day}", spans) for day, spans in given.items()}


def _holidays(given: Json) -> Any:
    if given is None:
        return None
    # The library's registry of countries costs time that a start without calendars need not spend.
    import holidays

    country = given.get("country") if isinstance(given, dict) else None
    subdivision = given.get("subdivision") if isinstance(given, dict) else None
    known = holidays.list_supported_countries()
    if country not in known:
        raise _fault("/holidays/country", "is not a country whose holidays are known (ISO 3166-1)")
    if subdivision is not None and subdivision not in known[country]:
        raise _fault("/holidays/subdivision", "is not a known part of that country (ISO 3166-2)")
    return holidays.country_holidays(country, subdiv=subdivision)


class Calendars:
    """The business calendars of a tenant's store."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def put(self, scope: Scope, name: str, rules: JsonObject, actor: JsonObject) -> None:
        """Keep the rules under a name; open tasks keep their times. Raises InvalidInput."""
        parse_calendar(rules)
        await self._db.call("calendar_put", scope.tenant, scope.store, name, rules, actor)

    async def rules(self, scope: Scope, name: str) -> JsonObject:
        """The rules as they were given; raises NotFound."""
        found = await self._db.call("calendar_read", scope.tenant, scope.store, name)
        if found is None:
            raise NotFound(
                f"There is no calendar {name[:100]!r}",
                code="calendar_not_found",
                fix=f"keep it with PUT /api/calendars/{name[:100]}",
            )
        rules: JsonObject = found
        return rules

    async def get(self, scope: Scope, name: str | None) -> BusinessCalendar | None:
        """The calendar of a name, None for no name; raises NotFound."""
        return None if name is None else parse_calendar(await self.rules(scope, name))

    async def page(self, scope: Scope) -> list[JsonObject]:
        """Names and times of change."""
        rows = await self._db.rows("calendar_list", scope.tenant, scope.store)
        return [{"name": row["name"], "updatedAt": row["updated_at"].isoformat()} for row in rows]
