"""The specialty router: which service a referral letter belongs to.

Linear model over words and letter groups; weights/specialty/model.npz and card.md. Trained on
phrases written for the project (training/referral/specialty_phrases.txt), no letters of patients.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from careloom.ai.triage_text import weighted

MODEL = Path(__file__).parent / "weights" / "specialty" / "model.npz"
_LEFT_OUT = re.compile(
    r"(?im)^[ \t]*(?:past (?:medical )?history|pmhx?|fhx?|family history|allerg\w*|medications?|"
    r"meds|current medications?|drugs|social history|medikation|allergien|alergias|"
    r"antécédents)\b[^\n]*"
    r"|\b(?:no|denies|without|nil|not|keine?|pas de|sin|niega)\s+(?:\w+[ ,/]+){0,3}\w+"
    r"|\b(?:father|mother|sister|brother|aunt|uncle)\b[^.\n]*"
)
"""Parts that speak of something else: history, medicines, relatives, what is denied."""


class SpecialtyRouter:
    """Careloom's own router; a SpecialtyModel of documents.triage."""

    def __init__(self, path: Path = MODEL) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.classes = [str(name) for name in stored["classes"]]
            names = str(stored["terms"]).split("\n")
            idf = stored["idf"].astype(np.float32)
            self._weights = stored["weights"].astype(np.float32)
            self._bias: NDArray[np.float32] = stored["bias"].astype(np.float32)
            self._temperature = float(stored["temperature"])
            self.name = str(stored["name"])
        self._idf = {term: float(value) for term, value in zip(names, idf, strict=True)}
        self._row = {term: index for index, term in enumerate(names)}

    def route(self, text: str) -> list[tuple[str, float]]:
        """Specialties with calibrated probabilities, best first."""
        scores = self.scores(text) / self._temperature
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        order = np.argsort(-chances)
        return [(self.classes[i], float(chances[i])) for i in order]

    def scores(self, text: str) -> NDArray[np.float32]:
        """Uncalibrated scores per class."""
        vector = weighted(_LEFT_OUT.sub(" ", text), self._idf)
        if not vector:
            return self._bias
        rows = [self._row[term] for term in vector]
        values = np.fromiter(vector.values(), np.float32, len(vector))
        return np.asarray(self._bias + values @ self._weights[rows], dtype=np.float32)
