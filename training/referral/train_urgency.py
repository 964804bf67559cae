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
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from careloom.ai.triage_text import terms, weighted
from careloom.ai.triage_urgency import MODEL, logit, plain, structured

TEXT_SCALE = 1.5
NURSESIM_WEIGHT = 0.5


@dataclass
class Cases:
    """Complaints, sex, signs, and whether the level was 1 or 2."""

    complaints: list[str]
    male: list[bool | None]
    signs: list[dict[str, float]]
    label: np.ndarray

    def take(self, rows: np.ndarray) -> Cases:
        """Some of them."""
        return Cases(
            [self.complaints[i] for i in rows],
            [self.male[i] for i in rows],
            [self.signs[i] for i in rows],
            self.label[rows],
        )

    def join(self, other: Cases) -> Cases:
        """Both."""
        return Cases(
            self.complaints + other.complaints,
            self.male + other.male,
            self.signs + other.signs,
            np.concatenate((self.label, other.label)),
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
    )


def nursesim() -> Cases:
    """Synthetic scenarios; category 1 and 2 against the rest."""
    path = Path(os.environ["CARELOOM_TEST_DATA"]) / "nursesim/gpt_scenarios.json"
    complaints, male, signs, labels = [], [], [], []
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
            labels.append(int(level) <= 2)
    return Cases(complaints, male, signs, np.array(labels, int))


class Linear:
    """Logistic regression over signs, complaint groups and the complaint's letters."""

    def __init__(self, cases: Cases, weights: np.ndarray) -> None:
        counts: Counter[str] = Counter()
        for text in cases.complaints:
            counts.update(set(terms(text)))
        total = len(cases.complaints)
        self.idf = {t: math.log((1 + total) / (1 + c)) + 1 for t, c in counts.items() if c >= 2}
        self.row = {t: i for i, t in enumerate(self.idf)}
        self.model = LogisticRegression(C=0.5, max_iter=3000)
        self.model.fit(self.matrix(cases), cases.label, sample_weight=weights)

    def matrix(self, cases: Cases) -> csr_matrix:
        """Dense and text features side by side."""
        dense = np.array(
            [
                structured(c, m, s)
                for c, m, s in zip(cases.complaints, cases.male, cases.signs, strict=True)
            ]
        )
        data, columns, starts = [], [], [0]
        for text in cases.complaints:
            vector = weighted(text, self.idf)
            data += [TEXT_SCALE * v for v in vector.values()]
            columns += [self.row[t] for t in vector]
            starts.append(len(data))
        text_part = csr_matrix(
            (data, columns, starts), shape=(len(cases.complaints), len(self.row))
        )
        return hstack([csr_matrix(dense), text_part]).tocsr()

    def predict(self, cases: Cases) -> np.ndarray:
        """Probabilities."""
        return self.model.predict_proba(self.matrix(cases))[:, 1]


class Stack:
    """The whole model as it is shipped."""

    def __init__(self, cases: Cases, weights: np.ndarray, seed: int, trees: int = 300) -> None:
        inner = np.zeros(len(cases.label))
        folds = StratifiedKFold(5, shuffle=True, random_state=seed)
        for fit, held in folds.split(inner, cases.label):
            inner[held] = Linear(cases.take(fit), weights[fit]).predict(cases.take(held))
        self.linear = Linear(cases, weights)
        self.forest = ExtraTreesClassifier(
            trees,
            min_samples_leaf=3,
            max_features=0.3,
            bootstrap=True,
            oob_score=True,
            random_state=seed,
        )
        self.forest.fit(self.rows(cases, inner), cases.label, sample_weight=weights)
        mixed = (inner + self.forest.oob_decision_function_[:, 1]) / 2
        own = weights == 1.0
        scores = np.array([[logit(p)] for p in mixed[own]])
        self.platt = LogisticRegression(C=100.0).fit(scores, cases.label[own])

    @staticmethod
    def rows(cases: Cases, linear: np.ndarray) -> np.ndarray:
        """Features of the trees."""
        return np.array(
            [
                np.append(plain(c, m, s), logit(p))
                for c, m, s, p in zip(
                    cases.complaints, cases.male, cases.signs, linear, strict=True
                )
            ]
        )

    def predict(self, cases: Cases) -> np.ndarray:
        """Calibrated probabilities."""
        linear = self.linear.predict(cases)
        forest = self.forest.predict_proba(self.rows(cases, linear))[:, 1]
        scores = np.array([[logit(p)] for p in (linear + forest) / 2])
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


def thresholds(chance: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """(emergency, urgent): above the first 70 % are level 1 or 2; the second misses a tenth."""
    order = np.argsort(-chance)
    precision = np.cumsum(label[order]) / np.arange(1, len(label) + 1)
    emergency = float(chance[order][np.flatnonzero(precision >= 0.7).max()])
    reached = np.cumsum(label[order]) / label.sum()
    return emergency, float(chance[order][np.argmax(reached >= 0.9)])


def export(stack: Stack, limits: tuple[float, float], path: Path = MODEL) -> None:
    """Weights and trees as arrays."""
    feature, cut, left, right, value, roots = [], [], [], [], [], []
    for tree in (e.tree_ for e in stack.forest.estimators_):
        base = sum(len(f) for f in feature)
        roots.append(base)
        leaf = tree.children_left < 0
        own = np.arange(tree.node_count)
        feature.append(np.where(leaf, 0, tree.feature))
        cut.append(tree.threshold)
        left.append(np.where(leaf, own, tree.children_left) + base)
        right.append(np.where(leaf, own, tree.children_right) + base)
        shares = tree.value[:, 0, :]
        value.append(shares[:, 1] / shares.sum(1))
    linear = stack.linear
    width = len(structured("", None, {}))
    coefficients = linear.model.coef_[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        path,
        name=np.array("careloom-urgency-1"),
        dense=coefficients[:width],
        bias=linear.model.intercept_[0],
        terms=np.array("\n".join(linear.idf)),
        idf=np.array(list(linear.idf.values()), np.float32),
        term_weights=coefficients[width:].astype(np.float32),
        text_scale=np.array(TEXT_SCALE),
        calibration=np.array([stack.platt.coef_[0, 0], stack.platt.intercept_[0]]),
        feature=np.concatenate(feature).astype(np.int16),
        threshold=np.concatenate(cut).astype(np.float32),
        left=np.concatenate(left).astype(np.int32),
        right=np.concatenate(right).astype(np.int32),
        value=np.concatenate(value).astype(np.float32),
        roots=np.array(roots, np.int32),
        emergency_from=np.array(limits[0]),
        urgent_from=np.array(limits[1]),
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
    print("emergency from, urgent from", limits)
    weights = np.concatenate(
        (np.ones(len(cases.label)), np.full(len(extra.label), NURSESIM_WEIGHT))
    )
    export(Stack(cases.join(extra), weights, 0), limits)


if __name__ == "__main__":
    main()
