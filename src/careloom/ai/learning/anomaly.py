"""Unusual days of a daily series: robust, without training, explained by two numbers.

A day is held against the 56 days before it. What is usual is the median of the same weekdays; how
much days differ is the median absolute deviation from those medians, over all days, times 1.4826,
and at least the square root of what is usual, as counts differ by chance alone. A day whose
distance is above 3.5 such deviations is unusual. Boris Iglewicz and David Hoaglin, How
to Detect and Handle Outliers, 1993; https://www.itl.nist.gov/div898/handbook/eda/section3/eda35h.htm
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BEFORE_DAYS = 56
FEWEST_DAYS = 21
"""With fewer days before it nothing is said of a day."""
THRESHOLD = 3.5
_NORMAL = 1.4826
"""By which the deviation is that of a normal distribution."""
_WEEK = 7


@dataclass(frozen=True, slots=True)
class Unusual:
    """One day: its place in the series, its value, what is usual, and the distance."""

    place: int
    value: float
    usual: float
    score: float


def unusual(values: Sequence[float], threshold: float = THRESHOLD) -> list[Unusual]:
    """The unusual days of a series without gaps, in order."""
    found = []
    for place in range(FEWEST_DAYS, len(values)):
        before = np.asarray(values[max(0, place - BEFORE_DAYS) : place], np.float64)
        # Days of one weekday stand seven places apart, counted back from the day.
        weekday = (len(before) - np.arange(len(before))) % _WEEK
        medians = np.array([np.median(before[weekday == day]) for day in range(_WEEK)])
        usual = float(medians[0])
        spread = _NORMAL * float(np.median(np.abs(before - medians[weekday])))
        spread = max(spread, math.sqrt(max(usual, 1.0)))
        score = (values[place] - usual) / spread
        if abs(score) > threshold:
            found.append(Unusual(place, float(values[place]), usual, round(score, 2)))
    return found
