# ruff: noqa: E501 - a pattern or word list on one line can be read and searched as one
"""Dates of letters in four languages. A day/month order that nothing decides stays undecided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_MONTHS = {
    1: "january jan januar jänner janvier janv enero ene",
    2: "february feb februar février fevrier févr fév febrero",
    3: "march mar märz maerz mrz mars marzo",
    4: "april apr avril avr abril abr",
    5: "may mai mayo",
    6: "june jun juni juin junio",
    7: "july jul juli juillet juil julio",
    8: "august aug août aout agosto ago",
    9: "september sept sep septembre septiembre setiembre",
    10: "october oct oktober okt octobre octubre",
    11: "november nov novembre noviembre",
    12: "december dec dezember dez décembre déc decembre diciembre dic",
}
MONTH = {word: number for number, words in _MONTHS.items() for word in words.split()}
_NAME = "|".join(sorted(MONTH, key=len, reverse=True))
_YEAR = r"(?:(?:19|20)\d\d|\d\d)"
NUMERIC = rf"\d{{1,2}}\s?[./-]\s?\d{{1,2}}\s?[./-]\s?{_YEAR}(?!\d)"
PATTERN = re.compile(
    rf"(?<![\d/])(?:(?P<iso>(?:19|20)\d\d[-/.]\d\d[-/.]\d\d(?!\d))"
    rf"|(?P<numeric>{NUMERIC})"
    rf"|(?P<day>\d{{1,2}})(?:st|nd|rd|th|er|\.|º)?(?:\s+de|\s+of)?[\s-]+(?P<month>{_NAME})\.?,?"
    rf"(?:\s+de|\s+del)?[\s-]+(?P<year>{_YEAR})(?!\d)"
    rf"|\b(?P<month2>{_NAME})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year2>(?:19|20)\d\d))",
    re.IGNORECASE,
)
_AMERICAN = re.compile(
    r"\bMRN\b|\bNPI\b|\by\.?o\.?\b|,\s?(?:MD|DO|NP|PA-C|RN)\b|\bZIP\b|\b[A-Z]{2} \d{5}\b|\(\d{3}\) ?\d{3}-"
    r"|\b\d{3}-\d{3}-\d{4}\b|\d F\b"
)


_MONTH_FIRST = re.compile(rf"\b(?:{_NAME})\.? \d{{1,2}}, 20\d\d", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date as printed; `value` is None when day and month cannot be told apart."""

    value: date | None
    start: int
    end: int
    readings: tuple[date, ...]


def find_dates(text: str) -> list[WrittenDate]:
    """All dates of a letter, with the letter's own day/month order."""
    matches = list(PATTERN.finditer(text))
    order = _order(text, matches)
    limit = _latest(matches, order)
    found = []
    for match in matches:
        readings = tuple(dict.fromkeys(_readings(match, order, limit)))
        if readings:
            value = readings[0] if len(readings) == 1 else None
            found.append(WrittenDate(value, match.start(), match.end(), readings))
    return found


OLDEST = 2015
"""A letter with one date only, before this year, gives a birth date and not its own."""


def letter_date(dates: list[WrittenDate]) -> date | None:
    """The day the letter was written: the first date printed of the latest year."""
    values = [d.value or max(d.readings) for d in dates]
    if len(set(values)) == 1 and values[0].year < OLDEST:
        return None
    latest = max((value.year for value in values), default=0)
    return next((value for value in values if value.year == latest), None)


def _parts(numeric: str) -> tuple[int, int, int]:
    first, second, year = (int(part) for part in re.split(r"\s?[./-]\s?", numeric))
    return first, second, year


def _order(text: str, matches: list[re.Match[str]]) -> str | None:
    for match in matches:
        if match["numeric"]:
            first, second, _ = _parts(match["numeric"])
            if first > 12 >= second:
                return "dmy"
            if second > 12 >= first:
                return "mdy"
    american = len(set(_AMERICAN.findall(text))) + len(set(_MONTH_FIRST.findall(text)))
    british = len(
        re.findall(
            rf"\b\d{{1,2}}(?:st|nd|rd|th)? (?:{_NAME}) 20\d\d\b|\b07\d{{3}} ?\d{{6}}\b|"
            r"\bNHS\b|\bGP\b|\bDr [A-Z]|\bSurgery\b|Mobile|\bgeb\b|Geburt|née? le|nacid|\bMedicare\b|"
            r"\d\.\d\d?\.\d{4}|\bFecha\b|\bDate de\b|NKDA|\bCHI\b|\bUHID\b",
            text,
        )
    )
    if american > british:
        return "mdy"
    return "dmy" if british else None


def _latest(matches: list[re.Match[str]], order: str | None) -> date:
    far = date(2035, 12, 31)
    known = [
        d for m in matches for d in _readings(m, order, far) if re.search(r"(19|20)\d\d", m[0])
    ]
    latest = max(known, default=far)
    # Only a birth date has its century printed: the letter's own date is later still.
    return latest if latest.year >= 2015 else far


def _readings(match: re.Match[str], order: str | None, limit: date) -> list[date]:
    if match["iso"]:
        year, month, day = (int(part) for part in re.split(r"[-/.]", match["iso"]))
        return _dates([(year, month, day)], limit)
    if match["numeric"]:
        first, second, year = _parts(match["numeric"])
        dotted = "." in match["numeric"]
        both = [(year, second, first), (year, first, second)]
        if order == "dmy" or dotted or first > 12:
            both = both[:1]
        elif order == "mdy" or second > 12:
            both = both[1:]
        return _dates(both, limit)
    month = MONTH[(match["month"] or match["month2"]).lower()]
    day = int(match["day"] or match["day2"])
    return _dates([(int(match["year"] or match["year2"]), month, day)], limit)


def _dates(parts: list[tuple[int, int, int]], limit: date) -> list[date]:
    found = []
    for year, month, day in parts:
        try:
            if year < 100:
                made = date(2000 + year, month, day)
                found.append(made if made <= limit else date(1900 + year, month, day))
            else:
                found.append(date(year, month, day))
        except ValueError:
            continue
    return found
