"""Draws images with words burned in, and says where each stroke is.

Grounds: speckle in a fan as ultrasound shows it, the same over the whole picture, a smooth
gradient with grain, nearly flat dark and nearly flat light. Print: the vector letters of OpenCV,
as devices draw them, and the outline letters that Pillow carries. Nothing here is of a patient.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

GROUNDS = ("fan", "speckle", "gradient", "dark", "light")
SIZES = (8, 10, 12, 16, 20, 24, 32)
"""Height of the letters' box in pixels: of a capital it is some three quarters."""
CONTRASTS = (40, 80, 140, 255)
"""Grey levels between ink and what is around it, at most."""
_FAMILIES = (
    *("Abernathy", "Bjoerklund", "Castellanos", "Dombrowski", "Eichenhofer", "Fitzwilliam"),
    *("Grunewald", "Hollingsworth", "Iversen", "Jankowski", "Kirchmayr", "Lindqvist", "Moreau"),
    *("Nakamura", "Oyelaran", "Petrescu", "Quintero", "Rasmussen", "Szabo", "Tremblay", "Li"),
)
_GIVEN = (
    *("Anna", "Bernd", "Chiara", "David", "Elif", "Franz", "Grace", "Hugo", "Ines", "Jonas"),
    *("Karin", "Liam", "Mehmet", "Nora", "Oskar", "Paula", "Rosa", "Sven", "Tara", "Umar", "Vera"),
)
_HOUSES = ("St. Brigid Hospital", "Klinikum Nordhain", "CITY GENERAL", "Praxis Dr. Amsel")
_SLACK = 2


@dataclass(frozen=True, slots=True)
class Burned:
    """One line of words: what it says, how it was drawn, and its strokes in the image."""

    kind: str
    size: int
    contrast: int
    ground: str
    print: str
    ink: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A grey image with its lines."""

    pixels: NDArray[np.uint8]
    lines: tuple[Burned, ...]


def drawn(rng: np.random.Generator, number: int) -> Drawn:
    """The image of this number: sizes, contrasts and grounds take turns, the rest is by chance."""
    ground = GROUNDS[number % len(GROUNDS)]
    rows, columns = [(320, 480), (384, 512), (400, 400)][int(rng.integers(3))]
    picture = _ground(rng, ground, rows, columns)
    taken = np.zeros((rows, columns), np.bool_)
    lines = []
    for turn in range(3):
        size = SIZES[(number * 3 + turn) % len(SIZES)]
        contrast = CONTRASTS[(number + turn) % len(CONTRASTS)]
        kind, words = _words(rng)
        ink, name = _strokes(rng, words, size)
        place = _place(rng, taken, ink.shape)
        if place is None:
            continue
        whole = np.zeros((rows, columns), np.float32)
        down, across = place
        whole[down : down + ink.shape[0], across : across + ink.shape[1]] = ink
        around = float(picture[whole > 0.3].mean())
        level = _level(rng, ground, around, contrast)
        picture = picture * (1 - whole) + level * whole
        told = round(abs(level - around))
        lines.append(Burned(kind, size, told, ground, name, whole > 0.35))
    return Drawn(np.clip(picture, 0, 255).astype(np.uint8), tuple(lines))


def _words(rng: np.random.Generator) -> tuple[str, str]:
    family, given = rng.choice(_FAMILIES), rng.choice(_GIVEN)
    day, month, year = rng.integers(1, 29), rng.integers(1, 13), rng.integers(1925, 2025)
    number = int(rng.integers(10_000, 99_999_999))
    kind = str(rng.choice(("name", "date", "id", "house")))
    said = {
        "name": (f"{family}, {given}", f"{family.upper()}^{given.upper()}", f"{given} {family}"),
        "date": (
            f"{day:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"DOB {day}/{month}/{year}",
        ),
        "id": (f"MRN {number}", f"ID:{number}", f"{number}", f"Acc {number:08d}"),
        "house": _HOUSES,
    }[kind]
    return kind, str(rng.choice(said))


def _strokes(rng: np.random.Generator, words: str, size: int) -> tuple[NDArray[np.float32], str]:
    """Coverage 0 to 1 of each pixel of the line's box."""
    if rng.random() < 0.5:
        face = int(
            rng.choice((cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX))
        )
        thick = 1 if size < 20 else 2
        scale = cv2.getFontScaleFromHeight(face, max(5, round(size * 0.75)), thick)
        (width, height), below = cv2.getTextSize(words, face, scale, thick)
        box = np.zeros((height + below + 2 * _SLACK, width + 2 * _SLACK), np.uint8)
        cv2.putText(box, words, (_SLACK, height + _SLACK), face, scale, 255, thick, cv2.LINE_AA)
        return box.astype(np.float32) / 255, "vector"
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(words)
    image = Image.new("L", (int(right - left) + 2 * _SLACK, int(bottom - top) + 2 * _SLACK))
    ImageDraw.Draw(image).text((_SLACK - left, _SLACK - top), words, fill=255, font=font)
    return np.asarray(image, np.float32) / 255, "outline"


