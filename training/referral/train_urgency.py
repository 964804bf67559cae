"""Trains the urgency model on the KTAS and NurseSim data and prints its figures.

Run: CARELOOM_TEST_DATA=… python training/referral/train_urgency.py
Ten-fold cross-validation with three seeds on KTAS (expert level 1 or 2 against 3 to 5); everything
learned from data, the calibration too, is fitted inside each training part. NurseSim is added to
every training part and, in a run of its own, kept out to see how the model transfers.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from careloom.ai.triage_modifiers import SCALE, SCORED
from careloom.ai.triage_text import terms, weighted
from careloom.ai.triage_urgency import MODEL, logit, rich, tree_logit
from careloom.documents.news2 import PULSE, RESPIRATION, SATURATION, SYSTOLIC, TEMPERATURE

TEXT_SCALE = 1.5
TEXT_AXES = 60
NURSESIM_WEIGHT = 0.5


@dataclass
class Cases:
    """Complaints, sex, signs, whether the level was 1 or 2, and the level."""

    complaints: list[str]
    male: list[bool | None]
    signs: list[dict[str, float]]
    label: np.ndarray
    level: np.ndarray

    def take(self, rows: np.ndarray) -> Cases:
        """Some of them."""
        return Cases(
            [self.complaints[i] for i in rows],
            [self.male[i] for i in rows],
            [self.signs[i] for i in rows],
            self.label[rows],
            self.level[rows],
        )

    def join(self, other: Cases) -> Cases:
        """Both."""
        return Cases(
            self.complaints + other.complaints,
            self.male + other.male,
            self.signs + other.signs,
            np.concatenate((self.label, other.label)),
            np.concatenate((self.level, other.level)),
        )


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def ktas() -> Cases:
    """The KTAS visits; nurse's level, diagnosis and disposition are left out (they come later)."""
    path = Path(os.environ["CARELOOM_TEST_DATA"]) / "ktas_triage/data.csv"
    with path.open(encoding="latin-1") as stream:
        rows = list(csv.DictReader(stream, delimiter=";"))
    signs = []
    for row in rows:
        read = {
            "sbp": _number(row["SBP"]),
            "dbp": _number(row["DBP"]),
            "hr": _number(row["HR"]),
            "rr": _number(row["RR"]),
            "temp_c": _number(row["BT"]),
            "spo2": _number(row["Saturation"]),
            "age": _number(row["Age"]),
        }
        made = {k: v for k, v in read.items() if v is not None and v > 0}
        pain = _number(row["NRS_pain"])
        if row["Pain"] == "1" and pain is not None:
            made["pain"] = pain
        made["not_alert"] = float(row["Mental"] != "1")
        made["injury"] = float(row["Injury"] == "2")
        made["ambulance"] = float(row["Arrival mode"] == "2")
        signs.append(made)
    return Cases(
        [row["Chief_complain"].lower() for row in rows],
        [row["Sex"] == "2" for row in rows],
        signs,
        np.array([int(row["KTAS_expert"]) <= 2 for row in rows], int),
        np.array([int(row["KTAS_expert"]) for row in rows], float),
    )


def nursesim() -> Cases:
    """Synthetic scenarios; category 1 and 2 against the rest."""
    path = Path(os.environ["CARELOOM_TEST_DATA"]) / "nursesim/gpt_scenarios.json"
    complaints, male, signs, levels = [], [], [], []
    for level, items in json.loads(path.read_text()).items():
        for item in items:
            v, h = item["vitals"], item["history"]
            made = {
                "hr": v.get("hr"),
                "sbp": v.get("bp_sys"),
                "dbp": v.get("bp_dia"),
                "spo2": v.get("spo2"),
                "rr": v.get("rr"),
                "temp_c": v.get("temp"),
                "age": h.get("age"),
            }
            kept = {k: float(x) for k, x in made.items() if isinstance(x, int | float)}
            kept["not_alert"] = float(v.get("avpu", "A") != "A")
            complaints.append(item["chief_complaint"].lower())
            male.append({"male": True, "female": False}.get(h.get("gender", "")))
            signs.append(kept)
            levels.append(int(level))
    made = np.array(levels)
    return Cases(complaints, male, signs, (made <= 2).astype(int), made.astype(float))


