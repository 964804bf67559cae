"""Figures with their intervals, by bootstrap over cases."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS = 2000


@dataclass(frozen=True)
class Row:
    """One figure of the card."""

    case: str
    metric: str
    value: float
    interval: tuple[float, float] | None
    cases: int
    system: str = "careloom"

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def auc(score: Floats, sick: NDArray[np.bool_]) -> float:
    """Area under the ROC curve; ties count half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    positives = int(sick.sum())
    return float(
        (rank[sick].sum() - positives * (positives + 1) / 2) / (positives * (len(sick) - positives))
    )


def expected_calibration_error(
    probability: Floats, sick: NDArray[np.bool_], bins: int = 10
) -> float:
    """Mean distance of predicted and observed share over bins of equal width, by size."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    gaps = [
        abs(probability[place == b].mean() - sick[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(gaps))


def bootstrap(
    measure: Callable[[NDArray[np.int64]], float], cases: int, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of a figure over resampled cases; draws without both classes are repeated."""
    rng = np.random.default_rng(seed)
    values = [measure(rng.integers(0, cases, cases)) for _ in range(DRAWS)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def share(hits: NDArray[np.bool_]) -> tuple[float, tuple[float, float]]:
    """A proportion with its Wilson interval."""
    n, p, z = len(hits), float(np.mean(hits)), 1.959964
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return p, (max(0.0, middle - half), min(1.0, middle + half))
