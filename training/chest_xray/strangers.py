"""Images from DICOM files that measure the gate: none of them is used in training."""

from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

CHEST_FILES = {
    "RG1_J2KI.dcm",
    "1.2.276.0.7230010.3.1.4.8323329.6904.1517875201.850819.dcm",
    "Fake_MONOHR1.dcm",
}
Display = NDArray[np.uint8]


def displays(data: Path) -> dict[str, Display]:
    """Read every file under dicom/ that has an image; several frames give the middle one.

    A file that cannot be decoded is left out: it never reaches the classifier either.
    """
    found: dict[str, Display] = {}
    for file in sorted((data / "dicom").rglob("*")):
        if file.is_file():
            image = _display(file)
            if image is not None:
                found[str(file.relative_to(data / "dicom"))] = image
    return found


def different(images: dict[str, Display]) -> dict[str, Display]:
    """Keep one of the files that carry the same picture in another encoding."""
    kept: dict[bytes, str] = {}
    for name, image in images.items():
        kept.setdefault(np.asarray(image).tobytes(), name)
    return {name: images[name] for name in kept.values()}


def is_chest(name: str) -> bool:
    """Say whether a file shows a frontal chest radiograph."""
    return name.rsplit("/", 1)[-1] in CHEST_FILES


def _display(file: Path) -> Display | None:
    try:
        dataset = pydicom.dcmread(file, force=True)
        pixels = dataset.pixel_array
    except Exception:
        return None
    pixels = _single_grey(np.asarray(pixels), dataset)
    if pixels.ndim != 2:
        return None
    if dataset.get("SamplesPerPixel", 1) == 1:
        pixels = np.asarray(apply_voi_lut(apply_modality_lut(pixels, dataset), dataset))
    values = pixels.astype(np.float64)
    values = (values - values.min()) / (np.ptp(values) + 1e-9)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        values = 1 - values
    return np.rint(values * 255).astype(np.uint8)


def _single_grey(pixels: NDArray[np.generic], dataset: Dataset) -> NDArray[np.generic]:
    colour = dataset.get("SamplesPerPixel", 1) == 3
    if int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        pixels = pixels[len(pixels) // 2]
    return np.asarray(pixels[..., :3].mean(axis=-1)) if colour else pixels
