"""Fitting a classifier: regularisation and calibration by folds that keep a patient together.

Logistic regression with an L2 penalty, or a hundred small trees; the penalty is chosen, and the
confidence calibrated, on cases that the fold's model had not seen. All follows from the seed.
scikit-learn is needed for training only; what is trained runs in ONNX Runtime.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from careloom.ai.learning.encoding import Matrix
from careloom.ai.learning.network import Linear, Network, Trees
from careloom.errors import Unprocessable

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
PENALTIES = (0.01, 0.1, 1.0, 10.0)
_FOLDS = 5
_TREES = 100
_DEPTH = 3
_TEMPERATURES = np.exp(np.linspace(-1.5, 1.5, 61))
_EDGE = 1e-6


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, and how it was chosen."""

    network: Network
    chosen: dict[str, float | str]


def needed(name: str) -> Any:
    """A module that only training needs. Raises Unprocessable that names the extra."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Unprocessable(
            f"Training needs {name.partition('.')[0]}, which is not installed",
            code="train_extra_missing",
            fix="pip install 'careloom[train]'",
        ) from error


def fit(
    matrix: Matrix,
    labels: Whole,
    whose: Sequence[str],
    *,
    algorithm: str,
    sparse: bool,
    seed: int,
) -> Fitted:
    """Fit classes 0 … k-1; `whose` says which rows belong to one patient."""
    folds = _folds(labels, whose, seed)
    if algorithm == "boosting":
        return _boosted(matrix, labels, folds, seed)
    scaled, mean, scale = _scaled(matrix, sparse)
    best: tuple[float, float, Floats] | None = None
    for penalty in PENALTIES:
        scores = _unseen_scores(scaled, labels, folds, penalty, seed)
        loss = _loss(scores, labels)
        if best is None or loss < best[0] - 1e-9:
            best = (loss, penalty, scores)
    if best is None:
        raise AssertionError("no penalty was tried")
    _, penalty, scores = best
    slope, shift = _calibration(scores, labels, seed)
    model = _logistic(penalty, seed).fit(scaled, labels)
    weights = np.asarray(model.coef_, np.float64) / scale * slope
    bias = (np.asarray(model.intercept_, np.float64)) * slope + shift
    bias = bias - weights @ mean
    return Fitted(Linear(weights.T, bias), {"penalty": penalty, "slope": round(slope, 4)})


def _boosted(matrix: Matrix, labels: Whole, folds: list[tuple[Whole, Whole]], seed: int) -> Fitted:
    def trees() -> Any:
        ensemble = needed("sklearn.ensemble")
        return ensemble.GradientBoostingClassifier(
            n_estimators=_TREES, max_depth=_DEPTH, learning_rate=0.1, subsample=0.7,
            min_samples_leaf=10, random_state=seed,
        )  # fmt: skip

    scores = np.zeros((len(labels), 1))
    for inside, outside in folds:
        fold = trees().fit(matrix[inside], labels[inside])
        scores[outside, 0] = fold.decision_function(matrix[outside])
    slope, shift = _calibration(scores, labels, seed)
    whole = trees().fit(matrix, labels)
    start = float(whole.decision_function(matrix[:1])[0]) - sum(
        whole.learning_rate * float(one[0].predict(matrix[:1])[0]) for one in whole.estimators_
    )
    network = Trees(
        [one[0].tree_ for one in whole.estimators_],
        whole.learning_rate * slope,
        start * slope + shift,
    )
    return Fitted(network, {"trees": float(_TREES), "slope": round(slope, 4)})


def _folds(labels: Whole, whose: Sequence[str], seed: int) -> list[tuple[Whole, Whole]]:
    selection = needed("sklearn.model_selection")
    count = min(_FOLDS, len(set(whose)))
    folds = selection.StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    number = {who: place for place, who in enumerate(sorted(set(whose)))}
    groups = np.array([number[who] for who in whose])
    found = [(inside, outside) for inside, outside in folds.split(labels, labels, groups)]
    classes = len(set(labels.tolist()))
    kept = [one for one in found if len(set(labels[one[0]].tolist())) == classes and len(one[1])]
    if len(kept) < 2:
        raise Unprocessable(
            "The cases of one class belong to too few patients to be told apart",
            code="too_few_cases",
            fix="add cases of more patients",
        )
    return kept


def _scaled(matrix: Matrix, sparse: bool) -> tuple[Any, Floats, Floats]:
    """Numbers about zero with deviation one; places of words stay as they are."""
    if sparse:
        width = matrix.shape[1]
        scale = np.abs(matrix).max(axis=0).astype(np.float64)
        scale[scale <= 1] = 1
        return (
            needed("scipy.sparse").csr_matrix(matrix / scale),
            np.zeros(width),
            scale,
        )
    mean = matrix.mean(axis=0, dtype=np.float64)
    scale = matrix.std(axis=0, dtype=np.float64)
    scale[scale < _EDGE] = 1
    return (matrix - mean) / scale, mean, scale


def _logistic(penalty: float, seed: int) -> Any:
    linear = needed("sklearn.linear_model")
    return linear.LogisticRegression(C=penalty, max_iter=1000, random_state=seed)


def _unseen_scores(
    scaled: Any, labels: Whole, folds: list[tuple[Whole, Whole]], penalty: float, seed: int
) -> Floats:
    """Scores of each row by a model that had not seen its patient; rows of a fold that was left
    out have those of the mean."""
    classes = int(labels.max()) + 1
    scores = np.zeros((len(labels), classes if classes > 2 else 1))
    for inside, outside in folds:
        model = _logistic(penalty, seed).fit(scaled[inside], labels[inside])
        found = np.asarray(model.decision_function(scaled[outside]), np.float64)
        scores[outside] = found.reshape(len(outside), -1)
    return scores


def probabilities(scores: Floats) -> Floats:
    """Of each class: a softmax, of two classes the logistic function."""
    if scores.shape[1] == 1:
        chance = 1 / (1 + np.exp(-np.clip(scores[:, 0], -30, 30)))
        return np.stack([1 - chance, chance], axis=1)
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float64)


def _loss(scores: Floats, labels: Whole) -> float:
    chance = probabilities(scores)[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(chance, _EDGE, 1)).mean())


def _calibration(scores: Floats, labels: Whole, seed: int) -> tuple[float, float]:
    """Slope and shift of the scores: Platt's for two classes, a temperature for more.
    https://doi.org/10.48550/arXiv.1706.04599"""
    if scores.shape[1] > 1:
        losses = [_loss(scores * slope, labels) for slope in _TEMPERATURES]
        return float(_TEMPERATURES[int(np.argmin(losses))]), 0.0
    platt = _logistic(1e4, seed).fit(scores, labels)
    slope = float(platt.coef_[0, 0])
    if slope <= 0:
        # The scores say nothing, or the opposite by chance: the share of the class is all there is.
        share = float(np.clip(labels.mean(), _EDGE, 1 - _EDGE))
        return 0.0, float(np.log(share / (1 - share)))
    return slope, float(platt.intercept_[0])
