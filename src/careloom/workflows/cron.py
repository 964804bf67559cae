"""Nominal times of a cron expression in a time zone, and what is due of them.

The calendar is the zone's. A fixed time that the spring change leaves out comes right after the
gap; one that autumn has twice comes once; a time that repeats every hour or minute follows the
clock of the world (the rules of Debian's cron: https://pypi.org/project/cronsim/).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from careloom.types import JsonObject

ON_TIME = timedelta(seconds=60)
"""A firing that is later than this was missed, and catchUp says what becomes of it."""
CHUNK = 1000
"""Nominal times that are looked at in one go; a long outage takes several."""
WITHIN_S = 86400
"""Default of catchUpWithin, in seconds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a schedule fires, as its definition says."""

    cron: str
    timezone: str = "UTC"
    overlap: str = "forbid"
    catch_up: str = "last"
    within: timedelta = timedelta(seconds=WITHIN_S)
    jitter: timedelta = timedelta(0)

    @classmethod
    def of(cls, settings: JsonObject) -> Plan:
        """Of a canonical trigger."""
        return cls(
            settings["cron"],
            settings.get("timezone", "UTC"),
            settings.get("overlap", "forbid"),
            settings.get("catchUp", "last"),
            timedelta(seconds=settings.get("catchUpWithin", WITHIN_S)),
            timedelta(seconds=settings.get("jitter", 0)),
        )


@dataclass(frozen=True, slots=True)
class Firing:
    """One nominal time that is to start a run."""

    nominal: datetime
    late: bool
    queue: bool
    """Wait for a run that is under way, instead of being skipped because of it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done now, and when to look again."""

    firings: tuple[Firing, ...]
    missed: int
    next_at: datetime
    due_at: datetime


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises ValueError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}") from error


def times(cron: str, timezone: str, after: datetime) -> Iterator[datetime]:
    """Nominal times after a moment, in UTC, each later than the one before. Raises ValueError."""
    if len(cron.split()) != 5:
        raise ValueError("a cron expression has five fields: minute hour day month weekday")
    zone = zone_of(timezone)
    last = after
    try:
        for local in CronSim(cron, after.astimezone(zone)):
            moment = local.astimezone(UTC)
            if moment > last:
                last = moment
                yield moment
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {error}") from error


def upcoming(plan: Plan, after: datetime, count: int) -> list[datetime]:
    """The next nominal times after a moment, at most `count`."""
    found = times(plan.cron, plan.timezone, after)
    return [moment for moment, _ in zip(found, range(count), strict=False)]


def due(plan: Plan, identity: str, since: datetime, next_at: datetime | None, now: datetime) -> Due:
    """What a schedule has to do now. `identity` fixes the jitter of each nominal time; `since` is
    where a new schedule begins. Raises ValueError when there is no further time."""
    coming: Iterator[datetime] = times(plan.cron, plan.timezone, since)
    if next_at is not None:
        coming = chain([next_at], times(plan.cron, plan.timezone, next_at))
    passed: list[datetime] = []
    following: datetime | None = None
    for moment in coming:
        if len(passed) == CHUNK or moment + _jitter(plan, identity, moment) > now:
            following = moment
            break
        passed.append(moment)
    if following is None:
        raise ValueError("the schedule has no further time")
    complete = len(passed) < CHUNK
    latest = passed[-1] if passed and complete else None
    firings = [
        Firing(moment, late, plan.overlap == "queue" or (late and plan.catch_up == "all"))
        for moment in passed
        if not (late := _is_late(plan, identity, moment, now))
        or _caught_up(plan, moment, now, latest)
    ]
    due_at = following + _jitter(plan, identity, following)
    return Due(tuple(firings), len(passed) - len(firings), following, due_at)


def _is_late(plan: Plan, identity: str, moment: datetime, now: datetime) -> bool:
    return now - moment - _jitter(plan, identity, moment) > ON_TIME


def _caught_up(plan: Plan, moment: datetime, now: datetime, latest: datetime | None) -> bool:
    if plan.catch_up == "none" or now - moment > plan.within:
        return False
    return plan.catch_up == "all" or moment == latest


def _jitter(plan: Plan, identity: str, moment: datetime) -> timedelta:
    """Between nothing and the plan's jitter, the same whoever asks."""
    if not plan.jitter:
        return plan.jitter
    digest = hashlib.sha256(f"{identity}|{moment.isoformat()}".encode()).digest()
    return plan.jitter * (int.from_bytes(digest[:6], "big") / 2**48)
