"""A version of a trained model as it answers: ONNX Runtime over the encoded features.

What pushed the answer is found by asking again: for each feature, what would the probability be had
it its usual value (of a text: without the word)? That holds for every kind of model, and says what
the model did, not what is true.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from careloom.ai.learning.definition import Definition
from careloom.ai.learning.encoding import Encoding, words
from careloom.types import Json, JsonObject

Floats = NDArray[np.float64]
MOST_FACTORS = 5
_LEAST_PUSH = 0.005
_MOST_WORDS = 100


@dataclass(frozen=True, slots=True)
class Trained:
    """What is kept of a version, sealed."""

    onnx: bytes
    encoding: Encoding
    classes: list[str]
    patients: list[str]
    """Ids of the patients it learned from, so that erasures can be counted."""

    def to_json(self) -> JsonObject:
        return {
            "onnx": base64.b64encode(self.onnx).decode(),
            "parts": self.encoding.parts,
            "classes": self.classes,
            "patients": self.patients,
        }

    @classmethod
    def of(cls, kept: JsonObject) -> Trained:
        encoding = Encoding(kept["parts"])
        return cls(base64.b64decode(kept["onnx"]), encoding, kept["classes"], kept["patients"])

    @property
    def digest(self) -> str:
        """SHA-256 of all that an answer depends on."""
        told = repr((self.encoding.parts, self.classes)).encode()
        return hashlib.sha256(self.onnx + told).hexdigest()


class Answering:
    """Loaded and ready."""

    def __init__(self, definition: Definition, trained: Trained, version: str) -> None:
        # ONNX Runtime takes a second to import: not before a trained model is asked.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            trained.onnx, options, providers=["CPUExecutionProvider"]
        )
        self.definition = definition
        self.version = version
        self._encoding = trained.encoding
        self._classes = trained.classes

    def probabilities(self, rows: Sequence[Mapping[str, Json]]) -> Floats:
        """Of each class, by row."""
        found = self._session.run(["p"], {"x": self._encoding.all(rows)})[0]
        return np.asarray(found, np.float64)

    def answer(self, features: Mapping[str, Json]) -> JsonObject:
        """{"label", "probability", "confidence", "factors", "model", "version"} and the label under
        its own name. `probability` is that of the positive class, where there is one."""
        changed = self._changed(features)
        chances = self.probabilities([features, *(one for _, one in changed)])
        place, told = self._decided(chances[0])
        column = self._positive if self._positive is not None else place
        pushes = chances[0, column] - chances[1:, column]
        factors = [
            {**about, "push": round(float(push), 4)}
            for (about, _), push in zip(changed, pushes, strict=True)
            if abs(push) >= _LEAST_PUSH
        ]
        factors.sort(key=lambda one: (-abs(one["push"]), str(one)))
        label = self._classes[place]
        return {
            **told,
            # What the class's share alone says is no answer about this case: a person looks at it.
            **({"confidence": 0.0} if self._encoding.is_blank(features) else {}),
            "label": label,
            self.definition.label: label,
            "factors": factors[:MOST_FACTORS],
            "model": self.definition.reference,
            "version": self.version,
        }

    def decided(self, chance: Floats) -> tuple[str, float, float | None]:
        """(label, confidence, probability of the positive class) of one row of probabilities."""
        place, told = self._decided(chance)
        return self._classes[place], told["confidence"], told["probability"]

    @property
    def _positive(self) -> int | None:
        positive = self.definition.positive
        return self._classes.index(positive) if positive in self._classes else None

    def _decided(self, chance: Floats) -> tuple[int, JsonObject]:
        positive = self._positive
        if positive is not None and len(chance) == 2:
            is_it = bool(chance[positive] >= self.definition.threshold)
            place = positive if is_it else 1 - positive
        else:
            place = int(np.argmax(chance))
        return place, {
            "probability": None if positive is None else round(float(chance[positive]), 4),
            "confidence": round(float(chance[place]), 4),
        }

    def _changed(self, features: Mapping[str, Json]) -> list[tuple[JsonObject, Mapping[str, Json]]]:
        """The features one by one as most cases have them, and a text without each of its words."""
        found: list[tuple[JsonObject, Mapping[str, Json]]] = []
        for part in self._encoding.parts:
            name = part["name"]
            value = features.get(name)
            if part["type"] != "text":
                usual = part["usual"]
                if value is not None and value != usual:
                    about = {"feature": name, "title": part["title"], "value": value}
                    found.append((about | {"usual": usual}, {**features, name: usual}))
                continue
            said = words(value)
            for word in list(dict.fromkeys(said))[:_MOST_WORDS]:
                left = " ".join(one for one in said if one != word)
                found.append(({"feature": name, "word": word}, {**features, name: left}))
        return found


def outcome_of(answering: Answering, row: Any, chance: Floats) -> dict[str, Any]:
    """One held-out case as the measures take it."""
    label, confidence, probability = answering.decided(chance)
    return {
        "case": row.id,
        "verdict": "right" if label == row.label else "wrong",
        "confidence": confidence,
        "expected": row.label,
        "given": label,
        "score": probability,
    }
