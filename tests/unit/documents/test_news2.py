"""NEWS2 against the table of the Royal College of Physicians (2017), SpO2 scale 1."""

from __future__ import annotations

import pytest

from careloom.documents import Found, Vitals
from careloom.documents.news2 import score


def vitals(**values: object) -> Vitals:
    made = Vitals()
    for name, value in values.items():
        setattr(made, name, Found(value, 0, 0, 1.0))
    return made


NORMAL = {
    "rr": 16,
    "spo2": 98,
    "on_oxygen": False,
    "sbp": 120,
    "hr": 70,
    "consciousness": "alert",
    "temp_c": 37.0,
}

TABLE = [
    ("rr", 8, 3),
    ("rr", 9, 1),
    ("rr", 11, 1),
    ("rr", 12, 0),
    ("rr", 20, 0),
    ("rr", 21, 2),
    ("rr", 24, 2),
    ("rr", 25, 3),
    ("spo2", 91, 3),
    ("spo2", 92, 2),
    ("spo2", 93, 2),
    ("spo2", 94, 1),
    ("spo2", 95, 1),
    ("spo2", 96, 0),
    ("on_oxygen", True, 2),
    ("on_oxygen", False, 0),
    ("sbp", 90, 3),
    ("sbp", 91, 2),
    ("sbp", 100, 2),
    ("sbp", 101, 1),
    ("sbp", 110, 1),
    ("sbp", 111, 0),
    ("sbp", 219, 0),
    ("sbp", 220, 3),
    ("hr", 40, 3),
    ("hr", 41, 1),
    ("hr", 50, 1),
    ("hr", 51, 0),
    ("hr", 90, 0),
    ("hr", 91, 1),
    ("hr", 110, 1),
    ("hr", 111, 2),
    ("hr", 130, 2),
    ("hr", 131, 3),
    ("consciousness", "cvpu", 3),
    ("consciousness", "alert", 0),
    ("temp_c", 35.0, 3),
    ("temp_c", 35.1, 1),
    ("temp_c", 36.0, 1),
    ("temp_c", 36.1, 0),
    ("temp_c", 38.0, 0),
    ("temp_c", 38.1, 1),
    ("temp_c", 39.0, 1),
    ("temp_c", 39.1, 2),
]


@pytest.mark.parametrize(("name", "value", "points"), TABLE)
def test_each_band_of_the_table(name: str, value: object, points: int) -> None:
    result = score(vitals(**NORMAL | {name: value}))
    assert result.points[name] == points
    assert result.total == points
    assert result.complete


def test_missing_signs_make_the_sum_a_lower_bound_and_are_named() -> None:
    result = score(vitals(hr=131, sbp=88))
    assert result.total == 6
    assert not result.complete
    assert set(result.missing) == {"rr", "spo2", "on_oxygen", "temp_c", "consciousness"}
    assert result.to_json()["lowerBound"] is True


def test_nothing_known_scores_nothing() -> None:
    assert score(Vitals()).total == 0
    assert score(Vitals()).highest == 0
