"""Nominal times: zones, the spring gap, the autumn double hour, and what an outage leaves due."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from careloom.workflows.cron import Plan, due, times, upcoming, zone_of

BERLIN = "Europe/Berlin"


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _local(plan: Plan, after: str, count: int) -> list[str]:
    zone = zone_of(plan.timezone)
    return [f"{t.astimezone(zone):%m-%d %H:%M%z}" for t in upcoming(plan, _at(after), count)]


def test_every_six_hours_is_four_times_a_day_in_utc() -> None:
    found = upcoming(Plan("0 */6 * * *"), _at("2026-05-01 00:00"), 4)
    assert [f"{t:%H:%M}" for t in found] == ["06:00", "12:00", "18:00", "00:00"]


def test_a_zone_keeps_its_local_time_over_both_changes() -> None:
    plan = Plan("0 8 * * *", BERLIN)
    assert _local(plan, "2026-03-27 12:00", 3) == [
        "03-28 08:00+0100",
        "03-29 08:00+0200",
        "03-30 08:00+0200",
    ]
    assert _local(plan, "2026-10-23 12:00", 3) == [
        "10-24 08:00+0200",
        "10-25 08:00+0100",
        "10-26 08:00+0100",
    ]


def test_a_time_in_the_spring_gap_comes_right_after_it_once() -> None:
    assert _local(Plan("30 2 * * *", BERLIN), "2026-03-28 12:00", 2) == [
        "03-29 03:00+0200",
        "03-30 02:30+0200",
    ]


def test_a_fixed_time_in_the_double_hour_comes_once() -> None:
    assert _local(Plan("30 2 * * *", BERLIN), "2026-10-24 12:00", 2) == [
        "10-25 02:30+0200",
        "10-26 02:30+0100",
    ]
    again = _local(Plan("30 2 * * *", BERLIN), "2026-10-25 01:15", 1)
    assert again == ["10-26 02:30+0100"]


def test_an_hourly_time_follows_the_world_through_the_double_hour_and_the_gap() -> None:
    assert _local(Plan("0 * * * *", BERLIN), "2026-10-24 23:30", 3) == [
        "10-25 02:00+0200",
        "10-25 02:00+0100",
        "10-25 03:00+0100",
    ]
    assert _local(Plan("0 * * * *", BERLIN), "2026-03-29 00:30", 2) == [
        "03-29 03:00+0200",
        "03-29 04:00+0200",
    ]


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["*/7 * * * *", "30 2 * * *", "0 1-3 * * *", "0 0 1 * *"])
def test_times_rise_strictly_and_go_on_from_any_of_them(cron: str, zone: str) -> None:
    found = [
        t for t, _ in zip(times(cron, zone, _at("2026-01-01 00:00")), range(400), strict=False)
    ]
    assert all(one < two for one, two in itertools.pairwise(found))
    for place in (0, 100, 398):
        assert next(times(cron, zone, found[place])) == found[place + 1]


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("* * * *", "UTC"),
        ("* * * * * *", "UTC"),
        ("61 * * * *", "UTC"),
        ("0 0 30 2 *", "UTC"),
        ("@daily", "UTC"),
        ("0 0 * * *", "Mars/Base"),
        ("0 0 * * *", "../../etc/passwd"),
        ("0 0 * * *", ""),
    ],
)
def test_what_is_no_schedule_is_refused(cron: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"cron|zone"):
        upcoming(Plan(cron, zone), _at("2026-01-01 00:00"), 1)


def _outage(catch_up: str, **more: object) -> tuple[list[str], int, str]:
    """Down from before 10:00 until 12:20, two ticks missed."""
    plan = Plan("0 10-14 * * *", catch_up=catch_up, **more)  # type: ignore[arg-type]
    since, next_at = _at("2026-05-01 09:00"), _at("2026-05-01 11:00")
    found = due(plan, "x", since, next_at, _at("2026-05-01 12:20"))
    return [f"{f.nominal:%H}" for f in found.firings], found.missed, f"{found.next_at:%H}"


def test_each_policy_gives_its_count_after_two_missed_ticks() -> None:
    assert _outage("none") == ([], 2, "13")
    assert _outage("last") == (["12"], 1, "13")
    assert _outage("all") == (["11", "12"], 0, "13")
    assert _outage("all", within=timedelta(minutes=30)) == (["12"], 1, "13")
    assert _outage("last", within=timedelta(minutes=10)) == ([], 2, "13")


def test_a_tick_on_time_is_no_catching_up() -> None:
    plan = Plan("0 * * * *", catch_up="none")
    found = due(plan, "x", _at("2026-05-01 09:30"), None, _at("2026-05-01 10:00:40"))
    assert [f.late for f in found.firings] == [False]
    assert found.missed == 0


def test_what_is_caught_up_goes_one_after_another() -> None:
    queue = [
        f.queue
        for f in due(
            Plan("0 * * * *", catch_up="all"),
            "x",
            _at("2026-05-01 09:30"),
            None,
            _at("2026-05-01 11:30"),
        ).firings
    ]
    assert queue == [True, True]


def test_a_long_outage_is_looked_at_in_pieces_and_counted_in_full() -> None:
    plan, now = Plan("* * * * *"), _at("2026-05-05 00:00:30")
    next_at: datetime | None = _at("2026-05-01 00:00")
    started, missed, looks = [], 0, 0
    while next_at is None or next_at <= now:
        found = due(plan, "x", _at("2026-04-01 00:00"), next_at, now)
        started += [f.nominal for f in found.firings]
        missed, next_at, looks = missed + found.missed, found.next_at, looks + 1
    assert started == [_at("2026-05-05 00:00")]
    assert (missed, looks) == (4 * 1440, 6)


def test_jitter_is_the_same_whoever_asks_and_within_its_bound() -> None:
    plan = Plan("0 * * * *", jitter=timedelta(minutes=10))
    since, now = _at("2026-05-01 09:30"), _at("2026-05-01 09:30")
    delays = set()
    for name in ("a", "b", "c", "d"):
        first = due(plan, name, since, None, now)
        assert first == due(plan, name, since, None, now)
        delays.add(first.due_at - first.next_at)
        assert timedelta(0) <= first.due_at - first.next_at < plan.jitter
        early = due(plan, name, since, first.next_at, first.due_at - timedelta(microseconds=1))
        assert early.firings == ()
        assert len(due(plan, name, since, first.next_at, first.due_at).firings) == 1
    assert len(delays) == 4
