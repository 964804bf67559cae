"""Answer a chest radiograph: pneumonia, normal, or not assessable.

The network is small, trained on one hospital's children and for demonstration only; its data,
figures and limits are in weights/chest_xray/card.md. An image that the gate does not know as a
frontal chest radiograph is never given a label: it goes to a person.
"""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from careloom.ai.imaging_pixels import Image, centre_square, grey, resample

Label = Literal["pneumonia", "normal", "not_assessable"]
NAME = "careloom-chest-xray"
SIDE = 28
FEWEST_PIXELS = 28
LARGEST_ASPECT = 2.0
LEAST_CONTRAST = 0.02
GRID = 7


@dataclass(frozen=True)
class ChestXrayFinding:
    """What the model says of one image.

    `probability` is the calibrated P(pneumonia), `confidence` the calibrated probability of
    the label. An image that is not assessable carries 0.5 (nothing known) and confidence 0.
    `out_of_distribution_score` is at most 1 for an accepted image.
    """

    label: Label
    probability: float
    confidence: float
    in_distribution: bool
    out_of_distribution_score: float
    model: str
    version: str
    reason: str


@dataclass(frozen=True)
class Operation:
    """Numbers measured in training that turn the network's outputs into an answer."""

    slope: float
    offset: float
    threshold: float
    gate_logit: float
    gate_distance: float

    def probability(self, logit: float) -> float:
        """Calibrate the pneumonia logit (Platt scaling, equal prior of both classes)."""
        return 1 / (1 + math.exp(-(self.slope * logit + self.offset)))

    def strangeness(self, logit: float, distance: float) -> float:
        """Score how unlike a frontal chest radiograph an image is; above 1 it is refused."""
        unlikely = 1 / (1 + math.exp(min(logit - self.gate_logit, 50.0)))
        return max(2 * unlikely, distance / self.gate_distance)


class ChestXrayClassifier:
    """The shipped network on one CPU thread. Thread safe; make one and keep it."""

    def __init__(self) -> None:
        folder = files("careloom.ai") / "weights" / "chest_xray"
        self._graph = (folder / "model.onnx").read_bytes()
        self.operation = Operation(**json.loads((folder / "operation.json").read_text("utf-8")))
        self.version = hashlib.sha256(self._graph).hexdigest()[:12]

    def classify(self, pixels: NDArray[np.generic]) -> ChestXrayFinding:
        """Answer a display-ready greyscale image: 2-D, uint8 or float 0..1, any size.

        MONOCHROME1 must be inverted and the VOI LUT applied. An image that proves to be a
        radiograph in reversed grey scale (a wrongly declared photometric interpretation) is
        read after reversing it, and the reason says so. Raises ValueError for an array that
        is no such image.
        """
        image = grey(pixels)
        unfit = _unfit(image)
        if unfit:
            return self._refused(unfit, 2.0)
        square = resample(centre_square(image), SIDE)
        return self._answer(square)

    def explain(self, pixels: NDArray[np.generic]) -> Image | None:
        """Where the answer comes from: by how much P(pneumonia) changes towards the other label
        when a cell of the image's centre square is blurred away (occlusion sensitivity,
        https://arxiv.org/abs/1311.2901). GRID x GRID, the largest is 1; None for an image that
        is not assessable, zeros where no cell alone matters.
        """
        finding = self.classify(pixels)
        if not finding.in_distribution:
            return None
        square = resample(centre_square(grey(pixels)), SIDE)
        if "reversing" in finding.reason:
            square = 1 - square
        members, _, _ = self.outputs(np.stack([square, *_occluded(square)]))
        logits = members.mean(axis=1)
        probabilities = [self.operation.probability(float(logit)) for logit in logits]
        towards = 1 if finding.label == "pneumonia" else -1
        drops = np.array([towards * (probabilities[0] - one) for one in probabilities[1:]])
        drops = np.clip(drops, 0, None).astype(np.float32).reshape(GRID, GRID)
        return np.asarray(drops / max(float(drops.max()), 1e-6), np.float32)

    def outputs(self, squares: Image) -> tuple[Image, Image, Image]:
        """Run the network on n x 28 x 28: the members' logits (n x k), gate logits, distances."""
        members, gate, distance = self._session.run(None, {"image": squares[:, None]})
        return members, gate, distance

    def _answer(self, square: Image) -> ChestXrayFinding:
        strange = []
        for image, how in ((square, ""), (1 - square, " after reversing the grey scale")):
            members, gates, distances = self.outputs(image[None])
            strange.append(self.operation.strangeness(float(gates[0]), float(distances[0])))
            if strange[-1] <= 1:
                return self._labelled(float(members.mean()), strange[-1], how)
        return self._refused(
            "the image does not look like a frontal chest radiograph", min(strange)
        )

    def _labelled(self, logit: float, strange: float, how: str) -> ChestXrayFinding:
        probability = self.operation.probability(logit)
        sick = probability >= self.operation.threshold
        return ChestXrayFinding(
            label="pneumonia" if sick else "normal",
            probability=probability,
            confidence=probability if sick else 1 - probability,
            in_distribution=True,
            out_of_distribution_score=strange,
            model=NAME,
            version=self.version,
            reason=f"P(pneumonia) {probability:.2f} is {'at or above' if sick else 'below'} "
            f"the threshold {self.operation.threshold:.2f}{how}",
        )

    def _refused(self, reason: str, strange: float) -> ChestXrayFinding:
        return ChestXrayFinding(
            "not_assessable", 0.5, 0.0, False, strange, NAME, self.version, reason
        )

    @cached_property
    def _session(self) -> Any:
        # Loading ONNX Runtime takes a third of a second that the server's start does not have.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            self._graph, options, providers=["CPUExecutionProvider"]
        )


def _occluded(square: Image) -> list[Image]:
    """The image once for each cell, with that cell at the mean of its surroundings."""
    cell, found = SIDE // GRID, []
    for row in range(0, SIDE, cell):
        for column in range(0, SIDE, cell):
            around = square[
                max(0, row - cell) : row + 2 * cell, max(0, column - cell) : column + 2 * cell
            ]
            without = square.copy()
            without[row : row + cell, column : column + cell] = around.mean()
            found.append(without)
    return found


def _unfit(image: Image) -> str:
    """Say why an image cannot be a chest radiograph before any network sees it, or nothing."""
    rows, columns = image.shape
    if min(rows, columns) < FEWEST_PIXELS:
        return (
            f"the image has {rows} x {columns} pixels; at least {FEWEST_PIXELS} each way are needed"
        )
    if max(rows, columns) > LARGEST_ASPECT * min(rows, columns):
        return f"the image is {rows} x {columns} pixels, too narrow for a frontal chest radiograph"
    if float(image.std()) < LEAST_CONTRAST:
        return "the image is blank"
    return ""
