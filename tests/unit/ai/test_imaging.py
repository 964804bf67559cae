"""The chest X-ray classifier through its public door."""

import hashlib
import json
import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from careloom.ai.imaging import ChestXrayClassifier
from careloom.samples.chest_radiograph import synthetic_chest_radiograph

DATA = os.environ.get("CARELOOM_TEST_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="CARELOOM_TEST_DATA is not set")
WEIGHTS = files("careloom.ai") / "weights" / "chest_xray"


@pytest.fixture(scope="module")
def classifier() -> ChestXrayClassifier:
    return ChestXrayClassifier()


def shown(seed: int, *, consolidation: bool, side: int = 256) -> NDArray[np.uint8]:
    stored = synthetic_chest_radiograph(seed, consolidation=consolidation, rows=side, columns=side)
    return (stored.astype(np.float32) * (255 / 4095)).astype(np.uint8)


@pytest.mark.parametrize(("consolidation", "label"), [(True, "pneumonia"), (False, "normal")])
def test_a_drawn_radiograph_is_answered_as_it_was_drawn(
    classifier: ChestXrayClassifier, consolidation: bool, label: str
) -> None:
    found = [classifier.classify(shown(seed, consolidation=consolidation)) for seed in range(20)]
    assert [f.label for f in found] == [label] * 20
    assert all(f.in_distribution and f.out_of_distribution_score <= 1 for f in found)
    assert all(f.confidence == pytest.approx(max(f.probability, 1 - f.probability)) for f in found)


def test_size_and_number_form_do_not_change_the_answer(classifier: ChestXrayClassifier) -> None:
    large = classifier.classify(shown(3, consolidation=True, side=1024))
    small = classifier.classify(shown(3, consolidation=True, side=512))
    floating = classifier.classify(shown(3, consolidation=True, side=512).astype(np.float64) / 255)
    assert small.label == large.label
    assert floating.probability == pytest.approx(small.probability, abs=1e-4)


def strange_images() -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(5)
    chest = shown(1, consolidation=False)
    ramp = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    return {
        "black": np.zeros((300, 300), np.uint8),
        "white": np.full((300, 300), 255, np.uint8),
        "noise": rng.integers(0, 256, (300, 300)).astype(np.uint8),
        "ramp": ramp,
        "stripes": np.where(ramp // 16 % 2 == 0, 255, 0).astype(np.uint8),
        "turned left": np.rot90(chest).copy(),
        "turned right": np.rot90(chest, 3).copy(),
        "upside down": chest[::-1].copy(),
        "a corner of it": chest[:80, :80].copy(),
        "two side by side": np.hstack([chest, chest])[:, ::2].copy(),
        "too narrow": chest[:, :100].copy(),
        "too small": chest[:20, :20].copy(),
    }


@pytest.mark.parametrize("name", list(strange_images()))
def test_an_image_that_is_no_frontal_chest_radiograph_gets_no_label(
    classifier: ChestXrayClassifier, name: str
) -> None:
    finding = classifier.classify(strange_images()[name])
    assert finding.label == "not_assessable"
    assert not finding.in_distribution
    assert finding.out_of_distribution_score > 1
    assert finding.confidence == 0
    assert finding.reason


def test_a_reversed_grey_scale_is_undone_and_named(classifier: ChestXrayClassifier) -> None:
    chest = shown(2, consolidation=True)
    straight, reversed_ = classifier.classify(chest), classifier.classify(255 - chest)
    assert reversed_.label == straight.label == "pneumonia"
    assert reversed_.probability == pytest.approx(straight.probability, abs=1e-3)
    assert "reversing the grey scale" in reversed_.reason
    assert "reversing" not in straight.reason


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((3, 64, 64), np.uint8),
        np.zeros((0, 64), np.uint8),
        np.zeros((64, 64), np.uint16),
        np.full((64, 64), 2.0),
        np.full((64, 64), np.nan),
    ],
)
def test_an_array_that_is_no_displayed_image_is_an_error(
    classifier: ChestXrayClassifier, pixels: NDArray[np.generic]
) -> None:
    with pytest.raises(ValueError, match=r"grey|display"):
        classifier.classify(pixels)


def test_the_version_is_the_hash_of_the_network(classifier: ChestXrayClassifier) -> None:
    graph = (WEIGHTS / "model.onnx").read_bytes()
    assert len(graph) <= 5_000_000
    finding = classifier.classify(shown(0, consolidation=False))
    assert hashlib.sha256(graph).hexdigest().startswith(finding.version)
    assert finding.version in (WEIGHTS / "card.md").read_text("utf-8")


def test_making_a_classifier_does_not_load_the_runtime() -> None:
    code = (
        "import sys; from careloom.ai.imaging import ChestXrayClassifier; ChestXrayClassifier(); "
        "print('onnxruntime' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


@needs_data
def test_the_shipped_network_reaches_the_figures_of_its_card(
    classifier: ChestXrayClassifier,
) -> None:
    claimed = json.loads((WEIGHTS / "figures.json").read_text("utf-8"))
    with np.load(Path(str(DATA)) / "pneumoniamnist" / "pneumoniamnist.npz") as split:
        images, sick = split["test_images"], split["test_labels"].ravel() == 1
    findings = [classifier.classify(image) for image in images]
    probability = np.array(
        [classifier.operation.probability(float(v)) for v in _logits(classifier, images)]
    )
    said = probability >= classifier.operation.threshold
    assert len(sick) == claimed["cases"]
    assert _auc(probability, sick) == pytest.approx(claimed["auc"], abs=0.002)
    assert (said == sick).mean() == pytest.approx(claimed["accuracy"], abs=0.005)
    assert said[sick].mean() == pytest.approx(claimed["sensitivity"], abs=0.01)
    assert 1 - said[~sick].mean() == pytest.approx(claimed["specificity"], abs=0.01)
    refused = np.mean([f.label == "not_assessable" for f in findings])
    assert refused == pytest.approx(claimed["refused"], abs=0.005)


def _logits(classifier: ChestXrayClassifier, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    members, _, _ = classifier.outputs(images.astype(np.float32) / 255)
    return np.asarray(members.mean(axis=1))


def _auc(score: NDArray[np.float64], sick: NDArray[np.bool_]) -> float:
    pairs = score[sick][:, None] - score[~sick][None]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def test_where_an_answer_comes_from_is_a_grid_of_shares(classifier: ChestXrayClassifier) -> None:
    image = shown(3, consolidation=True)
    grid = classifier.explain(image)
    assert grid is not None
    assert grid.shape == (7, 7)
    assert (float(grid.min()), round(float(grid.max()), 6)) == (0.0, 1.0)
    assert np.array_equal(grid, classifier.explain(image))


def test_what_is_not_assessable_has_nothing_to_explain(classifier: ChestXrayClassifier) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64), np.uint8)
    assert classifier.explain(noise) is None
