"""National Early Warning Score 2 (Royal College of Physicians, 2017).

https://www.rcp.ac.uk/improving-care/resources/national-early-warning-score-news-2/ : adults, SpO2
scale 1. With signs missing the sum is a lower bound and says which are missing.
"""

from __future__ import annotations

from dataclasses import dataclass

from careloom.documents.extraction.referral import Vitals
from careloom.types import JsonObject

Bands = tuple[tuple[float, int], ...]
"""(upper end inclusive, points), ascending; the last upper end is infinite."""
_END = float("inf")

RESPIRATION: Bands = ((8, 3), (11, 1), (20, 0), (24, 2), (_END, 3))
SATURATION: Bands = ((91, 3), (93, 2), (95, 1), (_END, 0))
SYSTOLIC: Bands = ((90, 3), (100, 2), (110, 1), (219, 0), (_END, 3))
PULSE: Bands = ((40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (_END, 3))
TEMPERATURE: Bands = ((35.0, 3), (36.0, 1), (38.0, 0), (39.0, 1), (_END, 2))
ON_OXYGEN = 2
NOT_ALERT = 3


@dataclass(frozen=True, slots=True)
class News2:
    """The score. `complete` is False when the total is only a lower bound."""

    total: int
    points: dict[str, int]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """All seven parameters were given."""
        return not self.missing

    @property
    def highest(self) -> int:
        """Most points of one parameter; 3 asks for an urgent review by itself."""
        return max(self.points.values(), default=0)

    def to_json(self) -> JsonObject:
        """Score, points per parameter, and what is missing."""
        return {
            "score": self.total,
            "lowerBound": not self.complete,
            "points": dict(self.points),
            "missing": list(self.missing),
        }


def points_of(value: float, bands: Bands) -> int:
    """Points of a measured value."""
    return next(points for upper, points in bands if value <= upper)


def score(vitals: Vitals) -> News2:
    """NEWS2 of what is known."""
    points: dict[str, int] = {}
    missing: list[str] = []
    measured = (
        ("rr", vitals.rr, RESPIRATION),
        ("spo2", vitals.spo2, SATURATION),
        ("sbp", vitals.sbp, SYSTOLIC),
        ("hr", vitals.hr, PULSE),
        ("temp_c", vitals.temp_c, TEMPERATURE),
    )
    for name, found, bands in measured:
        if found is None:
            missing.append(name)
        else:
            points[name] = points_of(found.value, bands)
    if vitals.on_oxygen is None:
        missing.append("on_oxygen")
    else:
        points["on_oxygen"] = ON_OXYGEN if vitals.on_oxygen.value else 0
    if vitals.consciousness is None:
        missing.append("consciousness")
    else:
        points["consciousness"] = NOT_ALERT if vitals.consciousness.value == "cvpu" else 0
    return News2(sum(points.values()), points, tuple(missing))
