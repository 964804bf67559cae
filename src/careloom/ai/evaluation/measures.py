"""The measures of an evaluation, each with its interval at 95 %.

Accuracy and what is a share by Wilson; macro-F1, the area under the ROC curve, the Brier score and
the calibration error by bootstrap over the cases. An unanswered case is a wrong one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from careloom.ai.evaluation.calibration import brier, calibration_error, reliability
from careloom.ai.evaluation.intervals import bootstrap, share
from careloom.ai.evaluation.outcomes import Floats, Outcome, Sure
from careloom.types import JsonObject

LOWER_IS_BETTER = frozenset({"ece", "brier"})
METRICS = (
    *("accuracy", "answered", "macroF1", "sensitivity", "specificity", "auc"),
    *("ece", "brier"),
)
"""Names that a gate may use, beside `field:<name>`."""
MOST_CLASSES = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """How the cases are looked at."""

    positive: str | None = None
    threshold: float = 0.8
    """Below this confidence a case goes to a person."""


def metrics(outcomes: Sequence[Outcome], reading: Reading) -> JsonObject:
    """Numbers only: measures by name, each {"value", "low", "high", "n"} or null."""
    count, sure = len(outcomes), Sure.of(outcomes)
    answered = sum(one.verdict != "unanswered" for one in outcomes)
    labelled = [one for one in outcomes if one.expected is not None]
    below = sum((one.confidence or 0.0) < reading.threshold for one in outcomes)
    found: JsonObject = {
        "cases": count,
        "accuracy": share(sum(one.right for one in outcomes), count),
        "answered": share(answered, count),
        "macroF1": macro_f1(labelled),
        **_binary(labelled, reading.positive),
        "ece": calibration_error(sure),
        "brier": _brier(outcomes, sure, reading.positive),
        "belowThreshold": share(below, count),
        "threshold": reading.threshold,
        "latency": _latency(outcomes),
        "cost": {
            "total": round(sum(one.cost for one in outcomes), 6),
            "perCase": round(sum(one.cost for one in outcomes) / count, 6) if count else None,
        },
    }
    return found


def detail(outcomes: Sequence[Outcome]) -> JsonObject:
    """What may show values of the cases: fields, classes, the reliability curve."""
    fields: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for one in outcomes:
        fields.update(one.fields.keys())
        right.update(name for name, is_right in one.fields.items() if is_right)
    pairs = Counter((one.expected, one.given) for one in outcomes if one.expected is not None)
    classes = {expected for expected, _ in pairs}
    return {
        "fields": {name: share(right[name], fields[name]) for name in sorted(fields)},
        "confusion": [
            {"expected": expected, "given": given, "count": n}
            for (expected, given), n in sorted(pairs.items(), key=lambda pair: -pair[1])
        ]
        if len(classes) <= MOST_CLASSES
        else [],
        "reliability": reliability(Sure.of(outcomes)),
    }


def macro_f1(labelled: Sequence[Outcome]) -> JsonObject | None:
    """The mean over the classes that are expected of 2·hits / (2·hits + misses + false alarms)."""
    classes = sorted({str(one.expected) for one in labelled})
    if not 2 <= len(classes) <= MOST_CLASSES:
        return None
    number = {name: place for place, name in enumerate(classes)}
    expected = np.array([number[str(one.expected)] for one in labelled])
    given = np.array([number.get(str(one.given), len(classes)) for one in labelled])
    hit = expected == given

    def measure(weights: Floats) -> float:
        size = len(classes) + 1
        hits = np.bincount(expected, weights * hit, minlength=size)[:-1]
        there = np.bincount(expected, weights, minlength=size)[:-1]
        said = np.bincount(given, weights, minlength=size)[:-1]
        seen = there > 0
        return float((2 * hits[seen] / (there[seen] + said[seen])).mean())

    return bootstrap(len(labelled), measure)


def _binary(labelled: Sequence[Outcome], positive: str | None) -> JsonObject:
    """Sensitivity, specificity and AUC, where one class counts as positive."""
    if positive is None:
        return {"sensitivity": None, "specificity": None, "auc": None}
    ill = [one for one in labelled if one.expected == positive]
    well = [one for one in labelled if one.expected != positive]
    return {
        "sensitivity": share(sum(one.given == positive for one in ill), len(ill)),
        "specificity": share(
            sum(one.given not in (positive, None) for one in well),
            len(well),
        ),
        "auc": _auc([one for one in labelled if one.score is not None], positive),
    }


def _auc(scored: Sequence[Outcome], positive: str) -> JsonObject | None:
    """The chance that a positive case scores above a negative one; ties count half.
    https://doi.org/10.1148/radiology.143.1.7063747"""
    return bootstrap(len(scored), ranking(scored, positive))


def ranking(scored: Sequence[Outcome], positive: str) -> Callable[[Floats], float]:
    """The area under the ROC curve of cases with a score, by how often each case counts."""
    scores = np.array([one.score for one in scored], dtype=np.float64)
    is_ill = np.array([one.expected == positive for one in scored], dtype=np.float64)
    _, place = np.unique(scores, return_inverse=True)

    def measure(weights: Floats) -> float:
        ill, well = np.bincount(place, weights * is_ill), np.bincount(place, weights * (1 - is_ill))
        pairs = ill.sum() * well.sum()
        below = np.concatenate(([0.0], np.cumsum(well)[:-1]))
        return float((ill * (below + well / 2)).sum() / pairs) if pairs else math.nan

    return measure


def _brier(outcomes: Sequence[Outcome], sure: Sure, positive: str | None) -> JsonObject | None:
    """Of the positive class where there is one, else of the answer being right."""
    scored = [one for one in outcomes if one.score is not None and one.expected is not None]
    if positive is None or not scored:
        return brier(sure.confidence, sure.right.astype(np.float64))
    probability = np.array([one.score for one in scored], dtype=np.float64)
    happened = np.array([one.expected == positive for one in scored], dtype=np.float64)
    return brier(probability, happened)


def _latency(outcomes: Sequence[Outcome]) -> JsonObject | None:
    """Milliseconds."""
    if not outcomes:
        return None
    times = np.array([one.milliseconds for one in outcomes])
    middle, late = np.percentile(times, (50, 95))
    return {
        "mean": round(float(times.mean()), 2),
        "median": round(float(middle), 2),
        "p95": round(float(late), 2),
    }
