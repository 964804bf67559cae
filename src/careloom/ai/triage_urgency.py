"""The urgency model: how likely an emergency department triages a patient as level 1 or 2.

A linear model, a support vector machine and two forests of small trees over vital signs, age and
complaint, averaged and calibrated; weights/urgency/model.npz and card.md. Used only to raise an
urgency that rules have set (documents.triage), never to lower one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from careloom.ai.triage_modifiers import SCALE, SCORED, Bands, modifiers
from careloom.ai.triage_text import weighted

MODEL = Path(__file__).parent / "weights" / "urgency" / "model.npz"
Floats = NDArray[np.float64]

SIGNS: tuple[tuple[str, float, tuple[float, ...]], ...] = (
    ("sbp", 28.0, (90, 100, 110, 140, 160, 180, 200)),
    ("dbp", 15.0, (50, 60, 90, 100, 110)),
    ("hr", 20.0, (50, 60, 80, 90, 100, 110, 120, 130)),
    ("rr", 3.0, (12, 18, 20, 22, 24, 28)),
    ("temp_c", 0.8, (35.5, 36, 37.5, 38, 38.5, 39)),
    ("spo2", 5.0, (90, 92, 94, 96, 98)),
    ("age", 20.0, (18, 30, 40, 50, 60, 70, 80)),
)
"""Name, scale, and the knots between which the effect of a sign is a straight line."""

COMPLAINTS = tuple(
    re.compile(rf"\b(?:{pattern})", re.IGNORECASE)
    for pattern in (
        r"arrest|cpr",
        r"chest (?:pain|discomfort|tight\w*|oppression)|pain,? chest|angina|retrosternal|"
        r"anterior chest",
        r"dyspn\w*|sob\b|short\w* of breath|breath\w*|respirat\w*|choking",
        r"mental|drows\w*|unconscious\w*|alter\w*|unrespons\w*|stupor|coma|confus\w*|loc\b|"
        r"consciousness|delirium|disorient\w*",
        r"seizure|convuls\w*|fit\b",
        r"syncop\w*|collaps\w*|faint\w*|pass\w* out",
        r"weakness|hemipar\w*|hemipleg\w*|palsy|paralysis|motor|side",
        r"dysarthria|slurr\w*|aphasia|speech|facial (?:palsy|droop)|stroke|cva",
        r"numb\w*|paresthe\w*|tingl\w*|hypesthesia",
        r"ha?ematemesis|vomit\w* blood|melena|black stool|tarry|coffee",
        r"hematochezia|rectal bleed\w*|bloody stool|anal bleed\w*",
        r"ha?emopty\w*",
        r"bleed\w*|ha?emorrhage|epistaxis",
        r"intox\w*|overdose|poison\w*|suicid\w*|drug|ingestion|alcohol|pesticide|co\b",
        r"fall\w*|slip|traffic|accident|ta\b|trauma|injur\w*|stab|crush|amput\w*|hit",
        r"palpit\w*|tachy\w*|arrhyth\w*|brady\w*",
        r"fever\w*|chill\w*|febrile|hot",
        r"anaphyl\w*|allerg\w*",
        r"urtic\w*|rash|itch\w*|skin|hives",
        r"abd\w*|epigastric|ruq|rlq|llq|stomach|flank",
        r"back|lbp|lumbar",
        r"dizz\w*|vertigo|giddi\w*",
        r"vomit\w*|nausea|diarr\w*",
        r"headache|head pain",
        r"lacerat\w*|wound|abrasion|cut|bite",
        r"finger|hand|wrist|ankle|foot|toe|knee|elbow|leg|arm|shoulder|thumb|hip",
        r"foreign body|fb\b",
        r"eye|visual|vision|ocular",
        r"tooth|dental|gingiv\w*|throat|ear|nose|nasal",
        r"urin\w*|dysuria|voiding|hematuria|foley",
        r"vagin\w*|pregnan\w*|labor",
        r"tapping|tube|change|removal|check|follow|dressing|transfusion|medication",
        r"anemia|lab|hyperkal\w*|hypogly\w*|hypergly\w*|glucose|bst|hb",
        r"hypotens\w*|shock|low blood pressure",
        r"burn",
        r"general\w* weak\w*|poor oral|malaise|myalgia",
        r"edema|swelling",
        r"jaundice",
        r"cough|sputum|uri\b",
        r"severe|sudden|acute|crushing",
        r"worst|thunder\w*",
        r"pain",
    )
)
_CHEST, _DYSPNOEA, _MENTAL, _SIDE, _BLOOD, _PALPITATION, _FEVER, _ABDOMEN, _DIZZY, _HEAD = (
    1,
    2,
    3,
    6,
    9,
    15,
    16,
    19,
    21,
    23,
)


def structured(complaint: str, male: bool | None, signs: Mapping[str, float]) -> Floats:
    """Dense features. Absent signs give zeros and a mark that they are absent."""
    values: list[float] = []
    for name, scale, knots in SIGNS:
        value = signs.get(name)
        values.append(float(value is None))
        values += [0.0 if value is None else max(0.0, value - knot) / scale for knot in knots]
        values += [0.0 if value is None else max(0.0, knot - value) / scale for knot in knots[:2]]
    values += [
        0.5 if male is None else float(male),
        signs.get("not_alert", 0.0),
        signs.get("injury", 0.0),
        signs.get("ambulance", 0.0),
        float("pain" in signs),
        signs.get("pain", 0.0) / 10,
    ]
    groups = [float(bool(pattern.search(complaint))) for pattern in COMPLAINTS]
    over = {
        "sat": max(0.0, 96 - signs.get("spo2", 98)) / 4,
        "hr": max(0.0, signs.get("hr", 80) - 90) / 20,
        "old": max(0.0, signs.get("age", 50) - 45) / 20,
        "rr": max(0.0, signs.get("rr", 18) - 20) / 4,
        "pain": signs.get("pain", 0.0) / 10,
        "low": max(0.0, 110 - signs.get("sbp", 120)) / 20,
    }
    pairs = (
        (_CHEST, "old"),
        (_DYSPNOEA, "sat"),
        (_DYSPNOEA, "old"),
        (_DYSPNOEA, "rr"),
        (_FEVER, "hr"),
        (_BLOOD, "hr"),
        (_BLOOD, "low"),
        (_SIDE, "old"),
        (_MENTAL, "old"),
        (_PALPITATION, "hr"),
        (_DIZZY, "old"),
        (_HEAD, "old"),
        (_CHEST, "pain"),
        (_HEAD, "pain"),
        (_ABDOMEN, "pain"),
    )
    values += groups
    values += [groups[index] * over[name] for index, name in pairs]
    values.append(signs.get("hr", 80) / max(40.0, signs.get("sbp", 120)))
    return np.array(values)


def plain(complaint: str, male: bool | None, signs: Mapping[str, float]) -> Floats:
    """Features of the trees: the signs as they are (-1 where absent) and the complaint groups."""
    values = [signs.get(name, -1.0) for name, _, _ in SIGNS]
    values += [
        0.5 if male is None else float(male),
        signs.get("not_alert", 0.0),
        signs.get("injury", 0.0),
        signs.get("ambulance", 0.0),
        signs.get("pain", -1.0),
    ]
    values += [float(bool(pattern.search(complaint))) for pattern in COMPLAINTS]
    return np.array(values)


def logit(chance: float) -> float:
    """log(p / (1 - p)), bounded."""
    chance = min(max(chance, 1e-4), 1 - 1e-4)
    return math.log(chance / (1 - chance))


def grouped(complaint: str) -> list[bool]:
    """Which groups of complaints a complaint belongs to."""
    return [bool(pattern.search(complaint)) for pattern in COMPLAINTS]


def rich(
    complaint: str, male: bool | None, signs: Mapping[str, float], bands: Bands
) -> tuple[Floats, Floats]:
    """Features of the linear model and the vector machine, and those of the trees."""
    extra = modifiers(grouped(complaint), len(complaint.split()), signs, bands)
    return (
        np.concatenate((structured(complaint, male, signs), extra)),
        np.concatenate((plain(complaint, male, signs), extra)),
    )


def tree_logit(chance: float) -> float:
    """Log odds of a forest's vote, which is never certain."""
    return logit(min(max(chance, 0.01), 0.99))


