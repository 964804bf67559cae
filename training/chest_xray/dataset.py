"""The radiographs of Kermany et al. 2018 with patient groups, at the sizes used in training.

The training folder at 224 x 224 carries file names, and so patients, but lost its aspect
ratio; PneumoniaMNIST keeps the aspect ratio (centre square, 28 x 28) but has no names. Each
file is therefore matched with its nearest PneumoniaMNIST image over a range of widths: the
match gives the file its aspect ratio, and the PneumoniaMNIST image its patient.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from careloom.ai.imaging_pixels import resample

SIDE = 28
DOUBLE = 56
WIDTHS = range(96, 225, 8)

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Radiographs:
    """Rows that belong together: one radiograph each."""

    published: Images  # n x 28 x 28, as PneumoniaMNIST has it
    doubled: Images  # n x 56 x 56, the same square from the 224-pixel file
    squashed: Images  # n x 56 x 56, the whole file without its aspect ratio
    pneumonia: NDArray[np.float32]
    patient: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.pneumonia)


def patient_name(file: str) -> str:
    """Name the patient of a file: person1_bacteria_1 → person1, IM-0115-0001 → IM-0115."""
    person = re.match(r"person\d+", file)
    series = re.match(r"(NORMAL2-)?IM-\d+", file)
    found = person or series
    if found is None:
        raise ValueError(f"the file name {file} has no patient; expected personN_… or IM-NNNN-…")
    return found.group()


def load(data: Path) -> Radiographs:
    """Read the training folder and PneumoniaMNIST's training and validation images."""
    files = sorted((data / "chestxray_kermany_224" / "train").glob("*/*.jpeg"))
    if not files:
        raise FileNotFoundError(f"no radiographs under {data}/chestxray_kermany_224/train")
    whole = np.stack([_read(file) for file in files])
    with np.load(data / "pneumoniamnist" / "pneumoniamnist.npz") as mnist:
        published = np.concatenate([mnist["train_images"], mnist["val_images"]])
    published = published.astype(np.float32) / 255
    nearest, width = _match(whole, published)
    names = [patient_name(file.name) for file in files]
    index = {name: number for number, name in enumerate(sorted(set(names)))}
    return Radiographs(
        published=published[nearest],
        doubled=np.stack(
            [resample(_middle(w, n), DOUBLE) for w, n in zip(whole, width, strict=True)]
        ),
        squashed=np.stack([resample(image, DOUBLE) for image in whole]),
        pneumonia=np.array([file.parent.name == "PNEUMONIA" for file in files], np.float32),
        patient=np.array([index[name] for name in names]),
    )


def test_images(data: Path) -> tuple[Images, NDArray[np.int64]]:
    """Read the official test images that are at hand (every second one) and their labels."""
    with np.load(data / "pneumoniamnist" / "pneumoniamnist.npz") as mnist:
        return mnist["test_images"].astype(np.float32) / 255, mnist["test_labels"].ravel().astype(
            np.int64
        )


def folds(patient: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Give each radiograph a fold so that no patient lies in two."""
    order = np.random.default_rng(seed).permutation(int(patient.max()) + 1)
    return order[patient] % count


def _read(file: Path) -> Images:
    with Image.open(file) as image:
        return np.asarray(image.convert("L"), np.float32) / 255


def _middle(image: Images, width: int) -> Images:
    left = (image.shape[1] - width) // 2
    return np.ascontiguousarray(image[:, left : left + width])


def _match(whole: Images, published: Images) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find for each file the nearest published image and the width of its centre square."""
    reference = published.reshape(len(published), -1)
    length = (reference**2).sum(1)
    best = np.full(len(whole), np.inf)
    nearest = np.zeros(len(whole), np.int64)
    width = np.zeros(len(whole), np.int64)
    for candidate in WIDTHS:
        small = np.stack([resample(_middle(image, candidate), SIDE) for image in whole])
        flat = small.reshape(len(whole), -1)
        distance = (flat**2).sum(1)[:, None] + length[None] - 2 * flat @ reference.T
        closest = distance.argmin(1)
        value = distance[np.arange(len(whole)), closest]
        better = value < best
        best[better], nearest[better], width[better] = value[better], closest[better], candidate
    return nearest, width
