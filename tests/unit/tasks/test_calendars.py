"""Business calendars: opening hours, public holidays, and nights in which the clock changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from careloom.errors import InvalidInput
from careloom.tasks.calendars import DAYS, after, parse_calendar

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0


def calendar(**more: Any) -> Any:
    weekdays = {day: ["08:00-12:00", "13:00-17:00"] for day in DAYS[:5]}
    return parse_calendar({"timezone": "Europe/Berlin", "hours": weekdays, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-04 09:00", 2, "2026-03-04 11:00"),
        ("2026-03-04 11:00", 2, "2026-03-04 14:00"),
        ("2026-03-04 06:00", 8, "2026-03-04 17:00"),
        ("2026-03-06 16:00", 2, "2026-03-09 09:00"),
        ("2026-03-07 10:00", 1, "2026-03-09 09:00"),
        ("2026-03-04 12:30", 0, "2026-03-04 13:00"),
        ("2026-03-02 08:00", 40, "2026-03-06 17:00"),
    ],
)
def test_only_opening_hours_count(start: str, hours: float, due: str) -> None:
    assert after(calendar(), at(start), hours * HOUR) == at(due)


def test_public_holidays_and_closed_days_do_not_count() -> None:
    bavaria = calendar(holidays={"country": "DE", "subdivision": "BY"}, closed=["2026-12-24"])
    assert after(bavaria, at("2026-12-23 16:00"), 2 * HOUR) == at("2026-12-28 09:00")
    # Epiphany is a holiday in Bavaria and none in Berlin.
    berlin = calendar(holidays={"country": "DE", "subdivision": "BE"})
    assert after(bavaria, at("2027-01-05 16:00"), 2 * HOUR) == at("2027-01-07 09:00")
    assert after(berlin, at("2027-01-05 16:00"), 2 * HOUR) == at("2027-01-06 09:00")


def test_a_day_may_have_hours_of_its_own() -> None:
    special = calendar(
        holidays={"country": "DE"}, open={"2026-12-25": ["10:00-11:00"], "2026-03-04": []}
    )
    assert after(special, at("2026-12-25 00:00"), HOUR) == at("2026-12-25 11:00")
    assert after(special, at("2026-03-04 09:00"), HOUR) == at("2026-03-05 09:00")


@pytest.mark.parametrize(
    ("start", "elapsed"),
    [("2026-03-28 22:00", 23), ("2026-10-24 22:00", 25), ("2026-06-06 22:00", 24)],
)
def test_a_night_counts_as_long_as_it_was(start: str, elapsed: int) -> None:
    night = {day: ["00:00-24:00"] for day in DAYS}
    always = parse_calendar({"timezone": "Europe/Berlin", "hours": night})
    due = after(always, at(start), elapsed * HOUR)
    assert due == at(start).astimezone(UTC) + timedelta(hours=elapsed)
    # The wall clock shows the same time a day later, however long that day was.
    assert due.astimezone(BERLIN).strftime("%H:%M") == "22:00"


def test_opening_hours_follow_the_wall_clock_over_a_change_of_it() -> None:
    # Friday before summer time to Monday in it: 16:00 CET to 09:00 CEST.
    due = after(calendar(), at("2026-03-27 16:00"), 2 * HOUR)
    assert due == datetime(2026, 3, 30, 7, 0, tzinfo=UTC)


def test_without_a_calendar_all_time_counts() -> None:
    start = at("2026-03-28 22:00")
    assert after(None, start, HOUR) == start.astimezone(UTC) + timedelta(hours=1)


def test_a_calendar_that_is_never_open_is_said() -> None:
    with pytest.raises(InvalidInput) as said:
        after(parse_calendar({"timezone": "UTC", "hours": {"mon": []}}), at("2026-03-04 09:00"), 1)
    assert said.value.code == "calendar_closed"


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ({"timezone": "Mars/Phobos"}, "/timezone"),
        ({"timezone": "../etc/passwd"}, "/timezone"),
        ({"hours": {"someday": []}}, "/hours"),
        ({"hours": {"mon": ["8-12"]}}, "/hours/mon"),
        ({"hours": {"mon": ["12:00-08:00"]}}, "/hours/mon"),
        ({"hours": {"mon": ["08:00-12:00", "11:00-13:00"]}}, "/hours/mon"),
        ({"holidays": {"country": "XX"}}, "/holidays/country"),
        ({"holidays": {"country": "DE", "subdivision": "XX"}}, "/holidays/subdivision"),
        ({"closed": ["soon"]}, "/closed"),
        ({"open": {"2026-01-01": "all day"}}, "/open/2026-01-01"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_fault_is_named_by_its_place(rules: dict[str, Any], path: str) -> None:
    given = {"timezone": "UTC", "hours": {"mon": ["08:00-12:00"]}, **rules}
    with pytest.raises(InvalidInput) as said:
        parse_calendar(given)
    assert said.value.path == path
