"""Recompute every figure of card.md from the shipped network and the data folder.

    python evaluate.py --data ../../../shared/data

Prints a table and writes build/bench/evaluate_chest_xray.json.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dataset
import negatives
import numpy as np
import strangers
import torch
from measures import Floats, Row, auc, bootstrap, expected_calibration_error, share
from numpy.typing import NDArray

from careloom.ai.imaging import SIDE, ChestXrayClassifier
from careloom.samples.chest_radiograph import synthetic_chest_radiograph

SEEDS = 20
DRAWN = 200


def main() -> None:
    arguments = _arguments()
    classifier = ChestXrayClassifier()
    rows = [
        *test_split(classifier, arguments.data),
        *unseen_patients(classifier, arguments.data),
        *files(classifier, arguments.data),
        *drawings(classifier),
        *synthetic(classifier),
        speed(classifier),
    ]
    for row in rows:
        interval = f"{row.interval[0]:.3f}-{row.interval[1]:.3f}" if row.interval else ""
        print(f"{row.case:46} {row.metric:24} {row.value:8.3f}  {interval:13} n={row.cases}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(_report(classifier, rows), indent=2) + "\n", "utf-8")
    print(f"written: {arguments.out}")
    if arguments.figures:
        arguments.figures.write_text(json.dumps(_figures(rows), indent=2) + "\n", "utf-8")


def test_split(classifier: ChestXrayClassifier, data: Path) -> Iterator[Row]:
    """The official test images at hand: discrimination, operating point, calibration, gate."""
    images, labels = dataset.test_images(data)
    sick = labels == 1
    members, gates, distances = classifier.outputs(images)
    yield from _members(members.astype(np.float64), sick)
    logit = members.mean(axis=1).astype(np.float64)
    raw = 1 / (1 + np.exp(-logit))
    probability = np.array([classifier.operation.probability(float(v)) for v in logit])
    said = probability >= classifier.operation.threshold
    n = len(sick)

    def figure(metric: str, measure: Callable[[NDArray[np.int64]], float]) -> Row:
        return Row("test, shipped network", metric, measure(np.arange(n)), bootstrap(measure, n), n)

    yield figure("AUC", lambda i: auc(logit[i], sick[i]))
    yield figure("accuracy", lambda i: float((said[i] == sick[i]).mean()))
    yield figure("sensitivity", lambda i: float(said[i][sick[i]].mean()))
    yield figure("specificity", lambda i: float(1 - said[i][~sick[i]].mean()))
    yield figure("ECE before", lambda i: expected_calibration_error(raw[i], sick[i]))
    yield figure("ECE after", lambda i: expected_calibration_error(probability[i], sick[i]))
    yield figure("Brier", lambda i: float(((probability[i] - sick[i]) ** 2).mean()))
    refused = [
        classifier.operation.strangeness(float(g), float(d)) > 1
        for g, d in zip(gates, distances, strict=True)
    ]
    yield _share("gate: test images", "false reject", np.array(refused))
    for name, spoil in negatives.SPOILED.items():
        torch.manual_seed(0)
        spoiled = torch.cat(
            [spoil(part) for part in torch.from_numpy(images).unsqueeze(1).split(8)]
        )
        flagged = _accepted(classifier, spoiled.squeeze(1).numpy())
        # Reversed polarity is undone on purpose, so for it acceptance is the right answer.
        metric = "accepted after reversal" if name == "inverted" else "false accept"
        yield _share(f"gate: test images {name}", metric, flagged)


def _members(members: Floats, sick: NDArray[np.bool_]) -> Iterator[Row]:
    """Each seed by itself, and their mean with cases and seeds resampled together."""
    n, seeds = len(sick), members.shape[1]
    for seed in range(seeds):
        score = members[:, seed]
        yield Row(
            f"test, seed {seed}",
            "AUC",
            auc(score, sick),
            bootstrap(lambda i, s=score: auc(s[i], sick[i]), n),
            n,
        )
        right = (score > 0) == sick
        yield Row(f"test, seed {seed}", "accuracy at 0.5", *share(right), n)
    rng = np.random.default_rng(1)

    def drawn(
        measure: Callable[[Floats, NDArray[np.bool_]], float],
    ) -> Callable[[NDArray[np.int64]], float]:
        return lambda i: float(
            np.mean([measure(members[i, s], sick[i]) for s in rng.integers(0, seeds, seeds)])
        )

    kinds: dict[str, Callable[[Floats, NDArray[np.bool_]], float]] = {
        "AUC": auc,
        "accuracy at 0.5": lambda score, truth: float(((score > 0) == truth).mean()),
    }
    for metric, measure in kinds.items():
        value = float(np.mean([measure(members[:, s], sick) for s in range(seeds)]))
        yield Row(f"test, mean of {seeds} seeds", metric, value, bootstrap(drawn(measure), n), n)


def unseen_patients(classifier: ChestXrayClassifier, data: Path) -> Iterator[Row]:
    """Training-source patients left out of each member, and of the gate: the easy split."""
    radiographs = dataset.load(data)
    fold = dataset.folds(radiographs.patient, 5, 0)
    members, gates, distances = classifier.outputs(radiographs.published)
    sick = radiographs.pneumonia > 0.5
    # Members hold out the fold of their own number, so each radiograph has one honest answer.
    logit = members[np.arange(len(fold)), fold].astype(np.float64)
    n = len(sick)
    case = "training source, patients unseen by the member"
    yield Row(case, "AUC", auc(logit, sick), bootstrap(lambda i: auc(logit[i], sick[i]), n), n)
    yield Row(case, "accuracy at 0.5", *share((logit > 0) == sick), n)
    refused = [
        classifier.operation.strangeness(float(g), float(d)) > 1
        for g, d in zip(gates, distances, strict=True)
    ]
    yield _share("gate: patients unseen by the gate", "false reject", np.array(refused)[fold == 1])


def files(classifier: ChestXrayClassifier, data: Path) -> Iterator[Row]:
    """DICOM test files: other modalities refused, adult chest radiographs accepted."""
    images = strangers.different(strangers.displays(data))
    answers = {name: classifier.classify(image) for name, image in images.items()}
    other = np.array(
        [a.in_distribution for name, a in answers.items() if not strangers.is_chest(name)]
    )
    chest = np.array(
        [not a.in_distribution for name, a in answers.items() if strangers.is_chest(name)]
    )
    for name, answer in answers.items():
        if answer.in_distribution != strangers.is_chest(name):
            print(f"gate mistaken: {name}: {answer.reason}")
    yield _share("gate: DICOM files of other things", "false accept", other)
    yield _share("gate: adult chest radiographs (DICOM)", "false reject", chest)


def drawings(classifier: ChestXrayClassifier) -> Iterator[Row]:
    """Drawn images: families the gate was trained on and families it never saw."""
    for kind, families in (("trained", negatives.TRAINED), ("unseen", negatives.UNSEEN)):
        for name, family in families.items():
            drawn = negatives.draw({name: family}, DRAWN, 99, SIDE)
            yield _share(
                f"gate: {kind} family {name}", "false accept", _accepted(classifier, drawn)
            )


def synthetic(classifier: ChestXrayClassifier) -> Iterator[Row]:
    """The demo's drawn radiographs: accepted, and answered as drawn."""
    for consolidation, label in ((True, "pneumonia"), (False, "normal")):
        found = [
            classifier.classify(
                _shown(synthetic_chest_radiograph(seed, consolidation=consolidation))
            ).label
            for seed in range(SEEDS)
        ]
        yield _share(
            f"synthetic radiograph, {label}", "answered so", np.array([f == label for f in found])
        )


