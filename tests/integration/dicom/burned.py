"""Ultrasound objects with words burned in, and where their strokes are."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

WORDS = (("Zzkanarie, Brunhild", (12, 24)), ("MRN 4711-0815", (12, 44)))
SHAPE = (192, 288)
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def ground(seed: int = 3) -> NDArray[np.uint8]:
    """Speckle in the lower part, as in a scan."""
    rng = np.random.default_rng(seed)
    picture = rng.normal(6, 1, SHAPE)
    speckle = cv2.GaussianBlur(rng.rayleigh(1.0, SHAPE), (0, 0), 2.0)
    picture[64:] = (70 * speckle / speckle.mean())[64:]
    return picture.clip(0, 250).astype(np.uint8)


def strokes(words: tuple[tuple[str, tuple[int, int]], ...] = WORDS) -> NDArray[np.bool_]:
    """Where words are drawn."""
    ink = np.zeros(SHAPE, np.uint8)
    for text, place in words:
        cv2.putText(ink, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    return ink > 0


def with_words(picture: NDArray[np.uint8], ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A picture with these strokes in white."""
    made = picture.copy()
    made[ink] = 255
    return made


def ultrasound(pixels: NDArray[np.uint8], *, colour: bool = False, **more: object) -> Dataset:
    """An object with these frames: (rows, columns) or (frames, rows, columns), each [, 3]."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = ULTRASOUND, "US"
    dataset.SOPInstanceUID = dataset.SeriesInstanceUID = "1.2.826.13.2"
    dataset.StudyInstanceUID = "1.2.826.13.1"
    dataset.PatientID, dataset.PatientName = "4711-0815", "Zzkanarie^Brunhild"
    plane = pixels.shape[:-1] if colour else pixels.shape
    dataset.Rows, dataset.Columns = plane[-2:]
    if len(plane) == 3:
        dataset.NumberOfFrames = plane[0]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.BurnedInAnnotation = "YES"
    dataset.PixelData = pixels.tobytes()
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


def as_file(dataset: Dataset) -> bytes:
    """The object as a Part 10 file, in its own transfer syntax."""
    meta = FileMetaDataset()
    given = getattr(dataset, "file_meta", None)
    meta.TransferSyntaxUID = given.TransferSyntaxUID if given else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = BytesIO()
    file = FileDataset(BytesIO(), dataset, preamble=b"\0" * 128, file_meta=meta)
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()