def bands() -> dict[str, np.ndarray]:
    """Points of NEWS2 a sign, as the model keeps them."""
    scored = zip(SCORED, (RESPIRATION, SATURATION, SYSTOLIC, PULSE, TEMPERATURE), strict=True)
    return {name: np.array(points, float) for name, points in scored}


class Features:
    """Signs, modifiers and words of visits as numbers; the words are learned from some of them."""

    def __init__(self, cases: Cases) -> None:
        counts: Counter[str] = Counter()
        for text in cases.complaints:
            counts.update(set(terms(text)))
        total = len(cases.complaints)
        self.idf = {t: math.log((1 + total) / (1 + c)) + 1 for t, c in counts.items() if c >= 2}
        self.row = {t: i for i, t in enumerate(self.idf)}
        self.bands = bands()

    def signs(self, cases: Cases) -> tuple[np.ndarray, np.ndarray]:
        """Features of the linear model and the machine, and of the trees."""
        both = [
            rich(c, m, s, self.bands)
            for c, m, s in zip(cases.complaints, cases.male, cases.signs, strict=True)
        ]
        return np.array([a for a, _ in both]), np.array([b for _, b in both])

    def words(self, cases: Cases) -> csr_matrix:
        """Terms of the complaints."""
        data, columns, starts = [], [], [0]
        for text in cases.complaints:
            vector = weighted(text, self.idf)
            data += [TEXT_SCALE * v for v in vector.values()]
            columns += [self.row[t] for t in vector]
            starts.append(len(data))
        return csr_matrix((data, columns, starts), shape=(len(starts) - 1, len(self.row)))


class FirstLevel:
    """The linear model and the support vector machine."""

    def __init__(self, cases: Cases, weights: np.ndarray, seed: int) -> None:
        self.features = Features(cases)
        dense, _ = self.features.signs(cases)
        words = self.features.words(cases)
        self.linear = LogisticRegression(C=0.5, max_iter=3000)
        self.linear.fit(self._side_by_side(dense, words), cases.label, sample_weight=weights)
        self.axes = TruncatedSVD(TEXT_AXES, random_state=seed).fit(words)
        self.scaler = StandardScaler().fit(dense)
        self.machine = SVC(C=3.0, gamma=1.0)
        self.machine.fit(self._mixed(dense, words), cases.label, sample_weight=weights)

    @staticmethod
    def _side_by_side(dense: np.ndarray, words: csr_matrix) -> csr_matrix:
        scaled = dense.copy()
        scaled[:, -len(SCALE) :] /= np.array(SCALE, float)
        return hstack([csr_matrix(scaled), words]).tocsr()

    def _mixed(self, dense: np.ndarray, words: csr_matrix) -> np.ndarray:
        signs = self.scaler.transform(dense) / math.sqrt(dense.shape[1])
        return np.hstack((signs, self.axes.transform(words) / TEXT_SCALE))

    def opinions(self, cases: Cases) -> np.ndarray:
        """Two columns: log odds of the linear model, decision of the machine."""
        dense, _ = self.features.signs(cases)
        words = self.features.words(cases)
        chances = self.linear.predict_proba(self._side_by_side(dense, words))[:, 1]
        decisions = self.machine.decision_function(self._mixed(dense, words))
        return np.column_stack(([logit(p) for p in chances], decisions))


class SecondLevel:
    """Two forests over the signs and the first level's opinions: yes or no, and the level."""

    def __init__(
        self, rows: np.ndarray, cases: Cases, weights: np.ndarray, seed: int, trees: int
    ) -> None:
        setting = {"min_samples_leaf": 3, "max_features": 0.3, "random_state": seed}
        self.classes = ExtraTreesClassifier(trees, **setting)
        self.classes.fit(rows, cases.label, sample_weight=weights)
        self.levels = ExtraTreesRegressor(trees, **setting)
        self.levels.fit(rows, np.maximum(0, 4 - cases.level), sample_weight=weights)

    def opinions(self, rows: np.ndarray) -> np.ndarray:
        """Two columns: log odds of the votes, mean level counted from the calm end."""
        votes = self.classes.predict_proba(rows)[:, 1]
        return np.column_stack(([tree_logit(p) for p in votes], self.levels.predict(rows)))


