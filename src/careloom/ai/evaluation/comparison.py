"""Two evaluations on the same cases: what got better, what got worse, and whether it is chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from careloom.ai.evaluation.intervals import bootstrap
from careloom.ai.evaluation.measures import ranking
from careloom.ai.evaluation.outcomes import Floats, Outcome
from careloom.types import JsonObject


def compared(
    before: Mapping[str, Outcome], after: Mapping[str, Outcome], positive: str | None = None
) -> JsonObject:
    """Over the cases that both have: cases gained and lost by id, the differences of accuracy, of
    the area under the ROC curve and of the Brier score with their intervals, case by case paired,
    and McNemar's exact p. https://doi.org/10.1007/BF02295996"""
    common = sorted(before.keys() & after.keys())
    gained = [one for one in common if after[one].right and not before[one].right]
    lost = [one for one in common if before[one].right and not after[one].right]
    steps = np.array([float(after[one].right) - float(before[one].right) for one in common])

    def measure(weights: Floats) -> float:
        return float((weights * steps).sum() / weights.sum())

    return {
        "cases": len(common),
        "onlyBefore": len(before) - len(common),
        "onlyAfter": len(after) - len(common),
        "gained": gained,
        "lost": lost,
        "accuracy": bootstrap(len(common), measure),
        **_of_scores(before, after, common, positive),
        "p": mcnemar(len(gained), len(lost)),
    }


def _of_scores(
    before: Mapping[str, Outcome],
    after: Mapping[str, Outcome],
    common: Sequence[str],
    positive: str | None,
) -> JsonObject:
    """Differences that need a positive class, and scores by both."""
    scored = [one for one in common if None not in (before[one].score, after[one].score)]
    if positive is None or not scored:
        return {"auc": None, "brier": None}
    earlier, later = ([by[one] for one in scored] for by in (before, after))
    ranked = [ranking(part, positive) for part in (earlier, later)]
    is_it = np.array([one.expected == positive for one in later], dtype=np.float64)
    old, new = (
        np.array([one.score for one in part], dtype=np.float64) for part in (earlier, later)
    )
    gaps = (new - is_it) ** 2 - (old - is_it) ** 2
    return {
        "auc": bootstrap(len(scored), lambda weights: ranked[1](weights) - ranked[0](weights)),
        "brier": bootstrap(
            len(scored), lambda weights: float((weights * gaps).sum() / weights.sum())
        ),
    }


def mcnemar(gained: int, lost: int) -> float:
    """The chance of a split at least so uneven, were both as good."""
    count, less = gained + lost, min(gained, lost)
    if not count:
        return 1.0
    tail = sum(math.comb(count, number) for number in range(less + 1))
    # Whole numbers: 0.5 ** 5000 would be no number any more.
    return round(min(1.0, float((2 * tail * 10**9) // (1 << count)) / 10**9), 6)