class Forest:
    """Trees as arrays; a leaf points to itself."""

    def __init__(self, stored: Mapping[str, NDArray[Any]], name: str) -> None:
        self._feature, self._threshold, self._left, self._right, self._value, self._roots = (
            stored[f"{name}_{part}"]
            for part in ("feature", "threshold", "left", "right", "value", "roots")
        )

    def mean(self, row: Floats) -> float:
        """Mean over all trees, walked at once. The cuts were learned on single precision."""
        row = row.astype(np.float32)
        nodes = self._roots.copy()
        while True:
            inner = self._left[nodes] != nodes
            if not inner.any():
                return float(self._value[nodes].mean())
            goes_left = row[self._feature[nodes]] <= self._threshold[nodes]
            nodes = np.where(goes_left, self._left[nodes], self._right[nodes])


class UrgencyClassifier:
    """Careloom's own model; an UrgencyModel of documents.triage."""

    def __init__(self, path: Path = MODEL) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.name = str(stored["name"])
            self.emergency_from = float(stored["emergency_from"])
            self.urgent_from = float(stored["urgent_from"])
            self.doubt_from = float(stored["doubt_from"])
            names = str(stored["terms"]).split("\n")
            self._idf = dict(zip(names, stored["idf"].astype(float).tolist(), strict=True))
            self._row = {name: index for index, name in enumerate(names)}
            self._scale = float(stored["text_scale"])
            self._dense = stored["dense"].astype(np.float64)
            self._bias = float(stored["bias"])
            self._term_weights = stored["term_weights"].astype(np.float64)
            self._text_axes = stored["text_axes"].astype(np.float64)
            self._centre = stored["centre"].astype(np.float64)
            self._spread = stored["spread"].astype(np.float64)
            self._supports = stored["supports"].astype(np.float64)
            self._dual = stored["dual"].astype(np.float64)
            self._intercept = float(stored["intercept"])
            self._bands = {name: stored[f"bands_{name}"] for name in SCORED}
            self._divisors = np.array(SCALE, float)
            self._levels = stored["levels"].astype(np.float64)
            self._slope, self._offset = (float(v) for v in stored["calibration"])
            self._yes_or_no, self._level = Forest(stored, "class"), Forest(stored, "level")

    def probability(
        self, complaint: str, age: int | None, male: bool | None, signs: dict[str, float]
    ) -> float:
        """Calibrated probability; absent signs are left out of `signs`."""
        known = signs if age is None else {**signs, "age": float(age)}
        dense, bare = rich(complaint, male, known, self._bands)
        words = weighted(complaint, self._idf)
        rows = [self._row[term] for term in words]
        values = self._scale * np.fromiter(words.values(), float, len(words))
        linear = self._linear(dense, rows, values)
        machine = self._machine(dense, rows, values)
        row = np.concatenate((bare, (linear, machine)))
        opinions = np.array(
            (linear, machine, tree_logit(self._yes_or_no.mean(row)), self._level.mean(row))
        )
        score = float(((opinions - self._levels[0]) / self._levels[1]).mean())
        return 1 / (1 + math.exp(-(self._slope * score + self._offset)))

    def _linear(self, dense: Floats, rows: list[int], values: Floats) -> float:
        """Log odds of the logistic regression."""
        scaled = dense.copy()
        scaled[-len(self._divisors) :] /= self._divisors
        score = self._bias + float(scaled @ self._dense + values @ self._term_weights[rows])
        return logit(1 / (1 + math.exp(-score)))

    def _machine(self, dense: Floats, rows: list[int], values: Floats) -> float:
        """Decision of the support vector machine (radial kernel of width one)."""
        signs = (dense - self._centre) / self._spread / math.sqrt(len(dense))
        text = values @ self._text_axes[rows] / self._scale
        away = self._supports - np.concatenate((signs, text))
        return self._intercept + float(self._dual @ np.exp(-(away * away).sum(axis=1)))
