"""Prefixes against the ranges by which R4 defines them, every value with every other.

http://hl7.org/fhir/R4/search.html#prefix
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from .conftest import Found
from .resources import AMOUNTS, MOMENTS

Span = tuple[datetime, datetime]
"""From, inclusive, to, exclusive."""

EVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
ASKED_TIMES = (
    "2013", "2013-01", "2013-01-14", "2013-01-15", "2013-01-14T10:00Z", "2013-01-14T10:00:00Z",
    "2013-01-15T04:30:00Z", "2013-01-15T05:30:00+01:00", "2012-12-31", "2014",
)  # fmt: skip
ASKED_NUMBERS = ("100", "100.0", "1e2", "99.5", "95", "0", "-100", "105.00")
PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")


def span_of(text: str) -> Span:
    """The span that a date or time leaves open."""
    if len(text) == 4:
        return _day(int(text), 1, 1), _day(int(text) + 1, 1, 1)
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        return _day(year, month, 1), _day(year + month // 12, month % 12 + 1, 1)
    if len(text) == 10:
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return start, start + timedelta(days=1)
    minutes = text.count(":") - (1 if text[-6] in "+-" else 0) == 1
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment, moment + (timedelta(minutes=1) if minutes else timedelta(seconds=1))


def _day(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


def stored_span(start: str, end: str) -> Span:
    return (span_of(start)[0] if start else EVER[0], span_of(end)[1] if end else EVER[1])


def meets_time(prefix: str, asked: Span, stored: Span) -> bool:
    within = asked[0] <= stored[0] and stored[1] <= asked[1]
    above, below = stored[1] > asked[1], stored[0] < asked[0]
    return {
        "": within,
        "eq": within,
        "ne": not within,
        "gt": above,
        "lt": below,
        "ge": above or within,
        "le": below or within,
        "sa": stored[0] >= asked[1],
        "eb": stored[1] <= asked[0],
    }[prefix]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("asked", ASKED_TIMES)
async def test_times(found: Found, prefix: str, asked: str) -> None:
    wanted = {
        f"at-{name}"
        for name, stored in MOMENTS.items()
        if meets_time(prefix, span_of(asked), stored_span(*stored))
    }
    value = str(httpx.QueryParams({"date": prefix + asked}))
    assert set(await found(f"Observation?code=moment&{value}&_count=100")) == wanted


def meets_number(prefix: str, text: str, stored: Decimal) -> bool:
    """Whether a stored number is found: the range of the digits given for eq and ne only."""
    asked = Decimal(text)
    exponent = asked.as_tuple().exponent
    assert isinstance(exponent, int)
    # R4's own example: 1e2 is 95 up to 105, a digit more than it was written with.
    half = Decimal(5).scaleb(exponent - (2 if "e" in text else 1))
    near = asked - half <= stored < asked + half
    return {
        "": near,
        "eq": near,
        "ne": not near,
        "gt": stored > asked,
        "lt": stored < asked,
        "ge": stored >= asked,
        "le": stored <= asked,
        "sa": stored > asked,
        "eb": stored < asked,
    }[prefix]


def wanted_numbers(prefix: str, asked: str, name: str) -> set[str]:
    return {
        f"{name}-{n}"
        for n, text in enumerate(AMOUNTS)
        if meets_number(prefix, asked, Decimal(text))
    }


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("asked", ASKED_NUMBERS)
async def test_numbers(found: Found, prefix: str, asked: str) -> None:
    query = f"ChargeItem?factor-override={prefix}{asked}&_count=100"
    assert set(await found(query)) == wanted_numbers(prefix, asked, "factor")


@pytest.mark.parametrize("unit", ["", "|http://unitsofmeasure.org|mg", "||mg", "||milligram"])
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("asked", ["100", "99.5", "0"])
async def test_quantities(found: Found, prefix: str, asked: str, unit: str) -> None:
    query = f"Observation?code=amount&value-quantity={prefix}{asked}{unit}&_count=100"
    assert set(await found(query)) == wanted_numbers(prefix, asked, "amount")


@pytest.mark.parametrize("unit", ["|http://unitsofmeasure.org|g", "|urn:other|mg", "||g"])
async def test_another_unit_is_not_found(found: Found, unit: str) -> None:
    assert await found(f"Observation?code=amount&value-quantity=100{unit}") == []


async def test_approximately(found: Found) -> None:
    """A tenth of the number, as R4 recommends; of a date, what is near compared with now."""
    near = set(await found("ChargeItem?factor-override=ap100&_count=100"))
    assert near == {f"factor-{n}" for n, text in enumerate(AMOUNTS) if 90 <= float(text) <= 110}
    times = set(await found("Observation?code=moment&date=ap2013-01-14&_count=100"))
    assert {"at-day", "at-minute", "at-period"} <= times
    assert await found("Observation?code=moment&date=ap1950") == ["at-until"]


async def test_a_second_s_fractions_are_within_it(found: Found) -> None:
    assert await found("Observation?code=moment&date=2013-01-14T10:00:00.000Z") in (
        ["at-minute"],
        [],
    )
    assert await found("Observation?code=moment&date=2013-01-14T10:00:00") == ["at-minute"]


@pytest.mark.parametrize("value", ["xx2013", "2013-13", "2013-02-30", "tomorrow", "ge", "gegt2013"])
async def test_what_is_no_time_is_refused(ward: httpx.AsyncClient, value: str) -> None:
    answer = await ward.get(f"Observation?date={value}")
    assert answer.status_code == 400
    issue: dict[str, Any] = answer.json()["issue"][0]
    assert issue["expression"] or issue["diagnostics"]
