"""Tests of two samples, and where a shift is found."""

from __future__ import annotations

import random

import pytest

from careloom.ai.evaluation.calibration import calibration_error
from careloom.ai.evaluation.comparison import mcnemar
from careloom.ai.evaluation.drift import Stream, Watching
from careloom.ai.evaluation.evaluations import FEWEST_SURE, is_miscalibrated
from careloom.ai.evaluation.outcomes import Outcome, Sure
from careloom.ai.evaluation.shifts import chi_square, kolmogorov_smirnov, more_often
from careloom.ai.evaluation.threshold import Costs, choose
from careloom.types import JsonObject


def test_the_tests_give_the_published_values() -> None:
    # Fisher's lady tasting tea: 3 of 4 right, p = 17/70.
    assert more_often(1, 4, 3, 4) == pytest.approx(17 / 70)
    # 2x2 table 20/30 and 30/20: chi-square 4 with 1 degree of freedom.
    assert chi_square({"a": 20, "b": 30}, {"a": 30, "b": 20}) == (
        pytest.approx(4.0),
        pytest.approx(0.0455, abs=1e-4),
    )
    # With 4 degrees of freedom the tail is exp(-x/2) (1 + x/2).
    mixed = dict.fromkeys("abcde", 40)
    other = {"a": 88, "b": 40, "c": 40, "d": 16, "e": 16}
    statistic, p = chi_square(mixed, other)
    assert statistic == pytest.approx(38.571, abs=1e-3)
    assert p == pytest.approx(8.5e-8, rel=0.01)
    distance, p = kolmogorov_smirnov(
        [n / 100 for n in range(100)], [n / 100 for n in range(30, 130)]
    )
    assert distance == pytest.approx(0.3)
    assert p == pytest.approx(0.00016, rel=0.2)
    assert mcnemar(2, 10) == pytest.approx(0.038574)


def answers(
    draw: random.Random, count: int, ill: float = 0.3, sure: float = 0.0
) -> list[JsonObject]:
    return [
        {
            "confidence": min(1.0, draw.betavariate(8, 2) + sure),
            "textLength": draw.gauss(900, 200),
            "class": "pneumonia" if draw.random() < ill else "normal",
        }
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("shift", "named"), [({"ill": 0.75}, "class"), ({"sure": -0.25}, "confidence")]
)
def test_an_injected_shift_is_found_at_the_end_of_its_window(shift: JsonObject, named: str) -> None:
    draw, how = random.Random(7), Watching()
    cases = [*answers(draw, 600), *answers(draw, 300, **shift)]
    stream = Stream.new("answers")
    windows = [window for case in cases if (window := stream.take(case, how))]
    assert [window["at"] for window in windows] == [300, 400, 500, 600, 700, 800, 900]
    assert [window["at"] for window in windows if window["found"]] == [700, 800, 900]
    assert all(named in window["found"] for window in windows[4:])


def test_without_a_shift_alarms_are_as_rare_as_stated() -> None:
    draw, how = random.Random(11), Watching(reference=100, window=50, false_alarms=0.05)
    found = 0
    for _ in range(60):
        stream = Stream.new("answers")
        windows = [w for case in answers(draw, 350) if (w := stream.take(case, how))]
        found += sum(bool(window["found"]) for window in windows)
    # 300 windows at 5 %: 15 are to be expected at most.
    assert found <= 24


def test_overrides_that_grow_are_found_and_fewer_are_no_alarm() -> None:
    how = Watching(reference=50, window=50)
    for rate, alarm in ((2, True), (1000, False)):
        stream = Stream.new("overrides")
        cases = [{"overridden": number % 10 == 0} for number in range(50)]
        cases += [{"overridden": number % rate == 1} for number in range(50)]
        [window] = [w for case in cases if (w := stream.take(case, how))]
        assert bool(window["found"]) is alarm


def test_a_known_miscalibrated_model_is_found_and_a_calibrated_one_is_not() -> None:
    draw = random.Random(3)
    found = {"honest": 0, "boasting": 0}
    for _ in range(10):
        sure = [draw.uniform(0.5, 1) for _ in range(200)]
        for name, truth in (("honest", 0.0), ("boasting", 0.3)):
            outcomes = [
                Outcome(str(n), "right" if draw.random() < one - truth else "wrong", one)
                for n, one in enumerate(sure)
            ]
            error = calibration_error(Sure.of(outcomes))
            assert error is not None
            found[name] += error["low"] > 0.1
    assert found == {"honest": 0, "boasting": 10}
    # Resamples of one case have no width; of few they say little about chance.
    for count, told in ((1, False), (FEWEST_SURE - 1, False), (FEWEST_SURE, True)):
        wrong = [Outcome(str(n), "wrong", 0.75) for n in range(count)]
        error = calibration_error(Sure.of(wrong))
        assert error is not None
        assert error["low"] == 0.75
        assert is_miscalibrated({"ece": error}, 0.1) is told


def test_the_threshold_costs_least_and_sends_all_or_nothing_where_that_is_right() -> None:
    def outcome(number: int, right: bool, sure: float) -> Outcome:
        return Outcome(str(number), "right" if right else "wrong", sure, "a", "a" if right else "b")

    cases = [outcome(n, n % 4 != 0 or n >= 50, n / 100) for n in range(100)]
    chosen = choose(cases, Costs(10, 10, 1), "a")
    # The last error is at 0.48; up to there a review is cheaper.
    assert (chosen["threshold"], chosen["reviewed"]) == (0.49, 0.49)
    assert chosen["cost"] == pytest.approx(0.49)
    assert min(point["cost"] for point in chosen["curve"]) == pytest.approx(0.49)
    assert choose(cases, Costs(0, 0, 1), "a")["reviewed"] == 0
    wrong = [outcome(n, False, 1.0) for n in range(20)]
    assert choose(wrong, Costs(10, 10, 1), "a")["reviewed"] == 1
