"""Train the chest X-ray network and write model.onnx and operation.json.

    python train.py --data ../../../shared/data --out ../../src/careloom/ai/weights/chest_xray

Each seed trains one member on four fifths of the patients; the last fifth is answered by it
and used for calibration and threshold. The official test images are never read here.
"""

import argparse
import json
import os
from pathlib import Path

import classifier
import dataset
import gate
import numpy as np
import torch
from networks import Shipped
from numpy.typing import NDArray

FOLDS = 5
SENSITIVITY = 0.985  # wanted on augmented images of unseen patients; the aim elsewhere is 0.97
REFUSED = 0.005  # share of unseen patients' radiographs that each half of the gate may refuse


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    radiographs = dataset.load(arguments.data)
    fold = dataset.folds(radiographs.patient, FOLDS, 0)
    members = [_member(radiographs, fold, seed, arguments) for seed in arguments.seeds]
    # Fold 0 sets the gate's limits, fold 1 measures it (evaluate.py), the rest train it.
    trained = gate.train_gate(radiographs, fold > 1, 0, arguments.gate_steps)
    operation = calibrate(radiographs, members) | limits(trained, radiographs, fold == 0)
    arguments.out.mkdir(parents=True, exist_ok=True)
    export(members, trained, arguments.out / "model.onnx")
    (arguments.out / "operation.json").write_text(json.dumps(operation, indent=2) + "\n", "utf-8")
    print(json.dumps(operation, indent=2))


def _member(
    radiographs: dataset.Radiographs,
    fold: NDArray[np.int64],
    seed: int,
    arguments: argparse.Namespace,
) -> classifier.Member:
    """Train one member, or read it back from the work folder of an earlier call."""
    kept = arguments.work / f"member-{seed}-{arguments.epochs}.pt"
    held_out = fold == seed % FOLDS
    if kept.exists():
        member = classifier.restored(
            radiographs, held_out, seed, torch.load(kept, weights_only=True)
        )
    else:
        member = classifier.train_member(radiographs, held_out, seed, arguments.epochs)
        arguments.work.mkdir(parents=True, exist_ok=True)
        torch.save(member.network.state_dict(), kept)
    reached = auc(member.plain, radiographs.pneumonia[member.held_out])
    print(f"seed {seed}: AUC on unseen patients {reached:.4f}", flush=True)
    return member


def auc(score: NDArray[np.float32], positive: NDArray[np.float32]) -> float:
    """Area under the ROC curve by ranks."""
    rank = np.empty(len(score))
    rank[np.argsort(score)] = np.arange(1, len(score) + 1)
    sick = positive > 0.5
    count = int(sick.sum())
    return float((rank[sick].sum() - count * (count + 1) / 2) / (count * (len(score) - count)))


def calibrate(
    radiographs: dataset.Radiographs, members: list[classifier.Member]
) -> dict[str, float]:
    """Fit slope, offset and threshold on augmented images of patients each member never saw.

    Augmented, because another source's images differ at least that much; classes weigh the
    same, because the share of pneumonia elsewhere is unknown.
    """
    score = np.concatenate([member.varied.ravel() for member in members])
    truth = np.concatenate(
        [np.tile(radiographs.pneumonia[member.held_out], len(member.varied)) for member in members]
    )
    slope, offset = _platt(score, truth)
    sick = 1 / (1 + np.exp(-(slope * score[truth > 0.5] + offset)))
    return {
        "slope": slope,
        "offset": offset,
        "threshold": float(np.quantile(sick, 1 - SENSITIVITY)),
    }


def _platt(score: NDArray[np.float32], truth: NDArray[np.float32]) -> tuple[float, float]:
    x, y = torch.from_numpy(score).double(), torch.from_numpy(truth).double()
    weight = torch.where(y > 0.5, 0.5 / y.mean(), 0.5 / (1 - y.mean()))
    line = torch.tensor([1.0, 0.0], dtype=torch.double, requires_grad=True)
    optimiser = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(
            line[0] * x + line[1], y, weight
        )
        value.backward()
        return value

    optimiser.step(loss)
    return float(line[0]), float(line[1])


def limits(
    trained: gate.Gate, radiographs: dataset.Radiographs, unseen: NDArray[np.bool_]
) -> dict[str, float]:
    """Set the gate's two limits so that few radiographs of unseen patients are refused."""
    logit, distance = gate.answers(trained, radiographs.published[unseen])
    return {
        "gate_logit": float(np.quantile(logit, REFUSED)),
        "gate_distance": float(np.quantile(distance, 1 - REFUSED)),
    }


def export(members: list[classifier.Member], trained: gate.Gate, path: Path) -> None:
    """Write one ONNX graph: image n x 1 x 28 x 28 → pneumonia logits, gate logit, distance."""
    shipped = Shipped(
        [m.network for m in members], trained.network, trained.centre, trained.whitening
    )
    torch.onnx.export(
        shipped.eval(),
        (torch.rand(2, 1, dataset.SIDE, dataset.SIDE),),
        str(path),
        input_names=["image"],
        output_names=["pneumonia", "gate", "distance"],
        dynamic_axes={name: {0: "n"} for name in ("image", "pneumonia", "gate", "distance")},
        dynamo=False,
    )
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("CARELOOM_TEST_DATA"), required=False
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/chest_xray"), help="kept members")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--gate-steps", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data, the folder with pneumoniamnist and chestxray_kermany_224")
    arguments.data = Path(arguments.data)
    return arguments


if __name__ == "__main__":
    main()
