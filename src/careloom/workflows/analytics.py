"""How runs go: counted in the database, over the rows of the runs themselves.

What was counted is shown again for a while to whoever asks the same, so that many screens which
ask after each change make the database count once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from careloom.errors import InvalidInput
from careloom.store.database import Database
from careloom.types import JsonObject, Scope, iso

BUCKETS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
MOST_BUCKETS = 1500
STEPS_OF = 5000
"""Runs whose steps are looked at, the newest of the period."""
_SHOWN_S = 1.0
_SHOWN_FOR_EACH_S = 20.0
"""What took a second to count is shown for so many."""
_MOST_KEPT = 200
NextTimes = Callable[[Scope], Awaitable[dict[str, str]]]
"""When each workflow that has a schedule starts next."""


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when, of which workflow, in buckets of which length."""

    since: datetime
    until: datetime
    bucket: str
    workflow: str | None = None

    @classmethod
    def of(
        cls,
        since: datetime | None,
        until: datetime | None,
        bucket: str | None,
        workflow: str | None,
        now: datetime,
    ) -> Period:
        """By default the last day; raises InvalidInput for one that ends before it begins, or
        with too many buckets."""
        until = until or now
        since = since or until - timedelta(days=1)
        span = until - since
        if span <= timedelta(0):
            raise InvalidInput("The period ends before it begins", path="from", fix="swap them")
        if bucket is None:
            small, middle = timedelta(hours=2), timedelta(days=4)
            bucket = "minute" if span <= small else "hour" if span <= middle else "day"
        if span / BUCKETS[bucket] > MOST_BUCKETS:
            raise InvalidInput(
                f"The period has more than {MOST_BUCKETS} buckets",
                path="bucket",
                fix="ask for longer buckets, or for a shorter period",
            )
        return cls(since, until, bucket, workflow)


class Analytics:
    """The service behind /api/analytics/runs."""

    def __init__(self, db: Database, next_times: NextTimes) -> None:
        self._db = db
        self._next_times = next_times
        self._kept: dict[tuple[object, ...], tuple[asyncio.Task[JsonObject], float]] = {}

    async def runs(self, scope: Scope, asked: tuple[object, ...], period: Period) -> JsonObject:
        """The figures; `asked` says which requests ask for the same."""
        key = (scope, *asked)
        task, until = self._kept.get(key, (None, 0.0))
        if task is None or time.monotonic() > until:
            self._forget()
            task = asyncio.create_task(self._counted(scope, period, key))
            self._kept[key] = task, float("inf")
        # One who goes away does not end the counting for the others.
        return await asyncio.shield(task)

    async def _counted(self, scope: Scope, period: Period, key: tuple[object, ...]) -> JsonObject:
        began = time.monotonic()
        try:
            found = await self._count(scope, period)
        except BaseException:
            self._kept.pop(key, None)
            raise
        ended = time.monotonic()
        shown = max(_SHOWN_S, (ended - began) * _SHOWN_FOR_EACH_S)
        self._kept[key] = self._kept[key][0], ended + shown
        return found

    def _forget(self) -> None:
        now = time.monotonic()
        for key in [key for key, (_, until) in self._kept.items() if until < now]:
            del self._kept[key]
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    async def _count(self, scope: Scope, period: Period) -> JsonObject:
        """Every function reads its own rows; `asOf` is when the first of them began."""
        at = datetime.now(UTC)
        place = scope.tenant, scope.store, period.workflow
        span = period.since, period.until
        ended = await self._db.call("analytics_period", *place, *span, period.bucket)
        count = ended["period"]["ended"]
        return {
            "asOf": iso(at),
            "from": iso(period.since),
            "to": iso(period.until),
            "bucket": period.bucket,
            "now": await self._db.call("analytics_now", *place),
            **ended,
            "workflows": await self._workflows(scope, place, span),
            "steps": await self._db.call("analytics_steps", *place, *span, STEPS_OF),
            "people": await self._db.call("analytics_people", *place, *span, count),
        }

    async def _workflows(
        self,
        scope: Scope,
        place: tuple[str, str, str | None],
        span: tuple[datetime, datetime],
    ) -> list[JsonObject]:
        found: list[JsonObject] = await self._db.call("analytics_workflows", *place, *span)
        times = await self._next_times(scope)
        return [{**workflow, "nextFire": times.get(workflow["id"])} for workflow in found]