def _place(
    rng: np.random.Generator, taken: NDArray[np.bool_], shape: tuple[int, ...]
) -> tuple[int, int] | None:
    for _ in range(50):
        room = taken.shape[0] - shape[0], taken.shape[1] - shape[1]
        if min(room) <= 0:
            return None
        down, across = int(rng.integers(room[0])), int(rng.integers(room[1]))
        part = taken[down : down + shape[0] + 8, across : across + shape[1] + 8]
        if not part.any():
            part[:] = True
            return down, across
    return None


def _level(rng: np.random.Generator, ground: str, around: float, contrast: int) -> float:
    """Light ink on dark, dark on light, as far from what is around it as asked or as there is."""
    lighter = around < 128 if ground != "gradient" else bool(rng.random() < 0.5)
    level = around + contrast if lighter else around - contrast
    if not 0 <= level <= 255:
        level = 255.0 if lighter else 0.0
    return level


def _ground(rng: np.random.Generator, kind: str, rows: int, columns: int) -> NDArray[np.float32]:
    down, across = np.mgrid[0:rows, 0:columns].astype(np.float32)
    if kind == "dark":
        return rng.normal(12, 3, (rows, columns)).clip(0, 255).astype(np.float32)
    if kind == "light":
        return rng.normal(235, 4, (rows, columns)).clip(0, 255).astype(np.float32)
    if kind == "gradient":
        slope = 40 + 170 * (across + down) / (rows + columns)
        return (slope + rng.normal(0, 5, (rows, columns))).astype(np.float32)
    grain = rng.rayleigh(1.0, (rows, columns)).astype(np.float32)
    speckle = cv2.GaussianBlur(grain, (0, 0), sigmaX=2.2, sigmaY=1.0)
    body = cv2.GaussianBlur(rng.normal(0, 1, (rows, columns)).astype(np.float32), (0, 0), 25)
    body = 70 + 45 * body / max(float(np.abs(body).max()), 1e-6)
    picture = body * speckle / float(speckle.mean())
    if kind == "speckle":
        return picture.astype(np.float32)
    far = np.hypot(across - columns / 2, down + rows * 0.1)
    turned = np.abs(np.arctan2(across - columns / 2, down + rows * 0.1))
    inside = (turned < 0.75) & (far > rows * 0.2) & (far < rows * 1.05)
    return np.where(inside, picture, rng.normal(4, 1, (rows, columns)).clip(0, 255)).astype(
        np.float32
    )


def as_dicom(pixels: NDArray[np.uint8]) -> bytes:
    """The image as an ultrasound object."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"
    dataset.SOPInstanceUID = dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.3.4.5"
    dataset.Modality, dataset.PatientID = "US", "1"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.PixelData = pixels.tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    out = io.BytesIO()
    FileDataset(io.BytesIO(), dataset, preamble=b"\0" * 128, file_meta=meta).save_as(
        out, enforce_file_format=True
    )
    return out.getvalue()