def speed(classifier: ChestXrayClassifier) -> Row:
    """Network time for one image on one thread, median."""
    image = np.random.default_rng(0).random((1, SIDE, SIDE), np.float32)
    taken = []
    for _ in range(300):
        start = time.perf_counter()
        classifier.outputs(image)
        taken.append((time.perf_counter() - start) * 1000)
    return Row("network, one image", "ms", float(np.median(taken)), None, len(taken))


def _accepted(classifier: ChestXrayClassifier, images: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.array([classifier.classify(np.clip(image, 0, 1)).in_distribution for image in images])


def _share(case: str, metric: str, hits: NDArray[np.bool_]) -> Row:
    return Row(case, metric, *share(hits), len(hits))


def _shown(stored: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return (stored.astype(np.float32) * (255 / 4095)).astype(np.uint8)


def _figures(rows: list[Row]) -> dict[str, float]:
    """The card's main figures, which a test compares with the shipped network."""
    shipped = {row.metric: row for row in rows if row.case == "test, shipped network"}
    refused = next(row.value for row in rows if row.case == "gate: test images")
    kept = {name: shipped[name].value for name in ("AUC", "accuracy", "sensitivity", "specificity")}
    figures = {name.lower(): round(value, 4) for name, value in kept.items()}
    return figures | {"refused": round(refused, 4), "cases": shipped["AUC"].cases}


def _report(classifier: ChestXrayClassifier, rows: list[Row]) -> dict[str, object]:
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "name": "evaluate_chest_xray",
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "conditions": f"model {classifier.version}, ONNX Runtime, 1 thread, 95 % intervals",
        "rows": [row.as_dict() for row in rows],
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("CARELOOM_TEST_DATA"))
    parser.add_argument("--out", type=Path, default=Path("build/bench/evaluate_chest_xray.json"))
    parser.add_argument("--figures", type=Path, help="also write the card's main figures here")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data or set CARELOOM_TEST_DATA")
    arguments.data = Path(arguments.data)
    return arguments


if __name__ == "__main__":
    main()
