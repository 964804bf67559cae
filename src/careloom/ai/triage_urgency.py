"""The urgency model: how likely an emergency department triages a patient as level 1 or 2.

A linear model and a forest of small trees over vital signs, age and complaint, averaged and
calibrated; weights/urgency/model.npz and card.md. Used only to raise an urgency that rules have
set (documents.triage), never to lower one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

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


class UrgencyClassifier:
    """Careloom's own model; an UrgencyModel of documents.triage."""

    def __init__(self, path: Path = MODEL) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.name = str(stored["name"])
            self.emergency_from = float(stored["emergency_from"])
            self.urgent_from = float(stored["urgent_from"])
            self._dense = stored["dense"].astype(np.float64)
            self._bias = float(stored["bias"])
            names = str(stored["terms"]).split("\n")
            self._idf = dict(zip(names, stored["idf"].astype(float).tolist(), strict=True))
            self._term = dict(
                zip(names, stored["term_weights"].astype(float).tolist(), strict=True)
            )
            self._scale = float(stored["text_scale"])
            self._slope, self._offset = (float(v) for v in stored["calibration"])
            self._feature, self._threshold, self._left, self._right, self._value, self._roots = (
                stored[key] for key in ("feature", "threshold", "left", "right", "value", "roots")
            )

    def probability(
        self, complaint: str, age: int | None, male: bool | None, signs: dict[str, float]
    ) -> float:
        """Calibrated probability; absent signs are left out of `signs`."""
        known = signs if age is None else {**signs, "age": float(age)}
        linear = self._linear(complaint, male, known)
        forest = self._forest(np.append(plain(complaint, male, known), logit(linear)))
        return 1 / (1 + math.exp(-(self._slope * logit((linear + forest) / 2) + self._offset)))

    def _linear(self, complaint: str, male: bool | None, signs: Mapping[str, float]) -> float:
        score = self._bias + float(structured(complaint, male, signs) @ self._dense)
        for term, value in weighted(complaint, self._idf).items():
            score += self._scale * value * self._term[term]
        return 1 / (1 + math.exp(-score))

    def _forest(self, row: Floats) -> float:
        """Walk all trees at once; a leaf points to itself."""
        nodes = self._roots.copy()
        while True:
            inner = self._left[nodes] != nodes
            if not inner.any():
                return float(self._value[nodes].mean())
            goes_left = row[self._feature[nodes]] <= self._threshold[nodes]
            nodes = np.where(goes_left, self._left[nodes], self._right[nodes])