class Stack:
    """The whole model as it is shipped. What a later part learns from is out of fold."""

    def __init__(self, cases: Cases, weights: np.ndarray, seed: int, trees: int = 300) -> None:
        folds = list(
            StratifiedKFold(5, shuffle=True, random_state=seed).split(weights, cases.label)
        )
        first = np.zeros((len(weights), 2))
        for fit, held in folds:
            part = FirstLevel(cases.take(fit), weights[fit], seed)
            first[held] = part.opinions(cases.take(held))
        self.first = FirstLevel(cases, weights, seed)
        rows = np.hstack((self.first.features.signs(cases)[1], first))
        second = np.zeros((len(weights), 2))
        for fit, held in folds:
            some = SecondLevel(rows[fit], cases.take(fit), weights[fit], seed, trees // 2)
            second[held] = some.opinions(rows[held])
        self.second = SecondLevel(rows, cases, weights, seed, trees)
        inner = np.hstack((first, second))
        self.levels = np.array((inner.mean(0), inner.std(0)))
        own = weights == 1.0
        scores = ((inner - self.levels[0]) / self.levels[1]).mean(1, keepdims=True)
        self.platt = LogisticRegression(C=100.0).fit(scores[own], cases.label[own])

    def predict(self, cases: Cases) -> np.ndarray:
        """Calibrated probabilities."""
        first = self.first.opinions(cases)
        rows = np.hstack((self.first.features.signs(cases)[1], first))
        opinions = np.hstack((first, self.second.opinions(rows)))
        scores = ((opinions - self.levels[0]) / self.levels[1]).mean(1, keepdims=True)
        return self.platt.predict_proba(scores)[:, 1]


def calibration_error(chance: np.ndarray, label: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error over bins of equal count."""
    parts = np.array_split(np.argsort(chance), bins)
    return float(sum(abs(chance[p].mean() - label[p].mean()) * len(p) for p in parts) / len(label))


def interval(values: np.ndarray, label: np.ndarray, seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(1000):
        rows = rng.integers(0, len(label), len(label))
        if 0 < label[rows].sum() < len(label):
            found.append(roc_auc_score(label[rows], values[rows]))
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def cross_validate(
    cases: Cases, extra: Cases, seeds: tuple[int, ...] = (0, 1, 2), folds: int = 10
) -> dict[str, object]:
    """Out-of-fold figures."""
    aucs, errors, all_chances = [], [], []
    weights = np.concatenate(
        (np.ones(len(cases.label)), np.full(len(extra.label), NURSESIM_WEIGHT))
    )
    for seed in seeds:
        chance = np.zeros(len(cases.label))
        for fit, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(
            chance, cases.label
        ):
            part = cases.take(fit).join(extra)
            part_weights = np.concatenate((weights[fit], weights[len(cases.label) :]))
            chance[held] = Stack(part, part_weights, seed, 200).predict(cases.take(held))
        aucs.append(float(roc_auc_score(cases.label, chance)))
        errors.append(calibration_error(chance, cases.label))
        all_chances.append(chance)
        print(f"seed {seed} AUC {aucs[-1]:.4f} ECE {errors[-1]:.4f}", flush=True)
    mean = np.mean(all_chances, axis=0)
    return {
        "auc": aucs,
        "ece": errors,
        "interval": interval(mean, cases.label),
        "chance": mean,
        "auc_of_mean": float(roc_auc_score(cases.label, mean)),
    }


URGENT_FROM = 0.2
"""An urgent case missed costs as much as four calm ones called urgent: 1 / (1 + 4)."""


def thresholds(chance: np.ndarray, label: np.ndarray) -> tuple[float, float, float]:
    """(emergency, urgent, doubt): above the first 80 % of the visits are level 1 or 2, above the
    last lie 90 % of those that are. Letters are calmer than visits, and red flags and NEWS2 have
    called the plain emergencies already."""
    order = np.argsort(-chance)
    right = np.cumsum(label[order])
    emergency = np.flatnonzero(right / np.arange(1, len(label) + 1) >= 0.8).max()
    doubt = np.argmax(right / label.sum() >= 0.9)
    return float(chance[order][emergency]), URGENT_FROM, float(chance[order][doubt])


def as_arrays(
    forest: ExtraTreesClassifier | ExtraTreesRegressor, name: str
) -> dict[str, np.ndarray]:
    """Trees for triage_urgency.Forest."""
    feature, cut, left, right, value, roots = [], [], [], [], [], []
    for tree in (e.tree_ for e in forest.estimators_):
        base = sum(len(f) for f in feature)
        roots.append(base)
        leaf = tree.children_left < 0
        own = np.arange(tree.node_count)
        feature.append(np.where(leaf, 0, tree.feature))
        cut.append(tree.threshold)
        left.append(np.where(leaf, own, tree.children_left) + base)
        right.append(np.where(leaf, own, tree.children_right) + base)
        shares = tree.value[:, 0, :]
        value.append(shares[:, 1] / shares.sum(1) if shares.shape[1] == 2 else shares[:, 0])
    return {
        f"{name}_feature": np.concatenate(feature).astype(np.int16),
        f"{name}_threshold": np.concatenate(cut).astype(np.float32),
        f"{name}_left": np.concatenate(left).astype(np.int32),
        f"{name}_right": np.concatenate(right).astype(np.int32),
        f"{name}_value": np.concatenate(value).astype(np.float32),
        f"{name}_roots": np.array(roots, np.int32),
    }


def export(stack: Stack, limits: tuple[float, float, float], path: Path = MODEL) -> None:
    """Weights, vectors and trees as arrays."""
    first = stack.first
    width = len(first.scaler.mean_)
    coefficients = first.linear.coef_[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        name=np.array("careloom-urgency-2"),
        dense=coefficients[:width],
        bias=first.linear.intercept_[0],
        terms=np.array("\n".join(first.features.idf)),
        idf=np.array(list(first.features.idf.values()), np.float32),
        term_weights=coefficients[width:].astype(np.float32),
        text_scale=np.array(TEXT_SCALE),
        text_axes=first.axes.components_.T.astype(np.float16),
        centre=first.scaler.mean_,
        spread=first.scaler.scale_,
        supports=first.machine.support_vectors_.astype(np.float32),
        dual=first.machine.dual_coef_[0],
        intercept=first.machine.intercept_[0],
        levels=stack.levels,
        calibration=np.array([stack.platt.coef_[0, 0], stack.platt.intercept_[0]]),
        emergency_from=np.array(limits[0]),
        urgent_from=np.array(limits[1]),
        doubt_from=np.array(limits[2]),
        **{f"bands_{name}": points for name, points in bands().items()},
        **as_arrays(stack.second.classes, "class"),
        **as_arrays(stack.second.levels, "level"),
    )
    print("bytes", path.stat().st_size)


def main() -> None:
    """Cross-validate, fit on everything, store."""
    cases, extra = ktas(), nursesim()
    print(len(cases.label), "KTAS visits,", int(cases.label.sum()), "of level 1 or 2")
    figures = cross_validate(cases, extra)
    print("AUC", figures["auc"], "interval of the mean", figures["interval"], "ECE", figures["ece"])
    alone = Stack(cases, np.ones(len(cases.label)), 0)
    print(
        "trained on KTAS alone, AUC on NurseSim",
        round(float(roc_auc_score(extra.label, alone.predict(extra))), 3),
    )
    limits = thresholds(np.asarray(figures["chance"]), cases.label)
    print("emergency, urgent, doubt from", limits)
    weights = np.concatenate(
        (np.ones(len(cases.label)), np.full(len(extra.label), NURSESIM_WEIGHT))
    )
    export(Stack(cases.join(extra), weights, 0), limits)


if __name__ == "__main__":
    main()
