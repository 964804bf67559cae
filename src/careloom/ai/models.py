"""Models by name: what can be asked, with what, and what is known of each.

Only registered models answer; a name that is not here is refused at deploy and at run time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from careloom.errors import Unprocessable
from careloom.types import JsonObject

if TYPE_CHECKING:
    import numpy as np

    from careloom.ai.imaging import ChestXrayClassifier

Kind = Literal["image", "text", "resource", "features"]
"""What it takes; `features` is the whole input, as trained models take it."""
CHEST_XRAY = "careloom/chest-xray-pneumonia"
OBSERVATION_READER = "careloom/observation-reader"
INSTALLED = frozenset({CHEST_XRAY, OBSERVATION_READER})
"""The names of the models that are shipped."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model: what it takes and how to ask it."""

    name: str
    kind: Kind
    answers: tuple[str, ...]
    """Names in its answer."""
    predict: Callable[[Any], Awaitable[JsonObject]]
    explain: Callable[[Any], Awaitable[JsonObject]] | None = None
    """Where in the image the answer comes from: `size`, `cells` (row by row, 0 to 1), `version`."""
    version: str = ""
    """Of its weights or rules; empty when it changes only with the release."""
    measured: Mapping[str, bool | float] = field(default_factory=dict)
    """Of its confidence: `calibrated`, and the `threshold` between its labels."""


class ModelRegistry:
    """The allow-list: models by name, and configured stand-ins for models that are not here."""

    def __init__(self, models: list[Model], fallbacks: Mapping[str, str] | None = None) -> None:
        self._models = {model.name: model for model in models}
        self._fallbacks = dict(fallbacks or {})

    @property
    def names(self) -> frozenset[str]:
        """Every name that will be answered, stand-ins included."""
        return frozenset(self._models) | frozenset(self._fallbacks)

    def get(self, name: str) -> tuple[Model, JsonObject | None]:
        """The model, and a note when a configured stand-in takes its place."""
        model = self._models.get(name)
        if model is not None:
            return model, None
        fallback = self._fallbacks.get(name)
        if fallback is None or fallback not in self._models:
            raise Unprocessable(
                f"The model {name!r} is not installed",
                code="unknown_model",
                fix=f"use one of {', '.join(sorted(self.names))}, or configure a fallback for it",
            )
        note = {
            "code": "W-MODELFALLBACK",
            "message": f"{name} is not installed; the configured {fallback} answered",
        }
        return self._models[fallback], note


def chest_xray_model(classifier: ChestXrayClassifier) -> Model:
    """The shipped chest radiograph classifier; its input is a display-ready grey image."""
    lock = asyncio.Lock()

    async def predict(pixels: np.ndarray[Any, Any]) -> JsonObject:
        # One at a time: the session has one thread, and two cores are shared with the rest.
        async with lock:
            finding = await asyncio.to_thread(classifier.classify, pixels)
        assessable = finding.label != "not_assessable"
        return {
            "label": finding.label,
            "probability": round(finding.probability, 4) if assessable else None,
            "confidence": round(finding.confidence, 4) if assessable else 0.0,
            "assessable": assessable,
            "reason": finding.reason,
            "model": finding.model,
            "version": finding.version,
        }

    async def explain(pixels: np.ndarray[Any, Any]) -> JsonObject:
        async with lock:
            grid = await asyncio.to_thread(classifier.explain, pixels)
        if grid is None:
            raise Unprocessable(
                "The model cannot assess this image, so there is nothing to explain",
                code="not_assessable",
            )
        cells = [round(float(cell), 3) for cell in grid.ravel()]
        return {"size": len(grid), "cells": cells, "version": classifier.version}

    return Model(
        CHEST_XRAY,
        "image",
        ("label", "probability", "confidence", "assessable", "reason"),
        predict,
        explain,
        classifier.version,
        measured={"calibrated": True, "threshold": round(classifier.operation.threshold, 4)},
    )


def observation_reader() -> Model:
    """A deterministic reader of imaging Observations: it restates what the Observation says.

    It adds no knowledge of its own, so that the documents' second workflow runs without a
    language model; it says of itself that it is rules.
    """

    async def predict(observation: JsonObject) -> JsonObject:
        text = _value_text(observation)
        code = observation.get("code", {}).get("text") or "Observation"
        diagnosis = f"{code}: {text}" if text else f"{code}: no value was recorded"
        return {
            "diagnosis": diagnosis,
            "confidence": 1.0 if text else 0.0,
            "model": OBSERVATION_READER,
            "version": "rules-1",
        }

    return Model(
        OBSERVATION_READER, "resource", ("diagnosis", "confidence"), predict, version="rules-1"
    )


def _value_text(observation: JsonObject) -> str | None:
    if "valueString" in observation:
        return str(observation["valueString"])
    concept = observation.get("valueCodeableConcept", {})
    coded = concept.get("text") or next(
        (c["display"] for c in concept.get("coding", ()) if "display" in c), None
    )
    if coded is not None:
        return str(coded)
    quantity = observation.get("valueQuantity")
    if quantity:
        return f"{quantity.get('value')} {quantity.get('unit', '')}".strip()
    return None
